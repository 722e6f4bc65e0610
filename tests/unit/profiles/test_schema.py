import re
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tvquant.app.vocabulary import vocabulary as app_vocabulary
from tvquant.core.books import Convention, CostModel, Execution
from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.calendars import calendar
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.problems import GroupLimit, Limits, NameLimit
from tvquant.core.regimes import Quadrant, Regime
from tvquant.core.stamps import NONE, Stamp
from tvquant.features.rating_rules import RATING_RULES, AdxRule
from tvquant.lake.quality.audit import freshness
from tvquant.profiles import Profile, Vocabulary, load, resolve
from tvquant.profiles.files import packaged_defaults
from tvquant.profiles.members import load_members
from tvquant.profiles.scanners import load_scanner
from tvquant.selection import VETOES
from tvquant.selection.vetoes.predictability import NoiseShare
from tvquant.selection.vetoes.specified import MARKETS
from tvquant.selection.vetoes.tails import KurtosisLimit, SurvivalLimit, VolatilityLimit
from tvquant.selection.vetoes.velocity import DailyVolatilityLimit, RocLimits


def made(vocabulary: Vocabulary, **arguments: Any) -> Profile:
    """`us_equities` with `section__key` arguments."""
    named = {f"--{key}": (key.replace("__", "."), value) for key, value in arguments.items()}
    return resolve(load("us_equities"), vocabulary, arguments=named).profile


def test_sections_become_the_types_of_core(vocabulary: Vocabulary) -> None:
    profile = made(vocabulary, execution__lag=2, costs__commission_bps=7, allocation__limits__net=[0, 1])
    expected = Limits(gross=1.0, net=(0.0, 1.0), position=0.25, cluster=0.25, reference=2.0)
    assert profile.allocation.limits.limits() == expected
    assert profile.costs.cost_model() == CostModel(slippage_bps=5.0, commission_bps=7.0, borrow_rate=0.02)
    assert profile.execution.execution() == Execution(
        convention=Convention.NEXT_OPEN, lag=2, halt_limit=5, delisting_haircut=0.30
    )


def test_the_defaults_of_core_and_of_the_file_are_one(vocabulary: Vocabulary) -> None:
    profile = made(vocabulary)
    assert profile.costs.cost_model() == CostModel()
    assert profile.execution.execution() == Execution()


def test_l2_is_by_the_quadrant_of_the_market(vocabulary: Vocabulary) -> None:
    section = made(vocabulary).allocation.l2
    assert {one: section.of(one) for one in Quadrant} == {
        Quadrant.EXPANSION: 0.05,
        Quadrant.NORMAL: 0.05,
        Quadrant.INFLATIONARY_TREND: 0.10,
        Quadrant.STAGNATION: 0.10,
        Quadrant.CRISIS: 0.20,
    }


def test_what_a_section_stamps(vocabulary: Vocabulary) -> None:
    assert made(vocabulary).universe.stamps == {Stamp.CURRENT_ONLY}
    assert made(vocabulary, universe__membership="dated").universe.stamps == NONE
    assert made(vocabulary).selection.stamps == NONE
    assert made(vocabulary, selection__thresholds="as_specified").selection.stamps == {Stamp.AS_SPECIFIED}
    assert made(vocabulary).regime.stamps == NONE
    assert made(vocabulary, regime__preset="as_specified").regime.stamps == {Stamp.AS_SPECIFIED}


@pytest.mark.requirement("R-RSK-11")
def test_caps_of_a_regime_are_those_of_the_requirements(vocabulary: Vocabulary) -> None:
    """Quiet and normal add no cap to `allocation.limits`, which are .25."""
    regime = made(vocabulary).regime
    assert [regime.caps.of(label) for label in Regime] == [None, None, 0.20, 0.15]
    assert made(vocabulary, regime__caps__normal=0.2).regime.caps.of(Regime.NORMAL) == 0.2
    for key, value, said in (
        ("crisis", 0.21, "regime.caps.crisis: expected at most that of turbulent (0.2), found 0.21"),
        ("normal", 0.19, "regime.caps.turbulent: expected at most that of normal (0.19), found 0.2"),
        ("turbulent", None, None),
    ):
        if said is None:
            assert made(vocabulary, **{f"regime__caps__{key}": value}).regime.caps.of(Regime.TURBULENT) is None
            continue
        with pytest.raises(ProfileError, match=re.escape(said)):
            made(vocabulary, **{f"regime__caps__{key}": value})


