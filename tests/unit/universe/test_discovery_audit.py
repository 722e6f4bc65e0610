"""The audit looks at the recruits, not at the filters."""

import numpy as np
import pytest

from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instrument, Kind
from tvquant.profiles.scanners import load_scanner
from tvquant.universe import Auditor, Screen, ScreeningOutcome, consolidate, recruits, traded_values

DAY = np.datetime64("2022-03-03", "us")
SCANNER = load_scanner("binance_spot_rating_all_long")


def coin(ticker: str, base: str) -> Instrument:
    kind = Kind.SWAP if ticker.endswith(".P") else Kind.SPOT
    return Instrument(symbol=f"BINANCE:{ticker}", kinds=frozenset({kind}), currency="USD", calendar="24x7", base=base)


COINS = [coin("AUSDT", "A"), coin("AUSDC", "A"), coin("BUSDT", "B"), coin("CUSDT", "C"), coin("DUSDT", "D")]
FEATURES = FeatureSet(
    names=("value_traded_last", "recommend_all", "roc_9"),
    keys=tuple(one.key for one in COINS),
    values=np.array([[3e7, 4e7, 3e7, 3e7, 1e7], [0.5, 0.5, 0.2, 0.05, 0.9], [1.0, 2.0, 150.0, 0.0, 0.0]]),
    known_at=DAY,
)


def audited(instruments: list[Instrument], answer: ScreeningOutcome, most: int | None = None):
    columns = np.arange(len(instruments))
    made = recruits([SCANNER], instruments, [answer])
    found = consolidate(made, traded_values(instruments, FEATURES), most=most)
    return Auditor([SCANNER], instruments).audit(columns, [answer], found, FEATURES, DAY)[0]


@pytest.mark.requirement("R-UNI-21")
def test_counts_reconcile() -> None:
    answer = Screen(SCANNER, COINS).ask(np.arange(len(COINS)), DAY, FEATURES)
    one = audited(COINS, answer, most=1)
    assert (one.asked, one.pooled, one.found) == (5, 4, 3)
    assert (one.kept, one.merged, one.cut) == (1, 1, 1)
    assert (one.neutral, one.leaked, one.roc_outliers) == (0, 0, 1)
    assert (one.at_neutral_band, one.at_zero) == (3, 4)


@pytest.mark.requirement("R-UNI-12")
@pytest.mark.requirement("R-UNI-14")
def test_a_scanner_that_recruited_what_it_must_not_is_found_out() -> None:
    """An answer that recruits everything, a perpetual and a neutral rating included."""
    strange = [*COINS[:3], coin("EUSDT.P", "E"), COINS[3]]
    values = np.column_stack([FEATURES.values[:, :3], FEATURES.values[:, 0], FEATURES.values[:, 3]])
    features = FeatureSet(names=FEATURES.names, keys=tuple(one.key for one in strange), values=values, known_at=DAY)
    everything = ScreeningOutcome(
        steps=(), stopped=np.full(5, -1, dtype=np.int64), unknown=np.zeros(5, bool), pool_steps=0
    )
    found = consolidate(recruits([SCANNER], strange, [everything]), traded_values(strange, features))
    (one,) = Auditor([SCANNER], strange).audit(np.arange(5), [everything], found, features, DAY)
    assert (one.found, one.leaked, one.neutral) == (5, 1, 1)
