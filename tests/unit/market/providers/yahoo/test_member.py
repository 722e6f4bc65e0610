"""Yahoo through the real yfinance, on recorded payloads: what is a bar, what is a finding, and what an error."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.loopback import Reply, Request
from builders.yahoo_server import COOKIE, CRUMB, chart, serve_yahoo, utc
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import (
    ACTIONS,
    BARS,
    Malformed,
    ProviderError,
    RateLimited,
    RateLimits,
    Unavailable,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.yahoo.member import LIMITS, YAHOO_FINANCE, Yahoo, YahooOptions, open_yahoo
from tvquant.market.registry import RegistryManager
from tvquant.market.retry import Backoff
from tvquant.market.tasks import DataTask
from tvquant.market.terms import YAHOO
from tvquant.market.worker import TaskOutcome

ACME = "NASDAQ:ACME"
NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=100, concurrency=1, paced_inside=True)
type Recorded = Callable[..., Reply]
type Asked = Callable[..., tuple[Any, Any]]


async def probe(member: Yahoo) -> object:
    return await member.probe()


async def actions(member: Yahoo) -> pl.DataFrame:
    return await member.actions(ACME)


def days(rows: pl.DataFrame) -> list[int]:
    return rows["timestamp"].dt.day().to_list()


def test_a_look_waits_less_than_a_question_does(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tvquant.market.providers.yahoo.member.LOOK", 0.1)
    late = Reply("late", pause=0.6)
    found, _ = asked(late, question=probe)
    assert type(found) is Unavailable
    assert "did not answer" in str(found)

    async def both(member: Yahoo) -> object:
        with pytest.raises(Unavailable):
            await member.probe()
        return await member.bars(ACME, "1d")

    found, _ = asked(late, question=both)
    assert type(found) is not Unavailable  # it came, and is no chart


def test_bars_are_as_served_on_their_sessions_across_the_change_of_the_clock(asked: Asked, recorded: Recorded) -> None:
    rows, server = asked(recorded("plain"))
    assert rows.schema == pl.Schema(dict(BARS))
    assert [f"{at:%m-%d %H:%M}" for at in rows["timestamp"]] == [
        f"03-{day} 00:00" for day in ("06", "07", "08", "11", "12", "13")
    ]
    assert rows.row(3)[2:] == (
        20.475000381469727,
        20.850000381469727,
        20.350000381469727,
        20.600000381469727,
        4000,
        None,
    )
    query = server.requests[-1].query
    assert (query["interval"], query["crumb"]) == ("1d", CRUMB)
    assert int(query["period2"]) == datetime(2024, 3, 15, 4, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plain", [(7, "dividend", 0.06), (11, "split", 4.0), (12, "dividend", 0.0625)]),
        ("dividends_with_currency", [(7, "dividend", 0.06), (11, "split", 4.0), (12, "dividend", 0.0625)]),
        ("split_on_a_saturday", [(7, "dividend", 0.06), (9, "split", 4.0), (12, "dividend", 0.0625)]),
        ("missing_session", []),
        ("no_bars", []),
    ],
)
def test_actions_stand_on_the_days_that_yahoo_gives_them(
    asked: Asked, recorded: Recorded, name: str, found: list[Any]
) -> None:
    rows, _ = asked(recorded(name), question=actions)
    assert rows.schema == pl.Schema(dict(ACTIONS))
    assert [(at.day, kind, value) for at, kind, value in rows.rows()] == found


def test_actions_that_are_still_to_come_are_not_told(asked: Asked) -> None:
    bars = bars_of([20.0, 20.1, 20.2])
    ahead = pl.DataFrame([(utc("2024-03-14"), "split", 2.0)], schema=dict(ACTIONS), orient="row")
    assert asked(Reply(chart(ACME, bars, ahead)), question=actions)[0].is_empty()


@pytest.mark.parametrize(
    ("name", "question", "kind"),
    [
        ("wrong_symbol", None, Malformed),
        ("elsewhere", None, UnknownSymbol),
        ("two_bars_of_a_day", None, Malformed),
        ("dividend_in_cad", actions, Unsupported),
        ("capital_gains", actions, Unsupported),
    ],
)
def test_what_cannot_be_served_is_an_error_of_the_contract(
    asked: Asked, recorded: Recorded, name: str, question: Any, kind: type[ProviderError]
) -> None:
    found, _ = asked(recorded(name), **({"question": question} if question else {}))
    assert type(found) is kind


@pytest.mark.parametrize(
    ("name", "old", "said"),
    [
        ("dividend_in_cad", '"CAD"', "dividends in"),
        ("dividends_with_currency", '"date": 1709821800', "yfinance could not read"),
        ("plain", '["1d", "5d", "1mo", "max"]', "yfinance could not read"),
    ],
)
def test_nothing_of_an_answer_reaches_a_terminal_unescaped(
    asked: Asked, recorded: Recorded, name: str, old: str, said: str
) -> None:
    told = json.dumps(recorded(name).body)
    assert old in told
    body = told.replace(old, '"date": "\\u001b[2J"' if "date" in old else '"\\u001b[2J"')
    error, _ = asked(Reply(body), question=actions)
    assert said in str(error)
    assert "\\x1b" in str(error)
    assert str(error).isprintable()


def test_a_session_of_nulls_and_one_without_a_volume_are_told_as_not_known(asked: Asked, recorded: Recorded) -> None:
    rows, _ = asked(recorded("null_days"))
    assert days(rows) == [6, 7, 8, 11, 12, 13]
    assert rows["close"].is_nan().to_list() == [False, False, True, False, False, False]
    assert rows["volume"].is_nan().to_list() == [False, False, True, False, True, False]


def test_the_price_of_the_moment_is_the_bar_of_today(asked: Asked, recorded: Recorded) -> None:
    rows, _ = asked(recorded("live_bar"))
    assert days(rows) == [6, 7, 8, 11, 12, 13]
    assert rows.row(-1)[2:7] == (21.125, 21.625, 21.0, 21.5, 6400.0)


def test_bars_that_were_not_asked_for_are_handed_over_for_the_caller_to_refuse(
    asked: Asked, recorded: Recorded
) -> None:
    async def two(member: Yahoo) -> pl.DataFrame:
        return await member.bars(ACME, "1d", start=utc("2024-03-08"), end=utc("2024-03-10"))

    rows, _ = asked(recorded("plain"), question=two)  # as a server that does not look at the span
    assert days(rows) == [8, 6, 7, 12]


def test_an_empty_span_is_no_failure_and_an_unknown_ticker_is_one(asked: Asked, recorded: Recorded) -> None:
    for reply in (recorded("no_bars"), recorded("no_data_in_span", 400)):
        rows, _ = asked(reply)
        assert (rows.schema, len(rows)) == (pl.Schema(dict(BARS)), 0)
    found, server = asked(recorded("unknown", 404))
    assert isinstance(found, UnknownSymbol)
    assert [one.path for one in server.requests].count("/v8/finance/chart/ACME") == 1


def test_a_refused_crumb_is_done_without_and_a_second_refusal_is_an_error(asked: Asked, recorded: Recorded) -> None:
    crumb = recorded("invalid_crumb", 401)
    rows, server = asked(crumb, recorded("plain"))
    assert len(rows) == 6
    charts = [one.query.get("crumb") for one in server.requests if "chart" in one.path]
    assert charts == [CRUMB, None]
    found, _ = asked(crumb)
    assert "refused the request" in str(found)
    rows, _ = asked(recorded("plain"), crumb=Reply("Too Many Requests", status=429))
    assert len(rows) == 6


def test_a_bad_answer_is_not_remembered(asked: Asked, recorded: Recorded) -> None:
    async def thrice(member: Yahoo) -> list[Any]:
        return [(await asyncio.gather(member.bars(ACME, "1d"), return_exceptions=True))[0] for _ in range(3)]

    found, server = asked(Reply("<html>", status=200), Reply("", status=429), recorded("plain"), question=thrice)
    assert [type(one) for one in found[:2]] == [Malformed, RateLimited]
    assert len(found[2]) == 6
    assert [one.path for one in server.requests].count("/") == 1  # one cookie for all


def test_nothing_is_printed_logged_or_kept(
    asked: Asked, recorded: Recorded, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from yfinance.cache import get_cookie_cache, get_tz_cache

    with caplog.at_level(logging.DEBUG):
        errors = [
            asked(reply)[0]
            for reply in (
                recorded("unknown", 404),
                Reply("<html>"),
                recorded("invalid_crumb", 401),
                Reply("", status=500),
            )
        ]
    assert all(isinstance(one, ProviderError) for one in errors)
    assert capfd.readouterr() == ("", "")
    assert "yfinance" not in {one.name for one in caplog.records}
    assert not any(secret in f"{caplog.text}{errors}" for secret in (CRUMB, COOKIE))
    get_cookie_cache().store("basic", {"a": 1})
    get_tz_cache().store("ACME", "UTC")
    assert get_cookie_cache().lookup("basic") is None
    assert get_tz_cache().lookup("ACME") is None


@pytest.mark.skipif(os.environ.get("TVQUANT_PROOF") != "1", reason="a process of its own: TVQUANT_PROOF=1")
def test_the_users_cache_stays_as_it_was(tmp_path: Path) -> None:
    script = Path(__file__).with_name("ask_in_a_process.py")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [*tmp_path.rglob("*yfinance*")] == []


def test_no_request_is_above_the_rate(asked: Asked, recorded: Recorded) -> None:
    async def many(member: Yahoo) -> list[pl.DataFrame]:
        return await asyncio.gather(*(member.bars(ACME, "1d") for _ in range(6)))

    limits = replace(FAST, requests_per_second=12.0, burst=2)
    found, server = asked(recorded("plain"), question=many, limits=limits)
    assert [len(rows) for rows in found] == [6] * 6
    times = [one.at for one in server.requests]
    assert len(times) == 8  # a cookie and a crumb for all
    assert times[-1] - times[0] >= (8 - 2) / 12.0


def test_it_is_opened_without_a_word_and_with_its_terms() -> None:
    assert YAHOO_FINANCE.terms == YAHOO
    member = open_yahoo(YahooOptions(url="http://127.0.0.1:1"), ManualClock(NOW))
    assert (member.limits, member.basis) == (LIMITS, Basis.SPLIT)
    assert (LIMITS.requests_per_second, LIMITS.concurrency, LIMITS.paced_inside) == (2.0, 1, True)
    with pytest.raises(ValueError, match="url"):
        YahooOptions(url="ftp://mirror")


def bars_of(closes: list[float], sessions: list[str] | None = None) -> pl.DataFrame:
    """Quiet bars with these closes, on the last sessions before today's."""
    known = pl.date_range(datetime(2024, 1, 2), datetime(2024, 3, 12), "1d", eager=True)
    holidays = (datetime(2024, 1, 15).date(), datetime(2024, 2, 19).date())
    weekdays = [day for day in known if day.weekday() < 5 and day not in holidays]
    stamps = [utc(str(day)) for day in (sessions or weekdays[-len(closes) :])]
    close = pl.Series(closes)
    return pl.DataFrame(
        {"symbol": [ACME] * len(closes), "timestamp": stamps, "open": close, "high": close * 1.01, "low": close * 0.99}
        | {"close": close, "volume": [1000.0] * len(closes), "quote_volume": [None] * len(closes)},
        schema=dict(BARS),
    )


