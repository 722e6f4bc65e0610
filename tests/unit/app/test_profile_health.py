"""The four spot sleeves on a simulated exchange, reached by its own client: stale assets, one refresh, what is left."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.clocks import ManualClock
from builders.profiles import profile_of
from tvquant.app import clock as machine
from tvquant.app.cli import main
from tvquant.app.cli.profile import resolved
from tvquant.app.deliveries import Source
from tvquant.app.plan import make_plan
from tvquant.app.profile_health import ProfileHealth, profile_health, summary
from tvquant.app.progress import Watcher
from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import Outcome
from tvquant.app.stages.health import HEALTH
from tvquant.app.syncing import Asked, repair, sync
from tvquant.app.workspace import Workspace
from tvquant.core.instants import instant
from tvquant.core.records import Entry
from tvquant.lake import AssetHealth, HealthState
from tvquant.ledger import RunFolder
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import Fault, FaultKind, Faults
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.server import served
from tvquant.market.providers.simulated.world import World
from tvquant.market.registry import AssetRecord, AssetState, DataRegistry, RegistryManager

SLEEVES = {"all_long": 3, "all_short": 2, "ma_long": 2, "ma_short": 2}
"""Sleeve -> how many of its coins become stale: nine in all."""
EACH, START = 3, datetime(2024, 1, 1, tzinfo=UTC)
MARKET = SimulatedMarket(seed=5, start=START.date(), days=200, coins=len(SLEEVES) * EACH, perpetuals=0, stocks=0,
                         late=0.0, delisted=0.0, reused=0)  # fmt: skip


class Desk:
    """A workspace with the four sleeves, each of coins of its own, the exchange that delivers to it, and the time."""

    def __init__(self, folder: Path) -> None:
        self.home, self.clock = Workspace(folder), ManualClock(START + timedelta(days=100, hours=9))
        self.home.create()
        world = World(MARKET)
        self.coins = tuple(world.symbols)
        self.of = {name: self.coins[k * EACH : (k + 1) * EACH] for k, name in enumerate(SLEEVES)}
        self.stale = [coin for name, many in SLEEVES.items() for coin in self.of[name][:many]]
        self.broken = self.of["ma_long"][-1]
        gone = Fault(kind=FaultKind.STALE, symbol=self.broken, requests=None, start=self.clock.at + timedelta(days=10))
        self.exchange = Exchange(world, clock=self.clock, faults=Faults(faults=(gone,)))
        for name, coins in self.of.items():
            self.profile(f"spot_{name}", f"binance_spot_rating_{name}", f"symbols: {json.dumps(coins)}")
        sleeves = "".join(f"  spot_{name}:\n" for name in SLEEVES)
        (folder / "profiles" / "four.yaml").write_text(f"version: 1\nsleeves:\n{sleeves}", "utf-8")
        self.profile("spot_rest", "binance_spot_rating_ma_long", f"exclude_symbols: [{self.broken!r}]")

    def profile(self, name: str, base: str, universe: str) -> None:
        text = f"version: 1\nextends: {base}\nuniverse: {{{universe}}}\nbenchmark: {{market: []}}\n"
        (self.home.root / "profiles" / f"{name}.yaml").write_text(text, "utf-8")

    def health(self, name: str) -> ProfileHealth:
        return profile_health(self.home.lake(), resolved(self.home, name), now=instant(self.clock.now()))

    def told(self) -> dict[str, tuple[str, str]]:
        """Sleeve -> its ratio and state."""
        found = {name: self.health(f"spot_{name}") for name in SLEEVES}
        return {name: (one.ratio, one.state) for name, one in found.items()}


class Noted(Watcher):
    """Keeps what a person is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def record(self, entry: Entry) -> str:
        raise AssertionError(entry)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, dict[str, Any]]:
    """All is fetched; nine go stale, are asked for again; and one coin is not delivered any more."""
    desk, found = Desk(tmp_path_factory.mktemp("health") / "ws"), dict[str, Any]()
    with served(desk.exchange) as url:
        source = Source(name="simulated", options={"url": url})

        def synced(*coins: str) -> None:
            sync(desk.home, source, Asked(command="", symbols=coins, bars=95), clock=desk.clock, watcher=Watcher())

        synced(*desk.coins)
        found["first"] = desk.told()
        desk.clock.at += timedelta(days=5)
        synced(*(coin for coin in desk.coins if coin not in desk.stale))
        found["stale"], found["named"] = desk.told(), desk.health("spot_all_long").unhealthy
        done = repair(desk.home, source, clock=desk.clock, symbols=desk.stale, watcher=Watcher())
        found["asked"], found["refreshed"] = {one.physical_symbol for one in done.assets}, desk.told()
        desk.clock.at += timedelta(days=10)
        synced(*desk.coins)
    return desk, found


