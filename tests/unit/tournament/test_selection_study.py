"""Contenders over the windows of a market: decided as a tournament decides, measured by what came after."""

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tvquant.core.atoms import Direction
from tvquant.core.errors import DataError
from tvquant.core.panel import Floats, Panel
from tvquant.features import history
from tvquant.profiles import Profile
from tvquant.tournament import candidates
from tvquant.tournament.candidates import choose, discovery, health
from tvquant.tournament.selection_study import Contender, SelectionStudy, contenders, whole_windows
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

NAMES, ROWS = "ABCDEFGHIJKL", 190


@pytest.fixture
def asked(profile: Profiles) -> Callable[..., tuple[Contender, ...]]:
    def make(model: str, **settings: Any) -> tuple[Contender, ...]:
        return contenders(profile(**{"selection__model": model, "data__rating_min_bars": 60} | settings))

    return make


def studied(panel: Panel, made: Profile, among: tuple[Contender, ...]) -> Any:
    study = SelectionStudy(panel, whole_windows(panel, made, among[0].rules))
    return study, [study.window(one, among) for one in study.windows]


def test_a_model_that_relaxes_is_seen_with_its_floor_and_without(
    asked: Any, profile: Profiles, market: Markets, walks: Walks
) -> None:
    among = (*asked("v4"), *asked("v2"), *asked("baseline"), *asked("v3.4"))
    assert [one.key for one in among] == [
        ("v4", True), ("v4", False), ("v2", True), ("baseline", True), ("v3.4", True), ("v3.4", False),
    ]  # fmt: skip
    _, found = studied(market(walks(NAMES, ROWS)), profile(), among)
    for one in found:
        with_floor, without = one.selections["v4", True], one.selections["v4", False]
        assert with_floor.stage == 4  # 15 of 12 names are never there
        assert set(without.winners) <= set(with_floor.winners)
        assert len(one.selections["baseline", True].winners) == one.pool == len(NAMES)
        assert one.selections["baseline", True].alpha == 0.0


def test_features_of_all_contenders_are_computed_in_one_pass(
    asked: Any, profile: Profiles, market: Markets, walks: Walks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models that ask for other features are served from one pass over the bars, with what each finds alone."""
    passes, panel = [], market(walks(NAMES, ROWS))
    monkeypatch.setattr(
        candidates, "history", lambda *given, **more: passes.append(given[1]) or history(*given, **more)
    )
    among = (*asked("v2"), *asked("baseline"), *asked("v4"))
    _, together = studied(panel, profile(), among)
    assert len(passes) == 1
    alone = [studied(panel, profile(), (one,))[1] for one in among]
    for one, windows in zip(among, alone, strict=True):
        assert [x.selections[one.key].winners for x in windows] == [x.selections[one.key].winners for x in together]


def test_windows_last_until_the_next_begins_and_none_is_cut_off(
    asked: Any, profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(walks(NAMES, ROWS))
    (rules,) = (one.rules for one in asked("v2"))
    for settings in ({"windows__step": 20, "windows__test": 60}, {"windows__step": "month_end"}):
        windows = whole_windows(panel, profile(**settings), rules)
        assert all(one.stop == other.start for one, other in itertools.pairwise(windows))
        assert windows[-1].stop <= ROWS
    assert SelectionStudy(panel, windows).horizons == (1, 5, 20)
    with pytest.raises(DataError, match="the data end 90 rows after the first decision"):
        whole_windows(panel, profile(windows__step=91, windows__train=100), rules)
    short = whole_windows(panel, profile(windows__step=5), rules)
    assert SelectionStudy(panel, short).horizons == (1,)


@pytest.mark.requirement("R-SIM-03")
def test_choices_are_those_of_a_tournament_and_what_comes_after_changes_only_what_they_earned(
    asked: Any, profile: Profiles, market: Markets, walks: Walks
) -> None:
    among = (*asked("v2"), *asked("v4", selection__min_winners=2, selection__top_n=1))
    close = walks(NAMES, ROWS)
    panel = market(close)
    study, found = studied(panel, profile(), among)
    window = study.windows[1]
    for one in among:
        won = choose(look(panel, window.start - 1), one.rules).winners
        assert found[1].selections[one.key].winners == tuple(atom.symbol for atom in won)
    view = look(panel, window.start - 1)
    assert discovery(view, among[0].rules) is discovery(view, among[1].rules)
    assert health(view, among[0].rules) is health(view, among[1].rules)
    won = choose(view, among[1].rules).winners
    assert 0 < len(won) < len(NAMES)
    earned = {f"X:{name}": column[window.stop - 1] / column[window.start - 1] - 1 for name, column in close.items()}
    expected = np.mean([earned[atom.physical_symbol] for atom in won]) - np.mean(list(earned.values()))
    assert found[1].selections["v4", True].alpha == pytest.approx(expected, rel=1e-9)

    scrambled = {name: column.copy() for name, column in close.items()}
    rng = np.random.default_rng(0)
    for column in scrambled.values():
        column[window.start :] *= np.exp(rng.normal(0, 0.05, ROWS - window.start).cumsum())
    again = SelectionStudy(market(scrambled), study.windows).window(window, among)
    for key, before in found[1].selections.items():
        after = again.selections[key]
        assert (after.winners, after.clusters, after.stage, after.bets) == (
            before.winners, before.clusters, before.stage, before.bets,
        )  # fmt: skip
        assert after.ic.tolist() != before.ic.tolist()
        assert {rule: one.count for rule, one in after.vetoes.items()} == {
            rule: one.count for rule, one in before.vetoes.items()
        }


def test_a_short_counts_by_what_its_holder_earns_and_a_dead_name_by_its_last_return(
    asked: Any, profile: Profiles, market: Markets, walks: Walks
) -> None:
    close = walks("ABCD", ROWS)
    close["A"][105:] = np.nan  # gone five rows into the first window
    panel = market(close)
    among = asked("v4", universe__direction="short", selection__min_winners=1, selection__max_winners=2)
    study, found = studied(panel, profile(), among[:1])
    window = study.windows[0]
    assert (window.start, window.stop, found[0].pool) == (100, 120, 4)
    won = choose(look(panel, window.start - 1), among[0].rules).winners
    earned = {}
    for name, column in close.items():
        moves = column[100:120] / column[99:119] - 1
        earned[f"X:{name}"] = np.prod(1 - moves[np.isfinite(moves)]) - 1
    assert {atom.direction for atom in won} == {Direction.SHORT}
    expected = np.mean([earned[atom.physical_symbol] for atom in won]) - np.mean(list(earned.values()))
    assert len(won) < 4
    assert found[0].selections["v4", True].alpha == pytest.approx(expected, rel=1e-9)
    assert found[0].selections["v4", True].silent == 0
    silent = close | {"A": np.where(np.arange(ROWS) >= 100, np.nan, close["A"])}
    assert SelectionStudy(market(silent), study.windows).window(window, among).selections["v4", True].silent == 1


def test_a_study_travels_to_other_processes(asked: Any, profile: Profiles, market: Markets, walks: Walks) -> None:
    among = asked("v2")
    study, found = studied(market(walks(NAMES, ROWS)), profile(), among)
    other = pickle.loads(pickle.dumps(study))
    again = other.window(study.windows[0], among)
    assert again.selections["v2", True].winners == found[0].selections["v2", True].winners
    assert again.selections["v2", True].alpha == found[0].selections["v2", True].alpha
