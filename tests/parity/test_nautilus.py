"""The simulator `nautilus` equals `custom` in every figure; versions 1 and 2 of the library are one simulator.

Version 2 stands in a folder of its own (`make .tools/nautilus2/nautilus2.txt`), for it cannot be installed beside
version 1: a child that finds it first plays the same books.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.ordering import with_rules
from builders.panels import instruments, panel_of
from builders.simulated_books import Scenario, scenario
from builders.simulators import played
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult, WeightPath
from tvquant.core.demands import DEMANDS
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS, refusals_of
from tvquant.simulation.simulators.nautilus import engine_runs, rules, strategy

pytest.importorskip("nautilus_trader", reason="install tvquant[simulators]")
pytestmark = [pytest.mark.xdist_group("nautilus"), pytest.mark.requirement("R-SIM-10")]

ROOT = Path(__file__).resolve().parents[2]
SECOND = ROOT / ".tools" / "nautilus2"
PROOF = bool(os.environ.get("TVQUANT_PROOF"))
WORLDS = range(600) if PROOF else (*range(40), 55, 86, 68)  # lost collateral; more steps than a float has digits
ROWS, NAMES = (2500, 50) if PROOF else (90, 8)
CONVENTIONS = list(Convention)
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)


def world_of(seed: int) -> Scenario:
    """A rough world at each convention in turn: holes, actions, delistings, funding, margin calls, ruin, lots.

    What nautilus refuses is put back to what asks for nothing.
    """
    world = with_rules(scenario(seed, CONVENTIONS[seed % 3], gross=1.5 + seed % 3), seed)
    costs = replace(world.costs, maker_share=0.0)  # goes with tiers
    given, refused = {"costs": costs, "execution": world.execution}, refusals_of(SIMULATORS["nautilus"])
    plain = {"costs": CostModel(), "execution": Execution()}
    for key, (capability, _) in DEMANDS.items():
        section, name = key.split(".")
        if capability in refused:
            given[section] = replace(given[section], **{name: getattr(plain[section], name)})
    return replace(world, **given)


def book_of(world: Scenario, simulator: str = "nautilus") -> SimResult:
    return played(simulator, world.panel, world.path, world.costs, world.execution)


def assert_equal_books(found: SimResult, wanted: SimResult) -> None:
    for figure in ("returns", "equity", "cash", "quantities", "fill_equity", "traded", "turnover", "assumed_funding"):
        np.testing.assert_allclose(
            getattr(found, figure), getattr(wanted, figure), rtol=1e-9, atol=1e-9, err_msg=figure
        )
    for kind, amounts in wanted.costs.items():
        np.testing.assert_allclose(found.costs[kind], amounts, rtol=1e-9, atol=1e-11, err_msg=kind)
    np.testing.assert_array_equal(found.marks, wanted.marks)
    np.testing.assert_array_equal(found.filled, wanted.filled)
    assert [(e.row, e.key, e.kind) for e in found.events] == [(e.row, e.key, e.kind) for e in wanted.events]
    for name in ("value", "price"):
        ours, theirs = ([getattr(e, name) for e in book.events] for book in (found, wanted))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)
    assert (found.stamps, found.failure) == (wanted.stamps, wanted.failure)


@pytest.mark.parametrize("rows", [5, 250], ids="stretches of {}".format)
def test_rough_worlds_are_the_same_book_in_stretches_of_any_length(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(engine_runs, "ROWS", rows)
    seen: Counter[str] = Counter()
    for seed in WORLDS:
        world = world_of(seed)
        found = book_of(world)
        assert_equal_books(found, book_of(world, "custom"))
        seen.update({event.kind for event in found.events} | {kind for kind, paid in found.costs.items() if paid.any()})
        seen.update(found.stamps)
        seen.update({"lots"} if world.execution.lots else ())
    asked = (
        "lots", "late_fill", "assumed_metadata", "unfilled", "closed_out", "collateral_lost", "margin_call",
        "liquidated", "slippage", "commission", "borrow", "overdraft", "funding", "cash_yield",
    )  # fmt: skip
    assert all(seen[kind] for kind in asked), seen


def long_short(rows: int, names: int, every: int) -> tuple[Panel, WeightPath]:
    """Random walks of shares and weights of gross 1 on both sides."""
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(2e-4, 0.015, (rows, names)), axis=0))
    fields = {"close": close, "open": close * np.exp(rng.normal(0.0, 0.004, close.shape))}
    panel = panel_of(fields, names=instruments(names, kind=Kind.STOCK))
    decided = np.arange(0, rows, every)
    net = rng.normal(0.3, 1.0, (len(decided), names))
    net /= np.abs(net).sum(axis=1, keepdims=True)
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net)


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_long_short_books_equal_custom(convention: Convention) -> None:
    panel, path = long_short(ROWS, NAMES, 20)
    rules = Execution(convention=convention)
    found, wanted = (played(name, panel, path, CostModel(), rules) for name in ("nautilus", "custom"))
    assert not wanted.events
    np.testing.assert_allclose(found.equity, wanted.equity, rtol=1e-9)
    assert_equal_books(found, wanted)


@pytest.mark.requirement("R-SIM-11")
@pytest.mark.requirement("R-SIM-14")
def test_the_parity_setting_equals_custom() -> None:
    """Strict, daily, same_close: every holding is restored at every row, to the step of a quantity."""
    panel, path = long_short(250 if PROOF else 45, 5, 10)
    rules = Execution(convention=Convention.SAME_CLOSE, rebalancing=Rebalancing.DAILY)
    found, wanted = (played(name, panel, path, CostModel(), rules) for name in ("nautilus", "custom"))
    assert len(found.filled) == len(panel.times)
    assert_equal_books(found, wanted)
    k = (np.arange(len(panel.times)) // 10)[1:]
    before_costs = found.fill_equity[1:, None] * path.net[k]
    np.testing.assert_allclose(found.quantities[1:] * found.marks[1:], before_costs, atol=1e-13)


@pytest.mark.requirement("R-SIM-14")
def test_real_lots_of_real_coins_keep_the_sharpe_ratio(shared_data: Path) -> None:
    """25 coins, long and short for 1000 days, in lots; every day in the proof."""
    bars = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2022_2025.parquet")
    bars = bars.filter(pl.len().over("timestamp") >= 29)  # one coin has another span
    symbols = [one for one in bars["symbol"].unique().sort().to_list() if "MATIC" not in one][:25]
    wide = {
        field: bars.pivot("symbol", index="timestamp", values=field).sort("timestamp").select(symbols).to_numpy()
        for field in ("open", "close")
    }
    panel = panel_of(wide, names=symbols)
    decided = np.arange(60, len(panel.times), 20)
    net = np.random.default_rng(5).normal(0.2, 1.0, (len(decided), 25))
    path = WeightPath(keys=panel.keys, decided=decided, net=net * 0.9 / np.abs(net).sum(axis=1, keepdims=True))
    often = Rebalancing.DAILY if PROOF else Rebalancing.WINDOW
    rules = Execution(convention=Convention.SAME_CLOSE, lots=True, nav=1e4, rebalancing=often)
    found, wanted = (played(name, panel, path, CostModel(), rules) for name in ("nautilus", "custom"))
    units = found.quantities * 1e4
    lots = np.array([10.0 ** min(0, -np.ceil(np.log10(price))) for price in panel.fields["close"].max(axis=0)])
    np.testing.assert_allclose(units / lots, np.round(units / lots), atol=1e-6)
    assert (np.abs(units[-1]) > 0).sum() >= 24
    mean, deviation = ([getattr(book.returns, what)() for book in (found, wanted)] for what in ("mean", "std"))
    assert mean[0] / deviation[0] == pytest.approx(mean[1] / deviation[1], rel=5e-3)
    np.testing.assert_allclose(found.equity, wanted.equity, rtol=1e-9)
    free = played("custom", panel, path, CostModel(), replace(rules, lots=False))
    assert np.abs(free.equity / wanted.equity - 1.0).max() > 1e-6


@pytest.mark.requirement("R-SIM-13")
def test_what_is_ordered_first_is_filled_before_the_first_day_is_earned() -> None:
    panel = panel_of(
        {"close": np.array([[100.0, 40.0], [110.0, 38.0]]), "open": np.array([[99.0, 41.0], [104.0, 39.0]])},
        names=["A", "B"],
    )
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[0.6, -0.4]]))
    earned = {}
    for convention in (Convention.SAME_CLOSE, Convention.NEXT_OPEN):
        found, wanted = (
            played(name, panel, path, FREE, Execution(convention=convention)) for name in ("nautilus", "custom")
        )
        assert found.returns[-1] == pytest.approx(wanted.returns[-1], abs=1e-4)
        earned[convention] = found.returns[-1]
    assert earned[Convention.SAME_CLOSE] == pytest.approx(0.6 * 0.10 + 0.4 * 0.05, abs=1e-12)
    # .006 units of A from 104 to 110, -.01 of B from 39 to 38.
    assert earned[Convention.NEXT_OPEN] == pytest.approx(0.006 * 6 + 0.01 * 1, abs=1e-12)


@pytest.mark.requirement("R-SIM-12")
def test_atoms_and_unknown_symbols_are_refused() -> None:
    panel, path = long_short(10, 2, 20)
    for stranger in ("X:N0_rating_all_SHORT", "X:NONE"):
        bad = replace(path, keys=("X:N1", stranger))
        with pytest.raises(
            ModelError, match=rf"net weights of instruments and nothing else, found {stranger}: flatten"
        ):
            played("nautilus", panel, bad, FREE, Execution())


def test_engines_are_silent_and_disposed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    from tvquant.simulation.simulators.nautilus import version1

    made: list[Any] = []
    engine = version1.engine
    monkeypatch.setattr(version1, "engine", lambda: made.append(engine()) or made[-1])
    monkeypatch.setattr(engine_runs, "ROWS", 4)
    panel, path = long_short(10, 2, 3)
    played("nautilus", panel, path, CostModel(), Execution())
    assert len(made) == 3
    assert all(one.trader.is_disposed for one in made)
    assert capfd.readouterr() == ("", "")


def test_an_order_that_is_filled_in_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not on offer at one price is filled at worse ones: that is not the fill that was asked for."""
    monkeypatch.setattr(engine_runs, "PLENTY", 1000.0)
    panel, path = long_short(10, 2, 20)
    with pytest.raises(ModelError, match=r"X:N\d: nautilus has not filled an order of -?\d+.* as it was sent; leave"):
        played("nautilus", panel, path, FREE, Execution(convention=Convention.SAME_CLOSE))