@pytest.mark.parametrize(("key", "most"), [("momentum.skip", "fewer bars than logics.momentum.lookback (252)"),
                                           ("breakout.exit", "at most logics.breakout.entry (20)")])  # fmt: skip
def test_an_option_of_a_logic_that_another_bounds_is_named_with_where_it_stands(
    vocabulary: Vocabulary, key: str, most: str
) -> None:
    with pytest.raises(ProfileError, match=re.escape(f"logics.{key}: expected {most}, found 300 (")) as refused:
        made(vocabulary, **{f"logics__{key.replace('.', '__')}": 300})
    assert "in no layer" not in str(refused.value)


@pytest.mark.requirement("R-SEL-15")
def test_every_veto_is_in_force_unless_a_profile_leaves_it_out(vocabulary: Vocabulary) -> None:
    selection = made(vocabulary).selection
    assert selection.vetoes == tuple(VETOES)
    assert (selection.thresholds, selection.options(NoiseShare).null_share) == ("calibrated", 0.10)
    assert made(vocabulary, selection__vetoes=["kurtosis"]).selection.vetoes == ("kurtosis",)
    assert made(vocabulary, selection__vetoes=[]).selection.vetoes == ()
    with pytest.raises(ProfileError, match=r"selection.vetoes: unknown veto 'kurtose' - did you mean kurtosis"):
        made(vocabulary, selection__vetoes=["kurtose"])


