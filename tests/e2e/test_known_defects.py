"""The defects that the notes on the shared data list, file by file: each is found by the audit, and nothing else is.

The tables below are written from those notes, never from what the audit says. What a file's notes do not name is clean:
it must have no finding but notes, and every finding that is there must be in the table.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import Finding, FindingKind, HealthState, Lake, audit, health, import_files

pytestmark = pytest.mark.xdist_group("real")

K = FindingKind
RECORDED = datetime(2026, 5, 1, tzinfo=UTC)

type Named = dict[tuple[str, FindingKind], list[tuple[str, int]]]
"""Symbol and kind -> first bar and number of bars of each finding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Notes:
    """What the notes say of one file: findings with their dates, symbols that end early or have bars that are masked,
    notes by symbol and kind."""

    file: str
    basis: Basis | None = None
    findings: Named = field(default_factory=dict)
    notes: Named = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()


def coin(name: str) -> str:
    return f"BINANCE:{name}USDT"


FILES = [
    Notes(
        file="crypto_bybit_perp_1d",
        findings={("BYBIT:BCHUSDT.P", K.NON_POSITIVE): [("2020-12-14", 1)]},
        masked=frozenset({"BYBIT:BCHUSDT.P"}),
    ),
    Notes(file="crypto_binance_perp_1d"),
    Notes(
        file="crypto_binance_spot_1d_2021_2022",
        findings={
            (coin("COCOS"), K.GAP): [("2021-01-20", 3)],
            (coin("COCOS"), K.DISCONTINUITY): [("2021-01-23", 1)],
            (coin("DREP"), K.GAP): [("2021-03-30", 3)],
            (coin("DREP"), K.DISCONTINUITY): [("2021-04-02", 1)],
            (coin("SUN"), K.GAP): [("2021-06-15", 3)],
            (coin("SUN"), K.DISCONTINUITY): [("2021-06-18", 1)],
            (coin("LUNA"), K.GAP): [("2022-05-14", 17)],
            (coin("LUNA"), K.DISCONTINUITY): [("2022-05-31", 1)],
            (coin("USDC"), K.ENDED): [("2022-09-26", 1)],
        },
        stale=frozenset({coin("USDC")}),
    ),
    Notes(
        file="crypto_binance_spot_1d_2022_2025",
        findings={(coin("MATIC"), K.ENDED): [("2024-09-10", 1)]},
        stale=frozenset({coin("MATIC")}),
    ),
    Notes(
        file="us_equities_1d",
        basis=Basis.SPLIT,
        notes={
            ("CBOE:ARKK", K.FLAT): [("2016-01-06", 88)],
            ("CBOE:ARKK", K.ZERO_VOLUME): [("2016-03-23", 8)],
            ("NYSE:VST", K.FLAT): [("2016-11-22", 3)],
            ("NYSE:VST", K.ZERO_VOLUME): [("2016-11-25", 1)],
            ("NYSE:SPGI", K.FLAT): [("2016-04-28", 1)],
        },
    ),
    Notes(
        file="us_equities_1d_wide_recent",
        basis=Basis.SPLIT,
        findings={("NYSE:AON", K.HIGH_LOW): [("2026-03-26", 1)]},
        masked=frozenset({"NYSE:AON"}),
    ),
    Notes(
        file="us_equities_1d_unadjusted_public_domain",
        basis=Basis.RAW,
        findings={
            ("NASDAQ:AAPL", K.SUSPECTED_SPLIT): [("2000-06-21", 1), ("2005-02-28", 1)],
            ("NASDAQ:MSFT", K.SUSPECTED_SPLIT): [("2003-02-18", 1)],
        },
    ),
    Notes(
        file="us_etf_1d_long",
        basis=Basis.SPLIT,
        notes={
            ("CBOE:ARKK", K.FLAT): [("2014-11-18", 174)],
            ("CBOE:ARKK", K.ZERO_VOLUME): [("2016-03-23", 8)],
            ("AMEX:EEM", K.FLAT): [("2003-08-15", 1)],
        },
    ),
    Notes(
        file="us_etf_1d_adjusted_2021_2026",
        basis=Basis.TOTAL,
        notes={("AMEX:FXA", K.FLAT): [("2024-06-26", 2)]},
    ),
]
RESETS = Counter(
    {coin(name): 1 for name in ("ADADOWN", "BNBDOWN", "ETHDOWN", "LINKDOWN", "TRXDOWN", "XRPDOWN")}
    | {coin("DOTDOWN"): 2}
)
"""Leveraged tokens and how often the notes say they were reset; their dates are where a price jumps 8,830-fold up."""


