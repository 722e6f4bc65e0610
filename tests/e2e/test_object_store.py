"""A lake below a URI of an object store says what the same one in a folder says; the store is one of this machine."""

import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from builders.fresh import FRESH
from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake, audit, health, import_files
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Place
from tvquant.lake.storage.tables import SCHEMAS, TIME
from tvquant.lake.writing import compaction
from tvquant.lake.writing.compaction import compact
from tvquant.lake.writing.upserts import revert, upsert

pytestmark = pytest.mark.xdist_group("moto")

BTC, AAPL = "BINANCE:BTCUSDT", "NASDAQ:AAPL"
FIRST, NOW = datetime(2024, 1, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
SECRET = "hush-hush"
FILES = 3
"""As many as are rewritten here; each commit at a URI is dear."""
WRITERS, ROUNDS = (3, 2) if os.environ.get("TVQUANT_PROOF") else (2, 2)

SERVER = """
import sys
import threading
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass

server = make_server("127.0.0.1", 0, create_backend_app("s3"), threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
"""
"""A process of its own: libraries that wait for an answer do not let this one's threads go on.

Only S3 is served, and by its own application: moto's dispatcher asks of each request which of 200 services it is for.
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    if not all(importlib.util.find_spec(name) for name in ("moto", "flask_cors")):
        pytest.skip("moto[server], a local S3-compatible store, is not installed")
    words = [sys.executable, "-c", SERVER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@pytest.fixture
def options(endpoint: str) -> dict[str, str]:
    """What a user says in the environment; one variable is none of the store's."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key-of-a-test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_PAGER": "",
    }