@pytest.mark.requirement("R-SEL-16")
@pytest.mark.requirement("R-SEL-17")
@pytest.mark.requirement("R-SEL-19")
def test_limits_of_hard_vetoes_are_those_of_the_requirements(vocabulary: Vocabulary) -> None:
    selection = made(vocabulary).selection
    assert selection.options(KurtosisLimit).max_kurtosis == 20.0
    assert selection.options(VolatilityLimit).max_volatility == 2.5
    assert selection.options(SurvivalLimit).min_survival == 0.1
    assert selection.options(RocLimits) == RocLimits(min_roc=-80.0, max_roc=100.0)
    assert selection.options(DailyVolatilityLimit).max_volatility_d == 100.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"universe__exclude_kinds": ["spot", "etf"]}, "universe.exclude_kinds: excludes etf, which universe.kinds"),
        (
            {"universe__symbols": ["A:B"], "universe__exclude_symbols": ["A:B"]},
            "universe.exclude_symbols: excludes A:B, which universe.symbols asks for",
        ),
        ({"risk__primary": "max_sharpe"}, "risk.primary: unknown member of allocation.profiles 'max_sharpe'"),
        (
            {"allocation__profiles": ["hrp"], "risk__anchors": ["equal_weight"]},
            "risk.anchors: unknown member of allocation.profiles 'equal_weight'",
        ),
        ({"windows__train": 501}, r"windows.train: expected at most data.lookback \(500\), found 501"),
        ({"data__span": 60}, r"data.span: expected more rows than windows.train \(60\), or all, found 60"),
        (
            {"data__span": 800, "data__start": "2019-01-01"},
            r"data.start: found 2019-01-01 beside data.span \(800\), .*; set data.span: all, or drop data.start",
        ),
        (
            {"data__start": date(2019, 1, 2), "data__end": date(2019, 1, 1)},
            r"data.end: expected data.start \(2019-01-02\) or later, found 2019-01-01",
        ),
        ({"data__end": datetime(2019, 1, 1, 10)}, "data.end: expected a date YYYY-MM-DD without a time.* 10:00:00'"),
        ({"data__end": "2019-02-29"}, "data.end: expected a date of the calendar, YYYY-MM-DD, found '2019-02-29'"),
        ({"data__end": "20190228"}, "data.end: expected a date YYYY-MM-DD without a time, or null, found '20190228'"),
        ({"data__end": 2019}, "data.end: expected a date YYYY-MM-DD without a time, or null, found 2019"),
        (
            {"windows__step": "month_end", "windows__test": 20},
            "windows.test: found 20 beside a step by the calendar: .*; set it null",
        ),
        ({"windows__step": {"week": "fri"}}, r"windows.step: expected a number of rows, .* found {'week': 'fri'}"),
        ({"windows__step": True}, "windows.step: expected a number of rows, 1 or more, .* found True"),
        ({"benchmark__risk_free": 2}, r"benchmark.risk_free: expected a fraction per year \(0.02 is 2 %\), .* found 2"),
        ({"benchmark__risk_free": {"symbol": "TVC:US03MY"}}, "benchmark.risk_free: expected a fraction .* unit"),
        (
            {"benchmark__risk_free": {"symbol": "A:B", "unit": "bps"}},
            "benchmark.risk_free: expected a .* 'bps'",
        ),
        ({"windows__step": 0}, "windows.step: expected a number of rows, 1 or more, .* found 0"),
        (
            {"allocation__covariance__estimator": "exponental"},
            "allocation.covariance.estimator: unknown estimator 'exponental' .*exponential",
        ),
        (
            {"allocation__covariance__half_life": 0},
            "allocation.covariance.half_life: expected greater than or equal to 1",
        ),
        ({"allocation__layers": "three"}, r"allocation.layers: unknown name 'three' \(known: one, two\)"),
        ({"allocation__l2__crisis": -0.1}, "allocation.l2.crisis: expected greater than or equal to 0, found -0.1"),
        (
            {"allocation__fallbacks": ["max_sharpe"], "allocation__means__estimator": "zero"},
            "allocation.fallbacks: .*'max_sharpe' goes by means, and allocation.means.estimator is zero; take shrunk",
        ),
    ],
)
def test_rules_between_keys(vocabulary: Vocabulary, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        made(vocabulary, **arguments)


@pytest.mark.parametrize(
    ("step", "rule", "test"),
    [
        (5, 5, 5),
        ("quarter_end", CalendarStep.QUARTER_END, None),
        ({"week": "friday"}, CalendarStep.FRIDAY, None),
    ],
)
def test_steps_and_dates_come_back_from_their_manifest(vocabulary: Vocabulary, step: Any, rule: Any, test: Any) -> None:
    profile = made(vocabulary, windows__step=step, data__start="2019-01-01", data__end=date(2020, 2, 29))
    assert (profile.windows.rule, profile.windows.test) == (rule, test)
    assert (profile.data.start, profile.data.end) == (date(2019, 1, 1), date(2020, 2, 29))
    values = profile.values()
    assert values["windows"]["step"] == step
    assert (values["data"]["start"], values["data"]["end"]) == ("2019-01-01", "2020-02-29")
    assert Profile.model_validate(values) == profile


@pytest.mark.requirement("R-DAT-02")
def test_the_history_floor_is_raised_never_lowered(vocabulary: Vocabulary) -> None:
    assert made(vocabulary, data__min_history=252).data.min_history == 252
    with pytest.raises(ProfileError, match="greater than or equal to 90, found 60"):
        made(vocabulary, data__min_history=60)


def test_a_profile_is_frozen_and_has_no_hidden_default(vocabulary: Vocabulary) -> None:
    profile = made(vocabulary)
    with pytest.raises(ValidationError, match="frozen"):
        profile.seed = 3  # type: ignore[misc]
    values = profile.values()
    for section in [*values]:
        with pytest.raises(ValidationError, match="Field required"):
            Profile.model_validate({key: value for key, value in values.items() if key != section})


CRYPTO = {Kind.STABLECOIN, Kind.FIAT, Kind.LEVERAGED_TOKEN, Kind.TRADFI}
SIMPLE = ("barbell", "risk_parity", "hrp", "min_variance", "equal_weight")
DEMO = ("barbell", "equal_weight", "min_variance", "hrp", "risk_parity", "max_sharpe")
RATED = ("barbell", "hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight")
BTC, OPEN, CLOSE = ("BINANCE:BTCUSDT",), Convention.NEXT_OPEN, Convention.NEXT_CLOSE


@pytest.mark.parametrize(
    ("preset", "kinds", "excluded", "convention", "market", "cells", "top_n"),
    [
        ("us_equities", {Kind.STOCK, Kind.ETF}, set(), OPEN, ("AMEX:SPY",), SIMPLE, 3),
        ("crypto_spot", {Kind.SPOT}, CRYPTO, OPEN, BTC, SIMPLE, 3),
        ("demo_sp500", {Kind.STOCK}, set(), CLOSE, ("SP:SPX",), DEMO, 3),
        ("binance_spot_rating_ma_long", {Kind.SPOT}, set(), OPEN, BTC, RATED, 15),
        ("binance_spot_rating_ma_short", {Kind.SPOT}, set(), OPEN, BTC, RATED, 15),
    ],
)
def test_presets_as_specified(
    vocabulary: Vocabulary,
    preset: str,
    kinds: set[Kind],
    excluded: set[Kind],
    convention: Convention,
    market: tuple[str, ...],
    cells: tuple[str, ...],
    top_n: int,
) -> None:
    profile = resolve(load(preset), vocabulary).profile
    assert (set(profile.universe.kinds), set(profile.universe.exclude_kinds)) == (kinds, excluded)
    assert (profile.universe.symbols, profile.universe.membership) == (None, "current")
    assert (profile.execution.convention, profile.benchmark.market) == (convention, market)
    assert (profile.data.span, profile.data.lookback, profile.data.min_history) == ("all", 500, 90)
    assert (profile.windows.train, profile.windows.test, profile.windows.step) == (60, 20, 20)
    assert (profile.selection.model, profile.selection.top_n) == ("v4", top_n)
    assert (profile.risk.primary, profile.allocation.profiles) == ("barbell", cells)
    assert profile.risk.anchors == ("risk_parity",)  # the pools are held on one side: no market_neutral
    assert profile.allocation.fallbacks == (("min_variance",) if "max_sharpe" in cells else ())
    limits = profile.allocation.limits.limits()
    assert limits == Limits(gross=1.0, net=(-1.0, 1.0), position=0.25, cluster=0.25, reference=2.0)
    assert profile.costs.cost_model().per_notional == pytest.approx(6e-4)
    assert profile.description


@pytest.mark.requirement("R-CFG-03")
@pytest.mark.requirement("R-SEL-30")
@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("rating", ["all", "ma", "osc"])
@pytest.mark.parametrize(("venue", "kind"), [("spot", Kind.SPOT), ("perp", Kind.SWAP)])
def test_a_rating_preset_recruits_by_the_scanner_of_its_name(
    vocabulary: Vocabulary, venue: str, kind: Kind, rating: str, side: str
) -> None:
    name = f"binance_{venue}_rating_{rating}_{side}"
    profile = resolve(load(name), vocabulary).profile
    assert profile.universe.scanners == (load_scanner(name),)
    assert set(profile.universe.scanners[0].exclude_kinds) == CRYPTO
    assert (profile.universe.kinds, profile.universe.direction) == ((kind,), side)
    assert (profile.selection.top_n, profile.windows.step, profile.allocation.profiles) == (15, 20, RATED)
    assert profile.universe.max_atoms == 200


@pytest.mark.requirement("R-UNI-03")
@pytest.mark.parametrize(("members", "stamped"), [("sp500", False), ("index_etfs", True)])
def test_a_list_without_dates_is_stamped_whatever_the_lake_holds(
    vocabulary: Vocabulary, members: str, stamped: bool
) -> None:
    scanner = load_scanner("sp500_trend").model_copy(update={"members": load_members(members)})
    arguments = {
        "--s": ("universe.scanners", [scanner.model_dump(mode="json")]),
        "--m": ("universe.membership", "dated"),
    }
    universe = resolve(load("us_equities"), vocabulary, arguments=arguments).profile.universe
    assert (Stamp.CURRENT_ONLY in universe.stamps) is stamped


@pytest.mark.parametrize("adx", [None, "rising", "cross"])
@pytest.mark.parametrize("rules", ["library_v3", "classic", "screener"])
def test_the_rules_of_ratings_are_those_that_features_know(vocabulary: Vocabulary, rules: str, adx: str | None) -> None:
    arguments = {"--r": ("data.rating_rules", rules), "--a": ("data.rating_adx", adx)}
    data = resolve(load("us_equities"), vocabulary, arguments=arguments).profile.data
    assert data.ratings == (rules, adx)
    assert rules in RATING_RULES
    assert adx is None or adx in AdxRule


def test_other_presets_name_no_scanner(vocabulary: Vocabulary) -> None:
    assert made(vocabulary).universe.scanners == ()


@pytest.mark.requirement("R-SIM-02")
@pytest.mark.parametrize("name", ["crypto_spot", "binance_spot_rating_ma_long", "binance_perp_rating_all_short"])
def test_crypto_presets_walk_in_steps_of_twenty_days(name: str) -> None:
    """Also when the defaults say otherwise, hence in the preset itself."""
    profile = resolve(load(name), app_vocabulary()).profile
    assert profile.windows.step == 20
    assert any("step" in layer.values.get("windows", {}) for layer in load(name).layers[1:])


TECH = {"tech": {"symbols": ["NASDAQ:AAPL", "NASDAQ:MSFT"], "max": 0.3}}


def test_limits_by_name_are_read_and_written_alike(vocabulary: Vocabulary) -> None:
    names = {"NASDAQ:AAPL": 0.1, "NASDAQ:MSFT": [0.02, 0.15]}
    profile = made(vocabulary, allocation__limits__names=names, allocation__limits__groups=TECH)
    limits = profile.allocation.limits.limits()
    assert limits.names == (
        NameLimit(symbol="NASDAQ:AAPL", least=0.0, most=0.1),
        NameLimit(symbol="NASDAQ:MSFT", least=0.02, most=0.15),
    )
    assert limits.groups == (GroupLimit(name="tech", symbols=("NASDAQ:AAPL", "NASDAQ:MSFT"), most=0.3),)
    written = profile.values()["allocation"]["limits"]
    assert written["names"] == {"NASDAQ:AAPL": [0.0, 0.1], "NASDAQ:MSFT": [0.02, 0.15]}
    assert written["groups"] == TECH
    assert type(profile).model_validate(profile.values()) == profile


SIZED = {
    "execution__lots": True,
    "execution__participation": 0.1,
    "costs__impact": 1.0,
    "costs__tiers": [{"traded": 0, "maker_bps": 1.0, "taker_bps": 2.0}],
}


@pytest.mark.parametrize("key", SIZED)
def test_what_is_measured_against_an_account_needs_its_size(vocabulary: Vocabulary, key: str) -> None:
    with pytest.raises(ProfileError, match=rf"{key.replace('__', '.')}: is measured against execution\.nav"):
        made(vocabulary, **{key: SIZED[key]})
    made(vocabulary, **{key: SIZED[key]}, execution__nav=1e6)


def test_a_makers_share_is_of_tiers(vocabulary: Vocabulary) -> None:
    with pytest.raises(ProfileError, match=r"costs\.maker_share: 0\.5 of a maker's fee, and costs\.tiers is empty"):
        made(vocabulary, costs__maker_share=0.5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("names", {"AAPL": 0.1}, "expected EXCHANGE:TICKER, found 'AAPL'"),
        ("names", [1], r"expected a mapping, key: value, found \[1\]"),
        ("groups", {"g": 0.5}, "groups.*: expected a mapping of keys, found 0.5"),
        (
            "groups",
            {"<b>": {"symbols": ["A:B"], "max": 0.1}},
            "groups.*: expected 1 to 64 of a-z, 0-9 and _, found '<b>'",
        ),
        ("names", {"A:B": [0.1]}, r"expected the most, or \[least, most\], found \[0.1\]"),
        ("names", {"A:B": [0.2, 0.1]}, r"A:B: expected 0 <= least <= most and a most above 0, found \[0.2, 0.1\]"),
        ("names", {"A:B": 0}, "a most above 0"),
        ("names", {"A:B": 0.3}, "A:B: its most, 0.3, never binds: allocation.limits.position is 0.25; raise that"),
        ("names", {f"A:{k}": [0.21, 0.25] for k in range(5)}, "the least of all names is 1.05 together, above 1"),
        ("groups", {"g": {"symbols": ["A:B"]}}, "item 1 lacks max; set what is missing"),
        ("groups", {"g": {"symbols": [], "max": 0.1}}, "at least 1 item"),
        ("groups", {"g": {"symbols": ["A:B", "A:B"], "max": 0.1}}, "names 'A:B' more than once"),
        ("groups", {"g": {"symbols": ["A:B"], "max": 0.1, "min": 0.1}}, r"unknown key 'min' \(known: max, symbols\)"),
    ],
)
def test_limits_by_name_that_make_no_sense_are_refused(
    vocabulary: Vocabulary, key: str, value: object, said: str
) -> None:
    with pytest.raises(ProfileError, match=said) as refused:
        made(vocabulary, **{f"allocation__limits__{key}": value})
    assert f"allocation.limits.{key}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_group_whose_names_hold_more_than_its_max_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(ProfileError, match=r"group tech: its names hold at least 0.35 by allocation.limits.names"):
        made(
            vocabulary, allocation__limits__groups=TECH,
            allocation__limits__names={"NASDAQ:AAPL": [0.2, 0.25], "NASDAQ:MSFT": [0.15, 0.25]},
        )  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [("symbols", ["NASDAQ:AAPL"]), ("exclude_symbols", ["NASDAQ:MSFT"])])
