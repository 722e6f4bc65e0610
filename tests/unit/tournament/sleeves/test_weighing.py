"""Sleeves weighed: against closed forms, and without what comes later."""

import numpy as np
import pytest

from builders.netting import meta_spec
from builders.sleeves import sleeve
from tvquant.core.allocations import Status
from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.calendars import CRYPTO, NEW_YORK
from tvquant.core.errors import DataError, ModelError
from tvquant.core.panel import Floats
from tvquant.statistics import estimate
from tvquant.statistics.covariance import Estimates
from tvquant.tournament.sleeves.join import Joined, joined
from tvquant.tournament.sleeves.shares import MetaPath
from tvquant.tournament.sleeves.specs import MetaSpec, Mix
from tvquant.tournament.sleeves.weighing import mixed, weighed


def streams(spread: list[float], rows: int = 60, seed: int = 1) -> Joined:
    """Return independent streams with these standard deviations."""
    returns = np.random.default_rng(seed).normal(0.0, spread, (rows, len(spread)))
    return of(returns)


def of(returns: Floats) -> Joined:
    levels = np.vstack([np.ones(returns.shape[1]), np.cumprod(1.0 + returns, axis=0)])
    return joined([sleeve(f"s{k}", levels[:, k].tolist()) for k in range(returns.shape[1])])


def by(found: Joined, spec: MetaSpec) -> MetaPath:
    return weighed(found, spec, CRYPTO)


@pytest.mark.requirement("R-META-07", "R-META-08")
def test_hrp_of_two_sleeves_is_inverse_variance_of_the_rows_behind_it() -> None:
    given = streams([0.01, 0.02])
    path = by(given, meta_spec())
    assert [one.row for one in path.decisions] == [20, 25, 30, 35, 40, 45, 50, 55]  # none at row 60, the last
    assert path.key == "meta/custom/hrp"
    for one in path.decisions:
        variance = np.diag(estimate(given.returns[one.row - 20 : one.row]).matrix)
        np.testing.assert_allclose(list(one.shares.values()), (1 / variance) / (1 / variance).sum(), rtol=1e-12)
        assert (one.status, one.cash, one.at) == ("solved", 0.0, given.times[one.row])
    capped = by(given, meta_spec(bounds=(0.05, 0.5)))
    assert all(list(one.shares.values()) == pytest.approx([0.5, 0.5], abs=1e-9) for one in capped.decisions)


@pytest.mark.requirement("R-META-07")
def test_bounds_are_met_by_relative_entropy_and_not_by_euclid() -> None:
    """The rest keeps its proportions; Euclid hands the same part to each, which is another answer, here by .074."""
    given = streams([0.0037, 0.010, 0.020], seed=2)
    free, bounded = (by(given, meta_spec(bounds=(0.0, most))).decisions[0] for most in (1.0, 0.5))
    a, b, c = free.shares.values()
    assert list(bounded.shares.values()) == pytest.approx([0.5, 0.5 * b / (b + c), 0.5 * c / (b + c)], abs=1e-9)
    euclid = b + (a - 0.5) / 2
    assert bounded.shares["s1"] - euclid == pytest.approx(0.074, abs=1e-3)
    assert "projected onto the caps" in bounded.allocation.attempts[0].outcome  # type: ignore[union-attr]


@pytest.mark.requirement("R-META-07")
@pytest.mark.parametrize(("bounds", "cash"), [((0.0, 0.25), 0.25), ((0.0, 0.4), 0.0), ((0.2, 0.5), 0.0)])
def test_bounds_hold_and_what_they_leave_is_cash(bounds: tuple[float, float], cash: float) -> None:
    for one in by(streams([0.004, 0.01, 0.03]), meta_spec(bounds=bounds)).decisions:
        shares = np.array(list(one.shares.values()))
        assert shares.min() >= bounds[0] - 1e-9
        assert shares.max() <= bounds[1] + 1e-9
        assert one.cash == pytest.approx(cash, abs=1e-9)
        assert one.allocation is not None
        assert one.allocation.forced_cash == pytest.approx(cash, abs=1e-9)


@pytest.mark.requirement("R-META-08")
@pytest.mark.parametrize("k", [0, 2])
def test_what_follows_a_decision_never_matters(k: int) -> None:
    """To the bit, whatever becomes of the streams from the very next row on; the decision behind sees it."""
    given, spec = streams([0.01, 0.02, 0.015], rows=36), meta_spec(bounds=(0.0, 0.6))
    row = 20 + 5 * k
    levels = given.levels.copy()
    levels[row + 1 :] *= np.random.default_rng(k).uniform(0.5, 1.5, levels[row + 1 :].shape)
    other = joined([sleeve(name, own.tolist()) for name, own in zip(given.names, levels.T, strict=True)])
    whole, again = (by(one, spec).decisions for one in (given, other))
    assert [one.shares for one in whole[: k + 1]] == [one.shares for one in again[: k + 1]]
    assert whole[k + 1].shares != again[k + 1].shares


