"""Shorts of listed names fall, whatever their generation; longs and other shorts do not."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.borrow import UNBORROWABLE

pytestmark = pytest.mark.requirement("R-SEL-19")
LISTED = {"unborrowable": ("X:A", "X:C")}


def test_a_short_that_nobody_lends_is_vetoed_and_unknown_ones_are_counted(context):
    given = context(
        np.zeros((1, 5)), assets=["X:A", "X:A", "X:B", "X:C#2", "X:AA"], directions="SLSSS", logics="abcde", **LISTED
    )
    verdict = UNBORROWABLE.judgement(given, Relaxation.STRICT)
    assert verdict.broken.tolist() == [True, False, False, True, False]
    assert (verdict.values[0], verdict.limits[0]) == (0.0, 1.0)
    assert verdict.thresholds == {"limit": 1.0, "not_judged": 2.0}
    assert UNBORROWABLE.hard


def test_a_profile_without_a_list_knows_of_nobody(context):
    verdict = UNBORROWABLE.judgement(context(np.zeros((1, 2)), directions="SL"), Relaxation.STRICT)
    assert not verdict.broken.any()
    assert verdict.thresholds["not_judged"] == 1.0