@pytest.fixture(scope="module")
def lakes(imported: Callable[..., Path]) -> Callable[[Notes], Lake]:
    """A lake with one file in it, made once."""
    return lambda notes: Lake(imported(notes.file, notes.basis) / "data" / "lakehouse")


@pytest.fixture(scope="module")
def audited(lakes: Callable[[Notes], Lake]) -> Callable[[Notes], list[Finding]]:
    """What the audit of such a lake finds, asked once."""
    return cache(lambda notes: audit(lakes(notes)))


@pytest.fixture(scope="module")
def states(lakes: Callable[[Notes], Lake]) -> Callable[[Notes], Any]:
    """The health of its assets, asked once."""
    return cache(lambda notes: health(lakes(notes)))


def of(name: str) -> Notes:
    return next(notes for notes in FILES if notes.file == name)


def named(found: list[Finding]) -> Named:
    out: Named = {}
    for one in found:
        out.setdefault((one.symbol, one.kind), []).append((str(one.first)[:10], one.count))
    return out


def resets(shared_data: Path) -> Named:
    """First bars after a reset of a leveraged token: closes a thousandfold of those before."""
    rows = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2021_2022.parquet").sort("symbol", "timestamp")
    jump = pl.col("close") / pl.col("close").shift().over("symbol")
    rows = rows.filter((jump > 1000) & pl.col("symbol").str.contains("DOWNUSDT"))
    out: Named = {}
    for symbol, stamp in rows.select("symbol", "timestamp").iter_rows():
        out.setdefault((symbol, K.DISCONTINUITY), []).append((f"{stamp:%Y-%m-%d}", 1))
    return out


@pytest.mark.parametrize("notes", FILES, ids=lambda notes: notes.file)
@pytest.mark.requirement("R-DAT-10")
def test_every_known_defect_is_found_and_nothing_else(
    notes: Notes, lakes: Callable[[Notes], Lake], audited: Callable[[Notes], list[Finding]], shared_data: Path
) -> None:
    expected = dict(notes.findings)
    if notes.file == "crypto_binance_spot_1d_2021_2022":
        found = resets(shared_data)
        assert Counter({symbol: len(dates) for (symbol, _), dates in found.items()}) == RESETS
        expected |= found
    assert named([f for f in audited(notes) if not f.kind.note]) == expected
    accused = {symbol for symbol, _ in expected}
    assert set(lakes(notes).symbols()) - accused, "the file has clean symbols"


@pytest.mark.parametrize("notes", FILES, ids=lambda notes: notes.file)
def test_thin_trading_is_noted_with_its_counts(notes: Notes, audited: Callable[[Notes], list[Finding]]) -> None:
    thin = [f for f in audited(notes) if f.kind in (K.FLAT, K.ZERO_VOLUME)]
    assert named(thin) == notes.notes


@pytest.mark.parametrize("notes", FILES, ids=lambda notes: notes.file)
@pytest.mark.requirement("R-DAT-10", "R-DAT-15")
def test_states_accuse_only_what_ends_early_or_is_too_short(notes: Notes, states: Callable[[Notes], Any]) -> None:
    found = states(notes)
    assert len({one.key for one in found}) == len(found)
    for state, named in ((HealthState.STALE, notes.stale), (HealthState.MASKED, notes.masked)):
        assert {one.key for one in found if one.state is state} == named
    assert {one.state for one in found if not one.state.fine} <= {
        HealthState.STALE,
        HealthState.MASKED,
        HealthState.DROPPED,
    }
    assert all(one.bars < 90 for one in found if one.state is HealthState.DROPPED)
    assert all(one.bars >= 90 for one in found if one.state.fine)


def test_repeated_bars_are_counted_as_the_notes_count_them(
    audited: Callable[[Notes], list[Finding]], shared_data: Path
) -> None:
    seam = [f for f in audited(of("crypto_bybit_perp_1d")) if f.kind is K.REPEATED]
    rows = pl.read_parquet(shared_data / "crypto_bybit_perp_1d.parquet", columns=["symbol", "timestamp"])
    twice = rows.group_by("symbol", "timestamp").len().filter(pl.col("len") > 1)
    assert {f.symbol for f in seam} == set(twice["symbol"])
    assert {(str(f.first)[:10], str(f.last)[:10], f.count) for f in seam} == {("2023-02-18", "2023-02-18", 1)}
    (juv,) = (f for f in audited(of("crypto_binance_spot_1d_2021_2022")) if f.kind is K.REPEATED)
    assert (juv.symbol, juv.count, str(juv.first)[:7], str(juv.last)[:7]) == (coin("JUV"), 93, "2022-03", "2022-03")


