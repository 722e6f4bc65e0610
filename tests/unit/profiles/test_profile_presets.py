"""The table of profiles (requirements 15a): each ships, resolves, and holds what the table says."""

from functools import cache

import pytest

from builders.profiles import plain_presets, profile_of
from tvquant.app.certification import RELEASE, release_profile
from tvquant.app.vocabulary import vocabulary
from tvquant.core.instruments import Kind
from tvquant.profiles import MetaProfile, Profile, available, load, resolve, resolve_meta, sleeves_of
from tvquant.profiles.exclusions import grid_of
from tvquant.profiles.manifest import from_manifest, meta_from_manifest, to_manifest
from tvquant.selection.vetoes.friction import FrictionLimits

WORDS = vocabulary()
FOUR = [f"binance_spot_rating_{rating}_{side}" for rating in ("all", "ma") for side in ("long", "short")]
TWELVE = [
    f"binance_{venue}_rating_{rating}_{side}"
    for venue in ("spot", "perp")
    for rating in ("all", "ma", "osc")
    for side in ("long", "short")
]
METAS = ["development", "meta_benchmark", "meta_ma_benchmark", "meta_production", "production"]
POOLS = {
    "crypto_production": 6,
    "crypto_rating_all": 4,
    "crypto_rating_ma": 4,
    "crypto_rating_osc": 4,
    "crypto_rating_alpha": 12,
}
"""Profiles of both sides -> their scanners."""


@cache
def meta_of(name: str) -> MetaProfile:
    return resolve_meta(load(name), WORDS).profile


@cache
def below(name: str) -> dict[str, Profile]:
    found = {sleeve: one.profile for sleeve, one in sleeves_of(meta_of(name), WORDS).items()}
    return {sleeve: one for sleeve, one in found.items() if isinstance(one, Profile)}


@pytest.mark.requirement("R-CFG-03")
def test_every_profile_of_the_table_ships_and_resolves() -> None:
    ours = ("demo_sp500", "us_equities", "crypto_spot")
    assert set(METAS) == available().keys() - plain_presets()
    assert {*POOLS, *TWELVE, *ours, "institutional_etf"} <= plain_presets()
    for name in (*POOLS, *TWELVE, *ours, "institutional_etf"):
        resolved = resolve(load(name), WORDS)
        assert from_manifest(to_manifest(resolved)) == resolved
    for name in METAS:
        meta = resolve_meta(load(name), WORDS)
        assert meta_from_manifest(to_manifest(meta)) == meta
        assert meta.notices == ()


@pytest.mark.requirement("R-CFG-03")
@pytest.mark.parametrize("name", POOLS)
def test_a_pool_recruits_on_both_sides_with_all_capital(name: str) -> None:
    made = profile_of(name)
    scanners = made.universe.scanners
    assert len(scanners) == POOLS[name]
    assert {str(one.direction) for one in scanners} == {"LONG", "SHORT"}
    assert set(made.universe.kinds) == {Kind.SPOT, Kind.SWAP}
    assert (made.universe.direction, made.allocation.limits.gross, made.execution.buffer) == ("both", 1.0, 0.0)
    if name == "crypto_production":
        assert {one.logic for one in scanners} == {"trend", "multi_timeframe"}
        assert set(RELEASE.selections) == {*made.entrants}
        assert set(made.allocation.profiles) == {*RELEASE.risk}
        assert (made.allocation.engines, made.execution.simulators) == (RELEASE.engines, RELEASE.simulators)


@pytest.mark.requirement("R-CFG-03")
@pytest.mark.requirement("R-TRN-06")
@pytest.mark.parametrize("name", FOUR)
def test_a_production_sleeve_holds_the_exhaustive_matrix_and_fifteen_of_a_cluster(name: str) -> None:
    made = release_profile(None, name, {}).profile
    grid = grid_of(made, WORDS.engines, WORDS.refusals)
    assert grid.asked == 3 * 7 * 3 * 2
    assert {(one.members.get("engine"), one.members.get("risk_profile")) for one in grid.exclusions} == {
        ("riskfolio", "equal_weight"),
        (None, None),
    }
    assert [one.members["simulator"] for one in grid.exclusions if "simulator" in one.members] == ["vectorbt"]
    assert made.selection.top_n == 15


