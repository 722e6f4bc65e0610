"""The grid of a profile."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.profiles import profile_of
from tvquant.allocation.risk.tail import Tail
from tvquant.core.books import Convention
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Panel
from tvquant.core.regimes import Regime
from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.tournament.candidates import choose
from tvquant.tournament.cells import cells, grid_size, headline, paths, schedule, schedules
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import BaseUniverseSpec, MarketSpec, Previous, RawPoolSpec, StrategySpec, WinnersSpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]


@pytest.mark.requirement("R-TRN-12")
def test_strategies_of_the_grid_then_the_baselines(profile: Profiles) -> None:
    found = cells(profile(benchmark__market=["X:A"]))
    assert [(cell.key, cell.baseline) for cell in found] == [
        ("baseline/custom/min_variance/custom", False),
        ("baseline/custom/equal_weight/custom", False),
        ("base_universe_ew/custom", True),
        ("benchmark/custom", True),
        ("market/custom", True),
    ]
    assert [type(cell.spec) for cell in found] == [
        StrategySpec, StrategySpec, BaseUniverseSpec, WinnersSpec, MarketSpec,
    ]  # fmt: skip
    assert {cell.book.simulator for cell in found} == {"custom"}


@pytest.mark.requirement("R-UNI-23")
def test_where_scanners_recruit_their_raw_pool_is_a_baseline(profile: Profiles) -> None:
    scanner = {
        "name": "all", "pool": [], "signal": [], "logic": "hold", "direction": "LONG", "exchange": None,
        "kinds": [], "exclude_kinds": [], "currency": None,
    }  # fmt: skip
    made = profile(universe__scanners=[scanner], benchmark__market=["X:A"])
    found = [cell for cell in cells(made) if cell.baseline]
    assert [cell.path.key for cell in found] == ["base_universe_ew", "raw_pool_ew", "benchmark", "market"]
    assert isinstance(found[1].spec, RawPoolSpec)
    assert found[1].spec.benchmark == ("X:A",)


def test_no_benchmark_no_market(profile: Profiles) -> None:
    assert [cell.key for cell in cells(profile())][-1] == "benchmark/custom"


@pytest.mark.requirement("R-RSK-25")
def test_the_headline_is_a_cell_of_the_primary_profile(profile: Profiles) -> None:
    made = profile(risk__primary="equal_weight")
    assert headline(made) == "baseline/custom/equal_weight/custom"
    assert headline(made) in {cell.key for cell in cells(made)}


def test_specs_carry_limits_fallbacks_and_caveats(profile: Profiles) -> None:
    made = profile(allocation__fallbacks=["equal_weight"], allocation__limits__position=0.2)
    spec = cells(made)[0].spec
    assert isinstance(spec, StrategySpec)
    assert spec.fallbacks == ("equal_weight",)
    assert spec.limits.position == 0.2
    assert spec.rules.train == 60
    assert spec.rules.stamps == {Stamp.CURRENT_ONLY, Stamp.SWEPT_WINDOWS}
    dated = cells(profile(universe__membership="dated", windows__step=10))[0].spec
    assert isinstance(dated, StrategySpec)
    assert dated.rules.stamps == frozenset()


@pytest.mark.requirement("R-SEL-15")
def test_thresholds_as_specified_are_stamped(profile: Profiles) -> None:
    spec = cells(profile(selection__thresholds="as_specified"))[0].spec
    assert isinstance(spec, StrategySpec)
    assert spec.rules.stamps == {Stamp.CURRENT_ONLY, Stamp.SWEPT_WINDOWS, Stamp.AS_SPECIFIED}


@pytest.mark.requirement("R-SIM-17")
@pytest.mark.requirement("R-SIM-04")
@pytest.mark.parametrize("name", ["us_equities", "crypto_spot"])
def test_the_letter_of_the_specification_is_a_profile_of_its_own_and_stamped(name: str) -> None:
    """Fills at the very close and free shorts; every cell says so, and the same profile without them does not."""
    for profile, literal in ((profile_of(f"{name}_as_specified"), True), (profile_of(name), False)):
        made = cells(profile)
        assert {cell.book.costs.borrow_rate == 0.0 for cell in made} == {literal}
        assert {cell.book.execution.convention == Convention.SAME_CLOSE for cell in made} == {literal}
        stamps = [cell.spec.rules.stamps for cell in made if not isinstance(cell.spec, MarketSpec)]
        assert {Stamp.AS_SPECIFIED in one for one in stamps} == {literal}
        assert {cell.spec.two_layers for cell in made if isinstance(cell.spec, StrategySpec)} == {literal}


def test_selections_of_the_headline_are_recorded_whole_those_of_other_sides_are_not(profile: Profiles) -> None:
    """A profile with declared shorts selects on other sides than its optimisers do, in a chain of its own."""
    made = cells(
        profile(
            universe__direction="both", allocation__profiles=["hrp", "equal_weight", "fixed"], risk__primary="hrp",
            risk__anchors=[], allocation__fixed__weights={"NYSE:A": 0.2, "NYSE:B": -0.2},
        )
    )  # fmt: skip
    whole = {cell.path.key: cell.path.whole for cell in made}
    assert whole["baseline/custom/hrp"]
    assert whole["baseline/custom/equal_weight"]
    assert not whole["baseline/custom/fixed"]
    assert not whole["base_universe_ew"]


@pytest.mark.requirement("R-RSK-03")
def test_adaptive_is_a_trial_of_its_own_and_another_risk_profile_in_each_regime(profile: Profiles) -> None:
    made = profile(allocation__profiles=["min_variance", "adaptive"], risk__adaptive__quiet="cvar_min")
    by_key = {one.key: one.spec for one in paths(made, [schedule(made)])}
    assert {"baseline/custom/min_variance", "baseline/custom/adaptive"} <= set(by_key)
    spec = by_key["baseline/custom/adaptive"]
    assert isinstance(spec, StrategySpec)
    assert [spec.weighed_in(one).risk_profile for one in Regime] == [
        "cvar_min", "min_variance", "risk_parity", "min_variance",
    ]  # fmt: skip
    assert [type(one) for one in spec.options] == [Tail]
    plain = by_key["baseline/custom/min_variance"]
    assert isinstance(plain, StrategySpec)
    assert plain.weighed_in(Regime.CRISIS) is plain


@pytest.mark.parametrize(
    "settings", [{"risk__adaptive__crisis": "market_neutral"}, {"allocation__neutrality__profiles": ["min_variance"]}]
)
def test_adaptive_is_neutral_where_what_it_chooses_is(profile: Profiles, settings: dict[str, Any]) -> None:
    settings |= {"allocation__profiles": ["hrp", "adaptive"], "risk__primary": "hrp"}
    made = profile(benchmark__market=["X:M"], **settings)
    spec = {one.key: one.spec for one in paths(made, [schedule(made)])}["baseline/custom/adaptive"]
    assert isinstance(spec, StrategySpec)
    assert spec.neutral is not None
    assert spec.neutral.symbols == ("X:M",)
    with pytest.raises(ProfileError, match=r"keeps its beta to benchmark\.market near 0, and that names no symbol"):
        profile(benchmark__market=[], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"risk__primary": "adaptive"}, r"risk\.adaptive\.quiet: adaptive cannot weigh by 'adaptive'"),
        ({"risk__adaptive__crisis": "fixed"}, r"risk\.adaptive\.crisis: adaptive cannot weigh by 'fixed'"),
        ({"risk__adaptive__crisis": "hpr"}, r"risk\.adaptive\.crisis: unknown risk profile 'hpr' - did you mean hrp"),
        ({"allocation__fallbacks": ["adaptive"]}, r"allocation\.fallbacks: adaptive is no fallback"),
        (
            {"risk__adaptive__quiet": "max_sharpe", "allocation__means__estimator": "zero"},
            r"risk\.adaptive\.quiet: risk profile 'max_sharpe' goes by means",
        ),
    ],
)
def test_a_table_that_leaves_adaptive_without_a_risk_profile_is_refused(
    profile: Profiles, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProfileError, match=message):
        profile(allocation__profiles=["min_variance", "adaptive"], **settings)


@pytest.mark.requirement("R-RSK-05")
@pytest.mark.parametrize(("direction", "sign"), [("long", 1.0), ("short", -1.0)])
def test_the_benchmark_holds_one_nth_of_every_winner_on_its_side_whatever_the_caps(
    direction: str, sign: float, profile: Profiles, market: Callable[..., Panel], walks: Callable[..., Any]
) -> None:
    made = profile(universe__direction=direction, allocation__limits__position=0.01)
    spec = next(cell.spec for cell in cells(made) if cell.path.key == "benchmark")
    view = look(market(walks("ABCDEF", 200)), 149)
    decision = decide(view, spec, Previous())
    assert isinstance(spec, WinnersSpec)
    names = [atom.physical_symbol for atom in choose(view, spec.rules).winners]
    assert decision.weights == pytest.approx({name: sign / len(names) for name in names})
    assert sum(decision.atoms.values()) == pytest.approx(1.0)


def test_a_grid_crosses_selections_costs_and_schedules_and_renames_nothing(profile: Profiles) -> None:
    alone = profile()
    made = profile(
        grid__selections={"tight": {"min_winners": 2}}, grid__costs={"dear": {"slippage_bps": 50.0}}, grid__train=[120]
    )
    found = [cell.key for cell in cells(made)]
    weighed = ("baseline/custom/min_variance", "baseline/custom/equal_weight")
    tight = tuple(one.replace("baseline", "tight", 1) for one in weighed)
    once = (*weighed, *tight, "base_universe_ew", "benchmark", "benchmark/tight")
    assert found == [
        f"{path}{when}/{book}" for when in ("", "/120-20-20") for path in once for book in ("custom", "custom+dear")
    ]
    assert {cell.key for cell in cells(alone)} <= set(found)
    assert [cell.key for cell in cells(made) if cell.audited] == [
        "baseline/custom/min_variance/custom", "base_universe_ew/custom", "benchmark/custom",
    ]  # fmt: skip
    for cell in cells(made):  # each decides by what its key names
        assert not isinstance(cell.spec, MarketSpec)
        assert (cell.spec.rules.selection.min_winners == 2) is ("tight" in cell.key.split("/"))
        assert cell.spec.rules.train == cell.path.schedule.train == (120 if "120-20-20" in cell.key else 60)
    dear = next(cell for cell in cells(made) if cell.book.key == "custom+dear")
    assert (dear.book.costs.slippage_bps, dear.book.simulator) == (50.0, "custom")


def test_a_test_below_the_step_is_no_schedule(profile: Profiles) -> None:
    made = profile(grid__step=[5, {"week": "friday"}], grid__test=[10])
    assert [one.name for one in schedules(made)] == ["60-20-20", "60-5-5", "60-10-5", "60-week_friday"]
    named = profile(grid__step=[5], grid__test=[20])
    assert [one.name for one in schedules(named)] == ["60-20-20", "60-20-5"]


def test_a_start_is_named_where_it_is_another_than_the_profiles_own(profile: Profiles) -> None:
    made = profile(data__start="2020-06-01", grid__phases=2, grid__starts=["2021-01-01"], grid__train=[120])
    named = {cell.path.when for cell in cells(made)}
    assert named == {"", "120-20-20", "60-20-20+10", "60-20-20@2021-01-01"}


def test_phases_and_starts_are_variants_of_the_headline_alone(profile: Profiles) -> None:
    made = profile(grid__phases=2, grid__starts=["2021-01-01"], execution__simulators=["custom", "cvxportfolio"])
    found = [cell for cell in cells(made) if cell.path.variant]
    main = "baseline/custom/min_variance"
    assert [cell.key for cell in found] == [f"{main}/60-20-20+10/custom", f"{main}/60-20-20@2021-01-01/custom"]
    assert not any(cell.baseline for cell in found)


def test_a_phase_puts_every_window_off() -> None:
    own = schedule(profile_of())
    times = np.arange("2020-01-01", "2020-07-01", dtype="datetime64[D]").astype("datetime64[us]")
    first, later = (replace(own, phase=phase).windows(times, "CRYPTO_24_7") for phase in (0, 7))
    assert [one.start + 7 for one in first][: len(later)] == [one.start for one in later]


THREE_ENGINES = {
    "allocation__engines": ["custom", "skfolio", "riskfolio"], "execution__simulators": ["custom", "vectorbt"],
    "allocation__profiles": ["hrp", "equal_weight", "barbell", "cvar_min", "adaptive"], "risk__primary": "hrp",
    "grid__selections": {"v4": {"model": "v4"}}, "costs__borrow_rate": 0.0, "execution__convention": "next_close",
    "grid__costs": {"lent": {"borrow_rate": 0.05}, "dear": {"slippage_bps": 50.0}},
    "grid__step": ["month_end"], "grid__test": [10], "grid__phases": 4, "grid__starts": ["2024-01-01"],
}  # fmt: skip
SHORT = {"grid__test": [5], "grid__step": [5], "grid__train": [90], "grid__costs": {"dear": {"slippage_bps": 50.0}}}


@pytest.mark.requirement("R-TRN-01")
@pytest.mark.parametrize(
    ("settings", "asked", "left_out"),
    [({}, 2, 0), (SHORT, 2 * 6 * 2, 2), (THREE_ENGINES, 2 * 15 * 3 * 6, 3)],
    ids=["alone", "short tests", "three engines"],
)
def test_the_grid_has_the_product_of_its_axes_less_what_is_logged(
    profile: Profiles, settings: dict[str, Any], asked: int, left_out: int
) -> None:
    made = profile(**settings)
    size = grid_size(made)
    strategies = {one.key for one in cells(made) if not one.baseline and not one.path.variant}
    assert (size.asked, len(size.exclusions)) == (asked, left_out)
    assert len(strategies) == size.cells == asked - sum(one.cells for one in size.exclusions)
    assert all(one.cells > 0 and one.why for one in size.exclusions)


def test_an_outcome_records_where_its_cell_stands_in_the_grid_and_nothing_of_what_is_the_profiles_own(
    profile: Profiles,
) -> None:
    made = profile(
        grid__selections={"tight": {"min_winners": 2}}, grid__costs={"dear": {"slippage_bps": 50.0}}, grid__train=[120],
        grid__phases=2,
    )  # fmt: skip
    found = {cell.key: cell.place for cell in cells(made)}
    path = "custom/min_variance"
    assert found[f"baseline/{path}/custom"] == {"baseline": False}
    assert found["base_universe_ew/custom"] == {"baseline": True}
    assert found[f"tight/{path}/120-20-20/custom+dear"] == {
        "baseline": False, "entrant": "tight", "schedule": "120-20-20", "scenario": "dear",
    }  # fmt: skip
    assert found["benchmark/tight/custom"] == {"baseline": True, "entrant": "tight"}
    assert found["benchmark/120-20-20/custom"] == {"baseline": True, "schedule": "120-20-20"}
    assert found[f"baseline/{path}/60-20-20+10/custom"] == {
        "baseline": False, "schedule": "60-20-20+10", "variant": True,
    }  # fmt: skip
