"""A meta-portfolio from a lake to weights: two rating sleeves, what one account holds, and what became of it."""

import json

import numpy as np
import polars as pl
import pytest

from builders.metas import CELL, Told, played, played_meta, read, write_meta
from tvquant.api.workspaces import Workspace as Opened
from tvquant.app.cli import main
from tvquant.app.meta.sources import Sources
from tvquant.app.parity_case import meta_case
from tvquant.app.pinned_snapshot import pinned_snapshots
from tvquant.app.resume import resume
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, LedgerError, ProfileError
from tvquant.core.stages import Stage
from tvquant.ledger import Integrity, records
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.simulation import SIMULATORS

pytestmark = pytest.mark.xdist_group("meta")
META, MIX = "meta/custom/hrp", "mix/equal"


@pytest.fixture(scope="module")
def pair(sleeves_home: Workspace) -> RecordedRun:
    return RecordedRun(played_meta(sleeves_home, "pair").folder)


@pytest.mark.requirement("R-META-18")
def test_a_run_of_sleeves_is_a_run_that_verifies_and_is_found_again(sleeves_home: Workspace, pair: RecordedRun) -> None:
    assert pair.verification.finished
    assert not pair.verification.unpaired
    assert set(pair.leaves) == {f"{META}/custom", f"{MIX}/custom"}
    assert sorted(pair.stages) == [1, 6, 14, 15, 16]
    assert pair.plan is not None
    said: list[str] = []
    assert len(list(pinned_snapshots(sleeves_home, said.append))) == 2  # those of the sleeves; it pins no data itself
    assert said == []
    told = Told()
    again = played_meta(sleeves_home, "pair", told)
    assert (again.folder.id, again.reused, told.stages) == (pair.folder.id, True, [])
    assert told.notes == ["sleeve 1 of 2: longs", "sleeve 2 of 2: shorts"]
    named = {one["name"]: (one["run"], one["result"]) for one in json.loads(pair.plan.snapshot)}
    for name in ("longs", "shorts"):
        sleeve = read(sleeves_home, name)
        assert named[name] == (sleeve.run_id, sleeve.sealed)


def test_what_is_decided_once_is_recorded_once_with_its_digest(pair: RecordedRun) -> None:
    decided = pair.table("shares", META)["decided_at"].n_unique()
    for path in (META, MIX):
        made = list(records(pair.folder.path, chain=f"decision/{path}", kind="decision"))
        assert [one.metrics["row"] for one in made] == sorted({one.metrics["row"] for one in made})
        windows = pair.table("windows", f"{path}/custom")
        assert [one.data["decided_at"] for one in made] == [
            f"{at:%Y-%m-%dT%H:%M:%S.%f}" for at in windows["decided_at"]
        ]
        assert len(list(records(pair.folder.path, chain=f"weighing/{path}"))) == decided


@pytest.mark.requirement("R-META-11")
@pytest.mark.requirement("R-META-18")
def test_every_weight_is_the_sum_of_what_sleeves_hold_at_their_shares(
    sleeves_home: Workspace, pair: RecordedRun
) -> None:
    """Where a sleeve decides, each of its atoms has its share times the size that the sleeve's own run recorded."""
    compared = 0
    for path in (META, MIX):
        tree = pair.table("tree", path)
        net = tree.group_by("decided_at", "symbol").agg(pl.col("weight").sum())
        both = pair.table("weights", f"{path}/custom").join(net, on=["decided_at", "symbol"], suffix="_sum")
        assert len(both) == len(net)
        assert (both["weight"] - both["weight_sum"]).abs().max() < 1e-12
        moved = dict(pair.table("windows", f"{path}/custom").select("decided_at", "moved").iter_rows())
        for name, sign in (("longs", 1.0), ("shorts", -1.0)):
            own = read(sleeves_home, name).table("atoms", CELL).filter(pl.col("weight") > 0.0)
            held = own.select("decided_at", atom=pl.format("{}/{}", pl.lit(name), "atom"), size="weight")
            found = tree.filter(pl.col("sleeve") == name).join(held, on=["decided_at", "atom"])
            for at, share, weight, size in found.select("decided_at", "share", "weight", "size").iter_rows():
                if moved[at] < 1e-12:
                    assert weight == pytest.approx(sign * share * size, abs=1e-12)
                    compared += 1
    assert compared > 10


