"""A server that lies, refuses or is cut off changes nothing in the lake: every member that speaks a protocol."""

import asyncio
import shutil

import pytest

from builders.clocks import ManualClock
from builders.lies import LIES, Wire
from builders.loopback import Reply
from builders.provider_members import KINDS, MEMBERS, NOW, PAGE, WORLD
from tvquant.lake import Lake
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.probing import Probing, Standing, judged
from tvquant.market.providers.contract import ProviderError
from tvquant.market.registry import RegistryManager
from tvquant.market.retry import Backoff
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result
from tvquant.symbology.kinds import structure

SPEAKERS = [name for name, member in MEMBERS.items() if member.wired is not None]
SOON = Backoff(attempts=3, base=0.001, cap=0.002, longest=0.5)
DEPTH = PAGE + 10
CHEAP = 4
"""Requests that a look at a source may take."""


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


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
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