@pytest.fixture
def uri(endpoint: str, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{crc32(request.node.nodeid.encode())}"
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")) as said:
        assert said.status == 200
    return f"s3://{name}/research/lake"


@pytest.fixture
def remote(uri: str, options: dict[str, str], tmp_path: Path) -> Lake:
    return Lake(Place(uri=uri, folder=tmp_path / "beside", options=options))


def bars_of(symbol: str, closes: list[float], hour: int = 0) -> pl.DataFrame:
    times = pl.Series([FIRST + timedelta(days=i, hours=hour) for i in range(len(closes))], dtype=TIME)
    frame = pl.DataFrame({"symbol": symbol, "timestamp": times, "close": closes})
    return frame.with_columns(open="close", high="close", low="close", volume=pl.lit(10.0))


def delivered(folder: Path) -> list[Path]:
    """A coin with a row that is none, and raw stock bars of NYSE days with a dividend and a split."""
    files = [folder / "coin.parquet", folder / "stock.parquet"]
    coin = bars_of(BTC, [40_000.0 + 10 * i for i in range(120)])
    coin = coin.with_columns(close=pl.when(pl.int_range(pl.len()) == 70).then(float("inf")).otherwise("close"))
    coin.write_parquet(files[0])
    stock = bars_of(AAPL, [180.0 + i for i in range(120)], hour=14).filter(pl.col("timestamp").dt.weekday() < 6)
    place = pl.int_range(pl.len())
    stock = stock.with_columns(pl.col("open", "high", "low", "close") / pl.when(place >= 40).then(2.0).otherwise(1.0))
    stock.with_columns(
        dividends=pl.when(place == 20).then(0.5).otherwise(0.0),
        stock_splits=pl.when(place == 40).then(2.0).otherwise(0.0),
    ).write_parquet(files[1])
    return files


def everything(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: tables.read(lake.root, name).sort(pl.all()) for name in SCHEMAS}


def put(lake: Lake, rows: pl.DataFrame, reason: str = "r") -> Any:
    return upsert(lake, rows, interval="1d", basis=Basis.RAW, source="p", recorded_at=NOW, reason=reason)


def lived(lake: Lake, folder: Path) -> Iterator[Any]:
    """All that a lake goes through, and what it says after each step."""

    def content() -> Any:
        pins = [lake.pin([name]) for name in (BTC, AAPL)]
        return pins, [lake.panel(one).digest() for one in pins]

    report = import_files(lake, delivered(folder), basis=Basis.RAW, quarantine=True, recorded_at=NOW)
    assert report.quarantine is not None
    assert report.quarantine.parent == lake.folder / "quarantine"
    first = content()
    yield report.import_id, report.files, report.actions, first
    changed = bars_of(BTC, [41_000.0] * 3).vstack(bars_of(BTC, [1.0] * 125)[120:])
    yield put(lake, changed), content()
    yield lake.ls(BTC).repairs, lake.bars().low["close"], audit(lake), health(lake)
    assert [lake.panel(one).digest() for one in first[0]] == first[1]
    assert content()[0][0].digest != first[0][0].digest
    yield revert(lake, symbols=[BTC], recorded_at=NOW), content()


def test_a_lake_at_a_uri_says_what_one_in_a_folder_says(remote: Lake, tmp_path: Path) -> None:
    local = Lake(tmp_path / "lakehouse")
    for here, there in zip(lived(local, tmp_path), lived(remote, tmp_path), strict=True):
        for one, other in zip(here, there, strict=True):
            if isinstance(one, pl.DataFrame):
                assert_frame_equal(one, other)
                assert len(one)
            elif isinstance(one, np.ndarray):
                np.testing.assert_array_equal(one, other)
            else:
                assert one == other
    stored = everything(local)
    assert len(stored["repairs"])
    for name, rows in everything(remote).items():
        assert_frame_equal(rows, stored[name])
    for one, other in zip(local.status().tables, remote.status().tables, strict=True):
        assert (one.name, one.version, one.rows) == (other.name, other.version, other.rows)
        assert other.size > 1000
    assert not list(remote.folder.glob("*/_delta_log"))


def test_compaction_at_a_uri_rewrites_and_keeps_every_version(remote: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MANY", FILES)
    snapshots = []
    for i in range(FILES):
        put(remote, bars_of(BTC, [1.0 + i] * (i + 1)))
        snapshots.append(remote.pin([BTC]))
    panels = [remote.panel(one).digest() for one in snapshots]
    rows = everything(remote)
    report = compact(remote, {}, now=datetime.now(UTC) + timedelta(days=30))
    assert all((one.deleted, one.freed) == (0, 0) for one in report)
    repairs = next(one for one in report if one.name == "repairs")
    journal = next(one for one in report if one.name == "journal")
    assert journal.before == FILES
    assert (journal.after, repairs.after) == (1, repairs.before)
    for name, found in everything(remote).items():
        assert_frame_equal(found, rows[name])
    assert [remote.panel(one).digest() for one in snapshots] == panels


def test_a_commit_onto_a_version_that_is_no_more_the_latest_is_refused(remote: Lake) -> None:
    from deltalake.exceptions import CommitFailedError

    put(remote, bars_of(BTC, [1.0, 2.0]))
    rows = tables.read(remote.root, "bars")
    put(remote, bars_of(BTC, [5.0, 2.0]))
    with pytest.raises(CommitFailedError):
        commits.merge(remote.root, "bars", rows, 0)
    assert tables.version(remote.root, "bars") == 1


def extend(place: Place, number: int) -> None:
    """Write a symbol of one's own, and the same days of the common one as all the others."""
    for k in range(ROUNDS):
        own = bars_of(f"BINANCE:C{number}USDT", [1.0 + k] * (k + 1))
        common = bars_of(BTC, [1.0] * (k + 1))[-1:]
        put(Lake(place), own.vstack(common))


def test_upserts_of_workspaces_that_share_no_lock_are_all_there_and_none_twice(
    uri: str, options: dict[str, str], tmp_path: Path
) -> None:
    places = [Place(uri=uri, folder=tmp_path / f"ws{j}", options=options) for j in range(WRITERS)]
    put(Lake(places[0]), bars_of("BINANCE:ETHUSDT", [1.0]))
    with ProcessPoolExecutor(WRITERS - 1, mp_context=FRESH) as pool:
        for started in [pool.submit(tables.version, place, "bars") for place in places[1:]]:
            assert started.result(timeout=120) == 0
        others = [pool.submit(extend, place, j) for j, place in enumerate(places) if j]
        extend(places[0], 0)
        for done in others:
            done.result(timeout=120)
    rows = tables.read(places[0], "bars", ["symbol", "timestamp", "close"])
    assert rows.select("symbol", "timestamp").is_unique().all()
    counts = dict(rows.group_by("symbol").len().rows())
    assert counts.pop("BINANCE:ETHUSDT") == 1
    assert counts == {BTC: ROUNDS} | {f"BINANCE:C{j}USDT": ROUNDS for j in range(WRITERS)}
    assert set(rows.filter(pl.col("symbol").str.contains(":C"))["close"]) == {float(ROUNDS)}


def test_a_store_that_fails_is_one_line_without_credentials(remote: Lake, options: dict[str, str]) -> None:
    place = remote.root
    assert isinstance(place, Place)
    nowhere = Place(uri="s3://no-such-bucket/a", folder=place.folder, options=options)
    unreachable = options | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}  # the port of `discard`, where nobody listens
    down = Place(uri=place.uri, folder=place.folder, options=unreachable)
    for act, said in (
        (lambda: put(Lake(nowhere), bars_of(BTC, [1.0])), "NoSuchBucket"),
        (lambda: Lake(down).status(), "127.0.0.1:9"),
    ):
        with pytest.raises(DataError, match=said) as caught:
            act()
        text = str(caught.value)
        assert "\n" not in text
        assert "\x1b" not in text
        assert SECRET not in text


@pytest.fixture
def environment(uri: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TVQUANT_LAKE_URI", f"{uri}/")


@pytest.mark.usefixtures("environment")
def test_commands_find_the_lake_that_the_environment_names(
    tvquant: Callable[..., Any], tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = tmp_path / "ws", tmp_path / "ws2"
    assert tvquant("init", home).code == 0
    done = tvquant("data", "import", *delivered(tmp_path), "--basis", "raw", "--quarantine", "-w", home)
    assert done.code == 0, done.err
    assert [path.name for path in (home / "data" / "lakehouse").iterdir() if path.is_dir()] == ["quarantine"]
    assert tvquant("init", other).code == 0
    for words in (("status",), ("audit",), ("ls", BTC), ("compact",)):
        said = tvquant("data", *words, "-w", other, "--json")
        assert said.code == 0, said.err
        assert json.loads(said.out)
        assert SECRET not in said.out + said.err
    assert tvquant("demo", tmp_path / "demo").code == 2
    assert not (tmp_path / "demo").exists()
    monkeypatch.delenv("TVQUANT_LAKE_URI")
    empty = tvquant("data", "status", "-w", home)
    assert empty.code == 3
    assert "is empty" in empty.err
