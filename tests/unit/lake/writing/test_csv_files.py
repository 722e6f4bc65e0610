"""Csv files in the forms of other programs: read and said so, or refused with the dialect or the line."""

from pathlib import Path

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.lake.writing import csv_files
from tvquant.lake.writing.files import Delivery, read_file

HEADER = "symbol,timestamp,open,high,low,close,volume"
ROWS = ("BINANCE:BTCUSDT,2024-01-01,1,2,0.5,1.5,10", "BINANCE:BTCUSDT,2024-01-02,1.5,2,1,1.25,20")
PLAIN = "\n".join((HEADER, *ROWS, ""))


def _read(folder: Path, content: bytes | str) -> Delivery:
    path = folder / "bars.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path)


DIALECTS: dict[str, tuple[bytes | str, tuple[str, ...]]] = {
    "plain": (PLAIN, ()),
    "no last line end": (PLAIN.rstrip(), ()),
    "line ends of Windows": (PLAIN.replace("\n", "\r\n"), ()),
    "line ends of old": (PLAIN.replace("\n", "\r"), ()),
    "quoted": ("\n".join(",".join(f'"{one}"' for one in line.split(",")) for line in (HEADER, *ROWS)), ()),
    "blanks": (PLAIN.replace(",", " ,  "), ()),
    "semicolons": (PLAIN.replace(",", ";"), ("separated by semicolons",)),
    "tabs": (PLAIN.replace(",", "\t"), ("separated by tabs",)),
    "bars": (PLAIN.replace(",", "|"), ("separated by bars",)),
    "byte order mark": (b"\xef\xbb\xbf" + PLAIN.encode(), ("UTF-8 with a byte order mark",)),
    "sixteen bits": (PLAIN.encode("utf-16"), ("UTF-16",)),
    "sixteen bits, the other way": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), ("UTF-16",)),
    "a word before": (f"https://www.example.org, daily\n\n{PLAIN}", ("2 lines before the header left out",)),
    "comments": (PLAIN.replace("BIN", "# the first, a, b\nBIN", 1) + "# end\n", ("2 lines beginning with # left out",)),
    "capitals": (PLAIN.replace(HEADER, HEADER.title()), ("columns 'Symbol' as symbol, 'Timestamp' as timestamp, "
        "'Open' as open, 'High' as high, 'Low' as low, 'Close' as close, 'Volume' as volume",)),
    "names of others": (PLAIN.replace("symbol,timestamp", "symbol,Date").replace("volume", "<VOL>"),
        ("columns 'Date' as timestamp, '<VOL>' as volume",)),
    "the lake's names go first": (PLAIN.replace(HEADER, f"{HEADER},Date").replace("0\n", "0,2020-01-01\n"), ()),
    "a comma at each end": (PLAIN.replace("\n", ",\n"), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_that_cannot_be_mistaken_is_read_and_said(name: str, tmp_path: Path) -> None:
    content, said = DIALECTS[name]
    found = _read(tmp_path, content)
    assert found.rejected.is_empty()
    assert found.rows.equals(_read(tmp_path, PLAIN).rows)
    assert found.said == said
    assert found.ignored == (("Date",) if "first" in name else ())


REFUSED: dict[str, tuple[bytes | str, str]] = {
    "decimal commas": (
        PLAIN.replace(",", ";").replace(".", ","),
        r"row 3, column 'open': '1,5' has a comma in a number \(the file is separated by semicolons\)",
    ),
    "one decimal comma": (PLAIN.replace(",", ";").replace("1.25", "1,25"), "row 3, column 'close': '1,25' has a comma"),
    "thousands": (PLAIN.replace(",10\n", ',"1,000"\n'), "row 2, column 'volume': '1,000' has a comma in a number"),
    "thousands and decimals": (PLAIN.replace(",10\n", ',"1.234,5"\n'), "'1.234,5' has a comma in a number"),
    "another code page": (PLAIN.encode() + b"# caf\xe9\n", "line 4 has bytes that are not UTF-8 .*save it as UTF-8"),
    "torn": (PLAIN.encode() + bytes(40), "line 4 has a NUL byte"),
    "a quote without end": (PLAIN + 'BINANCE:ETHUSDT,2024-01-01,"1,2,1,1.5,10\n', r"the last is in line 4\) is never"),
    "no header": ("\n".join(ROWS), "no header in its first lines.*found 'BINANCE:BTCUSDT,2024-01-01,1"),
    "klines": (",".join(["1704067200000", *"12345678901"]), "column 'symbol' is missing; found open_time, open, high"),
    "a field more than a kline": (",".join(["1704067200000", *"123456789012"]), "no header in its first lines"),
    "of Yahoo": ("Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,2,1,1.5,1.4,10\n",
        "column 'symbol' is missing.*these are columns of Yahoo; say whose .*--as NASDAQ:AAPL"),
    "two may be the time": (PLAIN.replace("timestamp,open", "Date,Time"), "columns 'Date' and 'Time' may each be"),
    "twice": (PLAIN.replace("open,high", "close,high"), "column 'close' stands there twice; keep one"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_mistaken_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    content, expected = REFUSED[name]
    with pytest.raises(DataError, match=expected) as caught:
        _read(tmp_path, content)
    assert str(caught.value).isprintable()


def test_tickers_of_other_programs_are_refused_row_by_row(tmp_path: Path) -> None:
    head = "<TICKER>,<PER>,<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
    found = _read(tmp_path, f"{head}\nAAPL.US,D,20240102,1,2,1,1.5,10,0\n")
    assert found.rows.is_empty()
    assert found.rejected["reason"].to_list()[0].startswith("is refused: symbol 'AAPL.US' is not EXCHANGE:TICKER")
    assert found.said[0].startswith("columns '<TICKER>' as symbol, '<DATE>' as timestamp")


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = f'# of\n\n{HEADER},"a note\nof two lines"\n# more\n\n{ROWS[0]},"x\ny"\n\n{ROWS[1]},z,z\n'
    found = _read(tmp_path, text)
    assert found.said == ("2 lines before the header left out", "1 lines beginning with # left out")
    assert len(found.rows) == 1
    assert found.rejected.select("row", "reason").rows() == [(10, "has 9 fields; the header has 8")]


def test_a_blank_line_in_the_middle_of_ragged_ones_is_no_row(tmp_path: Path) -> None:
    found = _read(tmp_path, f"{PLAIN}\n   \nBINANCE:BTCUSDT,2024-01-03\n,,,,,,\n")
    assert found.rejected.select("row", "reason").rows() == [(6, "has 2 fields; the header has 7")]
    assert len(found.rows) == 2


def test_a_file_read_in_batches_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [
        f"BINANCE:BTCUSDT,2024-01-{day:02},1,2,0.5,{1 + day / 100},{'' if day == 7 else day}" for day in range(1, 29)
    ]
    path = tmp_path / "bars.csv"
    path.write_text("\n".join((HEADER, *days)))
    texts = csv_files.read_texts(path).cells
    monkeypatch.setattr(csv_files, "BATCH_BYTES", 2 * len(days[0]))
    monkeypatch.setattr(csv_files, "RECORDS", 5)
    numbers = csv_files.read_csv(path).cells
    assert numbers.dtypes == [pl.Categorical, pl.Categorical, *[pl.Float64] * 5]
    told = numbers.with_columns(pl.col(numbers.columns[:2]).cast(pl.String))
    assert told.equals(texts.with_columns(pl.col(texts.columns[2:]).cast(float)))


def test_dates_of_stooq_are_told_in_a_file_of_numbers(tmp_path: Path) -> None:
    head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"
    rows = [f"NYSE:KO,D,202401{day:02},000000,1,2,1,1.5,10" for day in (2, 3)]
    found = _read(tmp_path, "\n".join((head, *rows)))
    assert "dates such as 20240102" in found.said
    assert found.rows["timestamp"].dt.day().to_list() == [2, 3]
    with pytest.raises(DataError, match="column '<TIME>' has '153000': the zone"):
        _read(tmp_path, "\n".join((head, rows[0], rows[1].replace("000000", "153000"))))


def test_a_bad_row_is_kept_as_it_stands_in_a_file_of_numbers(tmp_path: Path) -> None:
    found = _read(tmp_path, PLAIN.replace("1.25,20", "1.250,-020"))
    assert found.rejected.select("row", "column", "value", "reason").rows() == [(3, "volume", "-020", "is negative")]
    assert '"close":"1.250"' in found.rejected["record"][0]