def synced(tmp_path: Path, told: dict[str, Any]) -> tuple[TaskOutcome, Lake]:
    """One sync of a new share from a server that has this answer for every chart."""
    lake = Lake(tmp_path / "lakehouse")

    async def main() -> TaskOutcome:
        def charted(_: Request) -> Reply:
            return Reply(told)

        async with serve_yahoo(charted) as server:
            member = Yahoo(clock=ManualClock(NOW), url=server.url, limits=FAST)
            registry = RegistryManager(lake.root / ".registry.json")
            soon = Backoff(attempts=2, base=0.001, cap=0.002)
            pipeline = DataPipelineOrchestrator(
                provider=member, lake=lake, registry=registry, clock=ManualClock(NOW), backoff=soon, minimum=10
            )
            try:
                return (await pipeline.run([DataTask(physical_symbol=ACME, depth=38)])).outcomes[0]
            finally:
                await member.close()

    return asyncio.run(main()), lake


SPLIT = pl.DataFrame([(utc("2024-02-22"), "split", 4.0)], schema=dict(ACTIONS), orient="row")
QUIET = [20.0 + 0.05 * (i % 3) for i in range(40)]


def test_an_invented_split_moves_no_return_where_prices_do_not(tmp_path: Path) -> None:
    found, lake = synced(tmp_path, chart(ACME, bars_of(QUIET), SPLIT))
    assert (found.error, found.inserted >= 38) == (None, True)
    moves = pl.Series(lake.panel(lake.pin([ACME])).fields["total_return"][1:, 0])
    assert moves.abs().max() < 0.01  # type: ignore[operator]


