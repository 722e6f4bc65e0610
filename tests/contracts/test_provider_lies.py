"""A server that lies, refuses or is cut off changes nothing in the lake: every member that speaks a protocol.

The gate plays what differs from protocol to protocol; `make proof` all lies, all refusals, and an end at more moments.
"""

import asyncio
import logging
import os
import shutil

import pytest

from builders.clocks import ManualClock
from builders.lies import LIES, Wire
from builders.loopback import Reply
from builders.provider_members import KINDS, MEMBERS, NOW, PAGE, WORLD, marks
from tvquant.lake import Lake
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.probing import Probing, Standing, judged
from tvquant.market.providers.contract import ProviderError, RateLimits
from tvquant.market.registry import RegistryManager
from tvquant.market.retry import Backoff
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result
from tvquant.symbology.kinds import structure

PROOF, QUICK = bool(os.environ.get("TVQUANT_PROOF")), ("binance_archive", "tradingview", "yahoo")
"""A gate plays a client of our own, one of a library, and one over a socket; the proof plays all."""
SPEAKERS = [
    pytest.param(name, marks=marks(name))
    for name, member in MEMBERS.items()
    if member.wired is not None and (PROOF or name in QUICK)
]
SOON = Backoff(attempts=3, base=0.001, cap=0.002, longest=0.5)
DEPTH = PAGE + 10
CHEAP = 4
"""Requests that a look at a source may take."""
FEW = 12
"""Requests of a sync, at least, of which a rate can be told."""
LATE = 2.0
"""Requests that may seem too many because one before them was late on its way."""
MOST_TRIES = 40
"""Requests of two assets that are refused all: attempts times questions, a few each."""


def pipeline_of(provider, lake):
    registry = RegistryManager(lake.root / ".registry.json")
    return DataPipelineOrchestrator(
        provider=provider, lake=lake, registry=registry, clock=ManualClock(NOW), backoff=SOON, minimum=10
    )


def pair(provider):
    """Two symbols that it serves, of two kinds where it has them."""
    can = provider.capabilities.kinds
    kinds = [symbol for symbol, kind in KINDS.items() if kind in can]
    return (kinds + [symbol for symbol in WORLD.symbols if structure(symbol).kinds <= can and symbol not in kinds])[:2]


def on_the_wire(declared, wire, folder, work):
    """Do something with a member on the wire."""

    async def main():
        async with declared.wired(folder, wire) as provider:
            try:
                return await work(provider)
            finally:
                await provider.close()

    return asyncio.run(main())


def synced(declared, wire, lake, choose=pair, *, force=False):
    """The summary of one sync of the chosen symbols over the wire into a lake."""

    async def work(provider):
        names = choose(provider)
        tasks = [DataTask(physical_symbol=name, depth=DEPTH, force_sync=force, reason="sync") for name in names]
        return await pipeline_of(provider, lake).run(tasks)

    return on_the_wire(declared, wire, lake.root.parent, work)


def content(lake):
    """Digest of all that a lake holds."""
    return lake.pin(lake.symbols()).digest


