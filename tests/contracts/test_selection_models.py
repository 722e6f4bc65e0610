"""The contract of every selection model, and of every veto, on pools of all sizes."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from builders.profiles import profile_of, selection_of
from tvquant.app.vocabulary import vocabulary
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.features import FeatureSet
from tvquant.core.streams import Streams
from tvquant.selection import SELECTION_MODELS, PartitioningStage, SelectionContext, pooled
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.stages.feature_engineering import TERMS, TRADED_VALUES, FeatureEngineeringStage
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.selection.weights import DominantSignal

MODELS = sorted(SELECTION_MODELS)
PARAMETERS = selection_of(vetoes=tuple(VETOES))


STRICT = {"v3", "v3.1", "v3.2"}
"""Models that nobody of a small pool may pass: they do not relax."""
SCALES = {"adx_14": 100.0, **dict.fromkeys(TRADED_VALUES, 1e9)}
EVERY_TERM = tuple(sorted(TERMS))


def context(count, rows=200, *, terms=EVERY_TERM, young=True, seed=0):
    """A pool of longs and shorts with a common factor, of which every fourth name is young."""
    rng = np.random.default_rng(seed)
    asset = rng.normal(0.0, 0.01, (rows, 1)) + rng.normal(0.0, 0.02, (rows, count))
    atoms = tuple(
        Atom(physical_symbol=f"X:N{k:04d}", logic="hold", direction=Direction.SHORT if k % 3 == 2 else Direction.LONG)
        for k in range(count)
    )
    streams = asset * [atom.direction.sign for atom in atoms]
    if young:
        streams[: rows // 2, 3::4] = np.nan
    times = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D")
    return SelectionContext(
        decided_at=times[-1],
        pool=AtomPool(
            atoms=atoms,
            streams=Streams(
                ids=tuple(atom.symbol for atom in atoms),
                times=times,
                returns=streams,
                composition={a.symbol: {a.physical_symbol: float(a.direction.sign)} for a in atoms},
            ),
            own=streams * [atom.direction.sign for atom in atoms],
        ),
        features=FeatureSet(
            names=terms,
            keys=tuple(atom.physical_symbol for atom in atoms),
            values=np.where(
                np.array(terms)[:, None] == "metadata_known", 1.0, rng.uniform(0.1, 1.0, (len(terms), count))
            )
            * np.array([SCALES.get(term, 1.0) for term in terms])[:, None],
            known_at=times[-1],
        ),
        parameters=PARAMETERS,
        train=60,
        periods_per_year=365,
    )


def test_the_catalogues_are_consistent_and_read_only():
    assert set(SELECTION_MODELS) == {
        "all", "baseline", "liquid_htr", "v2", "v2.0", "v2.1", "v3", "v3.1", "v3.2", "v3.4", "v4",
    }  # fmt: skip
    keys = {key.removeprefix("selection.") for key in vocabulary().keys.leaves}
    unused = vocabulary().contradictions
    assert all(of_no_use <= keys for of_no_use in unused.values())
    signal, own_weights = {"dominant_signal", "ranking"}, {"weights", "oscillator_weight"}
    counts = {"top_n", "min_winners", "max_winners", "first_stage", "min_momentum"}
    assert unused["all"] == counts | signal | own_weights
    assert {name for name in unused if not own_weights & unused[name]} == {"v4"}
    relaxing = {name for name, model in SELECTION_MODELS.items() if "first_stage" not in model.contradicts}
    assert relaxing == {"liquid_htr", "v3.4", "v4"}
    takes = {name for name in unused if not signal & unused[name]}
    assert takes == {"v3.2", "v3.4", "v4"} == {n for n, m in SELECTION_MODELS.items() if DominantSignal in m.options}
    assert all(model.name == name and model.version for name, model in SELECTION_MODELS.items())
    assert all(rule.name == name and rule.meaning.endswith(".") for name, rule in VETOES.items())
    hard = [rule.hard for rule in VETOES.values()]
    assert hard == sorted(hard, reverse=True)
    for catalogue in (SELECTION_MODELS, VETOES):
        with pytest.raises(TypeError):
            catalogue["another"] = None


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("v2", "vetoes", ["kurtosis"]),
        ("all", "top_n", 2),
        ("v3.2", "first_stage", 2),
        ("v3.4", "weights", "v4_round"),
    ],
)
def test_a_key_that_a_model_does_not_use_is_refused(name, key, value):
    with pytest.raises(
        ProfileError, match=rf"selection\.{key}: .*selection\.model {name} does not use it; drop this key"
    ):
        profile_of("us_equities", selection__model=name, **{f"selection__{key}": value})


@pytest.mark.requirement("R-SEL-02")
@pytest.mark.requirement("R-SEL-03")
@pytest.mark.parametrize("count", [1, 2, 5, 40, 150])
@pytest.mark.parametrize("name", MODELS)
def test_a_response_is_whole(name, count):
    given = context(count)
    got = SELECTION_MODELS[name].select(given)
    ids = set(given.pool.ids)
    assert (got.model, got.version, got.decided_at) == (name, SELECTION_MODELS[name].version, given.decided_at)
    assert got.winners or (got.flags - {"hardened"} == {"sparse"} and name in STRICT and count < 40)
    assert len(set(got.winners)) == len(got.winners)
    assert set(got.winners) <= set(given.pool.atoms)
    assert set(got.recruited) == {atom.symbol for atom in got.winners}
    assert set(got.scores) == set(got.clusters) == ids
    assert set(got.standing_vetoes) <= ids - set(got.recruited)
    overridden = {symbol: veto for symbol, veto in got.vetoes.items() if veto.overridden}
    assert {symbol: got.recruited[symbol] for symbol in overridden}.keys() == overridden.keys()
    assert not any(veto.hard for veto in overridden.values())
    assert {got.recruited[symbol] for symbol in overridden} <= {"cluster_floor", "alpha_fallback"}
    assert set(got.components) in (set(), ids)
    assert {atom: tuple(parts) for atom, parts in got.parts.items()} == {
        atom: tuple(found) for atom, found in got.components.items()
    }
    for atom, parts in got.parts.items():
        assert sum(parts.values()) == pytest.approx(got.scores[atom], rel=1e-12)
    assert np.isfinite(list(got.scores.values())).all()
    assert sorted(set(got.clusters.values())) == list(range(1, max(got.clusters.values()) + 1))
    assert got.stage in (1, 2, 3, 4)
    assert got.trace[0] == "ingestion"


@pytest.mark.requirement("R-SEL-31")
@pytest.mark.parametrize("name", MODELS)
def test_a_payload_is_finite_json_and_a_response_travels_between_processes(name):
    got = SELECTION_MODELS[name].select(context(40))
    text = json.dumps(got.payload(), allow_nan=False)
    assert json.dumps(pickle.loads(pickle.dumps(got)).payload(), allow_nan=False) == text


@pytest.mark.parametrize("name", MODELS)
def test_the_same_context_has_the_same_answer_and_is_not_changed(name):
    given = context(40)
    before = (given.pool.streams.returns.tobytes(), given.features.values.tobytes())
    first, second = (SELECTION_MODELS[name].select(given).payload() for _ in range(2))
    assert first == second
    assert (given.pool.streams.returns.tobytes(), given.features.values.tobytes()) == before


@pytest.mark.parametrize("name", MODELS)
def test_a_model_reads_no_other_terms_than_it_declares(name):
    model = SELECTION_MODELS[name]
    given = context(20, terms=tuple(sorted(model.features)))
    values = np.vstack([np.full(20, 7.0), given.features.values])
    more = replace(given, features=replace(given.features, names=("another", *given.features.names), values=values))
    assert model.select(more).payload() == model.select(given).payload()


@pytest.mark.parametrize("name", MODELS)
def test_a_feature_set_without_its_terms_is_enough(name):
    given = context(20, terms=())
    assert set(SELECTION_MODELS[name].select(given).winners) <= set(given.pool.atoms)


@pytest.mark.parametrize("name", MODELS)
def test_a_pool_without_atoms_is_refused(name):
    with pytest.raises(ModelError, match="no atom"):
        SELECTION_MODELS[name].select(context(0))


SCORING = sorted(set(MODELS) - {"all", "baseline"})
BY_RETURNS = sorted(set(SCORING) - {"liquid_htr"})
WEIGHS_ENTROPY = {"v2.1", "v3.2", "v3.4", "v4"}
WEIGHS_FRAGILITY = {"v2", "v3", "v3.1", "v3.2", "v3.4", "v4"}


@pytest.mark.requirement("R-SEL-07")
@pytest.mark.requirement("R-SEL-11")
@pytest.mark.parametrize(
    ("column", "weighs"), [("entropy", WEIGHS_ENTROPY), ("fragility", WEIGHS_FRAGILITY)], ids=["entropy", "fragility"]
)
@pytest.mark.parametrize("name", SCORING)
def test_what_is_bad_lowers_the_score_of_every_model_that_weighs_it(name, column, weighs):
    model = SELECTION_MODELS[name]
    measured = PartitioningStage().run(FeatureEngineeringStage().run(context(20)))
    table = measured.atom_features
    values = table.values.copy()
    values[table.names.index(column), 4] = values[table.names.index(column)].max() * 1.5 + 0.1
    worse = replace(measured, atom_features=replace(table, values=values))
    before, after = (model.pipeline.inference.run(given).scored()[4] for given in (measured, worse))
    assert (after < before) == (name in weighs)
    assert after <= before


LOWER_IS_BETTER = {"entropy", "randomness", "abs_skewness", "kurtosis", "fragility"}


@pytest.mark.requirement("R-SEL-11")
@pytest.mark.parametrize("name", SCORING)
def test_a_better_feature_never_lowers_a_score_and_moves_it_where_it_is_weighed(name):
    """Of every column in the score, one atom's value is set below and above those of all others."""
    inference = SELECTION_MODELS[name].pipeline.inference
    measured = PartitioningStage().run(FeatureEngineeringStage().run(context(20)))
    measured = replace(measured, clusters=(1,) * 20)  # one of them compares within clusters
    columns = {one.column for one in inference.scoring(measured).components}
    assert columns
    for column in sorted(columns):
        row = measured.atom_features.names.index(column)
        table = measured.atom_features.values
        low, high = table[row, np.isfinite(table[row])].min(), table[row, np.isfinite(table[row])].max()
        scores = []
        for value in (low - 0.1 * abs(low), high + 0.1 * abs(high)):
            changed = table.copy()
            changed[row, 4] = value
            moved = replace(measured, atom_features=replace(measured.atom_features, values=changed))
            scores.append(inference.run(moved).scored()[4])
        assert (scores[0] > scores[1]) == (column in LOWER_IS_BETTER), column
        assert scores[0] != scores[1], column


