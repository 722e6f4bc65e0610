"""Who is recruited: structure, filters, reasons and atoms, on panels and features made by hand."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tvquant.core.atoms import Direction
from tvquant.core.errors import DataError, ModelError
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.profiles.scanners import load_scanner
from tvquant.profiles.sections.universe import UniverseSection
from tvquant.universe import Discovery, belongs, discover, required_features

ROWS = 30
MORE = 20_000_001.0

type Make[T] = Callable[..., T]


def features(panel: Panel, absent: Mapping[str, str] | None = None, **rows: Sequence[float]) -> FeatureSet:
    """Features of a panel's instruments, one value each; traded values are not known unless they are given."""
    rows = {"value_traded_last": [np.nan] * len(panel.keys)} | rows
    return FeatureSet(
        names=tuple(rows),
        keys=panel.keys,
        values=np.array(list(rows.values()), dtype=np.float64).reshape(len(rows), len(panel.keys)),
        known_at=panel.known_at[-1, 0],
        absent=absent or {},
    )


def scanner(name: str, **changes: Any) -> dict[str, Any]:
    """A scanner's definition as a profile holds it; without changes it takes everything."""
    plain: dict[str, Any] = {
        "name": name, "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None, "logic": "hold",
        "direction": "LONG", "pool": [], "signal": [], "calendar": None, "quotes": [], "members": None,
        "largest": None, "research": False,
    }  # fmt: skip
    return plain | changes


def section(*scanners: dict[str, Any], **changes: Any) -> UniverseSection:
    plain: dict[str, Any] = {
        "kinds": ["spot"], "exclude_kinds": [], "symbols": None, "exclude_symbols": [], "membership": "current",
        "direction": "both", "research": False, "rating_band": None, "max_atoms": 200, "strategies": {},
    }  # fmt: skip
    return UniverseSection.model_validate(plain | changes | {"scanners": scanners})


def preset(name: str) -> dict[str, Any]:
    return load_scanner(name).model_dump(mode="json")


LONG, SHORT = "binance_spot_rating_ma_long", "binance_spot_rating_ma_short"


@pytest.fixture
def coins(market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]) -> Make[Panel]:
    """A panel of Binance pairs by name, all with bars on every row."""

    def coins(*names: str) -> Panel:
        return market({instrument(f"BINANCE:{n}"): prices(rows=ROWS, seed=k) for k, n in enumerate(names)})

    return coins


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("X:A", "X:B", "X:S")),
        ({"symbols": ["X:B"]}, ("X:B",)),
        ({"exclude_symbols": ["X:B"]}, ("X:A", "X:S")),
        ({"exclude_kinds": ["stablecoin"]}, ("X:A", "X:B", "X:S")),
        ({"kinds": ["swap"]}, ("X:P",)),
    ],
)
def test_the_profile_says_who_belongs(
    changes: dict[str, Any],
    expected: tuple[str, ...],
    market: Make[Panel],
    prices: Make[Floats],
    instrument: Make[Instrument],
) -> None:
    names = (
        instrument("A"),
        instrument("B"),
        instrument("S", kinds=(Kind.SPOT, Kind.STABLECOIN)),
        instrument("P", kinds=(Kind.SWAP,)),
    )
    universe = section(**changes)
    assert tuple(i.key for i in names if belongs(i, universe)) == expected
    panel = market({i: prices(seed=k) for k, i in enumerate(names)})
    assert discover(panel, universe, features(panel)).universe == expected