def test_real_falls_and_doublings_stay_one_instrument(lakes: Callable[[Notes], Lake], shared_data: Path) -> None:
    for file, symbols in {
        "us_equities_1d_unadjusted_public_domain": ["NASDAQ:AAPL"],  # -52 % on 2000-09-29
        "crypto_bybit_perp_1d": None,  # 31 bars of more than 2x
        "crypto_binance_perp_1d": None,  # 105 of them
    }.items():
        found = health(lakes(of(file)), symbols)
        assert {one.key for one in found} == {one.symbol for one in found}


def test_redenominations_and_re_used_tickers_are_generations_and_never_repaired_prices(
    lakes: Callable[[Notes], Lake], states: Callable[[Notes], Any], shared_data: Path
) -> None:
    notes = of("crypto_binance_spot_1d_2021_2022")
    lake, keys = lakes(notes), Counter(one.symbol for one in states(notes))
    once = ("COCOS", "DREP", "SUN", "LUNA")
    generations = {coin(name): 2 for name in once} | {symbol: 1 + n for symbol, n in RESETS.items()}
    assert {symbol: n for symbol, n in keys.items() if n > 1} == generations
    stored = lake.ls(coin("LUNA")).bars.select("timestamp", "open", "high", "low", "close")
    file = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    assert stored.equals(file.filter(pl.col("symbol") == coin("LUNA")).sort("timestamp").select(stored.columns))


def test_two_files_of_one_symbol_conflict_only_where_their_values_do(
    tmp_path: Path, lakes: Callable[[Notes], Lake], shared_data: Path
) -> None:
    one, other = (shared_data / f"crypto_binance_spot_1d_{years}.parquet" for years in ("2021_2022", "2022_2025"))
    lake = Lake(shutil.copytree(lakes(of(one.stem)).root, tmp_path / "lake"))
    import_files(lake, [other], recorded_at=RECORDED)
    values = ("open", "high", "low", "close", "volume")
    both = pl.read_parquet(one).join(pl.read_parquet(other), on=["symbol", "timestamp"], suffix="_other")
    differ = pl.any_horizontal((pl.col(v) / pl.col(f"{v}_other") - 1).abs() > 1e-9 for v in values)
    odd = both.filter(differ)
    # The notes say that all closes agree, and so they do: two volumes of one coin do not.
    assert (len(odd), odd["symbol"].n_unique()) == (2, 1)
    assert odd["close"].equals(odd["close_other"].alias("close"))
    conflicts = [f for f in audit(lake) if f.kind is K.CONFLICT]
    assert [(f.symbol, f.count, str(f.first)[:10]) for f in conflicts] == [
        (odd["symbol"][0], 2, f"{odd['timestamp'].min():%Y-%m-%d}")
    ]


@pytest.fixture(scope="module")
def home(imported: Callable[..., Path]) -> Path:
    return imported("crypto_binance_spot_1d_2022_2025")


@pytest.mark.requirement("R-DAT-15")
def test_the_audit_is_a_report_and_strict_a_gate_that_names_who_fails(home: Path, tvquant: Callable[..., Any]) -> None:
    plain = tvquant("data", "audit", "--json", "-w", home)
    assert plain.code == 0
    assert [(row["symbol"], row["finding"], row["note"]) for row in plain.document] == [(coin("MATIC"), "ended", False)]
    strict = tvquant("data", "audit", "--strict", "--json", "-w", home)
    assert strict.code == 1
    assert strict.document == plain.document
    assert f"29 of 30 assets are fine; not: {coin('MATIC')} (stale)" in strict.err
    assert tvquant("data", "audit", "--strict", coin("BTC"), coin("ETH"), "-w", home).code == 0
    missing = tvquant("data", "audit", "--strict", coin("NOPE"), "-w", home)
    assert (missing.code, coin("NOPE") in missing.err) == (1, True)


@pytest.mark.requirement("R-DAT-09")
def test_live_means_that_imported_history_is_old(home: Path, tvquant: Callable[..., Any]) -> None:
    status = tvquant("data", "status", "--json", "-w", home).document
    assert status["health"] == {"ok": 29, "stale": 1}
    assert [(row["asset"], row["last"]) for row in status["not_healthy"]] == [(coin("MATIC"), "2024-09-10")]
    assert tvquant("data", "status", "--live", "--json", "-w", home).document["health"] == {"stale": 30}


@pytest.mark.requirement("R-DAT-15")
def test_strict_does_not_pass_on_a_lake_that_cannot_be_read(
    home: Path, tmp_path: Path, tvquant: Callable[..., Any]
) -> None:
    torn = tmp_path / "ws"
    shutil.copytree(home, torn)
    for file in (torn / "data" / "lakehouse" / "bars").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    assert tvquant("data", "audit", "-w", torn).code == 3
    said = tvquant("data", "audit", "--strict", "-w", torn)
    assert (said.code, "health gate: lake table" in said.err) == (1, True)
