"""The packaged layers: pools, strategies and scanners as specified, and where each key of theirs comes from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from builders.profiles import profile_of
from tvquant.core.atoms import Direction
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles import explain_scanner
from tvquant.profiles.files import SCANNERS
from tvquant.profiles.scanners import AnyOf, Filter, Largest, Scanner, load_scanner

type Write = Callable[..., Path]

CRYPTO = (Kind.STABLECOIN, Kind.FIAT, Kind.LEVERAGED_TOKEN, Kind.TRADFI)
TERMS = {"all": "recommend_all", "ma": "recommend_ma", "osc": "recommend_other"}
POOLS = {"spot": (Kind.SPOT, 20e6), "perp": (Kind.SWAP, 50e6)}
STRATEGIES = {
    "trend": ["perf_1w above 0", "perf_1m above 0.5", "perf_3m above 1"],
    "trend_aggressive": [
        "perf_1w at_least 1", "perf_1m at_least 3", "perf_3m at_least 5", "adx_14 at_least 25",
        "recommend_all at_least 0.5",
    ],
    "multi_timeframe": [
        "adx_14 at_least 20", "adx_14_1w at_least 20", "adx_14_1m at_least 20", "recommend_all at_least 0.1",
        "recommend_all_1w at_least 0.1", "recommend_all_1m at_least 0.1",
    ],
    "mean_reversion": ["volatility_d at_least 2", "rsi_14 below 30 | bollinger_b_20 below 0"],
    "trend_short": ["perf_1w below 0", "perf_1m below -0.5", "perf_3m below -1"],
    "trend_aggressive_short": [
        "perf_1w at_most -1", "perf_1m at_most -3", "perf_3m at_most -5", "adx_14 at_least 25",
        "recommend_all at_most -0.5",
    ],
    "multi_timeframe_short": [
        "adx_14 at_least 20", "adx_14_1w at_least 20", "adx_14_1m at_least 20", "recommend_all at_most -0.1",
        "recommend_all_1w at_most -0.1", "recommend_all_1m at_most -0.1",
    ],
    "mean_reversion_short": ["volatility_d at_least 2", "rsi_14 above 70 | bollinger_b_20 above 1"],
}  # fmt: skip


def words(condition: Filter | AnyOf) -> str:
    return " | ".join(f"{each.field} {each.comparison[0]} {each.comparison[1]:g}" for each in condition.comparisons)


@pytest.mark.requirement("R-UNI-05")
@pytest.mark.requirement("R-UNI-06")
@pytest.mark.requirement("R-UNI-07")
@pytest.mark.requirement("R-UNI-12")
@pytest.mark.requirement("R-UNI-13")
@pytest.mark.requirement("R-UNI-14")
@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("rating", [*TERMS])
@pytest.mark.parametrize("venue", [*POOLS])
def test_rating_scanners_as_specified(venue: str, rating: str, side: str) -> None:
    kind, floor = POOLS[venue]
    bound = {"above": 0.1} if side == "long" else {"below": -0.1}
    name = f"binance_{venue}_rating_{rating}_{side}"
    assert load_scanner(name) == Scanner(
        name=name,
        exchange="BINANCE",
        kinds=(kind,),
        exclude_kinds=CRYPTO,
        currency="USD",
        calendar="24x7",
        quotes=("USDT", "USDC", "FDUSD", "USD"),
        largest=Largest(field="value_traded_last", count=200),
        logic=f"rating_{rating}",
        direction=Direction(side.upper()),
        pool=(Filter(field="value_traded_last", above=floor),),
        signal=(Filter.model_validate({"field": TERMS[rating]} | bound),),
    )
    origin = {row.key: row.layer for row in explain_scanner(name)}
    assert origin["largest"] == origin["exchange"] == "L0 preset scanner binance_liquid_base"
    assert origin["pool: value_traded_last above"] == f"L0 preset scanner binance_{venue}_base"


@pytest.mark.requirement("R-UNI-01")
@pytest.mark.requirement("R-UNI-16")
@pytest.mark.parametrize("pool", ["binance_perp", "sp500"])
@pytest.mark.parametrize("strategy", [*STRATEGIES])
def test_every_strategy_recruits_from_crypto_and_from_shares(pool: str, strategy: str) -> None:
    found = load_scanner(f"{pool}_{strategy}", entry=True)
    base = load_scanner({"binance_perp": "binance_perp_base"}.get(pool, pool))
    assert (found.pool, found.kinds, found.members) == (base.pool, base.kinds, base.members)
    assert [words(each) for each in found.signal] == STRATEGIES[strategy]
    assert found.logic == strategy.removesuffix("_short").removesuffix("_aggressive")
    assert found.direction is (Direction.SHORT if strategy.endswith("_short") else Direction.LONG)


@pytest.mark.requirement("R-UNI-03")
@pytest.mark.requirement("R-UNI-08")
def test_pools_as_specified() -> None:
    midcap, top = load_scanner("binance_spot_midcap_base"), load_scanner("binance_top50")
    assert (midcap.research, [words(each) for each in midcap.pool]) == (True, ["value_traded_last above 1e+07"])
    assert (top.largest, top.kinds) == (Largest(field="value_traded_last", count=50), (Kind.SPOT,))
    assert [words(each) for each in top.pool] == ["value_traded_last above 2e+07"]
    for name, kind in (("sp500", Kind.STOCK), ("nasdaq100", Kind.STOCK), ("dow30", Kind.STOCK),
                       ("index_etfs", Kind.ETF), ("sector_etfs", Kind.ETF), ("bond_etfs", Kind.ETF),
                       ("commodity_etfs", Kind.ETF)):  # fmt: skip
        pool = load_scanner(name)
        assert (pool.kinds, pool.exchange, pool.currency, pool.calendar) == ((kind,), None, "USD", "XNYS")
        assert pool.members is not None
        assert pool.members.list == name


@pytest.mark.requirement("R-UNI-11")
def test_every_crypto_scanner_asks_for_dollars_and_excludes_what_follows_a_currency() -> None:
    found = [load_scanner(name) for name in SCANNERS.available(()) if name.startswith("binance_")]
    assert len(found) > 20
    assert {(each.currency, each.exclude_kinds) for each in found} == {("USD", CRYPTO)}


@pytest.mark.requirement("R-UNI-01")
@pytest.mark.requirement("R-UNI-02")
def test_provenance_of_every_key_and_filter(folder: Path, write: Write) -> None:
    write("mine", "extends: sp500_trend\nquotes: [USD]\nfilters: [{field: perf_1m, at_least: 2}, "
          "{any: [{field: rsi_14, below: 70}, {field: adx_14, above: 30}]}]\n", below="scanners")  # fmt: skip
    rows = {row.key: (row.value, row.layer) for row in explain_scanner("mine", search=[folder])}
    own = "L4 scanner mine (scanners/mine.yaml)"
    assert rows == {
        "exchange": (None, "no layer"),
        "kinds": (["stock"], "L0 preset scanner sp500"),
        "exclude_kinds": (["index"], "L1 preset scanner us_hygiene"),
        "currency": ("USD", "L2 preset scanner us_session"),
        "calendar": ("XNYS", "L2 preset scanner us_session"),
        "quotes": (["USD"], own),
        "members": ("sp500", "L0 preset scanner sp500"),
        "largest": (None, "no layer"),
        "research": (False, "no layer"),
        "logic": ("trend", "L3 preset scanner trend"),
        "direction": ("LONG", "L3 preset scanner trend"),
        "pool: value_traded_last above": (1e7, "L1 preset scanner us_hygiene"),
        "signal: perf_1w above": (0.0, "L3 preset scanner trend"),
        "signal: perf_1m at_least": (2.0, own),
        "signal: perf_3m above": (1.0, "L3 preset scanner trend"),
        "signal: rsi_14 below or adx_14 above": ([70.0, 30.0], own),
    }


@pytest.mark.requirement("R-UNI-02")
@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("{field: a, at_least: 9}", ["a at_least 9", "a below 5", "b above 1 | c above 1"]),
        ("{field: a, at_most: 9}", ["a above 1", "a at_most 9", "b above 1 | c above 1"]),
        ("any: [{field: b, at_least: 2}, {field: c, above: 2}]",
         ["a above 1", "a below 5", "b at_least 2 | c above 2"]),
        ("any: [{field: c, above: 2}, {field: b, above: 2}]",
         ["a above 1", "a below 5", "b above 1 | c above 1", "c above 2 | b above 2"]),
        ("{field: b, above: 3}", ["a above 1", "a below 5", "b above 1 | c above 1", "b above 3"]),
    ],
)  # fmt: skip
def test_a_filter_replaces_by_sense_strict_or_not(folder: Path, write: Write, child: str, expected: list[str]) -> None:
    write("base", "filters:\n  - {field: a, above: 1}\n  - {field: a, below: 5}\n"
          "  - any: [{field: b, above: 1}, {field: c, above: 1}]\n", below="scanners")  # fmt: skip
    write("child", f"extends: base\nfilters:\n  - {child}\n", below="scanners")
    assert [words(each) for each in load_scanner("child", search=[folder]).signal] == expected


@pytest.mark.requirement("R-UNI-02")
def test_parent_then_template_then_strategy_then_the_file(folder: Path, write: Write) -> None:
    def layer(name: str, body: str) -> None:
        write(name, body + "filters: [{field: a, above: 0}]\n", below="scanners")

    layer("pool", "layer: universe\nexchange: POOL\ncurrency: A\ncalendar: A\nkinds: [spot]\n")
    layer("session", "layer: template\ncurrency: SESSION\ncalendar: B\nkinds: [stock]\n")
    layer("plan", "layer: strategy\ncalendar: PLAN\nkinds: [etf]\nlogic: x\n")
    write("entry", "extends: pool\ntemplate: session\nstrategy: plan\nkinds: [index]\n", below="scanners")
    found = load_scanner("entry", search=[folder])
    assert (found.exchange, found.currency, found.calendar, found.kinds) == ("POOL", "SESSION", "PLAN", (Kind.INDEX,))
    assert (len(found.pool), found.signal) == (1, ())
    origin = {row.key: row.layer for row in explain_scanner("entry", search=[folder])}
    assert origin["pool: a above"] == "L3 scanner plan (scanners/plan.yaml)", "it was replaced in its place"


@pytest.mark.requirement("R-UNI-02")
def test_a_file_that_is_reached_twice_counts_once_and_no_circle(folder: Path, write: Write) -> None:
    write("pool", "layer: universe\nextends: crypto_hygiene\ntemplate: crypto_24x7\nquotes: [USD]\n", below="scanners")
    write("entry", "extends: pool\ntemplate: crypto_24x7\n", below="scanners")
    assert load_scanner("entry", search=[folder]).quotes == ("USD",)
    write("a", "strategy: b\n", below="scanners")
    write("b", "layer: strategy\nextends: b\n", below="scanners")
    with pytest.raises(ProfileError, match=r"scanner b \(scanners/b.yaml\), line 3: extends: circle a -> b -> b"):
        load_scanner("a", search=[folder])


@pytest.mark.parametrize(
    ("profile", "ratings"),
    [*((f"crypto_rating_{one}", [one]) for one in TERMS), ("crypto_rating_alpha", [*TERMS])],
)
def test_a_rating_profile_recruits_on_both_venues_and_sides(profile: str, ratings: list[str]) -> None:
    made = profile_of(profile)
    found = [(one.logic, one.kinds, one.direction) for one in made.universe.scanners]
    assert sorted(found) == sorted(
        (f"rating_{rating}", (kind,), side)
        for rating in ratings
        for kind in (Kind.SPOT, Kind.SWAP)
        for side in (Direction.LONG, Direction.SHORT)
    )
    assert made.universe.direction == "both"


def test_the_etf_profile_holds_each_of_the_four_lists_long_whatever_they_did() -> None:
    found = profile_of("institutional_etf").universe.scanners
    assert [one.members.list for one in found if one.members] == [
        "index_etfs", "sector_etfs", "bond_etfs", "commodity_etfs",
    ]  # fmt: skip
    assert all((one.signal, one.direction) == ((), Direction.LONG) for one in found)