@pytest.mark.requirement("R-SEL-13")
@pytest.mark.parametrize("name", BY_RETURNS)
def test_the_most_bearish_asset_ranks_first_among_shorts(name):
    # Multiples of 2^-20 on 256 rows: drifts change means by no rounding, so shape and spread are equal to the bit.
    drift = np.arange(4, -5, -1) * 2.0**-10
    noise = np.round(np.random.default_rng(5).normal(0.0, 0.01, (256, 1)) * 2**20) / 2**20
    given = context(9, rows=256, terms=("recommend_all", "recommend_ma"), young=False)
    atoms = tuple(replace(atom, direction=Direction.SHORT) for atom in given.pool.atoms)
    composition = {atom.symbol: {atom.physical_symbol: -1.0} for atom in atoms}
    streams = replace(given.pool.streams, ids=tuple(composition), returns=-(noise + drift), composition=composition)
    features = replace(given.features, values=np.array([np.sign(drift), np.sign(drift)]))
    got = SELECTION_MODELS[name].select(
        replace(
            given,
            pool=AtomPool(atoms=atoms, streams=streams, own=noise + drift),
            features=features,
            parameters=PARAMETERS.model_copy(update={"vetoes": ()}),
        )
    )
    assert max(got.scores, key=got.scores.__getitem__) == "X:N0008_hold_SHORT"
    assert got.winners[0].physical_symbol == "X:N0008"