def test_a_limit_on_a_name_outside_the_universe_is_refused_in_one_line(
    vocabulary: Vocabulary, key: str, value: object
) -> None:
    for limits, what in (
        ({"allocation__limits__groups": TECH}, "allocation.limits.groups: group tech names NASDAQ:MSFT"),
        ({"allocation__limits__names": {"NASDAQ:MSFT": 0.1}}, "allocation.limits.names: names NASDAQ:MSFT"),
    ):
        with pytest.raises(ProfileError, match=f"{what}, which universe.{key} leaves out"):
            made(vocabulary, **{f"universe__{key}": value}, **limits)


@pytest.mark.parametrize(
    ("market", "symbols", "weights"),
    [
        ([], (), None),
        (["AMEX:SPY", "A:B"], ("AMEX:SPY", "A:B"), None),
        ({"AMEX:SPY": 0.6, "NASDAQ:TLT": 0.4}, ("AMEX:SPY", "NASDAQ:TLT"), (0.6, 0.4)),
        ({"AMEX:SPY": 0.7, "cash": 0.3}, ("AMEX:SPY",), (0.7,)),
    ],
)
def test_a_benchmark_is_of_equal_parts_or_of_weights(
    vocabulary: Vocabulary, market: object, symbols: tuple[str, ...], weights: object
) -> None:
    profile = made(vocabulary, benchmark__market=market)
    assert (profile.benchmark.symbols, profile.benchmark.weights) == (symbols, weights)
    assert profile.values()["benchmark"]["market"] == market, "as it was written, so that digests stay"
    assert type(profile).model_validate(profile.values()) == profile


