"""Regimes as values."""

import json

from tvquant.core.regimes import UNKNOWN, MarketRegime, Quadrant, Regime


def test_a_regime_is_read_back_from_its_record():
    seen = MarketRegime(
        label=Regime.TURBULENT, quadrant=Quadrant.CRISIS, score=1.25, components={"hurst": 0.2}, growth=-0.4,
        stress=1.7, rows=252, flags=("hmm",),
    )  # fmt: skip
    assert MarketRegime.of(json.loads(json.dumps(seen.payload()))) == seen


def test_an_unknown_regime_is_normal_and_says_so():
    assert (UNKNOWN.label, UNKNOWN.quadrant, UNKNOWN.flags) == (Regime.NORMAL, Quadrant.NORMAL, ("regime_unknown",))
