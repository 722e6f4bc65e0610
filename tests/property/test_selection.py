"""What selection keeps for any pool: hard vetoes, floor and ceiling, finite scores, and no order of atoms."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.profiles import selection_of
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.features import FeatureSet
from tvquant.core.streams import Streams
from tvquant.selection import SELECTION_MODELS, SelectionContext, SelectionPipeline, pooled
from tvquant.selection.relaxation import Candidates, Relaxation, recruit
from tvquant.selection.scorer import shares
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.vetoes.catalogue import VETOES

LENT_BY_NOBODY = ("X:N00", "X:N03", "X:N11")
PARAMETERS = selection_of(vetoes=tuple(VETOES), unborrowable=LENT_BY_NOBODY)
JUDGED_BY = {"all": {"metadata"}, **{name: set[str]() for name in ("baseline", "v2", "v2.0", "v2.1")}}
"""Hard rules that a model leaves in force, where it has not all of them."""


@st.composite
def contexts(draw):
    """Pools from calm to wild, of short and of long histories, with several atoms on some assets."""
    assets, rows = draw(st.integers(1, 20)), draw(st.sampled_from([25, 60, 90, 130, 210]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    common, wild = draw(st.sampled_from([0.0, 0.02])), draw(st.sampled_from([0.0, 0.3, 1.0]))
    moves = rng.normal(0.0, common, (rows, 1)) + rng.standard_t(3, (rows, assets)) * 0.02
    moves[:, rng.random(assets) < wild] *= 8.0
    for j in np.flatnonzero(rng.random(assets) < 0.2):
        moves[: rng.integers(0, rows - 2), j] = np.nan
    atoms = [
        Atom(physical_symbol=f"X:N{j:02d}", logic=logic, direction=side)
        for j in range(assets)
        for logic, side in (("hold", Direction.LONG), ("hold", Direction.SHORT), ("other", Direction.LONG))
        if (side is Direction.LONG and logic == "hold") or rng.random() < 0.4
    ]
    place = [int(atom.physical_symbol[-2:]) for atom in atoms]
    sign = np.array([float(atom.direction.sign) for atom in atoms])
    times = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D")
    values = rng.uniform(-1.0, 1.0, (len(TERMS), assets)) * draw(st.sampled_from([1.0, 40.0, 150.0]))
    values[sorted(TERMS).index("metadata_known")] = rng.choice([1.0, 1.0, 1.0, 0.0], assets)
    values[:, rng.random(assets) < 0.2] = np.nan
    floor = draw(st.integers(1, 20))
    changes = {
        "top_n": draw(st.integers(1, 4)), "min_winners": floor, "max_winners": floor + draw(st.integers(0, 10)),
        "weights": draw(st.sampled_from(["v4_tuned", "v4_round"])), "max_clusters": draw(st.integers(1, 25)),
        "thresholds": draw(st.sampled_from(["calibrated", "as_specified"])),
    }  # fmt: skip
    return SelectionContext(
        decided_at=times[-1],
        pool=AtomPool(
            atoms=tuple(atoms),
            streams=Streams(
                ids=tuple(atom.symbol for atom in atoms),
                times=times,
                returns=moves[:, place] * sign,
                composition={a.symbol: {a.physical_symbol: float(a.direction.sign)} for a in atoms},
            ),
            own=moves[:, place],
        ),
        features=FeatureSet(
            names=tuple(sorted(TERMS)),
            keys=tuple(f"X:N{j:02d}" for j in range(assets)),
            values=values,
            known_at=times[-1],
        ),
        parameters=PARAMETERS.model_copy(update=changes),
        train=draw(st.sampled_from([20, 60])),
        periods_per_year=365,
    )


def each_stage(context):
    """The context after each stage of relaxation, whether or not the loop would go there."""
    pipeline = SelectionPipeline()
    for stage in (pipeline.ingestion, pipeline.feature_engineering, pipeline.inference, pipeline.partitioning):
        context = stage.run(context)
    for _ in Relaxation:
        context = pipeline.policy.run(context)
        yield context


@pytest.mark.requirement("R-SEL-16")
@pytest.mark.requirement("R-SEL-19")
@settings(deadline=None)
@given(contexts())
def test_an_atom_with_a_hard_veto_wins_at_no_stage(context):
    atoms = context.pool.atoms
    for done in each_stage(context):
        kurtosis, volatility = done.of_atoms("kurtosis"), done.of_atoms("volatility")
        safe = (kurtosis <= 20.0) & (volatility <= 2.5)  # false where one is missing
        roc, daily = done.of_atoms("roc"), done.of_atoms("volatility_d")
        safe &= ~((roc < -80.0) | (roc > 100.0) | (daily > 100.0) | (done.of_atoms("survival") < 0.1))
        safe &= ~(done.of_atoms("metadata_known") < 1.0)
        safe &= [not (atom.direction is Direction.SHORT and atom.physical_symbol in LENT_BY_NOBODY) for atom in atoms]
        allowed = {symbol for symbol, good in zip(done.pool.ids, safe, strict=True) if good}
        assert set(done.recruited) <= allowed
        assert {symbol for symbol, veto in done.vetoes.items() if veto.hard} == set(done.pool.ids) - allowed


@pytest.mark.requirement("R-SEL-19")
@pytest.mark.requirement("R-SEL-20")
@settings(deadline=None)
@given(contexts(), st.sampled_from(sorted(SELECTION_MODELS)), st.sampled_from(Relaxation))
def test_no_model_overrides_a_hard_veto_at_whatever_stage_it_begins(context, model, first):
    """Each rule judges anew here: what a response says of itself is no evidence."""
    context = replace(context, parameters=context.parameters.model_copy(update={"first_stage": int(first)}))
    got = SELECTION_MODELS[model].select(context)
    featured = SelectionPipeline().feature_engineering.run(SelectionPipeline().ingestion.run(context))
    hard = {name for name, rule in VETOES.items() if rule.hard} & JUDGED_BY.get(model, set(VETOES))
    barred = {
        symbol
        for name in hard
        for symbol, broken in zip(context.pool.ids, VETOES[name].judgement(featured, first).broken, strict=True)
        if broken
    }
    assert not barred & set(got.recruited)
    assert {symbol for symbol, veto in got.vetoes.items() if veto.hard and veto.rule in VETOES} == barred
    assert all(not veto.hard and symbol in got.recruited for symbol, veto in got.vetoes.items() if veto.overridden)
    assert got.stage >= (first if "first_stage" not in SELECTION_MODELS[model].contradicts else 1)


@pytest.mark.requirement("R-SEL-24")
@pytest.mark.requirement("R-SEL-26")
@settings(deadline=None)
@given(contexts())
def test_winners_keep_floor_and_ceiling_and_scores_are_finite(context):
    got = SELECTION_MODELS["v4"].select(context)
    barred = sum(veto.hard for veto in got.vetoes.values())
    floor, ceiling = context.parameters.min_winners, context.parameters.max_winners
    assert min(floor, len(context.pool.atoms) - barred) <= len(got.winners) <= ceiling
    assert ("sparse" in got.flags) == (len(got.winners) < floor)
    assert np.isfinite(list(got.scores.values())).all()
    assert all(0.0 < p <= 1.0 for parts in got.components.values() for p in parts.values())
    assert got.shares == {} or sum(got.shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert set(got.shares) <= set(next(iter(got.components.values())))
    ranked = [got.scores[atom.symbol] for atom in got.winners]
    assert ranked == sorted(ranked, reverse=True)


SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-50.0, 50.0) | st.sampled_from([1.0, 1.0 + 2**-52]))


@pytest.mark.requirement("R-FEA-14")
@settings(deadline=None)
@given(SCORES, st.dictionaries(st.sampled_from(["second", "third", "a"]), SCORES))
def test_sleeves_that_are_added_never_reorder_the_ranks_of_one(first, others):
    order = [atom for sleeve, atom, _ in pooled({"first": first, **others}) if sleeve == "first"]
    assert order == sorted(first, key=lambda atom: (-first[atom], atom))


@pytest.mark.requirement("R-SEL-10")
@settings(deadline=None)
@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 2**32))
def test_shares_of_score_variance_sum_to_one_and_are_those_of_a_covariance(atoms, features, seed):
    rng = np.random.default_rng(seed)
    parts = {f"f{k}": rng.normal(5.0, rng.choice([0.1, 1.0, 10.0]), atoms) for k in range(features)}
    found, score = shares(parts, [f"n{k}" for k in range(atoms)]), np.sum(list(parts.values()), axis=0)
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-9)
    for name, part in parts.items():
        assert found[name] == pytest.approx(np.cov(part, score)[0, 1] / np.var(score, ddof=1), rel=1e-6, abs=1e-9)


@pytest.mark.requirement("R-SEL-14")
@settings(deadline=None)
@given(contexts(), st.sampled_from(sorted(SELECTION_MODELS)), st.randoms(use_true_random=False))
def test_the_order_of_the_pool_changes_nothing_but_order(context, model, random):
    count = len(context.pool.atoms)
    order = random.sample(range(count), count)
    pool = context.pool
    turned = replace(pool.streams, ids=tuple(pool.ids[k] for k in order), returns=pool.streams.returns[:, order])
    shuffled = AtomPool(atoms=tuple(pool.atoms[k] for k in order), streams=turned, own=pool.own[:, order])
    first, second = (
        SELECTION_MODELS[model].select(given).payload() for given in (context, replace(context, pool=shuffled))
    )
    for payload in (first, second):
        payload["missing"] = {name: sorted(ids) for name, ids in payload["missing"].items()}
        if model in ("all", "baseline"):  # winners stand in the order of the pool
            payload["winners"].sort(key=str)
    assert first == second


@st.composite
def candidate_sets(draw):
    count = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    barred = rng.random(count) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    return Candidates(
        ids=tuple(f"n{k:02d}" for k in range(count)),
        directions=tuple(Direction.LONG if rng.random() < 0.5 else Direction.SHORT for _ in range(count)),
        scores=rng.integers(0, 10, count).astype(np.float64),
        clusters=rng.integers(1, 6, count),
        vetoed=barred | (rng.random(count) < draw(st.sampled_from([0.0, 0.5, 1.0]))),
        barred=barred,
        noise=rng.random(count) < draw(st.sampled_from([0.0, 0.5, 1.0])),
    )


@settings(deadline=None)
@given(candidate_sets(), st.integers(1, 5), st.integers(1, 20), st.integers(0, 10))
def test_each_stage_of_relaxation_recruits_all_of_the_one_before_until_the_ceiling(candidates, top_n, floor, more):
    places = dict.fromkeys(range(1, 6), top_n)
    found = [recruit(candidates, stage, places=places, floor=floor, ceiling=1000) for stage in Relaxation]
    for earlier, later in pairwise(found):
        assert earlier.items() <= later.items()
    kept = recruit(candidates, Relaxation.ALPHA_FALLBACK, places=places, floor=floor, ceiling=floor + more)
    assert list(kept) == list(found[-1])[: floor + more]
    assert len(kept) >= min(floor, int((~candidates.barred).sum()))