@pytest.mark.requirement("R-UNI-11")
def test_excluded_kinds_are_counted_in_the_universe_and_have_their_reason(
    market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]
) -> None:
    panel = market(
        {
            instrument("A"): prices(rows=ROWS),
            instrument("S", kinds=(Kind.SPOT, Kind.STABLECOIN)): prices(rows=ROWS, seed=1),
            instrument("L", kinds=(Kind.SPOT, Kind.LEVERAGED_TOKEN)): prices(rows=ROWS, seed=2),
            instrument("F", kinds=(Kind.SPOT, Kind.FIAT)): prices(rows=ROWS, seed=3),
        }
    )
    hygiene = ["stablecoin", "fiat", "leveraged_token"]
    expected = {"X:S": "kind:stablecoin", "X:L": "kind:leveraged_token", "X:F": "kind:fiat"}
    for universe in (section(exclude_kinds=hygiene), section(scanner("s", exclude_kinds=hygiene))):
        found = discover(panel, universe, features(panel))
        assert found.universe == panel.keys
        assert found.pool == ("X:A",)
        assert [atom.physical_symbol for atom in found.atoms] == ["X:A"]
        assert found.excluded == expected


@pytest.mark.requirement("R-UNI-11")
def test_a_quote_that_is_no_dollar_is_rejected(
    market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]
) -> None:
    names = (instrument("BINANCE:ETHUSDT"), instrument("BINANCE:ETHBTC", currency="BTC"))
    panel = market({i: prices(rows=ROWS, seed=k) for k, i in enumerate(names)})
    found = discover(
        panel, section(preset(LONG)), features(panel, recommend_ma=[0.5, 0.5], value_traded_last=[MORE, MORE])
    )
    assert found.pool == ("BINANCE:ETHUSDT",)
    assert found.excluded == {"BINANCE:ETHBTC": f"{LONG}: currency"}


@pytest.mark.requirement("R-UNI-12")
def test_a_spot_scanner_recruits_nothing_but_spot_of_its_venue(
    market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]
) -> None:
    names = (
        instrument("BINANCE:BTCUSDT"),
        instrument("BINANCE:BTCUSDT.P", kinds=(Kind.SWAP,)),
        instrument("OKX:BTCUSDT"),
    )
    panel = market({i: prices(rows=ROWS, seed=k) for k, i in enumerate(names)})
    known = features(panel, recommend_ma=[1.0] * 3, value_traded_last=[MORE] * 3)
    found = discover(panel, section(preset(LONG), kinds=["spot", "swap"]), known)
    assert found.pool == ("BINANCE:BTCUSDT",)
    assert [atom.physical_symbol for atom in found.atoms] == ["BINANCE:BTCUSDT"]
    assert found.excluded == {"BINANCE:BTCUSDT.P": f"{LONG}: kinds", "OKX:BTCUSDT": f"{LONG}: exchange"}


@pytest.mark.requirement("R-UNI-14")
def test_neutral_ratings_are_never_recruited(coins: Make[Panel]) -> None:
    ratings = [-0.5, np.nextafter(-0.1, -1.0), -0.1, 0.0, 0.1, np.nextafter(0.1, 1.0), 0.5]
    panel = coins(*(f"C{k}USDT" for k in range(len(ratings))))
    known = features(panel, recommend_ma=ratings, value_traded_last=[MORE] * len(ratings))
    found = discover(panel, section(preset(LONG), preset(SHORT)), known)
    assert [(atom.physical_symbol[8:10], atom.direction) for atom in found.atoms] == [
        ("C0", Direction.SHORT),
        ("C1", Direction.SHORT),
        ("C5", Direction.LONG),
        ("C6", Direction.LONG),
    ]
    assert set(found.excluded.values()) == {f"{SHORT}: recommend_ma"}, "the last scanner asked has the word"
    assert found.counts == {LONG: 2, SHORT: 2}
    assert found.pool == panel.keys


