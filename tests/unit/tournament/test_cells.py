"""The grid of a profile."""

from collections.abc import Callable

import pytest

from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells, headline
from tvquant.tournament.specs import BaseUniverseSpec, MarketSpec, StrategySpec

type Profiles = Callable[..., Profile]


@pytest.mark.requirement("R-TRN-12")
def test_strategies_of_the_grid_then_the_baselines(profile: Profiles) -> None:
    found = cells(profile(benchmark__market=["X:A"]))
    assert [(cell.key, cell.baseline) for cell in found] == [
        ("baseline/custom/min_variance/custom", False),
        ("baseline/custom/equal_weight/custom", False),
        ("base_universe_ew/custom", True),
        ("market/custom", True),
    ]
    assert [type(cell.spec) for cell in found] == [StrategySpec, StrategySpec, BaseUniverseSpec, MarketSpec]
    assert {cell.book.simulator for cell in found} == {"custom"}


def test_no_benchmark_no_market(profile: Profiles) -> None:
    assert [cell.key for cell in cells(profile())][-1] == "base_universe_ew/custom"


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
