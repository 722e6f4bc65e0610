from importlib import metadata
from pathlib import Path

import polars as pl
import pytest

from tvquant.app.demo import INDEX, demo_files
from tvquant.core.errors import ProfileError


def test_the_wheels_prices_become_importable_files(tmp_path: Path) -> None:
    stocks, index = (pl.read_parquet(file) for file in demo_files(tmp_path))
    assert stocks.columns == index.columns == ["symbol", "timestamp", "close"]
    assert stocks["symbol"].n_unique() == 20
    assert index["symbol"].unique().to_list() == [INDEX]
    first = stocks.filter(pl.col("symbol") == "NASDAQ:AAPL").row(0)
    assert (str(first[1]), first[2]) == ("1990-01-02", 0.264)


def test_without_the_wheel_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ProfileError, match=r"tvquant\[demo\]"):
        demo_files(tmp_path)
