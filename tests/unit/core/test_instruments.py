import numpy as np

from tvquant.core.instruments import Fact, Instrument, InstrumentView, Kind, by_kinds, swaps_among


def day(text: str) -> np.datetime64:
    return np.datetime64(text, "us")


LUNA = Instrument(
    symbol="BINANCE:LUNAUSDT",
    kinds=frozenset({Kind.SPOT}),
    currency="USDT",
    calendar="24x7",
    facts=(
        Fact(field="listed_at", value=day("2020-08-21"), known_at=day("2020-08-21")),
        Fact(field="tick", value=0.001, known_at=day("2020-08-21")),
        Fact(field="tick", value=0.01, known_at=day("2021-09-01")),
        Fact(field="delisted_at", value=day("2022-05-13"), known_at=day("2022-05-12")),
    ),
)


def test_the_key_names_the_generation_from_the_second_on() -> None:
    keys = [
        Instrument(symbol="BYBIT:XUSDT.P", generation=n, kinds=frozenset(), currency="USDT", calendar="24x7").key
        for n in (1, 2, 3)
    ]
    assert keys == ["BYBIT:XUSDT.P", "BYBIT:XUSDT.P#2", "BYBIT:XUSDT.P#3"]


def test_a_view_knows_what_was_known_then() -> None:
    assert LUNA.view(day("2020-01-01")) == InstrumentView(key="BINANCE:LUNAUSDT")
    assert LUNA.view(day("2021-01-01")) == InstrumentView(
        key="BINANCE:LUNAUSDT", listed_at=day("2020-08-21"), tick=0.001
    )
    assert LUNA.view(day("2021-09-01")).tick == 0.01  # known at that very moment
    assert LUNA.view(day("2022-05-11")).delisted_at is None
    assert LUNA.view(day("2022-05-12")).delisted_at == day("2022-05-13")


def test_until_drops_later_facts_and_nothing_else() -> None:
    before = LUNA.until(day("2021-01-01"))
    assert [fact.field for fact in before.facts] == ["listed_at", "tick"]
    assert (before.key, before.kinds, before.currency, before.calendar) == (
        LUNA.key,
        LUNA.kinds,
        LUNA.currency,
        LUNA.calendar,
    )
    assert before.view(day("2030-01-01")) == LUNA.view(day("2021-01-01"))
    assert LUNA.until(day("2030-01-01")) is LUNA


def test_kinds_are_asked_once_for_all_that_are_alike() -> None:
    swap = Instrument(symbol="X:B.P", kinds=frozenset({Kind.SWAP}), currency="USDT", calendar="24x7")
    asked: list[frozenset[Kind]] = []
    found = by_kinds([LUNA, swap, LUNA], lambda kinds: asked.append(kinds) or kinds == LUNA.kinds)
    assert found.tolist() == [True, False, True]
    assert len(asked) == 2
    assert by_kinds([LUNA, LUNA], lambda _: True).tolist() == [True, True]
    assert swaps_among([LUNA, swap, LUNA]).tolist() == [False, True, False]
    assert swaps_among([]).dtype == np.bool_
