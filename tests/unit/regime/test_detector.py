"""From returns to label and quadrant, by both presets."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.core.regimes import UNKNOWN, Quadrant, Regime
from tvquant.profiles.regime_bands import packaged_bands
from tvquant.regime.detector import OPINIONS
from tvquant.regime.noise import SEED, drawn

DRAW = np.random.default_rng(11)
NOISE: Floats = DRAW.standard_normal(252) * 0.01


def steady(draw: Floats) -> Floats:
    """Return noise whose last ten rows are as volatile as the rest, exactly."""
    out = draw - draw.mean()
    out[-10:] = (out[-10:] - out[-10:].mean()) / out[-10:].std(ddof=1) * 0.01
    out[:-10] = (out[:-10] - out[:-10].mean()) / out[:-10].std(ddof=1) * 0.01
    return out


@pytest.mark.requirement("R-REG-04")
def test_paths_are_labelled_as_what_they_are(detect) -> None:
    """Calm after a storm, plain noise, and a shock: by either preset, but that a specified normal is turbulent."""
    plain, calm, shock = steady(NOISE), NOISE.copy(), NOISE.copy()
    calm[-60:] *= 0.1
    shock[-10:] *= 8.0
    assert [detect(one).label for one in (calm, plain, shock)] == [Regime.QUIET, Regime.NORMAL, Regime.CRISIS]
    assert detect(shock, preset="as_specified").label is Regime.CRISIS
    assert detect(calm, preset="as_specified").label is Regime.QUIET
    specified = detect(plain, preset="as_specified", triggers=False)
    assert specified.score == pytest.approx(detect(plain).score * 1.15, abs=0.03)
    assert specified.label is (Regime.QUIET if specified.score < 0.7 else Regime.NORMAL)


@pytest.mark.requirement("R-REG-04")
def test_of_noise_a_tenth_is_quiet_and_a_tenth_turbulent_or_worse(detector) -> None:
    """A quadrant lifts some of the turbulent; as specified, every noise that is not quiet is turbulent."""
    noise = drawn(252, 600, SEED + 2).T * 0.01
    calibrated, by_letter = detector(), detector(preset="as_specified")
    labels = [calibrated.detect(one, periods_per_year=252).label for one in noise]
    share = {label: labels.count(label) / len(noise) for label in Regime}
    assert share[Regime.QUIET] == pytest.approx(0.10, abs=0.035)
    assert share[Regime.TURBULENT] + share[Regime.CRISIS] == pytest.approx(0.10, abs=0.035)
    assert 0.005 <= share[Regime.CRISIS] <= 0.05
    specified = [by_letter.detect(one, periods_per_year=252) for one in noise[:200]]
    loud = [one for one in specified if one.score >= 0.7]
    assert loud
    assert sum(one.label is Regime.NORMAL for one in loud) <= 0.02 * len(loud)


@pytest.mark.requirement("R-REG-05")
@pytest.mark.parametrize("preset", ["calibrated", "as_specified"])
@pytest.mark.parametrize(
    ("mean", "last", "quadrant"),
    [(0.004, 0.3, Quadrant.EXPANSION), (0.004, 3.0, Quadrant.INFLATIONARY_TREND), (-0.004, 0.3, Quadrant.STAGNATION),
     (-0.004, 3.0, Quadrant.CRISIS), (0.0, 3.0, Quadrant.NORMAL), (0.0, 0.3, Quadrant.NORMAL)],
)  # fmt: skip
def test_four_corners_and_the_middle(detect, preset: str, mean: float, last: float, quadrant: Quadrant) -> None:
    returns = steady(NOISE)
    returns[-10:] *= last
    found = detect(returns + mean, preset=preset)
    assert found.quadrant is quadrant
    assert found.growth == pytest.approx(252 * (returns + mean).mean())
    assert found.stress == pytest.approx(
        0.7 * found.components["volatility_ratio"] + 0.6 * found.components["turbulence"]
    )


@pytest.mark.requirement("R-REG-05")
def test_growth_is_by_the_year_of_the_calendar(detector) -> None:
    sessions, always = (detector().detect(NOISE, periods_per_year=year) for year in (252, 365))
    assert always.growth == pytest.approx(sessions.growth * 365 / 252)


@pytest.mark.requirement("R-REG-07")
@pytest.mark.parametrize("preset", ["calibrated", "as_specified"])
def test_a_jump_in_the_last_ten_rows_raises_the_score_the_more_the_larger_it_is(detect, preset: str) -> None:
    scores = []
    for jump in (0.0, 0.04, 0.08, 0.12, 0.20):
        returns = NOISE.copy()
        returns[-4] -= jump
        scores.append(detect(returns, preset=preset).score)
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 0.5


@pytest.mark.requirement("R-REG-01")
def test_under_twenty_rows_it_is_normal_and_says_that_it_does_not_know(detect) -> None:
    assert detect(NOISE[:19]) == UNKNOWN
    assert detect(NOISE[:20]).flags == ()
    assert detect(np.full(100, 0.001)) == UNKNOWN, "a market that does not vary"
    with pytest.raises(ModelError, match="finite"):
        detect(np.append(NOISE, np.nan))


def test_the_last_252_rows_speak_alone(detect) -> None:
    assert detect(np.append(np.full(50, 0.5), NOISE)) == detect(NOISE)
    assert detect(np.append(0.3, NOISE[:-1])) != detect(np.append(0.1, NOISE[:-1]))
    assert detect(NOISE).rows == 252


def forced(score: float) -> dict[str, object]:
    """Return bands by which every score above `score` is turbulent and none is a crisis by itself."""
    plain = packaged_bands()
    values = plain.model_dump(mode="json")
    n = len(plain.rows)
    return values | {"quiet": [0.0] * n, "turbulent": [score] * n, "crisis": [9.0] * n}


@pytest.mark.xdist_group("sklearn")
@pytest.mark.requirement("R-REG-04")
@pytest.mark.parametrize(
    ("turbulent", "rough", "label"),
    [(0.0, True, Regime.CRISIS), (0.0, False, Regime.TURBULENT), (8.0, True, Regime.NORMAL)],
)
def test_a_second_opinion_lifts_a_turbulent_market_only(detector, turbulent, rough, label) -> None:
    one = detector(bands=forced(turbulent), hmm=True)
    returns = steady(NOISE)
    if rough:
        returns[-60:] *= 4.0
        returns -= returns.mean()
    found = one.detect(returns, periods_per_year=252)
    assert found.flags == (("hmm_rough",) if rough else ())
    assert found.label is label


@pytest.mark.requirement("R-REG-04")
@pytest.mark.parametrize("drift", [-0.01, 0.01])
def test_the_quadrant_lifts_as_specified_above_one_and_a_half(detect, drift: float) -> None:
    for factor in (3.0, 4.5):
        returns = steady(NOISE)
        returns[-10:] *= factor
        found = detect(returns + drift, preset="as_specified", triggers=False)
        above = found.score > 1.5
        assert above is (factor > 4.0)
        assert found.score < 1.8
        assert found.quadrant is (Quadrant.CRISIS if drift < 0 else Quadrant.INFLATIONARY_TREND)
        assert found.label is (Regime.CRISIS if above and drift < 0 else Regime.NORMAL)


@pytest.mark.parametrize("triggers", [None, True, False])
@pytest.mark.parametrize("preset", ["calibrated", "as_specified"])
def test_triggers_are_as_the_preset_has_them_unless_said(detector, preset: str, triggers: bool | None) -> None:
    one = detector(preset=preset, triggers=triggers)
    assert one.triggers is (preset == "as_specified" if triggers is None else triggers)
    returns = steady(NOISE)
    returns[-10:] *= 1.25  # so that it is no quiet market by the figures of the specification
    found = one.detect(returns, periods_per_year=252)
    assert found.components["turbulence"] > 0.7
    assert found.label is (Regime.TURBULENT if one.triggers else Regime.NORMAL)


@pytest.mark.xdist_group("sklearn")
@pytest.mark.parametrize("name", OPINIONS)
def test_opinions_repeat_themselves_and_tell_a_rough_end_from_a_calm_one(name: str) -> None:
    calm, rough = steady(NOISE), steady(NOISE)
    calm[:120] *= 4.0
    rough[-60:] *= 4.0
    assert [OPINIONS[name](one) for one in (calm, rough, calm, rough)] == [False, True, False, True]
    assert OPINIONS[name](rough * 7.0), "its scale is no matter"


@pytest.mark.parametrize("below", [0.02, -0.02])
def test_a_band_between_those_of_the_grid_is_linear_in_the_root_of_rows(detector, below: float) -> None:
    """At 226 rows .543 of the way from 200 to 252, which by rows alone would be half."""
    plain, returns = packaged_bands(), steady(NOISE)[-226:]
    score = detector().detect(returns, periods_per_year=252).score
    way = (200**-0.5 - 226**-0.5) / (200**-0.5 - 252**-0.5)
    n, rise = len(plain.rows), 10.0
    first = score - rise * (way + below)
    columns = {"quiet": [-99.0] * n, "turbulent": [first] * (n - 1) + [first + rise], "crisis": [99.0] * n}
    one = detector(bands=plain.model_dump(mode="json") | columns)
    found = one.detect(returns, periods_per_year=252)
    assert found.label is (Regime.TURBULENT if below > 0.0 else Regime.NORMAL), (found.score, way)


@pytest.mark.requirement("R-REG-05")
def test_the_quadrant_is_the_same_whatever_a_year_is(detector) -> None:
    plain = packaged_bands()
    one = detector(bands=plain.model_dump(mode="json") | {"growth": [0.1] * len(plain.rows)})
    returns = steady(NOISE)
    deviation = returns.std(ddof=1)
    for mean, grows in ((0.09, False), (0.11, True)):
        drifting = returns - returns.mean() + mean * deviation
        found = {one.detect(drifting, periods_per_year=year).quadrant for year in (52, 252, 365)}
        assert len(found) == 1
        assert (Quadrant.NORMAL not in found) is grows


@pytest.mark.xdist_group("sklearn")
def test_second_opinions_are_asked_from_sixty_rows_on(detector) -> None:
    returns = steady(NOISE)[-60:]
    returns[-20:] *= 6.0
    one = detector(hmm=True)
    assert one.detect(returns, periods_per_year=252).flags == ("hmm_rough",)
    assert one.detect(returns[1:], periods_per_year=252).flags == ()


@pytest.mark.xdist_group("sklearn")
@pytest.mark.parametrize("name", OPINIONS)
@pytest.mark.parametrize("fall", [0.2, 0.5, 1.0])
def test_a_crash_on_the_last_row_alone_is_a_rough_end(name: str, fall: float) -> None:
    """Nobody has seen yet what follows it; a model of transitions must bear that."""
    assert OPINIONS[name](np.append(NOISE[-99:], -fall))


@pytest.mark.xdist_group("sklearn")
@pytest.mark.parametrize("name", OPINIONS)
def test_sizes_that_do_not_vary_have_no_rougher_state(name: str) -> None:
    assert not OPINIONS[name](np.tile([0.007, -0.007], 60))