@pytest.mark.requirement("R-META-12")
@pytest.mark.requirement("R-META-18")
def test_the_account_is_what_prices_and_costs_make_of_its_weights(sleeves_home: Workspace, pair: RecordedRun) -> None:
    """Kept once more by hand: quantities at the close that decides, filled at the next open, shorts borrowed."""
    bars = pl.read_parquet(sleeves_home.root.with_name("ws.parquet")).sort("timestamp")
    bars = bars.with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    opens, closes = (bars.pivot("symbol", index="timestamp", values=name) for name in ("open", "close"))
    names, days = opens.columns[1:], opens["timestamp"].to_list()
    first, last = (np.nan_to_num(frame.select(names).to_numpy()) for frame in (opens, closes))
    for path in (META, MIX):
        book, weights = pair.table("returns", f"{path}/custom"), pair.table("weights", f"{path}/custom")
        decided = set(pair.table("windows", f"{path}/custom")["decided_at"])
        equity = cash = 1.0
        held, short = np.zeros(len(names)), 0.0
        for k, row in enumerate(range(days.index(book["time"][0]), len(days))):
            if days[row - 1] in decided:
                at = weights.filter(pl.col("decided_at") == days[row - 1])
                given = dict(at.select("symbol", "weight").iter_rows())
                orders = np.array([equity * given.get(name, 0.0) for name in names])
                orders = np.divide(orders, last[row - 1], out=np.zeros(len(names)), where=last[row - 1] > 0.0) - held
                value = orders * first[row]
                cash -= value.sum() + 6e-4 * np.abs(value).sum()
                held = held + orders
            assert book["borrow"][k] == pytest.approx(0.02 / 365.0 * short, abs=1e-12)
            cash -= book["borrow"][k] + book["overdraft"][k]
            equity, short = cash + held @ last[row], -(held * last[row]).clip(max=0.0).sum()
            assert equity == pytest.approx(book["equity"][k], abs=1e-10)
        assert (book["return"] + 1.0).product() == pytest.approx(equity, abs=1e-10)
        assert short > 0.1


def test_the_mix_stands_beside_the_account_and_holds_streams(pair: RecordedRun) -> None:
    streams = {name: pair.table("streams", f"{name}/hrp") for name in ("longs", "shorts")}
    levels = {name: dict(one.select("time", "level").iter_rows()) for name, one in streams.items()}
    mix, decided = pair.table("mixes", MIX), set(pair.table("shares", MIX)["decided_at"])
    since, worth = mix["time"][0], 1.0
    for at, level in mix.select("time", "level").iter_rows():
        found = worth * sum(0.5 * one[at] / one[since] for one in levels.values())
        assert level == pytest.approx(found, abs=1e-12)
        if at in decided:
            since, worth = at, found


def test_what_it_is_measured_against_is_what_prices_say_on_the_common_dates(
    sleeves_home: Workspace, pair: RecordedRun
) -> None:
    bars = pl.read_parquet(sleeves_home.root.with_name("ws.parquet")).filter(symbol="BINANCE:AAAUSDT")
    closes = dict(bars.with_columns(pl.col("timestamp").dt.replace_time_zone(None)).select("timestamp", "close").rows())
    found, mix = pair.table("benchmark"), pair.table("mixes", META)
    assert found["time"].to_list() == mix["time"].to_list()
    for at, level in found.select("time", "level").iter_rows():
        assert level == pytest.approx(closes[at] / closes[found["time"][0]], rel=1e-12)


@pytest.mark.requirement("R-SYN-07")
def test_each_stream_is_a_file_that_says_what_it_is(pair: RecordedRun) -> None:
    for name in ("longs", "shorts"):
        file = f"streams/{name}/custom_custom_hrp.parquet"
        assert file in pair.files
        told = json.loads(pl.read_parquet_metadata(pair.folder.path / file)["tvquant"])
        assert (told["sleeve"], told["cell"], told["convention"], told["calendar"]) == (name, CELL, "next_open", "24x7")
        assert told["costs"]["costs.slippage_bps"] == 5.0
        stream = pl.read_parquet(pair.folder.path / file, glob=False)
        assert (str(stream["time"][0])[:10], stream["level"][0]) == (told["first"], 1.0)


