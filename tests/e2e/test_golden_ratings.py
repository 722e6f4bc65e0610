"""Ratings that TradingView published, from the indicator values published with them, and from bars.

Rows of the current era are of 2021 to 2026. Where the ADX is above 20 and rising the rule of the crossing alone gives
the published votes; where it is not, every profile does. Four votes stand on values that were not published (the trend,
the values of the bar before) and are taken as served.
"""

import csv

import numpy as np
import pytest

from tvquant.features.oscillator_votes import OSCILLATORS, judge_oscillators, oscillator_votes
from tvquant.features.oscillators import Oscillators, oscillators
from tvquant.features.rating_rules import (
    RATING_RULES,
    SCREENER,
    AdxRule,
    PriceSource,
    RatingLabel,
    rating_label,
    with_adx,
)
from tvquant.features.ratings import LENGTHS, judge, mean_of_groups, mean_vote, moving_average_votes
from tvquant.features.votes import MISSING

pytestmark = pytest.mark.requirement("R-FEA-12")
SERVED = with_adx(SCREENER, AdxRule.CROSS)
PROFILES = {**RATING_RULES, "screener with adx cross": SERVED}
EVERY = frozenset(PROFILES)
CROSSING = frozenset({"classic", "screener with adx cross"})
REPRODUCED_BY = {
    "btc_1d_2021-08-18": EVERY,
    "tsla_5m_2022-09-20": CROSSING,
    "btc_1d_2023-11-02": CROSSING,
    "unknown_b": EVERY,
    "btc_1d_2026-04-21_a": EVERY,
}
AS_SERVED = {"StochRSI": "Rec.Stoch.RSI", "WilliamsR14": "Rec.WR", "BBPower13": "Rec.BBPower", "UO": "Rec.UO"}
PUBLISHED = {
    "close": "close",
    "rsi": "RSI",
    "k": "Stoch.K",
    "d": "Stoch.D",
    "cci": "CCI20",
    "plus": "ADX+DI",
    "minus": "ADX-DI",
    "adx": "ADX",
    "awesome": "AO",
    "momentum": "Mom",
    "macd": "MACD.macd",
    "signal": "MACD.signal",
    "williams": "W.R",
    "rsi_k": "Stoch.RSI.K",
    "ultimate": "UO",
}


@pytest.fixture(scope="module")
def rows(shared_data):
    with (shared_data / "tradingview_rating_golden.csv").open() as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def published_votes(shared_data):
    with (shared_data / "tradingview_rating_golden_votes.csv").open() as file:
        return list(csv.DictReader(file))


def number(row, name):
    return float(row.get(name) or "nan")


def last_three(row, name):
    return [number(row, f"{name}[2]"), number(row, f"{name}[1]"), number(row, name)]


def oscillators_of(row):
    """What was published; the ADX of the bar before follows from Wilder's average of 14."""
    series = {ours: last_three(row, theirs) for ours, theirs in PUBLISHED.items()}
    plus, minus, adx = (number(row, name) for name in ("ADX+DI", "ADX-DI", "ADX"))
    series["adx"][1] = (14.0 * adx - 100.0 * abs(plus - minus) / (plus + minus)) / 13.0
    return Oscillators(*(np.array([series.get(name, [np.nan] * 3)]) for name in Oscillators._fields))


def votes_of(row, rules):
    """Votes of the averages and of the oscillators from the published values, 1 x 1 x 15 and 1 x 1 x 11."""
    averages = np.full((15, 1, 1), int(number(row, "Rec.Ichimoku")), np.int8)
    names = [*(f"{kind}{n}" for kind in ("SMA", "EMA") for n in LENGTHS), "HullMA9", "VWMA"]
    judge(np.array([[[number(row, name)]] for name in names]), np.array([[number(row, "close")]]), averages[:14])
    others = judge_oscillators(oscillators_of(row), rules)
    for ours, theirs in AS_SERVED.items():
        others[OSCILLATORS.index(ours)] = int(number(row, theirs))
    return averages.T, others.T


def reproduces(row, rules):
    averages, others = votes_of(row, rules)
    found = mean_vote(averages), mean_vote(others), mean_of_groups(averages, others)
    served = [number(row, f"Recommend.{group}") for group in ("MA", "Other", "All")]
    return np.allclose(np.ravel(found), served, rtol=0.0, atol=1e-7)


def test_every_reading_of_the_current_era_is_reproduced_by_the_profiles_that_are_named(rows):
    current = {name: row for name, row in rows.items() if row["rule_era"] == "current"}
    found = {
        name: {profile for profile in EVERY if reproduces(row, PROFILES[profile])} for name, row in current.items()
    }
    assert found == REPRODUCED_BY


def test_no_reading_of_the_legacy_era_is(rows):
    """Then momentum and the turns of the RSI were voted the other way round: equality there would be a coincidence."""
    legacy = [row for row in rows.values() if row["rule_era"] == "legacy"]
    assert len(legacy) == 3
    assert not any(reproduces(row, rules) for row in legacy for rules in PROFILES.values())


