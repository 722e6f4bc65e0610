"""One thing once: keys, identities, venues, the ceiling."""

import numpy as np
import pytest

from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError, ModelError
from tvquant.core.instruments import Instrument, Kind
from tvquant.universe import consolidate

NAN = float("nan")


def coin(ticker: str, base: str, *, exchange: str = "BINANCE") -> Instrument:
    kind = Kind.SWAP if ticker.endswith(".P") else Kind.SPOT
    return Instrument(
        symbol=f"{exchange}:{ticker}", kinds=frozenset({kind}), currency="USD", calendar="24x7", base=base
    )


def recruit(
    one: Instrument, *, logic: str = "rating_ma", direction: Direction = Direction.LONG, scan: str = "s"
) -> tuple[Instrument, Atom]:
    return one, Atom(physical_symbol=one.key, logic=logic, direction=direction, scan=scan)


BTC, BTC_USDC = coin("BTCUSDT", "BTC"), coin("BTCUSDC", "BTC")
BTC_PERP = coin("BTCUSDT.P", "BTC")
PEPE, PEPE_SCALED = coin("PEPEUSDT", "PEPE"), coin("1000PEPEUSDT", "PEPE")
VALUE = {BTC.key: 10.0, BTC_USDC.key: 20.0, BTC_PERP.key: 90.0, PEPE.key: NAN, PEPE_SCALED.key: 3.0}


@pytest.mark.requirement("R-UNI-18")
def test_a_coin_under_three_logics_is_three_atoms() -> None:
    found = consolidate([recruit(BTC, logic=f"rating_{n}") for n in ("all", "ma", "osc")], VALUE)
    assert [atom.logic for atom in found.atoms] == ["rating_all", "rating_ma", "rating_osc"]
    assert [Atom.of(atom.fields()) for atom in found.atoms] == list(found.atoms)  # logic survives storing
    assert found.alternatives == {}


@pytest.mark.requirement("R-UNI-18")
def test_a_key_recruited_twice_is_one_atom_of_the_first_scanner() -> None:
    found = consolidate([recruit(BTC, scan="first"), recruit(BTC, scan="second")], VALUE)
    assert [atom.scan for atom in found.atoms] == ["first"]


@pytest.mark.requirement("R-UNI-20")
def test_quotes_of_one_coin_and_scaled_contracts_are_one_thing() -> None:
    found = consolidate([recruit(one) for one in (BTC, BTC_USDC, PEPE, PEPE_SCALED)], VALUE)
    assert [atom.physical_symbol for atom in found.atoms] == [BTC_USDC.key, PEPE_SCALED.key]
    assert found.alternatives == {
        "BINANCE:BTCUSDC_rating_ma_LONG": (BTC.key,),
        "BINANCE:1000PEPEUSDT_rating_ma_LONG": (PEPE.key,),  # a value that is not known is the least
    }


@pytest.mark.requirement("R-UNI-12")
@pytest.mark.requirement("R-UNI-20")
def test_spot_and_perpetual_exchanges_logics_and_directions_are_never_merged() -> None:
    elsewhere = coin("BTCUSDT", "BTC", exchange="BYBIT")
    value = VALUE | {elsewhere.key: 5.0}
    made = [
        recruit(BTC), recruit(BTC_PERP), recruit(elsewhere), recruit(BTC, logic="rating_all"),
        recruit(BTC, direction=Direction.SHORT),
    ]  # fmt: skip
    found = consolidate(made, value)
    assert len(found.atoms) == 5
    assert found.alternatives == {}


def test_shares_without_a_base_stand_alone() -> None:
    shares = [
        Instrument(symbol=s, kinds=frozenset({Kind.STOCK}), currency="USD", calendar="XNYS")
        for s in ("NASDAQ:GOOG", "NASDAQ:GOOGL")
    ]
    assert len(consolidate([recruit(one) for one in shares], dict.fromkeys((s.key for s in shares), 1.0)).atoms) == 2


def test_equal_values_are_decided_by_quote_then_by_name() -> None:
    quotes = [coin(f"BTC{quote}", "BTC") for quote in ("DAI", "FDUSD", "USDT")]
    value = dict.fromkeys((one.key for one in quotes), NAN)
    made = [recruit(one) for one in quotes]
    assert consolidate(made, value, quotes=("USDT", "FDUSD")).atoms[0].physical_symbol == "BINANCE:BTCUSDT"
    assert consolidate(made, value).atoms[0].physical_symbol == "BINANCE:BTCDAI"


@pytest.mark.requirement("R-UNI-21")
def test_the_ceiling_keeps_the_most_traded_in_their_order_and_names_the_others() -> None:
    coins = [coin(f"{name}USDT", name) for name in "ABCDE"]
    value = dict(zip((one.key for one in coins), (1.0, 5.0, 3.0, 4.0, 2.0), strict=True))
    found = consolidate([recruit(one) for one in coins], value, most=2)
    assert [atom.physical_symbol for atom in found.atoms] == [coins[1].key, coins[3].key]
    assert [atom.physical_symbol for atom in found.cut] == [coins[2].key, coins[4].key, coins[0].key]


@pytest.mark.requirement("R-UNI-21")
def test_the_ceiling_never_chooses_by_name() -> None:
    coins = [coin(f"{name}USDT", name) for name in "ABC"]
    value = {coins[0].key: 1.0, coins[1].key: NAN, coins[2].key: 2.0}
    with pytest.raises(DataError, match=r"BINANCE:BUSDT is not known.*raise universe.max_atoms"):
        consolidate([recruit(one) for one in coins], value, most=2)
    assert len(consolidate([recruit(one) for one in coins], value, most=3).atoms) == 3


def test_two_keys_with_one_id_are_refused() -> None:
    first = Instrument(symbol="X:A_b", kinds=frozenset({Kind.SPOT}), currency="USD", calendar="24x7")
    second = Instrument(symbol="X:A", kinds=frozenset({Kind.SPOT}), currency="USD", calendar="24x7")
    made = [recruit(first, logic="c"), recruit(second, logic="b_c")]
    with pytest.raises(ModelError, match="rename a logic"):
        consolidate(made, {first.key: np.nan, second.key: np.nan})