@pytest.mark.parametrize(
    ("market", "said"),
    [
        ({"A:B": 0.6, "A:C": 0.3}, r"the weights are 0.9 together, expected 1; add cash: 0.1 if the rest is cash"),
        ({"A:B": 0.6, "A:C": 0.5}, r"the weights are 1.1 together, expected 1 "),
        ({"A:B": 1.2, "A:C": -0.2}, "A:C: expected a weight above 0, found -0.2"),
        ({"cash": 1.0}, "names cash alone"),
        ({"SPY": 1.0}, "EXCHANGE:TICKER"),
        ({"A:B": "all"}, "number"),
        ("AMEX:SPY", "list"),
    ],
)
def test_a_benchmark_that_is_no_whole_is_refused(vocabulary: Vocabulary, market: object, said: str) -> None:
    with pytest.raises(ProfileError, match=f"benchmark.market: .*{said}"):
        made(vocabulary, benchmark__market=market)


@pytest.mark.requirement("R-RSK-25")
def test_default_anchors_are_those_of_the_grid_beside_the_primary_and_ones_own_are_checked(
    vocabulary: Vocabulary,
) -> None:
    assert packaged_defaults().values["risk"]["anchors"] == ["risk_parity", "market_neutral"]
    assert packaged_defaults().values["risk"]["primary"] == "barbell"
    grid = {"allocation__profiles": ["risk_parity", "hrp"]}
    assert made(vocabulary, **grid, risk__primary="hrp").risk.anchors == ("risk_parity",)
    assert made(vocabulary, **grid, risk__primary="risk_parity").risk.anchors == ()
    assert made(vocabulary, **grid).risk.primary == "risk_parity"  # the first, as the grid lacks the default
    with pytest.raises(ProfileError, match=r"risk\.primary: unknown member of allocation\.profiles 'barbell'"):
        made(vocabulary, **grid, risk__primary="barbell")
    with pytest.raises(ProfileError, match=r"risk\.anchors: unknown member of allocation\.profiles 'nco'"):
        made(vocabulary, **grid, risk__primary="hrp", risk__anchors=["nco"])


