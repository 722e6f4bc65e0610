"""Order of winners and the flags of a scarce result."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.selection.stages.synthesis import SynthesisStage

RUN = SynthesisStage().run


def recruited(given, scores, won):
    return replace(given, scores=np.array(scores), recruited={given.pool.ids[k]: "ranked" for k in won})


def test_winners_stand_best_first_and_ties_by_id(context):
    done = RUN(
        recruited(context(np.zeros((1, 4)), assets=["X:D", "X:B", "X:C", "X:A"]), [1.0, 5.0, 1.0, 9.0], [0, 1, 2])
    )
    assert [atom.physical_symbol for atom in done.winners] == ["X:B", "X:C", "X:D"]


@pytest.mark.requirement("R-SEL-24")
@pytest.mark.parametrize(
    ("assets", "floor", "flags"),
    [
        (["X:A", "X:B", "X:C"], 4, {"sparse"}),
        (["X:A", "X:B", "X:C"], 3, set()),
        (["X:A", "X:A", "X:C"], 3, {"few_assets"}),
        (["X:A", "X:A", "X:C"], 4, {"sparse"}),
    ],
)
def test_flags(context, assets, floor, flags):
    given = context(np.zeros((1, 3)), assets=assets, logics=["one", "two", "three"], min_winners=floor)
    assert RUN(recruited(given, [1.0, 2.0, 3.0], [0, 1, 2])).flags == flags


def test_a_pool_in_which_nobody_may_win_is_sparse(context):
    done = RUN(recruited(context(np.zeros((1, 2))), [1.0, 2.0], []))
    assert (done.winners, done.flags) == ((), {"sparse"})


def test_synthesis_before_inference_is_refused(context):
    with pytest.raises(ValueError, match="run inference first"):
        RUN(context(np.zeros((1, 2))))