@pytest.mark.requirement("R-UNI-05")
def test_the_floor_of_the_spot_pool_is_twenty_million(coins: Make[Panel]) -> None:
    panel = coins("AUSDT", "BUSDT", "CUSDT", "DUSDT")
    values = [19.9e6, 20.0e6, 20.1e6, np.nan]
    known = features(panel, recommend_ma=[1.0, 1.0, 0.0, 1.0], value_traded_last=values)
    found = discover(panel, section(preset(LONG)), known)
    assert found.pool == ("BINANCE:CUSDT",), "a pool knows no rating"
    assert found.atoms == ()
    assert found.excluded == {
        "BINANCE:AUSDT": f"{LONG}: value_traded_last",
        "BINANCE:BUSDT": f"{LONG}: value_traded_last",
        "BINANCE:CUSDT": f"{LONG}: recommend_ma",
        "BINANCE:DUSDT": f"{LONG}: largest 200 by value_traded_last is unknown",
    }


def test_an_unknown_rating_is_neither_high_nor_low(coins: Make[Panel]) -> None:
    panel = coins("AUSDT")
    known = features(panel, recommend_ma=[np.nan], value_traded_last=[MORE])
    found = discover(panel, section(preset(LONG), preset(SHORT)), known)
    assert found.atoms == ()
    assert found.excluded == {"BINANCE:AUSDT": f"{SHORT}: recommend_ma is unknown"}


def test_the_first_filter_that_fails_is_the_reason(coins: Make[Panel]) -> None:
    panel = coins("AUSDT")
    filters = [{"field": "x", "above": 0.0}, {"field": "y", "below": 0.0}]
    universe = section(scanner("s", pool=filters[:1], signal=filters[1:]))
    for x, y, reason in ((0.0, 0.0, "x"), (1.0, 0.0, "y"), (np.nan, 0.0, "x is unknown")):
        assert discover(panel, universe, features(panel, x=[x], y=[y])).excluded == {"BINANCE:AUSDT": f"s: {reason}"}
    assert discover(panel, universe, features(panel, x=[1.0], y=[-1.0])).excluded == {}


@pytest.mark.requirement("R-UNI-22")
def test_a_filter_on_what_the_data_cannot_have_is_refused(coins: Make[Panel]) -> None:
    panel = coins("AUSDT")
    known = features(
        panel,
        {"value_traded_last": "the data have no volume"},
        recommend_ma=[1.0],
        value_traded_last=[np.nan],
    )
    with pytest.raises(DataError) as caught:
        discover(panel, section(preset(LONG)), known)
    message = str(caught.value)
    for part in ("universe.scanners", LONG, "value_traded_last", "the data have no volume", "import data"):
        assert part in message


def test_without_scanners_everything_with_a_bar_is_held_long(
    market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]
) -> None:
    old, new = instrument("A"), instrument("A", generation=2)
    panel = market({old: prices(slice(100, None)), new: prices(slice(0, 105), seed=1)})
    universe = section(symbols=["X:A"])
    found = discover(panel, universe, features(panel))
    assert (found.universe, found.pool) == (("X:A", "X:A#2"), ("X:A#2",))
    assert [atom.fields() for atom in found.atoms] == [
        {"physical_symbol": "X:A#2", "logic": "hold", "direction": "LONG", "scan": ""}
    ]
    assert found.excluded == {"X:A": "no_bar"}
    assert found.counts == {}
    assert required_features(universe) == {"value_traded_last"}


@pytest.mark.requirement("R-UNI-18")
def test_three_scanners_of_three_logics_make_three_atoms_of_one_coin(coins: Make[Panel]) -> None:
    panel = coins("AUSDT", "BUSDT")
    universe = section(*(scanner(f"by_{logic}", logic=logic) for logic in ("one", "two", "three")))
    found = discover(panel, universe, features(panel))
    assert [atom.symbol for atom in found.atoms] == [
        f"BINANCE:{coin}USDT_{logic}_LONG" for coin in "AB" for logic in ("one", "two", "three")
    ]
    assert [atom.scan for atom in found.atoms] == ["by_one", "by_two", "by_three"] * 2