def test_the_words_are_those_that_were_published(rows, published_votes):
    row = rows["tsla_5m_2022-09-20"]
    words = {each["group"]: each["value"] for each in published_votes if each["component"] == "_recommendation"}
    served = {"moving_averages": "Recommend.MA", "oscillators": "Recommend.Other", "summary": "Recommend.All"}
    assert set(words.values()) == {"SELL"}
    assert {rating_label(number(row, served[group])) for group in words} == {RatingLabel.SELL}


def test_each_published_vote_of_an_oscillator_is_ours(rows, published_votes):
    names = {"STOCH.K": "Stoch", "BBP": "BBPower13", "CCI": "CCI20", "Mom": "Mom10", "RSI": "RSI14"}
    names |= {"W%R": "WilliamsR14", "Stoch.RSI": "StochRSI", "ADX": "ADX", "AO": "AO", "MACD": "MACD", "UO": "UO"}
    _, others = votes_of(rows["tsla_5m_2022-09-20"], SERVED)
    served = {names[each["component"]]: each["value"] for each in published_votes if each["component"] in names}
    assert set(served) >= set(OSCILLATORS)
    sign = {"BUY": 1, "NEUTRAL": 0, "SELL": -1}
    assert others[0, 0].tolist() == [sign[served[name]] for name in OSCILLATORS]


def bars_until(shared_data, row, file):
    """Bars of the pair until the reading, whose figures of the forming bar stand in for the last one."""
    import polars as pl

    last = pl.lit(row["id"][-10:]).str.to_datetime("%Y-%m-%d", time_zone="UTC")
    bars = pl.read_parquet(shared_data / file).filter(
        pl.col("symbol") == "BINANCE:BTCUSDT", pl.col("timestamp") <= last
    )
    fields = {name: bars[name].to_numpy().copy()[:, None] for name in ("high", "low", "close", "volume")}
    for name, block in fields.items():
        block[-1] = number(row, name)
    return fields


def test_a_reading_is_rebuilt_from_bars(rows, shared_data):
    """Ratings and all votes; values where the bars agree: one close two days before differs by 3 USDT."""
    row = rows["btc_1d_2023-11-02"]
    bars = bars_until(shared_data, row, "crypto_binance_spot_1d_2022_2025.parquet")
    three = {name: bars[name] for name in ("high", "low", "close")}
    found = oscillators(**three, rows=1, cci_source=PriceSource.TYPICAL)

    def error(ours, theirs):
        served = number(row, theirs)
        return abs(getattr(found, ours)[0, -1] / served - 1.0)

    same = {"momentum": "Mom", "awesome": "AO", "adx": "ADX", "plus": "ADX+DI", "minus": "ADX-DI", "williams": "W.R"}
    assert max(error(*each) for each in same.items()) < 5e-10  # as many digits as were published
    assert max(error("cci", "CCI20"), error("rsi", "RSI")) < 5e-5
    near = {"k": "Stoch.K", "d": "Stoch.D", "rsi_k": "Stoch.RSI.K", "macd": "MACD.macd", "signal": "MACD.signal"}
    assert max(error(*each) for each in near.items()) < 2e-4
    assert error("ultimate", "UO") < 1e-3
    assert found.bull[0, -1] + found.bear[0, -1] == pytest.approx(number(row, "BBPower"), rel=5e-4)

    averages = moving_average_votes(**bars, rows=1, rules=SERVED)
    others = oscillator_votes(**three, rows=1, rules=SERVED)
    assert (averages != MISSING).all()
    assert np.array_equal(others, votes_of(row, SERVED)[1])
    rated = [mean_vote(averages)[0, 0], mean_vote(others)[0, 0], mean_of_groups(averages, others)[0, 0]]
    assert rated == pytest.approx([number(row, f"Recommend.{each}") for each in ("MA", "Other", "All")], abs=1e-7)
    assert [rating_label(each) for each in rated] == [RatingLabel.STRONG_BUY, RatingLabel.SELL, RatingLabel.BUY]


def test_the_earlier_reading_took_the_channel_index_of_the_close(rows, shared_data):
    row = rows["btc_1d_2021-08-18"]
    bars = bars_until(shared_data, row, "crypto_binance_spot_1d_2021_2022.parquet")
    three = {name: bars[name] for name in ("high", "low", "close")}
    cci = {source: oscillators(**three, rows=1, cci_source=source).cci[0, -1] for source in PriceSource}
    assert cci[PriceSource.CLOSE] == pytest.approx(number(row, "CCI20"), rel=1e-3)
    assert cci[PriceSource.TYPICAL] != pytest.approx(number(row, "CCI20"), rel=5e-2)
    others = oscillator_votes(**three, rows=1)
    assert np.array_equal(others, votes_of(row, RATING_RULES["library_v3"])[1])
    assert mean_of_groups(moving_average_votes(**bars, rows=1), others)[0, 0] == pytest.approx(
        number(row, "Recommend.All"), abs=1e-7
    )