@pytest.mark.requirement("R-META-05")
@pytest.mark.requirement("R-META-06")
def test_a_sleeve_that_is_not_there_ends_the_run_by_its_name(home: Workspace) -> None:
    gone = "20200101T000000-shorts-abcdef"
    write_meta(home, "broken", f"{{longs: {{}}, shorts: {{run: {gone}}}}}")
    told = Told()
    with pytest.raises(LedgerError, match=f"shorts: its pinned run {gone} is not in this workspace"):
        played_meta(home, "broken", told)
    assert told.notes[-1] == "sleeve shorts does not pass its gates"  # nothing is left out of a run that ends
    left = RecordedRun(home.all_runs()[-1])
    assert left.verification.status is Integrity.INCOMPLETE
    gates = {(g.data["gate"], *g.data["sleeves"]): g.data["passed"] for g in records(left.folder.path, kind="gate")}
    assert gates["completeness", "longs"]
    assert not gates["completeness", "shorts"]
    assert gates["sign", "longs"]
    (home.profiles / "new.yaml").write_text("version: 1\nextends: longs\nselection: {top_n: 3}\n")
    write_meta(home, "slow", f"{{new: {{}}, shorts: {{run: {gone}}}}}")
    before = home.all_runs()
    with pytest.raises(LedgerError, match=f"sleeve new: not played, for shorts: its pinned run {gone} is not"):
        played_meta(home, "slow")
    assert home.all_runs() == before
    (home.profiles / "hollow.yaml").write_text("version: 1\nextends: shorts\nuniverse: {symbols: ['BINANCE:NOUSDT']}\n")
    write_meta(home, "hollow_pair", "{longs: {}, hollow: {}}")
    before = home.all_runs()
    with pytest.raises(DataError, match="sleeve hollow: "):
        played_meta(home, "hollow_pair")
    assert home.all_runs() == before