@pytest.mark.requirement("R-SEL-12")
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("name", ["v3.2", "v3.4", "v4"])
def test_the_order_follows_the_dominant_rating(name, direction):
    """All else equal it is the order of the rating; a short is the better, the lower its asset is rated."""
    given = context(12, terms=("recommend_ma",), young=False)
    atoms = tuple(replace(atom, direction=direction) for atom in given.pool.atoms)
    composition = {atom.symbol: {atom.physical_symbol: float(direction.sign)} for atom in atoms}
    own = given.pool.own[:, :1].repeat(12, axis=1)
    streams = replace(given.pool.streams, ids=tuple(composition), returns=own * direction.sign, composition=composition)
    rating = np.random.default_rng(3).permutation(np.linspace(-1.0, 1.0, 12))
    pool = AtomPool(atoms=atoms, streams=streams, own=own)
    alike = replace(given, pool=pool, features=replace(given.features, values=rating[None]))
    free = PARAMETERS.model_copy(update={"vetoes": (), "dominant_signal": "rating_ma"})
    scores = SELECTION_MODELS[name].select(replace(alike, parameters=free)).scores
    assert sorted(scores, key=scores.__getitem__) == [atoms[k].symbol for k in np.argsort(rating * direction.sign)]
    without = SELECTION_MODELS[name].select(replace(alike, parameters=PARAMETERS)).scores
    assert name == "v4" or len(set(without.values())) == 1


