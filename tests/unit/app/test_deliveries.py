import pytest

from tvquant.app.deliveries import EVERYTHING, Deliveries, Source
from tvquant.core.errors import ProfileError

COINS, SWAPS, SHARES = Source(name="coins"), Source(name="coins", options={"seed": 1}), Source(name="shares")
MANY = Deliveries(by_key={"BINANCE": COINS, "BINANCE/swap": SWAPS, "NASDAQ": SHARES, "OKX": COINS})


@pytest.mark.parametrize(
    ("symbol", "who"),
    [
        ("BINANCE:BTCUSDT", COINS),
        ("BINANCE:BTCUSDT.P", SWAPS),
        ("OKX:BTCUSDT.P", COINS),
        ("NASDAQ:AAPL", SHARES),
        ("NYSE:IBM", None),
        ("BINANCEUS:BTCUSDT", None),
        ("BINANCE:no such thing", COINS),
        ("nonsense", None),
    ],
)
def test_the_more_particular_key_delivers(symbol: str, who: Source | None) -> None:
    at = MANY.of(symbol)
    assert (None if at is None else MANY.every[at]) == who
    assert Deliveries(by_key={EVERYTHING: SHARES}).of(symbol) == 0


def test_each_is_there_once_and_has_a_name_of_its_own() -> None:
    assert MANY.every == (COINS, SWAPS, SHARES)
    assert MANY.labels == ("coins (BINANCE, OKX)", "coins (BINANCE/swap)", "shares")
    assert MANY.name == "coins (BINANCE, OKX), coins (BINANCE/swap), shares"
    assert Deliveries(by_key={"BINANCE": COINS, "NASDAQ": SHARES}).name == "coins, shares"
    names = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT.P", "NASDAQ:AAPL", "NYSE:IBM", "OKX:ETHUSDT")
    assert MANY.shared(names) == (("BINANCE:BTCUSDT", "OKX:ETHUSDT"), ("BINANCE:ETHUSDT.P",), ("NASDAQ:AAPL",))


def test_what_no_one_delivers_is_refused_by_name() -> None:
    MANY.require(["BINANCE:BTCUSDT", "NASDAQ:AAPL"])
    with pytest.raises(ProfileError, match=r"data.providers names no provider for NYSE:IBM.*name one for NYSE there"):
        MANY.require(["BINANCE:BTCUSDT", "NYSE:IBM"])
