"""`tvquant parity`: two accounts of one run agree to the last digits, a wrong one is found, and nobody stands alone."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.second_account import FAULTS, SecondAccount
from builders.workspaces import workspace_of
from tvquant.core.panel import Basis
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators import catalogue
from tvquant.simulation.simulators.contract import Capability, Support

pytestmark = pytest.mark.xdist_group("documentation")

type Call = Callable[..., Any]

FIRST, DAYS, LATER = datetime(2024, 1, 1, tzinfo=UTC), 260, 12
"""The last bars are later than the profile's end."""
PROFILE = """
version: 1
extends: crypto_spot
selection: {model: all}
allocation: {profiles: [equal_weight], limits: {position: 1.0, cluster: 1.0}}
risk: {primary: equal_weight}
benchmark: {market: []}
execution: {convention: next_close}
costs: {borrow_rate: 0.0}
data: {end: 2024-09-16}
"""
YIELDING = """
version: 1
extends: mine
costs: {cash_yield: {symbol: TVC:US03MY, unit: percent}}
allocation: {limits: {gross: 0.5}}
"""
CUSTOM = SIMULATORS["custom"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of four coins and a yield, with two finished runs: one whose cash earns it, and one without."""
    from tvquant.app.cli import main

    moves = np.random.default_rng(0).normal(0.001, 0.02, (DAYS + LATER, 4))
    days = [FIRST + timedelta(days=k) for k in range(DAYS + LATER)]
    closes = 100.0 * np.exp(moves.cumsum(axis=0))
    named = {f"BINANCE:{coin}USDT": closes[:, j] for j, coin in enumerate(("BTC", "ETH", "XRP", "ADA"))}
    bars = pl.concat(
        pl.DataFrame({"symbol": symbol, "timestamp": days, "close": close})
        for symbol, close in {**named, "TVC:US03MY": np.linspace(4.0, 6.0, len(days))}.items()
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
    made = workspace_of(
        tmp_path_factory.mktemp("parity") / "ws", bars, recorded_at=datetime(2026, 1, 2, tzinfo=UTC), basis=Basis.RAW
    )
    (made.root / "profiles" / "mine.yaml").write_text(PROFILE)
    (made.root / "profiles" / "yielding.yaml").write_text(YIELDING)
    for name in ("yielding", "mine"):
        assert main(["run", name, "-w", str(made.root)]) == 0
    return made.root


@pytest.fixture
def among(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Any]], None]:
    """Let these be the simulators that there are."""

    def put(members: Mapping[str, Any]) -> None:
        held = MappingProxyType(dict(members))
        for module in ("app.parity_check", "tournament.parity_play", "simulation.simulators.catalogue"):
            monkeypatch.setattr(f"tvquant.{module}.SIMULATORS", held)

    return put


@pytest.mark.requirement("R-SIM-14")
def test_two_accounts_of_a_run_agree_whole_run_and_leave_record_and_page(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    among({"second": SecondAccount(), "custom": CUSTOM})
    said = tvquant("parity", "mine", "-w", home, "--json")
    assert said.code == 0, said.err
    found = said.document
    assert (found["passed"], found["failures"], found["cell"]) == (True, [], "all/custom/equal_weight/custom")
    strict, own = found["settings"]
    assert (strict["played"], own["played"]) == (["custom", "second"], ["custom", "second"])
    assert (strict["execution"]["convention"], strict["execution"]["rebalancing"]) == ("same_close", "daily")
    assert (own["execution"]["convention"], own["binds"]) == ("next_close", False)
    assert "execution.convention is same_close, in the run next_close" in strict["off"]
    for pair in (*strict["pairs"], *own["pairs"]):
        away = {one["name"]: one["difference"] for one in pair["figures"]}
        assert list(away) == ["bars", "equity", "holdings", "sharpe", "annual_return", "turnover", "costs"]
        assert max(away.values()) < 1e-9
        assert abs(pair["annual_bps"]) < 1e-5
    decided = 99  # the row before the first window at which the coins have 90 bars; next_close fills a row later
    assert (strict["pairs"][0]["bars"], own["pairs"][0]["bars"]) == (DAYS - decided, DAYS - decided - 1)
    figures = {one["name"]: one for one in own["pairs"][0]["figures"]}
    shown = tvquant("runs", "show", found["run"], "-w", home, "--json").document
    (cell,) = (one for one in shown["cells"] if one["cell"] == found["cell"])
    assert figures["sharpe"]["first"] == pytest.approx(cell["sharpe"], rel=1e-9)
    assert figures["annual_return"]["first"] == pytest.approx(cell["cagr"], rel=1e-9)
    record = Path(found["record"])
    assert record.relative_to(home).as_posix().endswith("/parity/all+custom+equal_weight+custom.json")
    assert json.loads(record.read_text("utf-8")) == {
        name: value for name, value in found.items() if name not in ("record", "page")
    }
    page = Path(found["page"]).read_text("utf-8")
    assert "keep the same book" in page
    assert 'src="../plotly.min.js"' in page
    assert tvquant("ledger", "verify", found["run"], "-w", home).code == 0
    human = tvquant("parity", "mine", "-w", home)
    assert human.code == 0
    assert "parity setting, limits bind: same_close, daily, 5 + 1 bps" in human.out
    assert "limits do not bind: next_close, window, 5 + 1 bps" in human.out


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.usefixtures("vectorbt")
def test_a_library_keeps_the_book_of_a_run_to_the_last_digits(home: Path, tvquant: Call) -> None:
    said = tvquant("parity", "mine", "--simulators", "vectorbt,custom", "-w", home, "--json")
    assert said.code == 0, said.err
    strict, own = said.document["settings"]
    assert strict["played"] == ["custom", "vectorbt"]
    assert Path(said.document["record"]).name == "all+custom+equal_weight+custom@custom+vectorbt.json"
    assert Path(said.document["page"]).name == "all+custom+equal_weight+custom@custom+vectorbt.html"
    (pair,) = strict["pairs"]
    assert max(one["difference"] for one in pair["figures"]) < 1e-9
    # All of the capital is long in the run: the library has no credit for the costs, and says what to do.
    assert own["played"] == ["custom"]
    assert "execution.buffer" in own["refused"]["vectorbt"]
    assert said.document["versions"]["vectorbt"].startswith("vectorbt ")


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.skipif(find_spec("nautilus_trader") is None, reason="install tvquant[simulators]")
def test_under_its_old_name_it_compares_with_nautilus(home: Path, tvquant: Call) -> None:
    """Net weights of the run, whole run, in both settings; quantities there have eight or nine decimals."""
    said = tvquant("validate_nautilus_parity", "mine", "-w", home, "--json")
    assert said.code == 0, said.err
    for side in said.document["settings"]:
        assert side["played"] == ["custom", "nautilus"]
        (pair,) = side["pairs"]
        assert [one["name"] for one in pair["figures"]] == [
            "bars", "equity", "holdings", "sharpe", "annual_return", "turnover", "costs",
        ]  # fmt: skip
        assert max(one["difference"] for one in pair["figures"]) < 1e-9


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "a short left out"])
def test_a_wrong_account_ends_the_command_with_its_first_trade(
    fault: str, home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    among({"custom": CUSTOM, "second": FAULTS[fault]})
    said = tvquant("parity", "mine", "-w", home, "--json")
    assert said.code == 1
    assert not said.document["passed"]
    (line,) = said.err.strip().splitlines()
    assert "custom and second differ: " in line
    assert "; the first trade that differs is BINANCE:ADAUSDT on 2024-0" in line
    at = said.document["settings"][0]["pairs"][0]["divergence"]
    assert (at["what"], at["symbol"]) == ("trade", "BINANCE:ADAUSDT")
    assert line.endswith(f"second {'none' if at['quantities'][1] is None else format(at['quantities'][1], '.6g')}"
                         f"{'' if at['prices'][1] is None else f' at {at['prices'][1]:.6g}'}")  # fmt: skip
    assert "beyond limits" in Path(said.document["page"]).read_text("utf-8")


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.requirement("R-SIM-10")
def test_nobody_is_compared_with_itself_and_who_is_absent_is_named(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = SecondAccount(name="absent", needs=("no_such_library", "simulators"))
    among({"custom": CUSTOM, "absent": absent})
    alone = tvquant("parity", "mine", "-w", home)
    assert alone.code == 2
    assert "custom alone cannot be compared" in alone.err
    assert "absent is not installed: install tvquant[simulators]" in alone.err
    for names, text in (
        ("custom,absent", "absent is not installed; install tvquant[simulators]"),
        ("custom,custom", "custom alone cannot be compared"),
        ("custom,secnd", "unknown simulator 'secnd'"),
        (",", "names no simulator"),
    ):
        refused = tvquant("parity", "mine", "--simulators", names, "-w", home)
        assert refused.code == 2
        assert text in refused.err
    among({"custom": CUSTOM, "absent": absent, "second": SecondAccount()})
    assert tvquant("parity", "mine", "-w", home, "--json").document["uninstalled"] == {"absent": "simulators"}
    monkeypatch.setattr(catalogue, "find_spec", lambda _: None)
    among({"custom": CUSTOM, "nautilus": SecondAccount(name="nautilus", needs=("nautilus_trader", "simulators"))})
    old = tvquant("validate_nautilus_parity", "mine", "-w", home)
    assert old.code == 2
    assert "nautilus is not installed; install tvquant[simulators]" in old.err


def test_who_refuses_the_setting_is_listed_or_where_it_was_named_refused(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    weekly = SecondAccount().capabilities | {Capability.DAILY: Support.REFUSED}
    picky = SecondAccount(name="picky", capabilities=MappingProxyType(weekly))
    among({"custom": CUSTOM, "second": SecondAccount(), "picky": picky})
    found = tvquant("parity", "mine", "-w", home, "--json").document
    assert found["settings"][0]["refused"] == {"picky": "execution.rebalancing: simulator picky refuses daily"}
    assert found["settings"][1]["played"] == ["custom", "second", "picky"]
    named = tvquant("parity", "mine", "--simulators", "custom,second,picky", "-w", home)
    assert named.code == 2
    assert "picky cannot play the parity setting of this run: execution.rebalancing" in named.err
    among({"custom": CUSTOM, "picky": picky})
    alone = tvquant("parity", "mine", "-w", home)
    assert alone.code == 2
    assert "custom alone can play the parity setting of this run" in alone.err


def test_a_run_whose_cash_earns_a_series_is_played_as_it_was(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    """The account of the house is held against what was recorded; the other refuses to earn, and is listed."""
    among({"custom": CUSTOM, "second": SecondAccount()})
    found = tvquant("parity", "yielding", "-w", home, "--json").document
    strict, own = found["settings"]
    assert found["passed"]
    assert "costs.cash_yield is 0, in the run a series" in strict["off"]
    assert (own["played"], own["costs"]["cash_yield"]) == (["custom"], "series")
    assert own["refused"] == {"second": "costs.cash_yield: simulator second refuses cash_yield"}
    assert "custom alone plays it" in tvquant("parity", "yielding", "-w", home).out


def test_a_baseline_has_a_parity_too_and_a_cell_that_there_is_not_is_refused(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    among({"custom": CUSTOM, "second": SecondAccount()})
    found = tvquant("parity", "mine", "--cell", "base_universe_ew/custom", "-w", home, "--json").document
    assert (found["cell"], found["passed"]) == ("base_universe_ew/custom", True)
    assert found["record"].endswith("/parity/base_universe_ew+custom.json")
    wrong = tvquant("parity", "mine", "--cell", "base_universe/custom", "-w", home)
    assert wrong.code == 2
    assert "unknown cell 'base_universe/custom' - did you mean base_universe_ew/custom?" in wrong.err


def test_a_run_that_is_not_played_as_it_was_recorded_is_no_evidence(
    home: Path, tvquant: Call, among: Callable[[Mapping[str, Any]], None]
) -> None:
    """Here the house's own account is another than the one that made the run."""
    among({"custom": SecondAccount(name="custom", late=1), "second": SecondAccount()})
    said = tvquant("parity", "mine", "-w", home)
    assert said.code == 1
    assert "is not what these simulators make of its weights (its rows are others)" in said.err
    among({"custom": CUSTOM, "second": SecondAccount(), "third": SecondAccount(name="third")})
    others = tvquant("parity", "mine", "--simulators", "second,third", "-w", home)
    assert others.code == 0
    assert "the run's own book is by custom, which does not play" in others.err
