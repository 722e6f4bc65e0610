"""The veto on unknown steps binds only where a provider tells them."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.metadata import METADATA

pytestmark = pytest.mark.requirement("R-DAT-24")


def test_a_name_without_steps_is_vetoed_where_the_venue_is_served(judged):
    verdict = METADATA.judge(judged(metadata_known=[1.0, 0.0, np.nan]), Relaxation.STRICT)
    assert verdict.broken.tolist() == [False, True, False]
    assert METADATA.hard
    assert METADATA.name == "metadata"
