"""`scan --live` and `scan diff --live` as a user calls them: one request a second, against a screener on loopback."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.loopback import Loopback
from builders.loopback_thread import serving
from builders.scanner_server import ScannerServer, row
from builders.screened_lake import COINS, screened_lake
from tvquant.app.workspace import Workspace
from tvquant.lake.reading.scans import stored_scans

NAME = "rising"
SCANNER = """\
version: 1
exchange: BINANCE
kinds: [spot]
currency: USD
logic: trend
direction: LONG
filters:
  - {field: roc_9, above: 1}
"""
UP, DOWN = {"ROC": 4.5}, {"ROC": -4.5}
AGREED = ("data", "terms", "tradingview", "--agree")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = screened_lake(tmp_path_factory.mktemp("live") / "ws", last=datetime.now(UTC) - timedelta(days=1))
    (made.profiles / "scanners").mkdir(parents=True, exist_ok=True)
    (made.profiles / "scanners" / f"{NAME}.yaml").write_text(SCANNER)
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    rows = [row(f"BINANCE:{coin}USDT", **(UP if k % 2 else DOWN)) for k, coin in enumerate(COINS)]
    rows.append(row("BINANCE:NEWUSDT", update_mode="delayed_streaming_900", **UP))
    with serving(ScannerServer(markets={"crypto": rows})) as loopback:
        yield loopback


def test_a_live_scan_needs_consent_then_answers_as_a_replay_does(
    home: Workspace, server: Loopback, tvquant: Callable[..., Any]
) -> None:
    words = ("scan", NAME, "--live", "--url", server.url, "--explain", "BINANCE:AAAUSDT", "-w", home.root)
    refused = tvquant(*words)
    assert refused.code == 2
    assert "To agree: `tvquant data terms tradingview --agree`" in refused.err
    assert server.requests == []
    assert tvquant(*AGREED, "-w", home.root).code == 0
    said = tvquant(*words, "--archive", "--json")
    assert said.code == 0, said.err
    found, past = said.document, tvquant("scan", NAME, "--json", "-w", home.root).document
    assert set(past) < set(found)
    assert {atom["physical_symbol"] for atom in found["atoms"]} == {
        *(f"BINANCE:{coin}USDT" for coin in COINS[1::2]), "BINANCE:NEWUSDT",
    }  # fmt: skip
    (served,) = found["served"]
    assert (served["rows"], served["total"], served["pages"]) == (5, 5, 1)
    assert served["columns"]["roc_9"] == {"column": "ROC", "interval": "1D", "bars": 9, "unit": "%"}
    assert found["stamps"] == ["delayed"]
    assert served["delayed"] == {"BINANCE:NEWUSDT": "900 seconds late"}
    assert served["figures"]["BINANCE:NEWUSDT"] == {
        "name": "NEWUSDT", "close": 10.0, "volume": 1e7, "update_mode": "delayed_streaming_900",
    }  # fmt: skip
    assert found["explained"]["outcome"] == f"{NAME}: roc_9"
    assert found["explained"]["features"]["roc_9"] == -4.5
    rows = stored_scans(home.lake().root, NAME)
    assert set(rows["clock"]) == {"live"}
    assert set(rows["outcome"]) == {"recruited"}
    assert server.most_within(0.95) == 1


def test_live_and_replay_are_set_side_by_side(home: Workspace, server: Loopback, tvquant: Callable[..., Any]) -> None:
    assert tvquant(*AGREED, "-w", home.root).code == 0
    said = tvquant("scan", "diff", NAME, "--live", "--url", server.url, "-w", home.root)
    assert said.code == 0, said.err
    assert "+ BINANCE:NEWUSDT_trend_LONG  (replay: no bar in the lake)" in said.out
    assert "only in the replay" in said.out
    assert "served / ours" in said.out
    assert "delayed: 1 rows are 900 seconds late: BINANCE:NEWUSDT" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("scan", NAME, "--live", "--as-of", "2024-01-01"), "--live takes no --as-of"),
        (("scan", NAME, "--live", "--from", "2024-01-01"), "--live takes no --from"),
        (("scan", NAME, "--live", "--rating-rules", "classic"), "--live takes no --rating-rules"),
        (("scan", NAME, "--url", "http://127.0.0.1:1"), "asked by --live"),
        (("scan", NAME, "--live", "--url", "ftp://x"), "expected an address http(s)://HOST"),
        (("scan", "diff", NAME), "takes two dates"),
        (("scan", "diff", NAME, "2024-01-01"), "takes two dates"),
        (("scan", "diff", NAME, "2024-01-01", "2024-02-01", "--live"), "--live takes no FIRST"),
        (("scan", "diff", NAME, "2024-01-01", "2024-02-01", "--url", "http://127.0.0.1:1"), "takes two dates"),
    ],
)
def test_words_that_exclude_each_other(
    home: Workspace, tvquant: Callable[..., Any], words: tuple[str, ...], message: str
) -> None:
    said = tvquant(*words, "-w", home.root)
    assert said.code == 2
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_screener_that_cannot_be_reached_is_one_line(home: Workspace, tvquant: Callable[..., Any]) -> None:
    assert tvquant(*AGREED, "-w", home.root).code == 0
    with serving(ScannerServer(markets={})) as loopback:
        said = tvquant("scan", NAME, "--live", "--url", loopback.url, "-w", home.root)
    assert said.code == 3
    assert "HTTP 404" in said.err
