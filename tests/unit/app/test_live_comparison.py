"""The live screener beside the lake: names, ratings and votes whose differences are known."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from builders.clocks import NOON, ManualClock
from builders.loopback_thread import serving
from builders.scanner_server import ScannerServer, row
from builders.screened_lake import COINS, YOUNG, screened_lake
from tvquant.app import consents
from tvquant.app.cli.scan_live import comparison_text
from tvquant.app.live_comparison import VOTES, Comparison, compare
from tvquant.app.live_scanning import Screener
from tvquant.app.scanning import Ratings, Scanned, scan_at, scan_panel, scanner_here, view_at
from tvquant.app.workspace import Workspace
from tvquant.core.panel import Panel
from tvquant.features.oscillator_votes import OSCILLATORS, oscillator_votes
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.features.ratings import INDICATORS, moving_average_votes
from tvquant.market.providers.contract import RateLimits
from tvquant.market.providers.tradingview.member import TRADINGVIEW

FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=150, concurrency=1, timeout=5.0)
NAME = "binance_spot_rating_all_long"
RULES = Ratings(rules=LIBRARY_V3, min_bars=200)
COLUMNS = {"recommend_all": "Recommend.All", "recommend_ma": "Recommend.MA", "recommend_other": "Recommend.Other"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = screened_lake(tmp_path_factory.mktemp("live") / "ws", last=NOON - timedelta(days=1))
    consents.agree(made, TRADINGVIEW.name, TRADINGVIEW.terms, clock=ManualClock())
    return made


@pytest.fixture(scope="module")
def panel(home: Workspace) -> Panel:
    return scan_panel(home.lake(), [scanner_here(home, NAME)])[0]


@pytest.fixture(scope="module")
def replay(home: Workspace, panel: Panel) -> Scanned:
    return scan_at(panel, [scanner_here(home, NAME)], None, RULES)


def ours(panel: Panel) -> dict[str, dict[str, int]]:
    """Every vote of ours by name, taken here from the bars themselves."""
    view = view_at(panel, None)[1]
    high, low, close, volume = (view.fields[name] for name in ("high", "low", "close", "volume"))
    votes = np.concatenate(
        [moving_average_votes(high, low, close, volume, rows=1)[0], oscillator_votes(high, low, close, rows=1)[0]],
        axis=1,
    )
    names = (*INDICATORS, *OSCILLATORS)
    return {key: dict(zip(names, votes[j].tolist(), strict=True)) for j, key in enumerate(view.keys)}


def market(panel: Panel, replay: Scanned) -> dict[str, dict[str, Any]]:
    """Rows that agree with the lake in everything."""
    votes = ours(panel)
    rows = {}
    for coin in COINS:
        key = f"BINANCE:{coin}USDT"
        told = {column: replay.values(key)[name] for name, column in COLUMNS.items()}
        rows[key] = row(key, **told, **{column: float(votes[key][name]) for column, name in VOTES.items()})
    return rows


def compared(home: Workspace, panel: Panel, rows: dict[str, dict[str, Any]]) -> Comparison:
    with serving(ScannerServer(markets={"crypto": list(rows.values())})) as loopback:
        screener = Screener(clock=ManualClock(), url=loopback.url, limits=FAST)
        return compare(home, scanner_here(home, NAME), panel, screener, RULES)


def test_a_screener_that_says_the_same_differs_nowhere(home: Workspace, panel: Panel, replay: Scanned) -> None:
    found = compared(home, panel, market(panel, replay))
    assert found.both == tuple(sorted(atom.symbol for atom in replay.found.atoms))
    assert 2 <= len(found.both) < len(COINS)
    assert not found.only_live
    assert not found.only_replay
    assert {pair.difference for pairs in found.ratings.values() for pair in pairs.values()} == {0.0}
    assert {pair.difference for pairs in found.votes.values() for pair in pairs.values()} == {0.0}
    assert {tuple(pairs) for pairs in found.votes.values()} == {tuple(VOTES.values())}
    assert str(found.replay.bar)[:10] == "2026-05-31"
    assert str(found.live.scanned.bar)[:10] == "2026-06-01"


def test_each_difference_is_named_with_its_reason(home: Workspace, panel: Panel, replay: Scanned) -> None:
    rows = market(panel, replay)
    held = [atom.physical_symbol for atom in replay.found.atoms]
    gone, fallen, turned = held[0], held[1], next(key for key in rows if key not in held)
    del rows[gone]
    before = rows[fallen]["Recommend.All"]
    rows[fallen] |= {"Recommend.All": 0.1, "Rec.UO": None}
    rows[turned] |= {"Recommend.All": 0.7}
    flipped = 1.0 if rows[turned]["Rec.Stoch.RSI"] < 1.0 else -1.0
    rows[turned]["Rec.Stoch.RSI"] = flipped
    rows["BINANCE:NEWUSDT"] = row("BINANCE:NEWUSDT", **{"Recommend.All": 0.9})
    young = f"BINANCE:{YOUNG}USDT"
    rows[young] = row(young, **{"Recommend.All": 0.05})
    found = compared(home, panel, rows)
    assert found.only_replay == {
        f"{gone}_rating_all_LONG": "not served",
        f"{fallen}_rating_all_LONG": f"{NAME}: recommend_all",
    }
    assert found.only_live == {
        f"{turned}_rating_all_LONG": f"{NAME}: recommend_all",
        "BINANCE:NEWUSDT_rating_all_LONG": "no bar in the lake",
    }
    pair = found.ratings[fallen]["recommend_all"]
    assert (pair.served, pair.ours) == (0.1, before)
    assert pair.difference == 0.1 - before
    assert found.votes[fallen]["UO"].served is None
    assert found.votes[fallen]["UO"].difference is None
    vote = found.votes[turned]["StochRSI"]
    assert (vote.served, vote.ours) == (flipped, float(ours(panel)[turned]["StochRSI"]))
    assert (found.ratings[young]["recommend_all"].served, found.ratings[young]["recommend_all"].ours) == (0.05, None)
    assert (found.votes[young]["Ichimoku"].served, found.votes[young]["Ichimoku"].ours) == (0.0, None)
    assert found.votes[young]["HullMA9"].ours == float(ours(panel)[young]["HullMA9"])
    text = "\n".join(comparison_text(NAME, found))
    assert f"{len(found.both)} in both, 2 only live, 2 only in the replay" in text
    assert f"- {fallen}_rating_all_LONG  (live: {NAME}: recommend_all)" in text
    assert "+ BINANCE:NEWUSDT_rating_all_LONG  (replay: no bar in the lake)" in text
    line = next(one.split() for one in text.splitlines() if one.startswith("StochRSI"))
    assert line[1:3] == [str(len(COINS) - 1), str(len(COINS) - 2)]
    assert line[-1] == turned
    assert gone not in found.ratings
    assert "BINANCE:NEWUSDT" not in found.ratings
