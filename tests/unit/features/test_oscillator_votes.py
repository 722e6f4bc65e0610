"""The eleven votes against a slow referee in every profile, and at the edges of their rules."""

from itertools import product

import numpy as np
import oscillator_referee
import pytest
from markets import T, bars_of, holes, markets, matrices, walk

from tvquant.features.oscillator_votes import OSCILLATORS, judge_oscillators, oscillator_votes
from tvquant.features.oscillators import Oscillators
from tvquant.features.rating_rules import CLASSIC, LIBRARY_V3, RATING_RULES, SCREENER, AdxRule, with_adx
from tvquant.features.votes import MISSING, TOLERANCE

BARS = ("high", "low", "close")
NAN = np.nan
PROFILES = {**RATING_RULES, "screener, cross": with_adx(SCREENER, AdxRule.CROSS)}


def fields_of(names):
    return {field: block for field, block in matrices(names).items() if field in BARS}


def told(votes):
    return np.where(votes == MISSING, np.nan, votes)


def referee_of(bars, rules):
    return np.array(
        oscillator_referee.votes(
            bars["high"],
            bars["low"],
            bars["close"],
            stochastic=rules.stochastic,
            stochastic_rsi=rules.stochastic_rsi,
            source=rules.cci,
            adx=rules.adx,
        ),
        dtype=float,
    )


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("profile", PROFILES)
def test_every_vote_of_every_market_equals_the_slow_referee(profile):
    names, rules = markets(), PROFILES[profile]
    votes = oscillator_votes(**fields_of(names), rows=T, rules=rules)
    assert votes.shape == (T, len(names), 11)
    for j, (name, bars) in enumerate(names.items()):
        np.testing.assert_array_equal(told(votes[:, j]), referee_of(bars, rules), err_msg=name)


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("profile", PROFILES)
def test_each_vote_takes_each_value_in_some_market(profile):
    """The comparison above is not one of zeros: every indicator says all it can say."""
    votes = oscillator_votes(**fields_of(markets()), rows=T, rules=PROFILES[profile])
    for m, indicator in enumerate(OSCILLATORS):
        assert set(np.unique(votes[..., m]).tolist()) == {-1, 0, 1, int(MISSING)}, indicator


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_last_rows_alone_are_the_last_rows_of_all(rows, profile):
    fields, rules = fields_of(markets()), PROFILES[profile]
    whole = oscillator_votes(**fields, rows=T, rules=rules)
    assert np.array_equal(oscillator_votes(**fields, rows=rows, rules=rules), whole[-rows:])


