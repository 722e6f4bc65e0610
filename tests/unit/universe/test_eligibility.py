"""Who may be chosen: limits of every rule, on panels made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import calendar
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.profiles import Profile, load, resolve
from tvquant.universe import eligible
from tvquant.universe.eligibility import belongs

ROWS = 200
DAY = np.timedelta64(1, "D")


def profile(**settings: Any) -> Profile:
    """The crypto preset (60 training rows) with dotted keys written with two underscores."""
    arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in settings.items()}
    return resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile


def prices(*holes: int | slice, rows: int = ROWS, seed: int = 0) -> Floats:
    """A random walk with rows taken out."""
    close = 100.0 * np.exp(np.random.default_rng(seed).normal(0.0, 0.02, rows).cumsum())
    for hole in holes:
        close[hole] = np.nan
    return close


def instrument(name: str, *, kinds: Sequence[Kind] = (Kind.SPOT,), generation: int = 1, **rest: Any) -> Instrument:
    return Instrument(
        symbol=f"X:{name}", generation=generation, kinds=frozenset(kinds), currency="USD", calendar="24x7", **rest
    )


def market(close: Mapping[Instrument | str, Floats], *, name: str = "24x7") -> Panel:
    """A panel of the given closes, in the given order."""
    block = np.column_stack(list(close.values()))
    times = calendar(name).bars(np.datetime64("2020-01-01"), np.datetime64("2022-01-01"))[: len(block)]
    return Panel(
        times=times,
        instruments=tuple(key if isinstance(key, Instrument) else instrument(key) for key in close),
        fields={"close": block},
        known_at=np.broadcast_to((times + DAY)[:, None], block.shape),
        tradable=~np.isnan(block),
        bases=(Basis.RAW,) * block.shape[1],
        stamps=(frozenset(),) * block.shape[1],
        calendar=name,
    )


def judge(panel: Panel, **settings: Any) -> Any:
    made = profile(**settings)
    return eligible(panel, made.universe, made.data, train=made.windows.train)


@pytest.mark.requirement("R-DAT-02")
def test_ninety_bars_are_enough_and_eighty_nine_are_not() -> None:
    found = judge(market({"A": prices(), "B": prices(slice(0, ROWS - 90)), "C": prices(slice(0, ROWS - 89))}))
    assert found.keys == ("X:A", "X:B")
    assert found.excluded == {"X:C": "history"}
    assert found.has_history


def test_nobody_has_history_before_the_ninetieth_row() -> None:
    panel = market({"A": prices()})
    assert not judge(panel.until(panel.known_at[88, 0])).has_history
    assert judge(panel.until(panel.known_at[89, 0])).has_history


@pytest.mark.requirement("R-DAT-04")
@pytest.mark.parametrize(
    ("name", "hole", "passes"),
    [
        ("24x7", slice(150, 151), False),
        ("XNYS", slice(150, 151), True),
        ("XNYS", slice(150, 152), False),
    ],
)
def test_gaps_are_tolerated_as_the_calendar_says(name: str, hole: slice, passes: bool) -> None:
    found = judge(market({"A": prices(), "B": prices(hole)}, name=name))
    assert found.excluded == ({} if passes else {"X:B": "gap"})
    assert found.tolerated == (1 if passes else 0)


def test_separate_single_sessions_are_each_tolerated_and_counted() -> None:
    found = judge(market({"A": prices(150, 152), "B": prices(slice(10, 12), 160)}, name="XNYS"))
    assert found.excluded == {"X:B": "gap"}
    assert found.tolerated == 2  # those of the eligible only


@pytest.mark.parametrize(("hole", "passes"), [(ROWS - 101, True), (ROWS - 100, False)])
def test_a_gap_counts_within_the_lookback_only(hole: int, passes: bool) -> None:
    """The first row of the lookback is missing to a name that had a bar before it."""
    found = judge(market({"A": prices(hole)}), data__lookback=100)
    assert found.keys == (("X:A",) if passes else ())


def test_rows_before_the_listing_are_no_gap() -> None:
    assert judge(market({"A": prices(), "B": prices(slice(0, 100))})).keys == ("X:A", "X:B")


@pytest.mark.parametrize(("share", "passes"), [(0.05, True), (0.03, False)])
def test_the_share_of_missing_rows_is_of_those_since_the_listing(share: float, passes: bool) -> None:
    """Listed 100 rows ago, within 150 training rows: 4 of those 100 are missing, not 54 of 150."""
    panel = market({"A": prices(slice(0, 100), 110, 120, 130, 140)}, name="XNYS")
    found = judge(panel, windows__train=150, data__max_missing=share)
    assert found.excluded == ({} if passes else {"X:A": "missing_rows"})


def _one_of_each() -> dict[Instrument | str, Floats]:
    """On XNYS, where one session may miss: a name for every reason, and one for none."""
    jump = prices()
    jump[-30:] *= 8.0
    return {
        "fine": prices(),
        "no_bar": prices(-1),
        "extreme_return": jump,
        "zero_variance": np.full(ROWS, 7.0),
        "missing_rows": prices(*range(ROWS - 58, ROWS - 1, 5)),
        "gap": prices(slice(ROWS - 20, ROWS - 18)),
        "history": prices(slice(0, ROWS - 50)),
    }


@pytest.mark.requirement("R-LED-06")
def test_every_reason_has_its_name_and_the_funnel_adds_up() -> None:
    found = judge(market(_one_of_each(), name="XNYS"))
    assert found.keys == ("X:fine",)
    assert found.excluded == {f"X:{reason}": reason for reason in _one_of_each() if reason != "fine"}
    funnel = found.funnel
    assert (funnel.universe, funnel.discovery, funnel.refined, funnel.selected) == (7, 6, 1, 1)
    assert funnel.vetoed == dict.fromkeys(
        ("history", "extreme_return", "zero_variance", "missing_rows", "gap"), 1
    )  # a name without a bar was never discovered


def test_the_first_reason_that_is_asked_counts() -> None:
    found = judge(market({"A": prices(), "B": np.where(np.arange(ROWS) < 150, np.nan, 7.0)}))
    assert found.excluded == {"X:B": "history"}


def test_limits_themselves_are_allowed() -> None:
    """A return of exactly the limit and a share missing of exactly the limit pass; the next ones do not."""
    limit = np.tile([1.0, 1.5], ROWS // 2)  # +50 % and -33 %
    missing = prices(*range(ROWS - 58, ROWS - 28, 5))  # 6 of 60 training rows
    panel = market({"A": limit, "B": missing}, name="XNYS")
    assert judge(panel, data__max_abs_return=0.5, data__max_missing=0.1).excluded == {}
    assert judge(panel, data__max_abs_return=0.49, data__max_missing=0.09).excluded == {
        "X:A": "extreme_return",
        "X:B": "missing_rows",
    }


def test_an_extreme_return_before_the_training_rows_is_forgotten() -> None:
    jump = prices()
    jump[-61:] *= 8.0  # the jump is the return of row -61, the one before the training rows
    assert judge(market({"A": jump})).keys == ("X:A",)
    jump[-61] /= 8.0  # now it is that of row -60, the first of them
    assert judge(market({"A": jump})).excluded == {"X:A": "extreme_return"}


@pytest.mark.requirement("R-LED-06")
@pytest.mark.parametrize("seed", range(8))
def test_counts_never_grow_and_always_reconcile(seed: int) -> None:
    draw = np.random.default_rng(seed)
    close = {f"N{k:02d}": prices(draw.random(ROWS) < draw.choice([0.0, 0.01, 0.2]), seed=k) for k in range(30)}
    listed = sorted(close, key=lambda name: int(np.argmin(np.isnan(close[name]))))
    found = judge(market({name: close[name] for name in listed}, name="XNYS"))
    f = found.funnel
    assert f.universe >= f.discovery >= f.refined >= f.selected >= 0
    assert f.universe - f.discovery == sum(why == "no_bar" for why in found.excluded.values())
    assert f.discovery - f.refined == sum(f.vetoed.values())
    assert f.refined == len(found.keys)
    assert set(found.keys).isdisjoint(found.excluded)
    assert len(found.keys) + len(found.excluded) == f.universe == 30


def test_a_dead_generation_of_a_ticker_has_no_bar() -> None:
    old, new = instrument("A"), instrument("A", generation=2)
    panel = market({old: prices(slice(100, None)), new: prices(slice(0, 105), seed=1)})
    found = judge(panel, universe__symbols=["X:A"])
    assert found.keys == ("X:A#2",)
    assert found.excluded == {"X:A": "no_bar"}
    assert (found.funnel.universe, found.funnel.discovery) == (2, 1)


@pytest.mark.requirement("R-SIM-03")
def test_who_crashes_or_is_delisted_tomorrow_is_eligible_today() -> None:
    today = 150
    times = market({"A": prices()}).times
    gone = Fact(field="delisted_at", value=times[today + 1], known_at=times[today + 1] + DAY)
    crash = prices()
    crash[today + 1 :] *= 1e-4
    panel = market({instrument("A", facts=(gone,)): prices(slice(today + 1, None)), "B": crash})
    assert judge(panel.until(panel.known_at[today, 0])).keys == ("X:A", "X:B")
    tomorrow = judge(panel.until(panel.known_at[today + 10, 0]), data__max_abs_return=0.9)
    assert tomorrow.excluded == {"X:A": "no_bar", "X:B": "extreme_return"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("X:A", "X:B")),
        ({"universe__symbols": ["X:B"]}, ("X:B",)),
        ({"universe__exclude_symbols": ["X:B"]}, ("X:A",)),
        ({"universe__exclude_kinds": []}, ("X:A", "X:B", "X:S")),
        ({"universe__kinds": ["swap"]}, ("X:P",)),
    ],
)
def test_the_profile_says_who_belongs(settings: dict[str, Any], expected: tuple[str, ...]) -> None:
    names = (
        instrument("A"),
        instrument("B"),
        instrument("S", kinds=(Kind.SPOT, Kind.STABLECOIN)),
        instrument("P", kinds=(Kind.SWAP,)),
    )
    universe = profile(**settings).universe
    assert tuple(i.key for i in names if belongs(i, universe)) == expected
    found = judge(market({i: prices(seed=k) for k, i in enumerate(names)}), **settings)
    assert found.keys == expected
    assert found.funnel.universe == len(expected)  # who does not belong is not counted


def test_a_universe_without_names_is_empty_and_no_error() -> None:
    found = judge(market({"A": prices()}), universe__symbols=["X:OTHER"])
    assert (found.keys, found.excluded, found.has_history, found.tolerated) == ((), {}, False, 0)
    assert found.funnel.universe == 0