def test_a_sleeve_that_stands_still_is_given_nothing() -> None:
    returns = streams([0.01, 0.02]).returns.copy()
    returns[:20, 1] = 0.0
    first, second, *_ = by(of(returns), meta_spec(bounds=(0.0, 0.6))).decisions
    assert first.shares == {"s0": 0.6, "s1": 0.0}
    assert first.cash == pytest.approx(0.4)
    assert first.allocation is not None
    assert first.allocation.attempts[0].outcome == "s1 given nothing: constant on the 20 training rows"
    assert second.shares["s1"] > 0.0


@pytest.mark.parametrize(
    ("returns", "bounds", "status", "why"),
    [
        (np.zeros((30, 2)), (0.0, 1.0), "no_candidate", "no sleeve moves on the training rows"),
        (
            streams([0.01, 0.02], rows=30).returns, (0.6, 1.0), Status.FAILED,
            "allocation.bounds: 2 sleeves of at least 0.6 each",
        ),
    ],
)  # fmt: skip
def test_an_allocation_without_an_answer_is_cash_and_no_failure_where_nothing_was_asked(
    returns: Floats, bounds: tuple[float, float], status: str, why: str
) -> None:
    for one in by(of(returns), meta_spec(bounds=bounds)).decisions:
        assert (one.status, one.cash, set(one.shares.values())) == (status, 1.0, {0.0})
        assert one.allocation is not None
        assert why in one.allocation.attempts[-1].outcome


def test_what_was_held_reaches_an_engine_that_starts_from_it_as_it_drifted(monkeypatch: pytest.MonkeyPatch) -> None:
    from tvquant.tournament.sleeves import weighing

    asked = []
    real = weighing.allocate
    monkeypatch.setattr(weighing, "allocate", lambda problem, **rest: asked.append(problem) or real(problem, **rest))
    given = streams([0.01, 0.02], rows=31)
    path = by(given, meta_spec())
    assert asked[0].previous.tolist() == [0.0, 0.0]
    worth = np.array(list(path.decisions[0].shares.values())) * given.levels[25] / given.levels[20]
    np.testing.assert_allclose(asked[1].previous, worth / worth.sum(), rtol=1e-12)
    returns = given.returns.copy()
    returns[5:25, 0] = 0.0  # the first stands still at the second decision: the other's share is asked about
    found = of(returns)
    grown = np.array(list(by(found, meta_spec()).decisions[0].shares.values())) * found.levels[25] / found.levels[20]
    assert asked[4].keys == ("s1",)
    np.testing.assert_allclose(asked[4].previous, grown[1:] / grown.sum(), rtol=1e-12)


def test_means_are_taken_above_the_riskless_rate_of_the_calendar() -> None:
    given = of(np.add(streams([0.01, 0.01], rows=24, seed=5).returns, [0.004, 0.006]))
    shares = {
        rate: by(given, meta_spec(risk_profile="max_sharpe", estimates=Estimates(risk_free=rate))).decisions[0].shares
        for rate in (0.0, 0.5)
    }
    assert shares[0.0] != shares[0.5]
    rate = Estimates(risk_free=0.5)
    sessions = weighed(given, meta_spec(risk_profile="max_sharpe", estimates=rate), NEW_YORK).decisions[0].shares
    assert sessions != shares[0.5]  # a 252nd of it is more than a 365th


def test_a_step_by_the_calendar_decides_at_its_closes() -> None:
    """From the first Sunday with 20 returns behind it on; not on the last row, which is one too."""
    path = by(streams([0.01, 0.02], rows=97), meta_spec(step=CalendarStep.SUNDAY))
    sundays = np.arange(np.datetime64("2024-01-21"), np.datetime64("2024-04-07"), np.timedelta64(7, "D"))
    assert path.times.astype("datetime64[D]").tolist() == sundays.tolist()


def test_too_few_common_dates_are_refused_with_both_figures() -> None:
    given = streams([0.01, 0.02], rows=20)
    with pytest.raises(DataError, match=r"s0, s1 have 21 dates in common and windows\.train is 20"):
        by(given, meta_spec())
    assert len(by(given, meta_spec(train=19)).decisions) == 1


def test_mixes_are_fixed_and_restored_on_the_same_dates() -> None:
    given = streams([0.01, 0.02])
    path = mixed(given, Mix(name="half", weights=(("s1", 0.5), ("s0", 0.25))), meta_spec(), CRYPTO)
    assert path.key == "mix/half"
    assert path.names == ("s0", "s1")
    np.testing.assert_array_equal(path.weights, [[0.25, 0.5]] * 8)
    np.testing.assert_array_equal(path.times, by(given, meta_spec()).times)
    assert {one.cash for one in path.decisions} == {0.25}


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ((("s9", 1.0),), "there is no sleeve s9; there are s0, s1"),
        ((("s0", 0.7), ("s1", 0.4)), "1 at most in all"),
        ((("s0", -0.1),), "weights of 0 or more"),
        ((("s0", 0.1), ("s0", 0.2)), "once each"),
    ],
)
def test_mixes_that_nobody_can_hold_are_refused(weights: tuple[tuple[str, float], ...], why: str) -> None:
    with pytest.raises(ModelError, match=why):
        mixed(streams([0.01, 0.02]), Mix(name="odd", weights=weights), meta_spec(), CRYPTO)
