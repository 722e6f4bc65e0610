"""The demo: real prices, offline. The files that the skfolio wheel carries, imported like anyone's own.

Twenty S&P 500 stocks (closes adjusted for splits and dividends) and the index (prices only), daily, 1990 to 2022.
The wheel is located, never imported: it costs seconds.
"""

from importlib import metadata
from pathlib import Path

from tvquant.core.errors import ProfileError

PROFILE = "demo_sp500"
INDEX = "SP:SPX"
NASDAQ = frozenset({"AAPL", "AMD", "MSFT", "PEP"})
"""Listed on NASDAQ at the end of the data; the others on NYSE. The wheel names no exchange."""


def demo_files(folder: Path) -> tuple[Path, Path]:
    """Write stocks and index as files that `tvquant data import` takes: one row per symbol and session, close only.

    Raises
    ------
    ProfileError : the wheel is not installed.
    """
    import polars as pl

    source = _source()
    folder.mkdir(parents=True, exist_ok=True)
    stocks = pl.read_csv(source / "sp500_dataset.csv.gz", try_parse_dates=True)
    tickers = [name for name in stocks.columns if name != "Date"]
    names = {ticker: f"{'NASDAQ' if ticker in NASDAQ else 'NYSE'}:{ticker}" for ticker in tickers}
    index = pl.read_csv(source / "sp500_index.csv.gz", try_parse_dates=True).rename({"SP500": INDEX})
    written = []
    for name, wide in (("sp500_stocks", stocks.rename(names)), ("sp500_index", index)):
        long = wide.unpivot(index="Date", variable_name="symbol", value_name="close").rename({"Date": "timestamp"})
        target = folder / f"{name}.parquet"
        long.select("symbol", "timestamp", "close").drop_nulls().write_parquet(target)
        written.append(target)
    return written[0], written[1]


def _source() -> Path:
    try:
        folder = Path(str(metadata.distribution("skfolio").locate_file("skfolio"))) / "datasets" / "data"
    except metadata.PackageNotFoundError as error:
        raise ProfileError("the demo's data come with skfolio, which is missing; install tvquant[demo]") from error
    if not (folder / "sp500_dataset.csv.gz").is_file():
        raise ProfileError("this version of skfolio carries no S&P 500 data; install the version of tvquant[demo]")
    return folder