def test_an_order_beyond_the_numbers_of_the_engine_is_refused() -> None:
    panel = panel_of({"close": np.array([[1e9], [1.0], [1.0]])}, names=["A"])
    path = WeightPath(keys=panel.keys, decided=np.array([1]), net=np.array([[0.5]]))
    with pytest.raises(ModelError, match=r"X:A: at 1e-09 of its first price .* beyond the numbers of nautilus"):
        played("nautilus", panel, path, FREE, Execution(convention=Convention.SAME_CLOSE))


def versions() -> dict[str, Any]:
    """Books of worlds and of long/short weights as the version that is found first plays them."""
    from importlib.metadata import version

    panel, path = long_short(120, 6, 20)
    equities = [book_of(world_of(seed)).equity.tolist() for seed in range(30)]
    equities += [
        played("nautilus", panel, path, CostModel(), Execution(convention=convention)).equity.tolist()
        for convention in CONVENTIONS
    ]
    return {"version": version("nautilus_trader"), "equities": equities}


def test_version_2_keeps_the_same_books() -> None:
    if not (SECOND / "nautilus_trader").is_dir():
        pytest.skip("version 2 is not here: make .tools/nautilus2/nautilus2.txt")
    program = "import json, test_nautilus; print(json.dumps(test_nautilus.versions()))"
    paths = os.pathsep.join(map(str, (SECOND, ROOT / "src", ROOT / "tests", Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs, ours = json.loads(done.stdout), versions()
    assert (ours["version"][:2], theirs["version"][:2]) == ("1.", "2.")
    assert len(ours["equities"]) == 33
    for found, wanted in zip(theirs["equities"], ours["equities"], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_the_smallest_step_of_a_quantity_is_far_below_what_parity_asks() -> None:
    assert 10.0 / (rules.STEPS * strategy.CAPITAL) <= 1e-14
