"""The frames of a meta-portfolio's run, by hand: what is documented of them, and what they hold."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tvquant as tv
from builders.meta_run import EQUAL, HEADLINE, LONGS, SHORTS, meta_run
from tvquant.api.meta_tables import META_TABLES


@pytest.fixture(scope="module")
def folder(run: tv.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return meta_run(run.folder, tmp_path_factory.mktemp("metas"))


@pytest.fixture(scope="module")
def meta(folder: Path) -> tv.MetaRun:
    return tv.MetaRun(folder)


def test_every_documented_table_has_its_columns_in_order(meta: tv.MetaRun) -> None:
    for name, table in META_TABLES.items():
        made: Any = getattr(meta, name)
        assert table.call.startswith(f"meta.{name}")
        assert (made() if callable(made) else made).columns == [one.name for one in table.columns], name


def test_a_way_of_weighing_is_asked_for_by_any_of_its_accounts(meta: tv.MetaRun) -> None:
    assert set(meta.shares()["cell"]) == {HEADLINE.removesuffix("/custom")}
    assert meta.shares(EQUAL).group_by("sleeve").agg(pl.col("share").mean()).sort("sleeve")["share"].to_list() == [
        0.5,
        0.5,
    ]
    assert set(meta.tree("*")["cell"]) == {"meta/custom/hrp", "mix/equal"}
    assert meta.gap().filter(part="account")["value"][0] == pytest.approx(
        meta.gap().filter(pl.col("part") != "account")["value"].sum()
    )
    with pytest.raises(tv.ProfileError, match="unknown cell 'mix/equals/custom' - did you mean mix/equal/custom"):
        meta.mix("mix/equals/custom")


def test_its_accounts_and_sleeves_are_read_as_those_of_any_run(meta: tv.MetaRun) -> None:
    assert meta.headline["cell"] == HEADLINE
    returns, equity = meta.returns(), meta.equity()
    np.testing.assert_allclose(equity["equity"], (1.0 + returns["return"].to_numpy()).cumprod(), rtol=1e-12)
    assert meta.sleeves["sleeve"].to_list() == [LONGS, SHORTS]
    assert meta.gates.filter(gate="solver")["found"].to_list() == ["1.0", "0.875"]
    assert meta.gates["sleeves"].to_list()[0] == [LONGS, SHORTS]
    assert set(meta.streams()["sleeve"]) == {LONGS, SHORTS}
    assert set(meta.streams()["risk_profile"]) == {"hrp"}
    assert meta.profile["allocation"]["bounds"] == [0.05, 0.95]
    assert repr(meta).endswith("of meta_benchmark>")
