from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import tvquant as tv
from tvquant.lake import import_files
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import RunFolder


def test_a_frame_is_stored_as_its_file_would_be(tmp_path: Path, closes: pd.DataFrame, workspace: tv.Workspace) -> None:
    from builders.clocks import NOON
    from builders.workspaces import workspace_of

    other = workspace_of(tmp_path / "files")
    rows = closes.stack().rename("close").rename_axis(["timestamp", "symbol"]).reset_index()
    file = tmp_path / "bars.parquet"
    pl.from_pandas(rows).with_columns(pl.col("timestamp").dt.date()).write_parquet(file)
    import_files(other.lake(), [file], recorded_at=NOON)
    ours, theirs = (one.lake().contents().pinned(sorted(closes.columns)) for one in (workspace.home, other))
    assert ours.snapshot.digest == theirs.snapshot.digest
    again = workspace.import_frame(closes)
    assert (again.stored, again.duplicates) == (0, closes.size)


def test_what_is_wrong_with_a_frame_is_said_of_the_frame(tmp_path: Path, closes: pd.DataFrame) -> None:
    made = tv.Workspace.create(tmp_path / "ws")
    bars = pd.DataFrame({"close": [1.0, 2.0], "symbol": ["NASDAQ:AAPL", "NOWHERE:X"]}, index=closes.index[:2])
    with pytest.raises(tv.ProfileError, match="NASDAQ:AAPL are adjusted for is not known; declare basis raw, split or"):
        made.import_frame(bars)
    with pytest.raises(tv.ProfileError, match="basis: unknown basis 'splits' - did you mean split"):
        made.import_frame(bars, "splits")
    with pytest.raises(tv.DataError, match=r"^frame: row 0, column 'Date': 2023-01-01 01:00:00 has no zone"):
        made.import_frame(bars.set_axis(bars.index + pd.Timedelta("1h")), "split")
    with pytest.warns(UserWarning, match="left out whole: NOWHERE:X .NOWHERE:X: frame: row 1"):
        done = made.import_frame(bars, "split")
    assert (done.stored, list(done.refused)) == (1, ["NOWHERE:X"])
    with pytest.raises(tv.DataError, match=r"take its good rows with quarantine=True$"):
        made.import_frame(bars.assign(symbol=["NASDAQ:MSFT", None]), "split")
    assert made.import_frame(bars, "split", quarantine=True).quarantined == 1


def test_a_run_is_the_commands_run_and_prints_nothing(
    workspace: tv.Workspace, profile: dict[str, Any], run: tv.Run, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    again = workspace.run(profile, again=True, progress=told.append)
    assert capfd.readouterr() == ("", "")
    assert told[0] == "stage 1 environment"
    assert [line for line in told if line.endswith("decisions")][-1].split(" of ")[0] == told[-2].split(" of ")[0]
    assert again.id != run.id
    results = [RecordedRun(RunFolder(one.folder)).sealed for one in (run, again)]
    assert results[0] == results[1]
    assert workspace.run({**profile, "name": "other"}).id == again.id  # the plan is the same, whatever its name
    listed = workspace.runs()
    assert listed["run"].to_list() == [run.id, again.id]
    assert listed["profile"].to_list() == ["from_python"] * 2
    assert listed["state"].to_list() == ["ok"] * 2
    assert (workspace.latest().id, workspace.find(run.id[-6:]).id) == (again.id, run.id)
    assert (workspace.root / "artifacts" / "summaries" / "INDEX.md").is_file()


def test_a_profile_may_be_a_file_and_what_is_wrong_is_said_as_elsewhere(
    workspace: tv.Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\nextends: crypto_spot\ndata: {spann: 3}\n", encoding="utf-8")
    for given in (file, str(file)):
        with pytest.raises(tv.ProfileError, match=r"profile mine: data.spann: unknown key - did you mean data.span\?"):
            workspace.run(given)
    with pytest.raises(tv.ProfileError, match=r"no profile 'crypto_spt' - did you mean crypto_spot\?"):
        workspace.run("crypto_spt")
    with pytest.raises(tv.ProfileError, match=r"profile: expected a name, a file or a mapping, found nothing \(null\)"):
        workspace.run(None)  # type: ignore[arg-type]
    with pytest.raises(tv.ProfileError, match="is not a tvquant workspace"):
        tv.Workspace.open(tmp_path / "none")
    empty = tv.Workspace.create(tmp_path / "empty")
    assert (empty.runs().height, tv.Workspace.open(empty.root).root) == (0, empty.root)
    with pytest.raises(tv.ProfileError, match="there are no runs here yet"):
        empty.latest()
    with empty.home.writing(), pytest.raises(tv.DataError, match="is writing in"):
        empty.run("crypto_spot")