@pytest.mark.parametrize(
    ("early", "said"),
    [
        (0.25, "2024-02-22: Yahoo has a split of 4 for 1, and its adjusted close moves by it, from 5.0125 to 20.1"),
        (4.0, "2024-02-22: split prices must not show a split of 4 .*80.2 to 20.1.: they look raw"),
    ],
    ids=["adjusted for a split that never was", "not adjusted yet"],
)
def test_a_history_on_two_scales_is_refused_with_both_figures(tmp_path: Path, early: float, said: str) -> None:
    factor = pl.when(pl.col("timestamp") < utc("2024-02-22")).then(early).otherwise(1.0)
    told = bars_of(QUIET).with_columns(pl.col("open", "high", "low", "close") * factor)
    found, lake = synced(tmp_path, chart(ACME, told, SPLIT))
    assert re.search(said, found.error or ""), found.error
    assert tables.read(lake.root, "bars").is_empty()


def test_a_missing_session_and_a_session_of_nulls_are_findings(tmp_path: Path) -> None:
    bars = bars_of(QUIET)
    gone = bars.filter(pl.col("timestamp") != utc("2024-02-28"))
    nulls = gone.with_columns(
        pl.when(pl.col("timestamp") == utc("2024-03-05")).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close", "volume")
    )
    found, _ = synced(tmp_path, chart(ACME, nulls))
    assert found.rejected["not finite"] >= 1
    assert sorted(str(hole[0])[:10] for hole in found.coverage.tolerated) == ["2024-02-28", "2024-03-05"]