@pytest.mark.requirement("R-CFG-03")
@pytest.mark.requirement("R-META-07")
@pytest.mark.parametrize(
    ("name", "sleeves", "bounds", "span"),
    [
        ("meta_benchmark", FOUR[:2], (0.05, 0.95), 500),
        ("meta_ma_benchmark", FOUR[2:], (0.05, 0.95), 500),
        ("meta_production", [*FOUR, "institutional_etf"], (0.05, 0.5), "all"),
    ],
)
def test_a_meta_portfolio_of_the_table_weighs_by_hrp_within_its_bounds(
    name: str, sleeves: list[str], bounds: tuple[float, float], span: int | str
) -> None:
    meta = meta_of(name)
    assert [one.profile for one in meta.sleeves.values()] == sorted(sleeves)
    assert (meta.allocation.profiles, meta.allocation.bounds, meta.join.span) == (("hrp",), bounds, span)
    assert meta.promotable


@pytest.mark.requirement("R-META-16")
def test_the_production_portfolio_has_a_long_and_a_short_sleeve_of_each_logic_and_asks_for_parity() -> None:
    meta, found = meta_of("meta_production"), below("meta_production")
    sides = {(one.logic, str(one.direction)) for made in found.values() for one in made.universe.scanners}
    assert sides - {("hold", "LONG")} == {
        (f"rating_{rating}", side) for rating in ("all", "ma") for side in ("LONG", "SHORT")
    }
    assert all(len(found[name].universe.scanners) == 1 for name in FOUR)
    assert (meta.gates.parity, "nautilus" in meta.execution.simulators) == (True, True)


@pytest.mark.requirement("R-META-15")
@pytest.mark.parametrize("name", METAS)
def test_sleeves_of_a_preset_are_played_alike_so_that_no_exception_is_declared(name: str) -> None:
    meta, found = meta_of(name), below(name)
    assert meta.gates.exceptions == ()
    assert len(found) == len(meta.sleeves)
    alike = [(one.windows, one.selection.model, one.execution.execution(), one.costs) for one in found.values()]
    assert all(one == alike[0] for one in alike)
    assert (meta.execution.execution(), meta.costs) == alike[0][2:]


@pytest.mark.requirement("R-CFG-03")
@pytest.mark.requirement("R-UNI-04")
def test_production_is_one_sleeve_per_calendar_by_the_trend_scanners() -> None:
    meta, found = meta_of("production"), below("production")
    assert {name: [one.name for one in made.universe.scanners] for name, made in found.items()} == {
        name: [name] for name in ("binance_spot_trend", "sp500_trend")
    }
    assert {made.universe.direction for made in found.values()} == {"long"}
    simulators = ("custom", "vectorbt", "cvxportfolio", "nautilus")
    for one in (meta, *found.values()):
        assert one.execution.simulators == simulators
    for made in found.values():
        assert grid_of(made, WORDS.engines, WORDS.refusals).exclusions == ()
        assert isinstance(made.data.span, int)
        assert made.data.span - made.windows.train >= meta.join.span == 500


@pytest.mark.requirement("R-CFG-03")
def test_development_is_small_and_never_promoted() -> None:
    meta, found = meta_of("development"), below("development")
    assert {kind for made in found.values() for kind in made.universe.kinds} == {Kind.STOCK, Kind.ETF, Kind.SPOT}
    for made in found.values():
        assert (made.data.span, made.windows.train, made.windows.test, made.windows.step) == (60, 30, 10, 10)
        assert (made.universe.direction, made.data.min_history) == ("long", 90)
        assert [one.largest.count for one in made.universe.scanners if one.largest] == [12]
    assert not meta.promotable


@pytest.mark.requirement("R-UNI-04")
def test_shares_etfs_and_coins_have_calendars_and_thresholds_of_their_own() -> None:
    shares, etfs, coins = map(profile_of, ("sp500_trend", "institutional_etf", "binance_spot_trend"))
    calendars = [{one.calendar for one in made.universe.scanners} for made in (shares, etfs, coins)]
    assert calendars == [{"XNYS"}, {"XNYS"}, {"24x7"}]
    pools = [{one.pool for one in made.universe.scanners} for made in (shares, etfs, coins)]
    floors = [{(each.field, each.above) for pool in found for each in pool} for found in pools]
    assert floors == [{("value_traded_last", above)} for above in (10e6, 10e6, 20e6)]
    hurdles = [made.selection.options(FrictionLimits).hurdle for made in (shares, etfs, coins)]
    assert hurdles == [None, None, -0.6]
