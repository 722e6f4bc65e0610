"""Names of folders and files, and the span that each is of."""

from datetime import UTC, datetime

import pytest

from tvquant.market.providers.binance_archive.layout import (
    Series,
    Span,
    Venue,
    chosen,
    next_month,
    place_of,
    runs,
    symbol_of,
    unbroken,
)

BTC = Series(venue=Venue.SPOT, ticker="BTCUSDT", interval="1d")
FUNDING = Series(venue=Venue.SWAP, ticker="BTCUSDT")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def months(*texts: str) -> list:
    return [BTC.file(Span.MONTHLY, day(f"{text}-01")) for text in texts]


def days(*texts: str) -> list:
    return [BTC.file(Span.DAILY, day(text)) for text in texts]


def test_files_are_named_as_published() -> None:
    month = BTC.file(Span.MONTHLY, day("2021-12-01"))
    assert month.path == "data/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2021-12.zip"
    assert (month.first, month.after, month.member) == (day("2021-12-01"), day("2022-01-01"), "BTCUSDT-1d-2021-12.csv")
    one = BTC.file(Span.DAILY, day("2024-02-29"))
    assert one.path == "data/spot/daily/klines/BTCUSDT/1d/BTCUSDT-1d-2024-02-29.zip"
    assert one.after == day("2024-03-01")
    paid = FUNDING.file(Span.MONTHLY, day("2021-03-01"))
    assert paid.path == "data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2021-03.zip"
    assert next_month(day("2024-01-31")) == day("2024-02-01")


def test_of_a_folder_only_what_is_named_so_counts() -> None:
    folder = BTC.folder(Span.MONTHLY)
    keys = [f"{folder}BTCUSDT-1d-{text}" for text in ("2021-03.zip", "2021-01.zip", "2021-03.zip.CHECKSUM")]
    keys += [f"{folder}BTCUSDT-1d-{text}.zip" for text in ("2021-13", "2021-03-05", "0000-01", "21-03")]
    keys += [f"{folder}ETHUSDT-1d-2021-02.zip", "data/spot/monthly/klines/BTCUSDT/4h/BTCUSDT-4h-2021-02.zip"]
    assert BTC.found(Span.MONTHLY, keys) == months("2021-01", "2021-03")
    named = [f"{BTC.folder(Span.DAILY)}BTCUSDT-1d-{text}.zip" for text in ("2021-03-05", "2021-02-29", "2021-03")]
    assert BTC.found(Span.DAILY, named) == days("2021-03-05")


@pytest.mark.parametrize(
    ("symbol", "place"),
    [
        ("BINANCE:BTCUSDT", (Venue.SPOT, "BTCUSDT")),
        ("BINANCE:BTCUSDT.P", (Venue.SWAP, "BTCUSDT")),
        ("BINANCE:币安人生USDT", (Venue.SPOT, "币安人生USDT")),
        ("BINANCE:BTCUSDT_240329.P", None),
        ("BINANCE:../BTCUSDT", None),
        ("BINANCE:BTC/USDT", None),
        ("BYBIT:BTCUSDT", None),
        ("BTCUSDT", None),
    ],
)
def test_a_symbol_has_one_place_and_a_place_one_symbol(symbol: str, place: tuple[Venue, str] | None) -> None:
    assert place_of(symbol) == place
    assert place is None or symbol_of(*place) == symbol


def test_each_day_is_in_one_file() -> None:
    monthly = months("2021-01", "2021-02", "2021-04")
    daily = days("2021-02-28", "2021-03-01", "2021-03-31", "2021-04-01", "2021-05-01")
    assert [one.name[11:-4] for one in chosen(monthly, daily)] == [
        *("2021-01", "2021-02", "2021-03-01", "2021-03-31", "2021-04", "2021-05-01")
    ]
    assert unbroken(monthly) == day("2021-02-01")
    assert unbroken([]) is None


def test_a_hole_of_months_parts_two_listings() -> None:
    files = months("2021-01", "2021-02", "2021-04", "2021-07")
    assert runs(files) == [(files[0], files[2]), (files[3], files[3])]  # 31 days are no end, 61 are
    assert runs([]) == []
    first, near, far = days("2021-01-01", "2021-03-02", "2021-03-03")
    assert runs([first, near]) == [(first, near)]
    assert runs([first, far]) == [(first, first), (far, far)]  # sixty days between them
