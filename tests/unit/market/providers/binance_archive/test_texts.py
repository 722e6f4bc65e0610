"""Texts as rows: headers, units of time, columns."""

from datetime import UTC, datetime

import pytest

from tvquant.market.providers.binance_archive.layout import ArchiveFile, Series, Span, Venue
from tvquant.market.providers.binance_archive.texts import KLINES, NotRows, bars_of, funding_of

BTC = Series(venue=Venue.SPOT, ticker="BTCUSDT", interval="1d")
PAID = Series(venue=Venue.SWAP, ticker="BTCUSDT")
HEADER = ",".join(KLINES) + "\n"
NAME = "BINANCE:BTCUSDT"


def month(text: str, series: Series = BTC) -> ArchiveFile:
    return series.file(Span.MONTHLY, datetime.fromisoformat(f"{text}-01").replace(tzinfo=UTC))


def line(time: int, price: float = 1.0) -> str:
    return f"{time},{price},{price + 2},{price - 0.5},{price + 1},10.5,{time + 86399999},21.25,3,1,2,0\n"


def at(text: str, unit: int = 1000) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * unit


def test_texts_with_and_without_a_header_and_of_both_units_are_one_table() -> None:
    texts = [
        (month("2024-12"), (line(at("2024-12-30")) + line(at("2024-12-31"), 2.0)).encode()),
        (month("2025-01"), (HEADER + line(at("2025-01-01", 10**6), 3.0)).encode()),
        (month("2025-02"), b""),
        (month("2025-03"), HEADER.encode()),
        (month("2025-04"), line(at("2025-04-30", 10**6), 0.1).replace("\n", "\r\n").encode()),
        (month("2025-05"), line(at("2025-05-01")).rstrip().encode()),
        (month("2025-06"), line(at("2025-06-01")).encode("utf-8-sig")),
        (month("2025-07"), (HEADER + line(at("2025-07-01"))).encode("utf-8-sig")),
    ]
    rows = bars_of(NAME, texts)
    stamps = ["2024-12-30", "2024-12-31", "2025-01-01", "2025-04-30", "2025-05-01", "2025-06-01", "2025-07-01"]
    assert rows["timestamp"].to_list() == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in stamps]
    assert rows["open"].to_list() == [1.0, 2.0, 3.0, 0.1, 1.0, 1.0, 1.0]
    assert rows.row(1)[2:] == (2.0, 4.0, 1.5, 3.0, 10.5, 21.25)
    assert set(rows["symbol"]) == {NAME}
    assert bars_of(NAME, []).schema == rows.schema
    assert bars_of(NAME, texts[2:4]).is_empty()


@pytest.mark.parametrize(
    "time",
    [
        at("2021-02-28T23:59:59"),
        at("2021-04-01"),
        at("2021-03-01", 1),
        at("2021-03-01", 10**9),
        at("1971-03-05", 10**6),
        -at("2021-03-02"),
        0,
    ],
)
def test_a_time_of_another_span_is_none(time: int) -> None:
    texts = [(month("2021-03"), (line(time) + line(at("2021-03-31"))).encode())]
    assert bars_of(NAME, texts)["timestamp"].to_list() == [None, datetime(2021, 3, 31, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1614556800000,1,2,3\n", "has 4 columns, expected 12"),
        (line(1614556800000).replace("\n", ",9\n"), "has 13 columns"),
        (HEADER.replace("open,high", "high,open") + line(1614556800000), "its columns are 'open_time,high,open"),
        (HEADER + HEADER, "2021-03.zip"),
        (line(1614556800000) + "1614643200000,1,2\n", "not all of its rows have 12"),
        (line(1614556800000) + line(1614643200000).replace("\n", ",1\n"), "not all of its rows have 12"),
        (line(1614556800000).replace("10.5", ""), "lacks one of open_time, open"),
        (line(1614556800000).replace("10.5", "a lot"), "2021-03.zip"),
        (line(1614556800000) + "\n" + line(1614643200000), "2021-03.zip"),
        ("<html></html>\n", "has 1 columns"),
    ],
)
def test_a_text_that_is_no_table_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(NotRows, match=r"2021-03\.zip") as refused:
        bars_of(NAME, [(month("2021-03"), text.encode())])
    assert said in str(refused.value)


def test_funding_has_its_moment_and_rate() -> None:
    text = "calc_time,funding_interval_hours,last_funding_rate\n"
    text += "".join(f"{at('2024-01-01') + ms},8,{rate}\n" for ms, rate in ((-7, 0.0001), (28800003, -0.00025)))
    rows = funding_of([(month("2024-01", PAID), text.encode()), (month("2024-02", PAID), b"1706745540000,4,1e-05\n")])
    assert rows["funding_rate"].to_list() == [0.0001, -0.00025, 0.00001]
    stamps = [str(one)[:19] for one in rows["timestamp"]]
    assert stamps == ["2023-12-31 23:59:59", "2024-01-01 08:00:00", "2024-01-31 23:59:00"]
    wrong = [(month("2024-02", PAID), b"1706745539999,4,1e-05\n")]
    assert funding_of(wrong)["timestamp"].to_list() == [None]