def test_many_columns_are_judged_one_by_one():
    fields = {name: np.tile(block, (1, 14)) for name, block in fields_of(markets()).items()}  # over two tiles
    votes = oscillator_votes(**fields, rows=2)
    assert np.array_equal(votes, np.tile(votes[:, : votes.shape[1] // 14], (1, 14, 1)))


@pytest.mark.requirement("R-FEA-12")
def test_each_vote_begins_at_its_bar():
    votes = oscillator_votes(**fields_of({"walk": bars_of(walk(1))}), rows=T)[:, 0]
    first = {name: int((votes[:, m] != MISSING).argmax()) + 1 for m, name in enumerate(OSCILLATORS)}
    assert first == {
        "RSI14": 16,
        "Stoch": 19,
        "CCI20": 21,
        "ADX": 28,
        "AO": 35,
        "Mom10": 12,
        "MACD": 34,
        "StochRSI": 50,
        "WilliamsR14": 15,
        "BBPower13": 50,
        "UO": 29,
    }
    rising = np.linspace(50.0, 400.0, T)
    trend = oscillator_votes(rising[:, None] + 1.0, rising[:, None] - 1.0, rising[:, None], rows=T)[:, 0, 3]
    assert trend[27] == 0, "counted, but nothing to rise from before bar 29"


@pytest.mark.requirement("R-FEA-12")
def test_on_closes_alone_the_votes_of_closes_stay_and_the_others_leave():
    fields = fields_of({"walk": bars_of(walk(1)), "gaps": holes(bars_of(walk(2)), range(40, 90))})
    of_closes = [OSCILLATORS.index(name) for name in ("RSI14", "CCI20", "Mom10", "MACD", "StochRSI")]
    full = oscillator_votes(**fields, rows=50)
    bare = oscillator_votes(None, None, fields["close"], rows=50)
    assert np.array_equal(bare[..., of_closes], full[..., of_closes])
    assert (np.delete(bare, of_closes, axis=-1) == MISSING).all()
    assert (full != MISSING).all()
    unknown = np.full_like(fields["close"], NAN)
    assert np.array_equal(oscillator_votes(unknown, unknown, fields["close"], rows=50), bare)
    typical = oscillator_votes(None, None, fields["close"], rows=50, rules=SCREENER)
    assert (typical[..., OSCILLATORS.index("CCI20")] == MISSING).all()


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("ticker", ["BTCUSDT", "LUNAUSDT", "DREPUSDT", "USDCUSDT"])
def test_real_bars_have_the_votes_of_the_slow_referee(shared_data, ticker):
    """A walk, a crash to a ten-thousandth with another token after it, a redenomination, a lattice of ties."""
    import polars as pl

    bars = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    bars = bars.filter(pl.col("symbol") == f"BINANCE:{ticker}")
    fields = {field: bars[field].to_numpy() for field in BARS}
    assert len(bars) > 500
    for rules in PROFILES.values():
        votes = oscillator_votes(*(block[:, None] for block in fields.values()), rows=len(bars), rules=rules)[:, 0]
        np.testing.assert_array_equal(told(votes), referee_of(fields, rules))


def vote(indicator, rules=LIBRARY_V3, **series):
    """The vote of one indicator from its values at three bars; what is not given is not known but for the close."""
    unknown, series = [NAN, NAN, NAN], {"close": [1.0, 1.0, 1.0]} | series
    values = Oscillators(*(np.array([series.get(name, unknown)], float) for name in Oscillators._fields))
    found = judge_oscillators(values, rules)[OSCILLATORS.index(indicator), 0, 0]
    return None if found == MISSING else int(found)


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize(
    ("indicator", "name", "low", "high"),
    [("RSI14", "rsi", 30, 70), ("CCI20", "cci", -100, 100), ("WilliamsR14", "williams", -80, -20)],
)
def test_a_turn_is_voted_beyond_the_bound_only(indicator, name, low, high):
    def of(before, now):
        return vote(indicator, **{name: [NAN, before, now]})

    assert of(low - 2, low - 1) == 1
    assert of(high + 2, high + 1) == -1
    assert [of(low - 1, low - 2), of(high + 1, high + 2), of(low - 1, low - 1), of(high + 1, high + 1)] == [0] * 4
    assert [of(low - 1, low), of(high + 1, high), of(0.5 * (low + high), 0.5 * (low + high) + 1)] == [0] * 3
    assert of(NAN, low - 1) is None
    assert of(low - 1, NAN) == 0, "only the value before is asked for"
    assert of(low - 2, low - 50.0 * TOLERANCE) == 0


@pytest.mark.requirement("R-FEA-12")
def test_a_stochastic_is_voted_by_its_side_or_when_it_has_just_crossed():
    low, fresh = {"k": [NAN, 12, 15], "d": [NAN, 11, 13]}, {"k": [NAN, 10, 15], "d": [NAN, 11, 13]}
    high, crossed = {"k": [NAN, 88, 85], "d": [NAN, 89, 87]}, {"k": [NAN, 90, 85], "d": [NAN, 89, 87]}
    for rules, found in ((LIBRARY_V3, [1, 1, -1, -1]), (CLASSIC, [0, 1, 0, -1]), (SCREENER, [0, 1, 0, -1])):
        assert [vote("Stoch", rules, **each) for each in (low, fresh, high, crossed)] == found
    touching = {"k": [NAN, 11, 15], "d": [NAN, 11, 13]}
    assert vote("Stoch", CLASSIC, **touching) == 0
    assert vote("Stoch", k=[NAN, 10, 15], d=[NAN, 11, 20]) == 0
    assert vote("Stoch", k=[NAN, 10, 20], d=[NAN, 11, 13]) == 0
    assert vote("Stoch", k=[NAN, 12, NAN], d=[NAN, 11, NAN]) == 0
    assert vote("Stoch", k=[NAN, 12, 15], d=[NAN, NAN, 13]) is None
    for k, d in product(([NAN, 12, NAN], [NAN, NAN, 15]), ([NAN, 11, 13],)):
        assert vote("Stoch", CLASSIC, k=k, d=d) is None
    assert vote("Stoch", CLASSIC, k=[NAN, 12, 15], d=[NAN, 11, NAN]) is None


@pytest.mark.requirement("R-FEA-12")
def test_the_directional_index_votes_while_it_rises_or_when_its_lines_cross():
    def of(adx, plus, minus, rules=LIBRARY_V3):
        return vote("ADX", rules, adx=[NAN, *adx], plus=[NAN, *plus], minus=[NAN, *minus])

    assert of([21, 22], [30, 30], [10, 10]) == 1
    assert of([21, 22], [10, 10], [30, 30]) == -1, "the sell side too wants a rising index"
    assert [of([22, 21], [30, 30], [10, 10]), of([19, 20], [30, 30], [10, 10]), of([21, 22], [9, 9], [9, 9])] == [0] * 3
    assert of([NAN, 22], [30, 30], [10, 10]) == 0
    assert of([21, NAN], [30, 30], [10, 10]) is None
    assert of([22, 21], [10, 11], [10, 10], CLASSIC) == 1
    assert of([22, 21], [10, 10], [10, 11], CLASSIC) == -1
    assert of([21, 22], [30, 30], [10, 10], CLASSIC) == 0
    assert of([19, 20], [10, 11], [10, 10], CLASSIC) == 0
    assert of([22, 21], [NAN, 11], [10, 10], CLASSIC) is None
    assert of([NAN, 21], [10, 11], [10, 10], CLASSIC) == 1


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("sign", [1, -1])
def test_the_awesome_oscillator_votes_on_a_crossing_and_on_a_saucer(sign):
    def of(*values):
        found = vote("AO", awesome=sign * np.array(values, float))
        return None if found is None else sign * found

    assert [of(NAN, -1, 1), of(-2, 0, 1), of(3, 1, 2)] == [1, 1, 1]
    assert [of(1, 2, 3), of(3, 2, 1), of(2, 2, 3), of(3, 2, 2), of(NAN, 1, 2), of(-1, -2, 0)] == [0] * 6
    assert of(1, NAN, 1) is None


@pytest.mark.requirement("R-FEA-12")
def test_momentum_signal_and_ultimate_votes():
    assert [vote("Mom10", momentum=[NAN, *each]) for each in ([-3, -2], [3, 2], [1, 1])] == [1, -1, 0]
    assert vote("Mom10", momentum=[NAN, NAN, 1]) is None
    assert [vote("MACD", macd=[NAN, NAN, x], signal=[NAN, NAN, -1]) for x in (0, -2, -1)] == [1, -1, 0]
    assert vote("MACD", macd=[NAN, NAN, 1]) is None
    assert [vote("UO", ultimate=[NAN, NAN, x]) for x in (71, 29, 70, 30, NAN)] == [1, -1, 0, 0, None]


@pytest.mark.requirement("R-FEA-12")
def test_stochastic_rsi_buys_in_a_falling_trend_and_sells_in_a_rising_one():
    low, high = {"rsi_k": [NAN, 12, 15], "rsi_d": [NAN, 11, 13]}, {"rsi_k": [NAN, 88, 85], "rsi_d": [NAN, 89, 87]}
    falling, rising = {"close": [9, 9, 9], "trend": [NAN, NAN, 10]}, {"close": [11, 11, 11], "trend": [NAN, NAN, 10]}
    assert [vote("StochRSI", **low, **each) for each in (falling, rising)] == [1, 0]
    assert [vote("StochRSI", **high, **each) for each in (falling, rising)] == [0, -1]
    assert [vote("StochRSI", rules, **low, **falling) for rules in (SCREENER, CLASSIC)] == [1, 0]
    assert vote("StochRSI", **low, close=[10, 10, 10], trend=[NAN, NAN, 10]) == 0
    assert vote("StochRSI", **falling) == 0, "only the trend is asked for"
    assert vote("StochRSI", **low, close=[10, 10, 10]) is None


@pytest.mark.requirement("R-FEA-12")
def test_bull_and_bear_power_follow_the_trend():
    up, down = {"close": [11, 11, 11], "trend": [NAN, NAN, 10]}, {"close": [9, 9, 9], "trend": [NAN, NAN, 10]}
    dip, peak = {"bull": [NAN, 5, 5], "bear": [NAN, -2, -1]}, {"bull": [NAN, 2, 1], "bear": [NAN, -5, -5]}
    assert [vote("BBPower13", **dip, **each) for each in (up, down)] == [1, 0]
    assert [vote("BBPower13", **peak, **each) for each in (up, down)] == [0, -1]
    assert vote("BBPower13", **up, bull=[NAN, 5, 5], bear=[NAN, -1, 0]) == 0
    assert vote("BBPower13", **up, bull=[NAN, 5, 5], bear=[NAN, NAN, -1]) == 0
    assert vote("BBPower13", **up, bull=[NAN, 5, NAN], bear=[NAN, -2, -1]) is None
    assert vote("BBPower13", **dip, close=[11, 11, 11]) is None
