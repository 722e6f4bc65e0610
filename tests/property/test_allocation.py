"""What every allocation keeps for any estimated covariance."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.problems import estimated, limits
from tvquant import allocation
from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of
from tvquant.allocation.reference import reference_of
from tvquant.atoms import flatten, keep_caps
from tvquant.core.allocations import Status, violated
from tvquant.profiles.options import declared_by

CASES = st.sampled_from(
    [(e, p) for e in sorted(ENGINES) if not ENGINES[e].library for p in sorted(risk_profiles_of(ENGINES[e]))]
)
SIZES = st.one_of(st.sampled_from([1, 2, 3, 4, 50]), st.integers(1, 12))


def allocate(problem, *, engine, risk_profile):
    """Allocate with the defaults of every option."""
    options = tuple(declared() for declared in declared_by((ENGINES[engine], RISK_PROFILES[risk_profile])))
    return allocation.allocate(problem, engine=engine, risk_profile=risk_profile, options=options)


HANDED_TO_NOBODY = ("equal_weight", "equal_names", "fixed", "barbell")
"""Risk profiles by which what a cap cuts off is cash, of a barbell where its core has no room."""
POSITIONS = st.floats(0.02, 1.0)
NONE = st.just(0)


@st.composite
def problems(draw, position=POSITIONS, clusters=NONE):
    """Returns with random factors, noise and scales: from independent to collinear, T below and above N.

    Where `clusters` draws 0 each name is its own; else names are thrown into as many.
    """
    n, rows = draw(SIZES), draw(st.integers(3, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise, scale = draw(st.sampled_from([1.0, 0.1, 0.001])), draw(st.sampled_from([1e-4, 0.02, 3.0]))
    factors = rng.normal(0.0, 1.0, (rows, 2)) @ rng.normal(0.5, 1.0, (2, n))
    spread = rng.uniform(0.2, 3.0, n)
    many = draw(clusters)
    return estimated(
        scale * (factors + noise * spread * rng.normal(0.0, 1.0, (rows, n))),
        clusters=rng.integers(0, many, n).tolist() if many else None,
        limits=limits(position=draw(position)),
    )


def highest_mean(problem):
    """Largest expected return of weights that spend the budget under the caps, by a linear program."""
    from scipy.optimize import linprog

    caps = problem.limits
    groups = np.array([np.array(problem.clusters) == c for c in set(problem.clusters)], dtype=float)
    total = min(1.0, sum(min(caps.cluster, caps.position * g.sum()) for g in groups))
    means = problem.covariance.means / np.abs(problem.covariance.means).max()
    found = linprog(
        -means,
        A_ub=np.vstack((groups, -np.ones(len(means)))),
        b_ub=np.append(np.full(len(groups), caps.cluster), 1e-12 - total),
        bounds=(0.0, caps.position),
    )
    return -found.fun


def hopeless(problem, case):
    """There is no book with a positive expected return, so that there is no Sharpe ratio to maximise."""
    return case[1] == "max_sharpe" and highest_mean(problem) <= 1e-9


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-24")
@settings(deadline=None)
@given(problems(clusters=st.integers(1, 12)), CASES)
def test_no_cluster_above_the_cap(problem, case):
    got = allocate(problem, engine=case[0], risk_profile=case[1])
    weights = np.array(list(got.weights.values()))
    if hopeless(problem, case):
        assert (got.status, got.cash) == (Status.FAILED, 1.0)
        return
    assert got.status is not Status.FAILED
    assert (weights >= 0.0).all()
    assert weights.max() <= problem.limits.position + 1e-9
    assert np.bincount(problem.clusters, weights).max() <= 0.25 + 1e-9
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    room = sum(min(0.25, size * problem.limits.position) for size in np.bincount(problem.clusters))
    if case[1] == "fixed":  # caps force what they take from the declared weights
        assert got.forced_cash == pytest.approx(problem.target.sum() - weights.sum(), abs=1e-9)
        return
    assert got.cash == pytest.approx(got.forced_cash, abs=1e-9)
    if case[1] not in HANDED_TO_NOBODY:
        assert got.forced_cash == pytest.approx(max(0.0, 1.0 - room), abs=1e-9)
    else:
        assert got.forced_cash == pytest.approx(max(0.0, 1.0 - room) + sum(got.causes.values()), abs=1e-9)


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-24")
@settings(deadline=None)
@given(problems(), CASES)
def test_long_within_caps_and_with_cash_one(problem, case):
    got = allocate(problem, engine=case[0], risk_profile=case[1])
    weights = np.array(list(got.weights.values()))
    cap = min(problem.limits.position, 0.25)
    if hopeless(problem, case):
        assert (got.status, got.cash) == (Status.FAILED, 1.0)
        return
    assert got.status is not Status.FAILED
    assert (weights >= 0.0).all()
    assert weights.max() <= cap + 1e-9
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    if case[1] == "barbell":
        assert got.cash >= max(0.0, 1.0 - cap * len(weights)) - 1e-9
    else:
        assert got.cash == pytest.approx(max(0.0, 1.0 - cap * len(weights)), abs=1e-9)
    assert not (weights[weights != 0.0] <= 1e-12).any()


@settings(deadline=None)
@given(problems(st.just(0.25)), CASES, st.randoms(use_true_random=False))
def test_the_order_of_names_does_not_matter(problem, case, random):
    n = len(problem.keys)
    order = random.sample(range(n), n)
    c = problem.covariance
    shuffled = replace(
        problem,
        keys=tuple(problem.keys[i] for i in order),
        returns=problem.returns[:, order],
        target=problem.target[order],
        clusters=tuple(problem.clusters[i] for i in order),
        covariance=replace(c, matrix=c.matrix[np.ix_(order, order)], means=c.means[order]),
    )
    first, second = (allocate(p, engine=case[0], risk_profile=case[1]).weights for p in (problem, shuffled))
    assert set(first) == set(second)
    assert [first[k] for k in first] == pytest.approx([second[k] for k in first], abs=1e-6)


@settings(deadline=None)
@given(problems(st.just(0.25)), CASES, st.sampled_from([1e-6, 252.0, 1e6]))
def test_units_of_the_covariance_do_not_matter(problem, case, factor):
    scaled = replace(problem, covariance=replace(problem.covariance, matrix=problem.covariance.matrix * factor))
    first, second = (allocate(p, engine=case[0], risk_profile=case[1]).weights for p in (problem, scaled))
    # An interior point stops within a tolerance of the optimum, and on another path within another one.
    accuracy = 1e-6 if case[1] == "max_sharpe" else 1e-9
    assert list(first.values()) == pytest.approx(list(second.values()), abs=accuracy)


def most_invested(problem, low, high):
    """Largest sum of weights under every limit, and whether there are any weights, by a linear program."""
    from scipy.optimize import linprog

    groups = np.array([np.array(problem.clusters) == c for c in set(problem.clusters)], dtype=float)
    found = linprog(
        -np.ones(len(problem.keys)),
        A_ub=np.vstack((groups, problem.units.net, -problem.units.net, np.ones(len(problem.keys)))),
        b_ub=np.r_[np.full(len(groups), problem.limits.cluster), high, -low, 1.0],
        bounds=(0.0, problem.limits.position),
    )
    return -found.fun if found.status == 0 else None


@pytest.mark.requirement("R-RSK-18")
@settings(deadline=None)
@given(problems(st.floats(0.05, 0.3), st.integers(0, 8)), CASES, st.data())
def test_the_net_of_physical_weights_keeps_its_limits_and_no_more_is_cash_than_they_force(problem, case, data):
    """Any names held short, any interval around or beside zero."""
    n = len(problem.keys)
    signs = np.array(data.draw(st.lists(st.sampled_from([1.0, -1.0]), min_size=n, max_size=n)))
    low, high = sorted(data.draw(st.tuples(st.floats(-1.0, 0.4), st.floats(-0.4, 1.0))))
    composition = {key: {key: sign} for key, sign in zip(problem.keys, signs, strict=True)}
    given = replace(problem, composition=composition, limits=replace(problem.limits, net=(low, high)))
    got, most = allocate(given, engine=case[0], risk_profile=case[1]), most_invested(given, low, high)
    if most is None or most <= 1e-9:
        assert (got.status, got.weights, got.cash) == (Status.FAILED, {}, 1.0)
        assert got.attempts[-1].outcome
    elif got.status is Status.FAILED:  # no Sharpe ratio to maximise; equal shares that only growth could mend
        assert case[1] in ("max_sharpe", *HANDED_TO_NOBODY)
    else:
        weights = np.array(list(got.weights.values()))
        assert low - 1e-9 <= weights @ signs <= high + 1e-9
        assert weights.sum() > 0.0
        if case[1] not in HANDED_TO_NOBODY:
            assert weights.sum() == pytest.approx(most, abs=1e-8)


@st.composite
def by_name(draw, problem):
    """Limits by name of some names and of groups that may overlap, feasible or not."""
    symbols = [f"X:{key}" for key in problem.keys]
    position = problem.limits.position
    names = {
        symbol: tuple(sorted((position * draw(st.floats(0.0, 0.6)), position * draw(st.floats(0.05, 1.0)))))
        for symbol in draw(st.lists(st.sampled_from(symbols), max_size=3, unique=True))
    }
    groups = {
        f"g{k}": (draw(st.lists(st.sampled_from(symbols), min_size=1, unique=True)), draw(st.floats(0.02, 0.6)))
        for k in range(draw(st.integers(0, 2)))
    }
    return limits(position=position, names=names, groups=groups)


@settings(deadline=None)
@given(problems(st.floats(0.05, 0.3), st.integers(0, 8)), CASES, st.data())
def test_limits_by_name_hold_for_any_names_and_groups_or_nothing_does(problem, case, data):
    from scipy.optimize import linprog

    n = len(problem.keys)
    signs = np.array(data.draw(st.lists(st.sampled_from([1.0, -1.0]), min_size=n, max_size=n)))
    composition = {key: {f"X:{key}": sign} for key, sign in zip(problem.keys, signs, strict=True)}
    given = replace(problem, composition=composition, limits=data.draw(by_name(problem)))
    these, place = given.limits, {f"X:{key}": i for i, key in enumerate(given.keys)}
    rows = [np.array(given.clusters) == c for c in set(given.clusters)]
    bounds = [these.cluster] * len(rows)
    low, high = np.zeros(n), np.full(n, these.position)
    for one in these.names:
        low[place[one.symbol]], high[place[one.symbol]] = one.least, one.most
    for group in these.groups:
        rows.append(np.isin(np.arange(n), [place[symbol] for symbol in group.symbols]))
        bounds.append(group.most)
    rows.append(np.ones(n, np.bool_))
    found = linprog(
        -np.ones(n), A_ub=np.array(rows, dtype=float), b_ub=[*bounds, 1.0], bounds=np.column_stack((low, high))
    )
    got = allocate(given, engine=case[0], risk_profile=case[1])
    if found.status != 0:
        assert (got.status, got.cash) == (Status.FAILED, 1.0)
        assert got.attempts[-1].what == "limits"
    elif got.status is Status.FAILED:  # no Sharpe ratio to maximise; shares that overlapping groups cut too far
        assert case[1] in ("max_sharpe", *HANDED_TO_NOBODY), got.attempts
    else:
        weights = np.array(list(got.weights.values()))
        assert (weights >= low - 1e-9).all()
        assert (weights <= high + 1e-9).all()
        assert all(float(row @ weights) <= bound + 1e-9 for row, bound in zip(rows, bounds, strict=False))
        if case[1] not in HANDED_TO_NOBODY:
            assert weights.sum() == pytest.approx(-found.fun, abs=1e-6)


@st.composite
def crowded(draw):
    """One large cluster and singletons, some of them short and some a second stream of an asset, with both caps."""
    n, seed = draw(st.integers(4, 14)), draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    returns = 0.002 + 0.01 * rng.normal(0.0, 1.0, (90, n)) * rng.uniform(0.5, 3.0, n)
    alone = draw(st.integers(1, n - 1))
    clusters = [0] * (n - alone) + list(range(1, alone + 1))
    given = estimated(
        returns, clusters=clusters, signs=rng.choice([1.0, 1.0, -1.0], n), limits=limits(reference=2.0, position=0.2)
    )
    composition = {key: {f"X:{rng.integers(0, n)}": float(np.sign(sum(held.values())))}
                   for key, held in given.composition.items()}  # fmt: skip
    assets = sorted({asset for held in composition.values() for asset in held})
    together = {asset: int(rng.integers(0, 5)) for asset in assets}
    own = tuple(together[next(iter(composition[key]))] for key in given.keys)
    return replace(given, composition=composition, selection_clusters=own), together


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-12")
@settings(deadline=None)
@given(crowded(), st.sampled_from(["min_variance", "hrp", "risk_parity", "equal_weight", "inverse_volatility"]))
def test_after_netting_nothing_is_left_to_scale_and_nobody_is_far_above_its_own_weight(case, profile):
    problem, together = case
    n = len(problem.keys)
    got = allocate(problem, engine="custom", risk_profile=profile)
    assert got.status is not Status.FAILED, got.attempts
    netted = keep_caps(got.weights, problem.composition, together, problem.limits)
    assert abs(netted.moved) <= 1e-8
    assert not violated(netted.constraints)
    weights = np.array(list(got.weights.values()))
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    most = reference_of(problem, RISK_PROFILES[profile], ()).most
    assert (weights <= np.maximum(most, 1.0 / n) + 1e-9).all()


@st.composite
def directional(draw):
    """Streams some of which share an asset and some are short, under the directional limits of the requirement."""
    n, seed = draw(st.integers(4, 14)), draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    returns = 0.001 + 0.01 * rng.normal(0.0, 1.0, (90, n)) * rng.uniform(0.5, 3.0, n)
    high = 0.2 + draw(st.sampled_from([0.0, 0.1, 0.8]))
    given = estimated(
        returns, clusters=rng.integers(0, n, n).tolist(), signs=rng.choice([1.0, -1.0], n),
        limits=limits(short=0.3, net=(0.2, high), reference=draw(st.sampled_from([None, 2.0]))),
    )  # fmt: skip
    assets = rng.integers(0, draw(st.integers(2, n)), n)
    composition = {
        key: {f"X:A{asset}": float(np.sign(sum(held.values())))}
        for (key, held), asset in zip(given.composition.items(), assets, strict=True)
    }
    return replace(given, composition=composition)


@pytest.mark.requirement("R-RSK-18")
@settings(deadline=None)
@given(directional(), CASES)
def test_shorts_of_three_tenths_and_a_net_of_two_tenths_hold_after_flattening(problem, case):
    got = allocate(problem, engine=case[0], risk_profile=case[1])
    low, high = problem.limits.net
    if (problem.units.net < 0.0).all():
        assert got.status is Status.FAILED
        assert got.conflict is not None
        assert {one.what for one in got.conflict.limits} >= {"net at least"}
        return
    if got.status is Status.FAILED:  # no Sharpe ratio to maximise; equal shares that only growth could mend
        assert got.conflict is not None or case[1] in ("max_sharpe", *HANDED_TO_NOBODY), got.attempts
        return
    held = flatten(got.weights, problem.composition)
    net, gross = np.array(list(held.net.values())), sum(held.gross.values())
    assert low - 1e-6 <= net.sum() <= high + 1e-6
    assert -net[net < 0.0].sum() <= 0.3 + 1e-6
    assert 0.5 * (gross - net.sum()) <= 0.3 + 1e-6  # also before longs of an asset cancel its shorts