@pytest.mark.requirement("R-DAT-22")
def test_nine_stale_assets_of_four_sleeves_are_whole_after_one_targeted_refresh(
    story: tuple[Desk, dict[str, Any]],
) -> None:
    desk, found = story
    whole = dict.fromkeys(SLEEVES, (f"{EACH}/{EACH}", "HEALTHY"))
    assert found["first"] == whole
    assert found["stale"] == {name: (f"{EACH - many}/{EACH}", "DEGRADED") for name, many in SLEEVES.items()}
    assert found["named"] == dict.fromkeys(desk.of["all_long"], "stale")
    assert len(desk.stale) == 9
    assert found["asked"] == set(desk.stale)
    assert found["refreshed"] == whole


@pytest.mark.requirement("R-DAT-22")
def test_what_cannot_be_mended_degrades_its_own_sleeve_and_leaving_it_out_raises_no_ratio(
    story: tuple[Desk, dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = story
    wanted = dict.fromkeys(SLEEVES, ("3/3", "HEALTHY")) | {"ma_long": ("2/3", "DEGRADED")}
    assert desk.told() == wanted
    found = desk.health("spot_ma_long")
    assert found.line() == f"health of spot_ma_long: 2/3 assets, DEGRADED; not healthy: {desk.broken} (stale)"
    monkeypatch.setattr(machine.SystemClock, "now", lambda _: desk.clock.now())
    words = ["data", "health", "four", "spot_ma_long", "--live", "-w", str(desk.home.root)]
    assert main([*words, "--strict"]) == 1
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()[1:5]]
    assert rows == [[f"spot_{name}", *pair] for name, pair in wanted.items()]
    assert f"spot_ma_long: not healthy: {desk.broken} (stale)" in out
    assert "health gate: not healthy: spot_ma_long (2/3)" in err
    assert main(["data", "health", "spot_rest", "--live", "--json", "-w", str(desk.home.root)]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["healthy"], told["total"], told["state"]) == (11, 12, "DEGRADED")
    assert told["excluded"] == told["not_healthy"] == {desk.broken: "stale"}
    assert told["stable"] == {"simulated": 11}
    assert main(["data", "health", "spot_all_long", "--live", "--strict", "-w", str(desk.home.root)]) == 0


@pytest.mark.requirement("R-DAT-22")
def test_stage_9_says_so_and_records_it(story: tuple[Desk, dict[str, Any]], tmp_path: Path) -> None:
    desk, _ = story
    noted, outcome = Noted(), Outcome()
    HEALTH.run(
        RunContext(
            lake=desk.home.lake(), folder=RunFolder(tmp_path), recorder=noted, progress=noted, jobs=1,
            plan=make_plan(desk.home.lake(), resolved(desk.home, "spot_rest")),
        ),
        outcome,
    )  # fmt: skip
    told = outcome.data["profile_health"]
    assert (told["healthy"], told["total"], told["excluded"]) == (11, 12, {desk.broken: "stale"})
    [line] = noted.lines
    assert line.startswith("health of spot_rest: 11/12 assets, DEGRADED; not healthy: ")
    assert line.endswith(f"excluded by the profile, counted all the same: {desk.broken} (stale)")
    assert (outcome.metrics["healthy"], outcome.metrics["assets"]) == (11, 11)


def test_what_the_register_does_not_call_stable_is_not_healthy(story: tuple[Desk, dict[str, Any]]) -> None:
    desk, _ = story
    registry, coin = RegistryManager(desk.home.lake().folder), desk.of["all_short"][0]
    registry.update(coin, "1d", state=AssetState.DEGRADED, reason="its newer bars were refused")
    try:
        assert desk.health("spot_all_short").unhealthy == {coin: "degraded: its newer bars were refused"}
    finally:
        registry.update(coin, "1d", state=AssetState.STABLE, reason="")


def test_who_holds_a_ticker_now_stands_for_it_and_what_ended_needs_no_register() -> None:
    """Of a ticker that was used again the first holder was too short; the order in which they come is no matter."""

    def judged(key: str, state: HealthState, last: str) -> AssetHealth:
        return AssetHealth(
            key=key, symbol=key.split("#")[0], state=state, bars=9, first=np.datetime64("2024-01-01", "us"),
            last=np.datetime64(last, "us"), gaps=0, tolerated=0, age_hours=0.0, findings=0,
        )  # fmt: skip

    states = [
        judged("A:X", HealthState.DROPPED, "2024-01-19"),
        judged("A:X#2", HealthState.OK, "2024-06-01"),
        judged("A:Y", HealthState.DELISTED, "2024-03-01"),
    ]
    late = AssetRecord(physical_symbol="A:Y", interval="1d", state=AssetState.DEGRADED, reason="stale")
    registry = DataRegistry().with_record(late)
    for order in (states, states[::-1]):
        found = summary(profile_of(), order, {"A:Y"}, registry)
        assert (found.ratio, found.state, found.unhealthy) == ("2/2", "HEALTHY", {})
        assert found.excluded == {"A:Y": "delisted"}
    assert summary(profile_of(), (), (), registry).state == "DEGRADED"