@pytest.fixture(params=SPEAKERS)
def declared(request):
    return MEMBERS[request.param]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Member and how many symbols -> a lake that it filled with them honestly, for reading, and its content."""
    made = {}

    def call(declared, count):
        key = id(declared), count
        if key not in made:
            lake = Lake(tmp_path_factory.mktemp("honest") / "lakehouse")
            summary = synced(declared, Wire(), lake, lambda provider: pair(provider)[:count])
            assert [one.error for one in summary.outcomes] == [None] * count
            # A share may have ended; of adjusted prices one bar more is asked for, which touches the stored ones.
            assert all(PAGE - 1 <= one.coverage.bars <= DEPTH + 1 for one in summary.outcomes)
            made[key] = lake, content(lake)
        return made[key]

    return call


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.name) for lie in LIES.values() if PROOF or lie.gate])
def test_a_lie_changes_nothing_and_is_named(declared, lie, filled, tmp_path):
    """One asset is stored and is asked for again, one is new."""
    if lie.labelled and not declared.labelled:
        pytest.skip("its answers do not say whose they are")
    lake = copied(filled(declared, 1)[0], tmp_path)
    summary = synced(declared, Wire(lie=lie), lake, force=True)
    assert len(summary.outcomes) == 2
    assert content(lake) == filled(declared, 2 if lie.harmless else 1)[1]
    for one in summary.outcomes:
        assert one.result is not Result.CRASHED, one.error
        assert lie.harmless or one.error or one.rejected, f"{one.task.physical_symbol}: not a word"


def copied(lake, folder):
    shutil.copytree(lake.root, folder / "lakehouse")
    return Lake(folder / "lakehouse")


def test_a_look_at_its_servers_finds_them_well_and_is_cheap(declared, tmp_path):
    async def look(provider):
        assert isinstance(provider, Probing)
        return await provider.probe()

    wire = Wire(date=NOW)
    found = [line for probe in on_the_wire(declared, wire, tmp_path, look) for line in judged(probe)]
    assert {line.standing for line in found} == {Standing.FINE}, found
    assert {"reached", "clock"} <= {line.what for line in found}
    assert 1 <= len(wire.requests) <= CHEAP
    for lie in ("a page of a hotel", "another shape", "nothing at all"):
        with pytest.raises(ProviderError) as refused:
            on_the_wire(declared, Wire(lie=LIES[lie], date=NOW), tmp_path, look)
        assert "Welcome" not in str(refused.value) or len(str(refused.value)) < 400
    refused = Wire(first=[Reply("go away", 503)] * CHEAP)
    with pytest.raises(ProviderError):
        on_the_wire(declared, refused, tmp_path, look)


REFUSALS = {
    "429": Reply({"code": -1003, "msg": "slower"}, 429, {"Retry-After": "0"}),
    "502": Reply("<html>bad gateway</html>", 502, {"Content-Type": "text/html"}),
    "503": Reply({"code": -1001}, 503),
    "cut off": Reply({"anything": "at all"}, cut=5),
    "418": Reply({"code": -1003, "msg": "banned"}, 418, {"Retry-After": "0"}),
}


@pytest.mark.parametrize("name", REFUSALS if PROOF else ["429"])
def test_what_passes_is_asked_again_and_what_stays_is_a_named_failure(declared, name, filled, tmp_path):
    """One refusal costs nothing; refusals for good leave the stored asset as it was and name both."""
    if name == "418" and not declared.bans:
        pytest.skip("its servers ban by no status of their own")
    reply = REFUSALS[name]
    whole = Lake(tmp_path / "whole" / "lakehouse")
    wire = Wire(first=[reply])
    summary = synced(declared, wire, whole)
    assert [one.error for one in summary.outcomes] == [None, None]
    assert content(whole) == filled(declared, 2)[1]
    lake = copied(filled(declared, 1)[0], tmp_path)
    wire = Wire(first=[reply] * 1000)
    failed = synced(declared, wire, lake, force=True)
    assert content(lake) == filled(declared, 1)[1]
    assert [one.result for one in failed.outcomes] == [Result.FAILED] * 2
    assert all(one.error and one.retryable for one in failed.outcomes)
    assert len(wire.requests) <= MOST_TRIES


def test_who_asks_for_an_hour_of_quiet_gets_it_at_once(declared, tmp_path):
    lake = Lake(tmp_path / "lakehouse")
    wire = Wire(first=[Reply("enough", 429, {"Retry-After": "3600"})] * 1000)
    summary = synced(declared, wire, lake)  # the second one is not kept waiting for that hour either
    assert [one.result for one in summary.outcomes] == [Result.FAILED] * 2
    assert 1 <= len(wire.requests) <= 2


@pytest.mark.requirement("R-DAT-21")
def test_a_sync_that_is_ended_anywhere_goes_on_and_nothing_is_lost_or_doubled(declared, filled, tmp_path):
    """A whole sync is counted; then it is ended at its middle (first, last) request, and run again each time."""
    wire = Wire()
    synced(declared, wire, Lake(tmp_path / "counted" / "lakehouse"))
    count = len(wire.requests)
    assert count >= 2
    for number in sorted({1, (count + 1) // 2, count} if PROOF else {(count + 1) // 2}):
        lake = Lake(tmp_path / f"ended at {number}" / "lakehouse")
        ended = Wire(heard=ends_at(number))
        with pytest.raises(asyncio.CancelledError):
            synced(declared, ended, lake)
        assert number <= len(ended.requests) <= count  # others were on their way
        synced(declared, Wire(), lake)
        assert content(lake) == filled(declared, 2)[1]


def ends_at(number):
    """What cancels all tasks but the server's own when so many requests have come."""

    def heard(count):
        if count == number:
            for task in asyncio.all_tasks():
                if "serve" not in repr(task.get_coro()) and task is not asyncio.current_task():
                    task.cancel()

    return heard


def test_no_request_is_above_the_declared_rate_and_no_more_are_open_than_declared(declared, tmp_path):
    """By the server's own clock: in no span of any length more than the burst and what refills in it."""
    wire = Wire(limits=RateLimits(requests_per_second=declared.pace, burst=3, bars_per_request=8, concurrency=2))
    summary = synced(declared, wire, Lake(tmp_path / "lakehouse"))
    assert [one.error for one in summary.outcomes] == [None, None]
    times = [one.at for one in wire.requests]
    assert len(times) >= FEW
    for i, first in enumerate(times):
        for k, last in enumerate(times[i:], start=1):
            assert k <= 3 + declared.pace * (last - first) + LATE, f"{k} requests within {last - first:.3f} s"
    assert wire.most_open <= 2


def test_nothing_secret_is_in_an_error_a_log_or_the_register(declared, tmp_path, caplog, capfd):
    """What servers set (cookies, tokens) and what is asked for (queries) is repeated nowhere."""
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-c00kie"
    heads = {"Set-Cookie": f"session={secret}; Path=/", "X-Token": secret}
    lake = Lake(tmp_path / "lakehouse")
    for reply in (Reply({"code": -1}, 500, heads), Reply({"code": -1}, 403, heads), Reply("{", 200, heads)):
        wire = Wire(first=[reply] * 1000)
        summary = synced(declared, wire, lake)
        assert all(one.error for one in summary.outcomes)
        told = [text for one in summary.outcomes for text in (one.error, one.reason, *one.notes)]
        told += [record.getMessage() for record in caplog.records if record.name.startswith("tvquant")]
        told += [(lake.root / ".registry.json").read_text(), *capfd.readouterr()]
        values = {value for one in wire.requests for name, value in one.query.items() if "ime" in name}
        for text in told:
            assert secret not in text
            assert not any(value in text for value in values if len(value) > 8)