@pytest.mark.requirement("R-META-05")
def test_a_sleeve_that_fails_is_left_out_where_the_profile_lets_it_and_the_page_says_fail(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a mix gives it is cash; a profile that is only tried out is never promoted."""
    gone = "{profile: longs, run: 20200101T000000-longs-abcdef}"
    write_meta(
        home, "fewer", f"{{longs: {{}}, shorts: {{}}, gone: {gone}}}",
        more=", mixes: {core: {longs: 0.5, shorts: 0.2, gone: 0.3}}", other="gates: {drop: true}\npromotable: false",
    )  # fmt: skip
    left = RecordedRun(played_meta(home, "fewer").folder)
    assert set(left.leaves) == {f"{META}/custom", f"{MIX}/custom", "mix/core/custom"}
    shares = left.table("shares", "mix/core").select("sleeve", "share").unique().sort("sleeve")
    assert shares.rows() == [("longs", 0.5), ("shorts", 0.2)]
    assert "FAIL: 2 of 3 sleeves were weighed; left out: gone" in left.folder.report.read_text("utf-8")
    assert main(["promote", left.run_id, "-w", str(home.root)]) == 2
    assert "its key promotable is false" in capsys.readouterr().err


@pytest.mark.requirement("R-META-05")
def test_an_interrupted_run_proves_nothing_and_is_simply_asked_for_again(home: Workspace) -> None:
    first = played_meta(home, "pair")
    for stage in (Stage.NATURAL_SELECTION, Stage.REPORTING):
        with pytest.raises(KeyboardInterrupt):
            played_meta(home, "pair", Told(stop=stage), again=True)
        killed = RecordedRun(home.all_runs()[-1])
        assert killed.verification.status is Integrity.INCOMPLETE
        assert killed.seal is None
    assert played_meta(home, "pair") == first
    with pytest.raises(ProfileError, match=r"is of a meta-portfolio.*`tvquant meta pair` plays it anew"):
        resume(home, killed.folder, clock=None, jobs=1, watcher=Told())  # type: ignore[arg-type]
    anew = played_meta(home, "pair", again=True)
    assert anew.folder.id not in (first.folder.id, killed.folder.id)
    assert anew.result == first.result


def test_python_plays_and_finds_it(home: Workspace, pair: RecordedRun) -> None:
    here = Opened.open(home.root)
    assert here.meta("pair").id == pair.run_id
    told: list[str] = []
    anew = here.meta(
        {"sleeves": {"longs": {}, "shorts": {}}, "windows": {"step": 50}}, again=True, progress=told.append
    )
    assert anew.headline["sharpe"] is not None
    assert "sleeve 2 of 2: shorts" in told
    with pytest.raises(ProfileError, match="no sleeves"):
        here.meta("longs")
    played_meta(home, "pair", again=True)
    with pytest.raises(ProfileError, match=f"'pair' is ambiguous; the last of 2 that it fits: {pair.run_id}, "):
        here.find("pair")


def test_whoever_removes_a_sleeves_run_is_told_whose_sleeve_it_is(
    home: Workspace, pair: RecordedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run, where = read(home, "shorts").run_id, ["-w", str(home.root), "--json"]
    assert main(["runs", "prune", "--keep", "1", "--dry-run", *where]) == 0
    assert pair.run_id in json.loads(capsys.readouterr().out)["made_of_them"]
    assert main(["runs", "rm", pair.run_id, "--yes", *where]) == 0
    assert json.loads(capsys.readouterr().out)["made_of_it"] == []
    copy = played_meta(home, "pair").folder.id
    assert main(["runs", "rm", run, "--yes", "-w", str(home.root)]) == 0
    assert f"Made of what goes: {copy}; that verifies still" in capsys.readouterr().out


def test_an_interrupted_sleeve_goes_on(home: Workspace) -> None:
    (home.profiles / "more.yaml").write_text("version: 1\nextends: longs\ndescription: More.\nselection: {top_n: 3}\n")
    with pytest.raises(KeyboardInterrupt):
        played(home, "more", Told(stop=Stage.REPORTING))
    begun = home.all_runs()[-1].id
    write_meta(home, "both", "{more: {}, shorts: {}}")
    told = Told(stop=Stage.OPTIMISATION)
    with pytest.raises(KeyboardInterrupt):
        played_meta(home, "both", told)
    assert f"run {begun} was interrupted, and goes on" in told.notes
    done = RecordedRun(home.all_runs()[-1])
    assert done.plan is not None
    assert begun in done.plan.snapshot


@pytest.mark.requirement("R-META-01")
def test_a_meta_portfolio_is_a_sleeve_of_another(home: Workspace) -> None:
    """Its atoms are those of its own sleeves, and its stream is its account."""
    write_meta(home, "outer", "{pair: {}, shorts: {}}", other="gates: {exceptions: [windows.train]}")
    outer = RecordedRun(played_meta(home, "outer").folder)
    inner = RecordedRun(played_meta(home, "pair").folder)
    tree = outer.table("tree", MIX)
    assert {atom.split("/")[1] for atom in tree.filter(pl.col("sleeve") == "pair")["atom"]} == {"longs", "shorts"}
    stream = pl.read_parquet(outer.folder.path / "streams/pair/custom_custom_hrp.parquet", glob=False)
    assert stream["level"][1:].to_list() == inner.table("returns", f"{META}/custom")["equity"].to_list()
    net = tree.group_by("decided_at", "symbol").agg(pl.col("weight").sum()).filter(pl.col("weight").abs() > 1e-12)
    both = net.join(outer.table("weights", f"{MIX}/custom"), on=["decided_at", "symbol"], suffix="_held")
    assert len(both) == len(net)
    assert (both["weight"] - both["weight_held"]).abs().max() < 1e-12


def test_the_account_behind_a_nested_sleeve_is_put_together_once(sleeves_home: Workspace, pair: RecordedRun) -> None:
    """Its sleeves' ledgers are verified and their panels united for it: whoever asks again gets the same."""
    sources = Sources(sleeves_home)
    found = sources.group(pair, "hrp")
    assert sources.group(pair, "hrp") is found
    assert sources.panel(pair, "hrp") is found.account.panel


@pytest.mark.requirement("R-SIM-18")
def test_parity_plays_the_netted_weights_on_the_account(sleeves_home: Workspace, pair: RecordedRun) -> None:
    """What every simulator is given makes the book that the run recorded; another weight would not."""
    for name in (f"{META}/custom", f"{MIX}/custom"):
        case = meta_case(sleeves_home, pair, name)
        book = SIMULATORS["custom"].simulate(
            case.panel, case.path, (), costs=case.costs, execution=case.cell.book.execution
        )
        assert book.equity.tolist() == pair.table("returns", name)["equity"].to_list()
        assert (case.cell.key, case.measure.periods_per_year) == (name, 365)
    with pytest.raises(ProfileError, match="--cell: unknown cell 'meta/custom/hrp/nautilus'"):
        meta_case(sleeves_home, pair, f"{META}/nautilus")


@pytest.mark.requirement("R-META-16")
def test_evidence_of_parity_is_asked_for_where_the_profile_does(home: Workspace) -> None:
    write_meta(home, "proven", other="gates: {parity: true}")
    runs = {name: read(home, name) for name in ("longs", "shorts")}
    asked = f"make it by `tvquant parity {runs['longs'].run_id} --cell {CELL}`"
    with pytest.raises(LedgerError, match=asked):
        played_meta(home, "proven")
    for run in runs.values():
        _evidence(run, passed=True)
    with pytest.raises(KeyboardInterrupt):  # behind the gates
        played_meta(home, "proven", Told(stop=Stage.OPTIMISATION))
    _evidence(runs["shorts"], passed=False)
    with pytest.raises(LedgerError, match="shorts: its simulators do not keep the same book"):
        played_meta(home, "proven", again=True)
    _evidence(runs["shorts"], passed=True, code="another")
    with pytest.raises(LedgerError, match="shorts: its evidence of parity is of another result or of other code"):
        played_meta(home, "proven", again=True)


def _evidence(run: RecordedRun, *, passed: bool, code: str = "") -> None:
    from tvquant.app.identity import source_digest

    settings = [{"binds": True, "played": ["custom", "nautilus"]}, {"binds": False, "played": ["custom"]}]
    document = {
        "run": run.run_id, "cell": CELL, "result": run.sealed, "code": code or source_digest(), "passed": passed,
        "settings": settings,
    }  # fmt: skip
    run.folder.write_json(f"parity/{CELL.replace('/', '+')}.json", document)


def test_commands_play_and_show_it(
    sleeves_home: Workspace, pair: RecordedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["-w", str(sleeves_home.root)]

    def said(*words: str) -> str:
        capsys.readouterr()
        assert main([*words, *where]) == 0, words
        return capsys.readouterr().out

    document = json.loads(said("meta", "pair", "--json"))
    assert (document["run"], document["result"], document["reused"]) == (pair.run_id, pair.sealed, True)
    assert [one["sleeve"] for one in document["sleeves"]] == ["longs", "shorts"]
    assert all(one["passed"] for one in document["gates"])
    held = document["current"]
    parts = dict.fromkeys(held["weights"], 0.0)
    for one in held["tree"]:
        parts[one["symbol"]] += one["weight"]
    assert parts == pytest.approx(held["weights"], abs=1e-12)
    assert said("meta", "pair", "--tree").count("_rating_ma_SHORT") == len([w for w in parts.values() if w < 0.0])
    assert "is taken" in said("meta", "pair", "--dry-run")
    assert json.loads(said("run", "pair", "--json"))["run"] == pair.run_id
    assert "share now" in said("runs", "show", pair.run_id)
    assert "completeness of longs: passed" in said("ledger", "show", pair.run_id, "--kind", "gate")
    assert "number 13: baseline, cash 0.000" in said("ledger", "show", pair.run_id, "--kind", "weighing")
    assert main(["promote", pair.run_id, *where]) == 1
    assert "no finding of its own stops it" in capsys.readouterr().err
    assert main(["leakcheck", pair.run_id, *where]) == 2
    assert f"ask the runs of its sleeves, which `tvquant runs show {pair.run_id}` names" in capsys.readouterr().err