@pytest.mark.requirement("R-UNI-18")
def test_one_key_from_two_scanners_is_one_atom_named_after_the_first(coins: Make[Panel]) -> None:
    panel = coins("AUSDT")
    found = discover(
        panel, section(scanner("one"), scanner("two"), scanner("three", direction="SHORT")), features(panel)
    )
    assert [(atom.symbol, atom.scan) for atom in found.atoms] == [
        ("BINANCE:AUSDT_hold_LONG", "one"),
        ("BINANCE:AUSDT_hold_SHORT", "three"),
    ]
    assert found.counts == {"one": 1, "two": 1, "three": 1}


def test_the_pool_is_that_of_any_scanner(coins: Make[Panel]) -> None:
    panel = coins("AUSDT", "BUSDT", "CUSDT")
    high, low = ({"pool": [{"field": "x", side: bound}]} for side, bound in (("above", 1.0), ("below", -1.0)))
    none = {"signal": [{"field": "y", "above": 0.0}]}
    universe = section(scanner("a", **high, **none), scanner("b", **low))
    found = discover(panel, universe, features(panel, x=[2, 0, -2], y=[0, 0, 0]))
    assert found.pool == ("BINANCE:AUSDT", "BINANCE:CUSDT")
    assert [atom.physical_symbol for atom in found.atoms] == ["BINANCE:CUSDT"]
    assert found.excluded == {"BINANCE:AUSDT": "b: x", "BINANCE:BUSDT": "b: x"}


def test_two_atoms_with_one_id_are_refused(
    market: Make[Panel], prices: Make[Floats], instrument: Make[Instrument]
) -> None:
    panel = market({instrument("A"): prices(rows=ROWS), instrument("A_B"): prices(rows=ROWS, seed=1)})
    universe = section(scanner("one", logic="B_c"), scanner("two", logic="c"))
    with pytest.raises(ModelError, match=r"atom id X:A_B_c_LONG: expected one atom, found X:A held by B_c and X:A_B"):
        discover(panel, universe, features(panel))


def test_required_features_are_those_of_every_filter() -> None:
    assert required_features(section(preset(LONG), preset(SHORT))) == {"value_traded_last", "recommend_ma"}


def test_an_empty_universe_is_no_error(coins: Make[Panel]) -> None:
    panel = coins("AUSDT")
    found = discover(panel, section(scanner("s"), symbols=["X:OTHER"]), features(panel))
    assert found == Discovery(universe=(), pool=(), atoms=(), excluded={}, counts={"s": 0})


@pytest.mark.requirement("R-LED-06")
@pytest.mark.parametrize("seed", range(6))
def test_counts_never_grow_and_every_name_is_accounted_for(seed: int, coins: Make[Panel]) -> None:
    draw = np.random.default_rng(seed)
    panel = coins(*(f"C{k}USDT" for k in range(30)))
    ratings = np.where(draw.random(30) < 0.1, np.nan, draw.uniform(-1, 1, 30))
    known = features(panel, recommend_ma=ratings, value_traded_last=draw.choice([np.nan, 1e6, 1e8], 30))
    found = discover(panel, section(preset(LONG), preset(SHORT)), known)
    recruited = {atom.physical_symbol for atom in found.atoms}
    counts = (len(found.universe), len(found.pool), len(recruited))
    assert all(more >= less for more, less in pairwise(counts))
    assert recruited <= set(found.pool) <= set(found.universe)
    assert recruited.isdisjoint(found.excluded)
    assert recruited | set(found.excluded) == set(found.universe)
    assert sum(found.counts.values()) == len(found.atoms)


def test_the_preset_hygiene_is_that_of_the_scanner(profile: Make[Profile]) -> None:
    universe = profile(universe__scanners=[LONG], universe__exclude_kinds=[]).universe
    assert universe.exclude_kinds == ()
    assert set(universe.scanners[0].exclude_kinds) == {Kind.STABLECOIN, Kind.FIAT, Kind.LEVERAGED_TOKEN, Kind.TRADFI}
