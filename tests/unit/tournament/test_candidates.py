"""From a view to winners: who is counted where, what is computed once, and which returns are handed on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.deciding import EVERYONE, FALLING, RISING, recruits
from tvquant.core.atoms import Atom, Direction
from tvquant.core.panel import Floats, Panel
from tvquant.features import compute
from tvquant.features.rating_rules import RATING_RULES, AdxRule, with_adx
from tvquant.profiles import Profile
from tvquant.selection import SELECTION_MODELS
from tvquant.tournament.candidates import (
    FeaturePass,
    SelectionOutcome,
    atom_pool,
    base_pool,
    choose,
    context,
    discovery,
    has_history,
    health,
    instrument_features,
    training_streams,
)
from tvquant.tournament.cells import cells
from tvquant.tournament.specs import Rules, StrategySpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROWS, ROW = 200, 150


def rules_of(made: Profile) -> Rules:
    spec = cells(made)[0].spec
    assert isinstance(spec, StrategySpec)
    return spec.rules


@pytest.fixture
def trending() -> dict[str, Floats]:
    """Four names that rise and four that fall, with noise of their own."""
    draw = np.random.default_rng(3)
    drift = np.repeat([0.01, -0.01], 4)
    close = 100.0 * np.exp((drift + 0.01 * draw.standard_normal((ROWS, 8))).cumsum(axis=0))
    return dict(zip("ABCDEFGH", close.T, strict=True))


@pytest.fixture
def chosen(profile: Profiles, market: Markets) -> Callable[..., SelectionOutcome]:
    """The choice of a profile on a market at the row; v4 and ratings from 60 bars on."""

    def make(close: dict[str, Floats], *scanners: dict[str, object], **settings: Any) -> SelectionOutcome:
        given = {"selection__model": "v4", "data__rating_min_bars": 60, "universe__scanners": list(scanners)}
        return choose(look(market(close), ROW), rules_of(profile(**given | settings)))

    return make


@pytest.mark.requirement("R-SEL-30")
@pytest.mark.parametrize(
    ("direction", "side"), [("both", Direction.LONG), ("long", Direction.LONG), ("short", Direction.SHORT)]
)
def test_without_scanners_everyone_is_held_on_the_side_of_the_profile(
    direction: str, side: Direction, trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    found = chosen(trending, universe__direction=direction)
    assert {(a.logic, a.direction, a.scan) for a in found.winners} == {("hold", side, "")}
    assert (found.funnel.universe, found.funnel.discovery) == (8, 8)
    assert found.excluded == {}


@pytest.mark.requirement("R-UNI-14")
def test_scanners_recruit_each_side_and_say_who_is_out(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    rising = chosen(trending, RISING)
    assert {atom.physical_symbol for atom in rising.winners} <= {"X:A", "X:B", "X:C", "X:D"}
    assert rising.excluded == dict.fromkeys(("X:E", "X:F", "X:G", "X:H"), "rising: recommend_ma")
    both = chosen(trending, RISING, FALLING)
    assert both.funnel.discovery == 8
    sides = {atom.physical_symbol: atom.direction for atom in both.winners}
    assert sides == {f"X:{name}": Direction.LONG if name < "E" else Direction.SHORT for name in "ABCDEFGH"}


@pytest.mark.requirement("R-LED-06")
def test_one_coin_for_two_reasons_is_one_instrument_and_two_atoms(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    found = chosen(trending, EVERYONE, FALLING)
    assert (found.funnel.discovery, found.funnel.atoms_discovery) == (8, 12)
    assert len({atom.symbol for atom in found.winners}) == found.funnel.atoms_selected == len(found.winners)
    assert found.funnel.selected == len({atom.physical_symbol for atom in found.winners})


@pytest.mark.requirement("R-LED-06")
@pytest.mark.parametrize("model", ["v4", "baseline"])
def test_counts_never_grow_and_the_lost_have_a_reason(
    model: str, walks: Walks, chosen: Callable[..., SelectionOutcome]
) -> None:
    """Twelve noisy walks: one without a bar, one too young, and vetoes of v4."""
    close = walks("ABCDEFGHIJKL", ROWS, seed=5)
    close["B"][ROW] = np.nan
    close["L"][:100] = np.nan
    found = chosen(close, EVERYONE, selection__model=model, selection__min_winners=1)
    funnel = found.funnel
    assert funnel.universe == 12
    assert funnel.universe >= funnel.discovery >= funnel.refined >= funnel.selected > 0
    assert funnel.atoms_discovery >= funnel.atoms_refined >= funnel.atoms_selected > 0
    assert funnel.atoms_discovery - funnel.atoms_refined == sum(funnel.vetoed.values())
    assert found.excluded == {"X:B": "no_bar", "X:L": "history"}
    assert funnel.vetoed["history"] == 1
    assert (set(funnel.vetoed) == {"history"}) is (model == "baseline")


def test_a_winner_that_overrode_a_veto_is_no_loss_of_the_funnel(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    """Half of noise is too unpredictable at this share; the floor takes all of it back."""
    found = chosen(trending, selection__vetoes=["entropy"], selection__null_share=0.49, selection__min_winners=8)
    assert found.response is not None
    overridden = [symbol for symbol, veto in found.response.vetoes.items() if veto.overridden]
    assert overridden
    assert set(overridden) <= set(found.response.recruited)
    assert found.funnel.atoms_refined == found.funnel.atoms_selected == 8
    assert found.funnel.vetoed == {}


@pytest.mark.requirement("R-UNI-24")
@pytest.mark.requirement("R-SEL-17")
@pytest.mark.requirement("R-SEL-18")
def test_an_outlier_passes_discovery_and_is_vetoed_for_its_rate_of_change_at_every_stage(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    """FHEUSDT.P gains 10 % a day for nine days; the floor that all others cannot fill does not take it in."""
    outlier = trending["A"].copy()
    outlier[ROW - 8 :] = outlier[ROW - 9] * 1.1 ** np.arange(1, ROWS - ROW + 9)
    found = chosen(trending | {"FHEUSDT.P": outlier}, RISING, selection__min_winners=15)
    assert "X:FHEUSDT.P" not in found.excluded
    assert found.funnel.discovery == 5
    assert found.response is not None
    assert found.response.stage == 4
    gain = pytest.approx(100.0 * (1.1**9 - 1.0))
    veto = {"rule": "roc", "value": gain, "limit": 100.0, "hard": True, "overridden": False}
    assert found.response.payload()["vetoes"]["X:FHEUSDT.P_rating_ma_LONG"] == veto
    assert found.funnel.vetoed == {"roc": 1}
    assert {atom.physical_symbol for atom in found.winners} == {"X:A", "X:B", "X:C", "X:D"}
    assert found.response.thresholds["friction"]["hurdle"] == -0.6


def test_unhealthy_names_never_reach_selection(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    trending["A"][ROW - 20] *= 7.0
    found = chosen(trending)
    assert found.excluded == {"X:A": "extreme_return"}
    assert found.response is not None
    assert not [atom for atom in found.response.scores if atom.startswith("X:A")]


def test_without_a_candidate_there_is_no_response(
    trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    nobody = recruits("nobody", "hold", "LONG", above=2.0)
    found = chosen(trending, nobody)
    assert (found.response, found.winners) == (None, ())
    assert (found.funnel.universe, found.funnel.discovery, found.funnel.selected) == (8, 0, 0)
    assert set(found.excluded.values()) == {"nobody: recommend_ma"}


@pytest.mark.requirement("R-UNI-23")
def test_the_base_pool_knows_no_signal(trending: dict[str, Floats], market: Markets, profile: Profiles) -> None:
    """Whatever the rating says, the pool is the same: healthy names past structure and pool filters."""
    trending["H"][:100] = np.nan
    view = look(market(trending), ROW)
    pools = {
        base_pool(view, rules_of(profile(universe__scanners=[one], data__rating_min_bars=60)))
        for one in (RISING, FALLING, EVERYONE)
    }
    assert pools == {tuple(f"X:{name}" for name in "ABCDEFG")}


@pytest.mark.requirement("R-SIM-01")
def test_history_is_asked_of_the_universe_not_of_a_days_recruits(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    panel = market(trending)
    poor = {**EVERYONE, "pool": [{"field": "value_traded_last", "above": 1e15}]}
    rules = rules_of(profile(universe__scanners=[poor]))
    assert discovery(look(panel, 89), rules).pool == ()
    assert has_history(look(panel, 89), rules)
    assert not has_history(look(panel, 88), rules)


def test_what_a_view_knows_of_rules_is_computed_once(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    view, rules = look(market(trending), ROW), rules_of(profile(universe__scanners=[RISING]))
    for ask in (choose, discovery, health, instrument_features):
        assert ask(view, rules) is ask(view, rules)
    assert choose(look(market(trending), ROW), rules) is not choose(view, rules)


def test_what_models_share_on_a_view_is_what_each_would_find_alone(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    """Formulas, thresholds, training rows and rules of ratings differ: nobody is given what is of other rules."""
    panel, given = market(trending), {"universe__scanners": [EVERYONE], "data__rating_min_bars": 60}
    every = [
        rules_of(profile(**{**given, **own}))
        for own in (
            {"selection__model": "v3.4"},
            {"selection__model": "v3.2"},
            {"selection__model": "v4"},
            {"selection__model": "v4", "selection__thresholds": "as_specified"},
            {"selection__model": "v4", "data__rating_min_bars": ROW + 2},
        )
    ]
    every.append(replace(every[2], train=40))
    view = look(panel, ROW)
    for rules in every:
        shared, alone = choose(view, rules), choose(look(panel, ROW), rules)
        assert shared.inputs == alone.inputs
        assert shared.response is not None
        assert alone.response is not None
        assert shared.response.payload() == alone.response.payload()
    assert len({tuple(choose(view, rules).response.scores.values()) for rules in every}) == 5, "and they differ"  # type: ignore[union-attr]


def test_the_rules_of_ratings_are_those_of_the_profile_on_one_view_too(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    view, rated = look(market(trending), ROW), {**EVERYONE, "signal": [{"field": "recommend_all", "above": -1}]}
    values = {}
    for name in RATING_RULES:
        for adx in (None, *AdxRule):
            given = {"data__rating_rules": name, "data__rating_adx": adx and str(adx), "data__rating_min_bars": 60}
            features = instrument_features(view, rules_of(profile(universe__scanners=[rated], **given)))
            kept = RATING_RULES[name] if adx is None else with_adx(RATING_RULES[name], adx)
            own = compute(view.panel, features.names, rating_min_bars=60, rating_rules=kept)
            np.testing.assert_array_equal(features.values, own.values)
            values[name, adx] = features.of("recommend_all", view.panel.keys).tobytes()
    assert len(set(values.values())) > 2, "and they differ"


def test_features_are_what_scanners_and_model_ask_for(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    view = look(market(trending), ROW)
    asked = {
        (model, bool(scanners)): set(
            instrument_features(
                view, rules_of(profile(selection__model=model, universe__scanners=scanners))
            ).names
        )
        for model in ("v4", "baseline")
        for scanners in ([], [RISING])
    }  # fmt: skip
    assert asked == {
        ("v4", False): set(SELECTION_MODELS["v4"].features),
        ("v4", True): set(SELECTION_MODELS["v4"].features),
        ("baseline", False): {"value_traded_last"},
        ("baseline", True): {"value_traded_last", "recommend_ma"},
    }


@pytest.mark.parametrize(("row", "name", "matters"), [(ROW, "A", True), (ROW + 1, "A", False), (80, "A", True),
                                                       (30, "A", False), (ROW - 1, "E", False)])  # fmt: skip
def test_inputs_are_named_by_what_selection_saw(
    row: int, name: str, matters: bool, trending: dict[str, Floats], chosen: Callable[..., SelectionOutcome]
) -> None:
    """A lookback of 100 rows of the recruits; E falls, so its returns are no input. Features go by their values."""
    before = chosen(trending, RISING, data__lookback=100, selection__model="baseline")
    trending[name][row] *= 1.001
    after = chosen(trending, RISING, data__lookback=100, selection__model="baseline")
    assert (before.inputs != after.inputs) is matters


@pytest.mark.requirement("R-SEL-27")
def test_inputs_of_shorts_name_what_their_assets_did(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    """A is four or eight times as dear from a day on: its short has lost everything, its clusters may differ."""
    rules = rules_of(profile(universe__direction="short", selection__model="baseline", data__lookback=100))
    found = []
    for times in (4.0, 8.0):
        close = trending | {"A": np.where(np.arange(ROWS) < ROW - 80, 1.0, times) * trending["A"]}
        found.append(choose(look(market(close, volume=False), ROW), rules))
    assert found[0].winners == found[1].winners
    assert found[0].inputs != found[1].inputs


@pytest.mark.requirement("R-SYN-02")
def test_streams_are_synthetic_longs_over_the_lookback(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    view = look(market(trending), ROW)
    long = Atom(physical_symbol="X:A", logic="rating_ma", direction=Direction.LONG)
    short = Atom(physical_symbol="X:A", logic="rating_ma", direction=Direction.SHORT)
    found = atom_pool(view, rules_of(profile(data__lookback=80)), (short, long)).streams
    close = trending["A"][ROW - 80 : ROW + 1]
    own = close[1:] / close[:-1] - 1.0
    assert found.returns[:, 1] == pytest.approx(own, abs=1e-15)
    assert found.returns[:, 0] == pytest.approx(-own, abs=1e-15)
    assert found.composition == {long.symbol: {"X:A": 1.0}, short.symbol: {"X:A": -1.0}}
    assert found.times[-1] == view.panel.times[ROW]


@pytest.mark.requirement("R-SYN-03")
def test_holes_are_joined_before_a_short_is_turned_over(market: Markets, profile: Profiles) -> None:
    """A misses two sessions while it doubles twice: its short loses its collateral once, not in parts.

    Closes 100, -, -, 400: joined it is +300 %, so the short's -min(3, 1) is -1; B's three days become one return.
    """
    a = np.array([100.0, 100.0, np.nan, np.nan, 400.0, 200.0])
    b = np.array([10.0, 10.0, 11.0, 12.1, 12.1, 12.1])
    view = look(market({"A": a, "B": b}, name="XNYS"), 5)
    short = Atom(physical_symbol="X:A", logic="rating_ma", direction=Direction.SHORT)
    long = Atom(physical_symbol="X:B", logic="rating_ma", direction=Direction.LONG)
    found = training_streams(view, rules_of(profile(windows__train=4)), (short, long))
    assert found.returns[:, 0] == pytest.approx([-1.0, 0.5], abs=1e-15)
    assert found.returns[:, 1] == pytest.approx([0.21, 0.0], abs=1e-15)
    assert found.times.tolist() == view.panel.times[[4, 5]].tolist()


@pytest.mark.parametrize(("name", "periods"), [("24x7", 365), ("XNYS", 252)])
def test_a_selection_annualises_by_the_calendar_of_the_panel(
    trending: dict[str, Floats], market: Markets, profile: Profiles, name: str, periods: int
) -> None:
    view, rules = look(market(trending, name=name), 150), rules_of(profile())
    atoms = (Atom(physical_symbol="X:A", logic="hold", direction=Direction.LONG),)
    assert context(view, rules, atom_pool(view, rules, atoms)).periods_per_year == periods


@pytest.mark.requirement("R-UNI-22")
def test_features_of_one_pass_are_those_that_each_view_computes(
    trending: dict[str, Floats], market: Markets, profile: Profiles
) -> None:
    """Of names listed and lost on the way; two rules are two passes."""
    trending["H"][:170] = trending["F"][140:] = np.nan
    panel = market(trending)
    rules = [
        rules_of(profile(universe__scanners=[RISING], data__rating_min_bars=bars, selection__model="v4"))
        for bars in (60, 120)
    ]
    shared = FeaturePass(panel, np.arange(100, 200))
    for row in (100, 139, 169, 170, 199):
        view, alone = look(panel, row), look(panel, row)
        for each in rules:
            shared.lend(view, row, each)
            lent, own = instrument_features(view, each), instrument_features(alone, each)
            assert (lent.keys, lent.digest(), lent.known_at) == (own.keys, own.digest(), own.known_at)
            assert lent.absent == own.absent


def test_where_cells_come_late_nothing_is_lent(
    trending: dict[str, Floats], market: Markets, profile: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, rules = market(trending), rules_of(profile(universe__scanners=[RISING]))
    late = panel.known_at.copy()
    late[:, 3] += np.timedelta64(1, "h")
    view, calls = look(replace(panel, known_at=late), ROW), []
    FeaturePass(replace(panel, known_at=late), np.arange(100, 200)).lend(view, ROW, rules)
    monkeypatch.setattr("tvquant.tournament.candidates.compute", lambda *a, **k: calls.append(1) or compute(*a, **k))
    instrument_features(view, rules)
    assert calls == [1]


@pytest.mark.requirement("R-SEL-25")
def test_a_model_is_told_what_each_name_is_a_price_of(profile: Profiles, market: Markets, walks: Walks) -> None:
    view, rules = look(market(walks("AB", ROWS)), ROW), rules_of(profile())
    pool = atom_pool(view, rules, discovery(view, rules).atoms)
    assert context(view, rules, pool).identities == {"X:A": ("X:A", "X", "spot"), "X:B": ("X:B", "X", "spot")}
