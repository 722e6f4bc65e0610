"""Clusters of the union, on names that move alike."""

from dataclasses import replace

import numpy as np

from builders.netting import union_rules
from builders.panels import days, instrument, panel_of
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.tournament.sleeves.union import bases_of, union_clusters

RULES = union_rules(lookbacks=(20, 40))


def market(rows: int = 60, seed: int = 0) -> Panel:
    """Return coins A, B of one factor, C of another, the perpetual of C that goes with A, and a young name."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0.0, 0.02, (2, rows))
    noise = rng.normal(0.0, 0.002, (5, rows))
    moves = np.stack([first, first, second, first, first]) + noise
    close = 100.0 * np.cumprod(1.0 + moves, axis=1).T
    close[:45, 4] = np.nan
    names = [instrument(name) for name in ("A", "B", "C", "C.P", "YOUNG")]
    names[2], names[3] = (
        replace(names[j], base="C", kinds=frozenset({kind})) for j, kind in ((2, Kind.SPOT), (3, Kind.SWAP))
    )
    return panel_of({"close": close}, names=names, times=days(rows))


def numbers(panel: Panel, row: int, *columns: int) -> tuple[list[int], tuple[int, ...]]:
    found = union_clusters(panel, row, np.array(columns, dtype=np.int64), bases_of(panel), RULES)
    return found.numbers.tolist(), found.alone


def test_what_moves_together_is_one_cluster_and_so_are_all_quotes_of_a_base() -> None:
    panel = market()
    assert bases_of(panel).tolist() == [0, 1, 2, 2, 3]
    assert numbers(panel, 50, 0, 1, 2) == ([1, 1, 2], ())
    assert numbers(panel, 50, 0, 1, 2, 3) == ([1, 1, 2, 2], ())  # the perpetual moves with A; its base decides
    assert numbers(panel, 50, 0, 3) == ([1, 1], ())  # alone of its base it is judged by what it does
    assert numbers(panel, 50) == ([], ())


def test_how_near_and_how_many_is_as_the_rules_say() -> None:
    """A and B move together to a hundredth: at less distance they are two, and of one cluster all are one."""
    panel, columns = market(), np.array([0, 1, 2])
    for rules, expected in (({"distance": 0.01}, [1, 2, 3]), ({"distance": 0.01, "most": 1}, [1, 1, 1])):
        found = union_clusters(panel, 50, columns, bases_of(panel), replace(RULES, **rules))
        assert found.numbers.tolist() == expected


def test_the_quote_with_most_rows_stands_for_its_base() -> None:
    panel = market()
    close = panel.fields["close"].copy()
    close[20:30, 2] = np.nan
    holed = panel_of({"close": close}, names=panel.instruments, times=panel.times)
    assert numbers(holed, 50, 0, 1, 2, 3) == ([1, 1, 1, 1], ())


def test_a_name_with_too_few_rows_is_a_cluster_of_its_own_and_told() -> None:
    panel = market(70)
    assert numbers(panel, 64, 0, 1, 4) == ([1, 1, 2], (4,))  # returns of rows 46 to 64: 19
    assert numbers(panel, 65, 0, 1, 4) == ([1, 1, 1], ())
    assert numbers(panel, 19, 0, 1, 2, 3) == ([1, 2, 3, 3], (0, 1, 2, 3))  # 19 returns of anybody
    assert numbers(panel, 20, 0, 1)[1] == ()


def test_only_rows_until_the_date_and_no_more_than_the_longest_lookback_are_seen() -> None:
    panel = market()
    other = panel.fields["close"].copy()
    other[51:] *= np.random.default_rng(1).uniform(0.5, 2.0, other[51:].shape)
    other[:10, :4] = other[:10, 3::-1]
    changed = panel_of({"close": other}, names=panel.instruments, times=panel.times)
    assert numbers(changed, 50, 0, 1, 2, 3) == numbers(panel, 50, 0, 1, 2, 3)
    swapped = panel.fields["close"].copy()
    swapped[11:51, 1] = panel.fields["close"][11:51, 2]
    assert numbers(panel_of({"close": swapped}, names=panel.instruments, times=panel.times), 50, 0, 1, 2)[0] == [
        1,
        2,
        2,
    ]
