"""Minimum momentum and one instrument per identity: who loses, why, and that no fill brings them back."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.selection import Veto
from tvquant.selection.eligibility import one_per_identity, trailing_return
from tvquant.selection.stages.policy import SelectionPolicyStage

SPOT, SWAP = ("BTC", "X", "spot"), ("BTC", "X", "swap")


@pytest.fixture
def chosen(judged):
    """The policy's last word on atoms of falling score in one cluster, unless `clusters` says otherwise."""

    def run(*, identities=(), clusters=(), settings=None, **columns):
        given = judged(settings={"vetoes": ("kurtosis", "entropy"), **(settings or {})}, **columns)
        count, atoms = len(given.pool.atoms), given.pool.atoms
        given = replace(
            given,
            scores=-np.arange(float(count)),
            clusters=tuple(clusters) or (1,) * count,
            identities={atom.physical_symbol: one for atom, one in zip(atoms, identities, strict=False)},
        )
        policy = SelectionPolicyStage()
        done = policy.run(given)
        while policy.goes_on(done):
            done = policy.run(done)
        return done

    return run


def names(done):
    return [symbol[2:6] for symbol in done.recruited]


@pytest.mark.requirement("R-SEL-25")
def test_of_an_identity_the_best_score_stays_and_the_other_has_its_reason_also_in_fills(chosen):
    done = chosen(kurtosis=[0.0] * 4, identities=[SPOT, SPOT, SWAP], settings={"top_n": 1, "min_winners": 15})
    assert done.stage == 4
    assert names(done) == ["N000", "N002", "N003"]
    assert done.vetoes == {"X:N001_hold_LONG": Veto(rule="identity", value=-1.0, limit=0.0, hard=True)}
    assert done.thresholds["identity"] == {"lost": 1.0}


@pytest.mark.requirement("R-SEL-25")
def test_an_identity_is_one_per_cluster_logic_and_direction(chosen):
    both = {"kurtosis": [0.0] * 2, "identities": [SPOT, SPOT]}
    assert names(chosen(**both)) == ["N000"]
    assert names(chosen(**both, clusters=(1, 2))) == ["N000", "N001"]
    assert names(chosen(**both, directions="LS")) == ["N000", "N001"]
    assert names(chosen(**both, logics=["rating_all", "rating_ma"])) == ["N000", "N001"]
    assert "identity" not in chosen(kurtosis=[0.0] * 2, identities=[SPOT, SWAP]).thresholds


@pytest.mark.requirement("R-SEL-25")
@pytest.mark.parametrize("assets", [("X:A", "X:B"), ("X:B", "X:A")])
def test_of_equal_scores_the_first_id_stays_wherever_it_stands(context, assets):
    given = context(np.zeros((1, 2)), assets=assets)
    given = replace(given, scores=np.zeros(2), clusters=(1, 1), identities=dict.fromkeys(assets, SPOT))
    free = np.zeros(2, np.bool_)
    (found,) = one_per_identity(given, vetoed=free, barred=free).values()
    assert [assets[k] for k in np.flatnonzero(found.broken)] == ["X:B"]


@pytest.mark.requirement("R-SEL-25")
def test_who_may_not_win_beats_nobody_of_its_identity(chosen):
    twins = {"identities": [SPOT, SPOT], "settings": {"min_winners": 1}}
    barred = chosen(kurtosis=[21.0, 0.0], **twins)
    assert (names(barred), barred.vetoes["X:N000_hold_LONG"].rule) == (["N001"], "kurtosis")
    assert names(chosen(entropy=[1.0, 0.5], kurtosis=[0.0, 0.0], **twins)) == ["N001"]
    doubtful = chosen(entropy=[1.0, 1.0], kurtosis=[0.0, 0.0], **twins)
    assert (doubtful.stage, names(doubtful)) == (3, ["N000"])  # noise, both: the better one stands for the cluster
    everyone = chosen(kurtosis=[21.0, 22.0], **twins)
    assert names(everyone) == []
    assert {veto.rule for veto in everyone.vetoes.values()} == {"kurtosis"}


@pytest.mark.requirement("R-SEL-25")
@pytest.mark.parametrize(("least", "winners"), [(None, 3), (0.0, 2), (0.1, 1), (0.11, 0)])
def test_a_minimum_momentum_binds_in_fills_and_at_its_figure(context, least, winners):
    streams = np.zeros((70, 3))
    streams[:5] = 0.5  # before the last 60 rows
    streams[-60, 0], streams[-1, 1] = 0.1, -0.01
    policy = SelectionPolicyStage()
    given = context(streams, vetoes=(), min_momentum=least, min_winners=3, top_n=1)
    given = replace(given, scores=np.zeros(3), clusters=(1, 1, 1))
    features = replace(given.features, names=("floor_entropy",), keys=given.pool.ids, values=np.full((1, 3), 0.5))
    done = replace(given, atom_features=features)
    for _ in range(4):
        done = policy.run(done)
    assert len(done.recruited) == winners
    slow = {} if least is None else {"X:N001_hold_LONG": Veto(rule="min_momentum", value=-0.01, limit=least, hard=True)}
    for symbol, veto in slow.items():
        assert done.vetoes[symbol].value == pytest.approx(veto.value)
        assert replace(done.vetoes[symbol], value=veto.value) == veto
    assert ("min_momentum" in done.thresholds) == (least is not None)


@pytest.mark.requirement("R-SEL-25")
def test_a_hard_rule_is_named_before_a_lack_of_momentum_and_that_before_a_soft_rule(chosen):
    done = chosen(kurtosis=[21.0, 0.0], entropy=[0.5, 1.0], settings={"min_momentum": 0.1})
    assert [veto.rule for veto in done.vetoes.values()] == ["kurtosis", "min_momentum"]


def test_momentum_is_compounded_on_the_atoms_own_stream_and_a_missing_row_earns_nothing():
    streams = np.zeros((100, 4))
    streams[-60:, 0] = 0.01
    streams[-61, 1] = 0.5
    streams[-60:, 2] = np.nan
    streams[-60, 3], streams[-30:, 3] = 0.2, np.nan
    np.testing.assert_allclose(trailing_return(streams), [1.01**60 - 1.0, 0.0, 0.0, 0.2])
    np.testing.assert_allclose(trailing_return(streams[-10:, :1]), [1.01**10 - 1.0])
