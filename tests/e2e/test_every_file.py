"""Every file of the shared data, from import to a verified run, under the basis of its notes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHORT = ["data.span=120", "allocation.profiles=[hrp]", "windows.step=20"]
SWAPS = ["universe.kinds=[swap]", "benchmark.market=[]"]


FILES = [
    ("us_equities_1d", "split", "us_equities", []),
    ("us_equities_1d_wide_recent", "split", "us_equities", []),
    ("us_equities_1d_unadjusted_public_domain", "raw", "us_equities", ["selection.min_winners=2"]),
    ("us_etf_1d_long", "split", "us_equities", ["universe.kinds=[etf]"]),
    ("us_etf_1d_adjusted_2021_2026", "total", "us_equities", ["universe.kinds=[etf]"]),
    ("crypto_binance_spot_1d_2021_2022", None, "crypto_spot", []),
    ("crypto_binance_spot_1d_2022_2025", None, "crypto_spot", []),
    ("crypto_binance_perp_1d", None, "crypto_spot", SWAPS),
    ("crypto_bybit_perp_1d", None, "crypto_spot", SWAPS),
]
CASES = FILES if os.environ.get("TVQUANT_PROOF") else FILES[2:3]
"""All are minutes long: `make proof` has them, the gate the smallest."""


@pytest.mark.parametrize(("file", "basis", "profile", "settings"), CASES)
def test_a_file_is_imported_audited_and_run(
    file: str, basis: str | None, profile: str, settings: list[str], tmp_path: Path, shared_data: Path,
    tvquant: Callable[..., Any],
) -> None:  # fmt: skip
    home = tmp_path / "ws"
    assert tvquant("init", home).code == 0
    declared = [] if basis is None else ["--basis", basis]
    assert tvquant("data", "import", shared_data / f"{file}.parquet", *declared, "-w", home).code == 0
    found = tvquant("data", "audit", "--json", "-w", home)
    assert found.code == 0
    assert not {"basis_contradiction", "unshown_action"} & {row["finding"] for row in found.document}
    chosen = [part for one in (*SHORT, *settings) for part in ("--set", one)]
    said = tvquant("run", profile, *chosen, "--json", "-w", home)
    assert said.code == 0, said.err
    assert tvquant("ledger", "verify", "latest", "-w", home).code == 0