@pytest.mark.requirement("R-SEL-12")
@pytest.mark.parametrize("name", ["v3.2", "v3.4", "v4"])
def test_a_dominant_rating_orders_a_pool_of_all_sorts_more_than_momentum_does(name):
    given = context(150, young=False)
    sides = np.array([atom.direction.sign for atom in given.pool.atoms])
    rating = given.features.of("recommend_ma", given.features.keys) * sides
    agreement = []
    for signal in (None, "rating_ma"):
        free = PARAMETERS.model_copy(update={"dominant_signal": signal})
        got = SELECTION_MODELS[name].select(replace(given, parameters=free))
        scores = np.array([got.scores[symbol] for symbol in given.pool.ids])
        agreement.append(np.corrcoef(scores.argsort().argsort(), rating.argsort().argsort())[0, 1])
        largest = max(got.shares, key=got.shares.__getitem__)
        assert (largest == "rating_ma") == (signal is not None)
    assert agreement[1] > 0.5 > agreement[0]


@pytest.mark.requirement("R-FEA-14")
@pytest.mark.parametrize("name", SCORING)
def test_another_sleeve_never_reorders_the_ranks_of_one(name):
    first, second = (SELECTION_MODELS[name].select(context(20, seed=seed)).scores for seed in (1, 2))
    alone = [atom for _, atom, _ in pooled({"first": first})]
    together = [atom for sleeve, atom, _ in pooled({"first": first, "second": second}) if sleeve == "first"]
    assert together == alone == sorted(first, key=lambda atom: (-first[atom], atom))


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.parametrize("stage", Relaxation)
@pytest.mark.parametrize("thresholds", ["calibrated", "as_specified"])
@pytest.mark.parametrize("name", sorted(VETOES))
def test_a_broken_rule_has_a_finite_value_and_limit(name, thresholds, stage):
    given = context(150, rows=70)
    changes = {"null_share": 0.25, "thresholds": thresholds}
    given = FeatureEngineeringStage().run(replace(given, parameters=PARAMETERS.model_copy(update=changes)))
    verdict = VETOES[name].judgement(given, stage)
    assert verdict.broken.shape == verdict.values.shape == verdict.limits.shape == (150,)
    assert np.isfinite(verdict.values[verdict.broken]).all()
    assert np.isfinite(verdict.limits[verdict.broken]).all()
    assert np.isfinite(list(verdict.thresholds.values())).all()