@pytest.mark.requirement("R-CFG-04")
@pytest.mark.parametrize("letter", ["", "_as_specified"])
@pytest.mark.parametrize(
    ("market", "sessions", "periods", "fresh", "ceiling"),
    [("us_equities", "XNYS", 252, 120, 0.95), ("crypto_spot", "24x7", 365, 24, 0.999)],
)
def test_defaults_as_specified(
    vocabulary: Vocabulary, market: str, sessions: str, periods: int, fresh: int, ceiling: float, letter: str
) -> None:
    profile = resolve(load(f"{market}{letter}"), vocabulary).profile
    windows, selection, limits = profile.windows, profile.selection, profile.allocation.limits
    assert (windows.train, windows.test, windows.step) == (60, 20, 20)
    assert (selection.model, selection.min_winners, selection.max_winners) == ("v4", 15, 25)
    assert (selection.cluster_distance, selection.max_clusters) == (0.5, 25)
    assert (limits.gross, limits.net, limits.position, limits.cluster) == (1.0, (-1.0, 1.0), 0.25, 0.25)
    assert (profile.costs.slippage_bps, profile.costs.commission_bps) == (5.0, 1.0)
    assert profile.risk.primary == "barbell"
    assert calendar(sessions).periods_per_year == periods
    assert freshness(sessions) == np.timedelta64(fresh, "h")
    assert MARKETS[periods].entropy == ceiling
    assert (selection.thresholds, profile.regime.preset) == ((letter[1:] or "calibrated",) * 2)
    assert (profile.allocation.layers, limits.reference) == (("two", None) if letter else ("one", 2.0))
    assert profile.execution.convention == (Convention.SAME_CLOSE if letter else Convention.NEXT_OPEN)
    assert profile.costs.borrow_rate == (0.0 if letter else 0.02)
