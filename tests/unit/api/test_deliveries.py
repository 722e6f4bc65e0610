import numpy as np
import pandas as pd
import polars as pl
import pytest

from tvquant.api.deliveries import delivered
from tvquant.core.errors import ProfileError

DAYS = pd.date_range("2024-01-01", periods=3, name="Date")
WIDE = pd.DataFrame({"NASDAQ:AAPL": [1.0, np.nan, 3.0], "NYSE:KO": [4, 5, 6]}, index=DAYS)


def test_closes_in_columns_become_rows_and_an_empty_cell_is_no_bar() -> None:
    for frame in (WIDE, pl.from_pandas(WIDE.reset_index()), pl.from_pandas(WIDE.reset_index(), nan_to_null=False)):
        rows = delivered(frame, None)
        assert rows.columns == ["timestamp", "symbol", "close"]
        assert rows["timestamp"].dtype == pl.Date
        assert rows.filter(symbol="NASDAQ:AAPL")["close"].to_list() == [1.0, 3.0]
        assert len(rows) == 5


def test_bars_keep_their_columns_and_their_zone() -> None:
    bars = WIDE[["NYSE:KO"]].set_axis(["Close"], axis=1)
    assert delivered(bars, "NYSE:KO").columns == ["Date", "Close", "symbol"]
    zoned = delivered(bars.tz_localize("America/New_York").assign(symbol="NYSE:KO"), None)
    assert zoned["Date"].dtype.time_zone == "America/New_York"
    later = delivered(bars.set_axis(DAYS + pd.Timedelta("9h")), "NYSE:KO")
    assert later["Date"].dtype == pl.Datetime  # the reader refuses it: a time without a zone


@pytest.mark.parametrize(
    ("frame", "symbol", "message"),
    [
        (WIDE.rename(columns={"NYSE:KO": "KO"}), None, "closes by symbol: KO is no EXCHANGE:TICKER"),
        (WIDE, "NYSE:KO", "frame: no column close; found Date, NASDAQ:AAPL, NYSE:KO"),
        (WIDE[["NYSE:KO"]].set_axis(["close"], axis=1), None, "say symbol='NASDAQ:AAPL' for all of its rows"),
        (WIDE.set_axis(["close", "symbol"], axis=1), "NYSE:KO", "it has a column symbol already"),
        (WIDE.reset_index(drop=True), None, "expected one column or index of dates, found none"),
        (WIDE.iloc[::-1], None, "frame: 2024-01-02 stands behind 2024-01-03"),
    ],
)
def test_what_is_none_of_these_is_refused(frame: pd.DataFrame, symbol: str | None, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        delivered(frame, symbol)
    assert message in str(caught.value)
