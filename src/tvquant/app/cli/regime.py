"""`tvquant regime`: what the market's regime is told by."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.command_tree import Family
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note_simulated, percent, workspace_at
from tvquant.app.cli.profile import SetOption, resolved
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

    from tvquant.app.regime_calibration import Calibration
    from tvquant.profiles.regime_bands import Bands

SHOWN_ROWS = (20, 60, 126, 252)
COLUMNS = ("quiet", "turbulent", "crisis", "stress")

commands = Family()


@commands.callback()
def about() -> None:
    """What the market's regime is told by: bands of its score from noise."""


@commands.command()
def calibrate(
    name: Annotated[str, typer.Argument(metavar="PROFILE", help="Profile whose market the noise is drawn from.")],
    called: Annotated[
        str | None, typer.Option("--name", help="Name of the file. Default: that of the profile and today's date.")
    ] = None,
    draws: Annotated[int, typer.Option(min=1000, help="Series of noise by number of rows.")] = 10_000,
    overrides: SetOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write bands of the regime score from the returns before a profile's first decision.

    Noise has the tails of these returns and no memory. The file lies in profiles/bands; a profile names it by
    `regime.bands`. `docs/regime.md` says when that is worth while.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.app.regime_calibration import calibrated
    from tvquant.core.durable import write_text
    from tvquant.profiles.regime_bands import BANDS, packaged_bands

    home = workspace_at(workspace, wait)
    home.require()
    made = SystemClock().now().date()
    chosen = called or f"{name}_{made:%Y%m%d}"
    BANDS.check_name(chosen)
    path = home.profiles / BANDS.below / f"{chosen}{BANDS.suffix}"
    if path.exists():
        raise ProfileError(f"{path.parent.name}/{path.name} is there already; remove it, or give another --name")
    with watching("regime"):
        found = calibrated(home.lake(), resolved(home, name, overrides or []), made=made, draws=draws)
    note_simulated(home.lake())
    with home.writing():
        write_text(path, json.dumps(found.bands.model_dump(mode="json")) + "\n")
    answer(_document(found, chosen, path), _text(found, packaged_bands(), chosen, path), as_json=as_json)


def _document(found: "Calibration", name: str, path: "Path") -> dict[str, Any]:
    return {
        "name": name,
        "file": str(path),
        "digest": found.bands.digest,
        "bands": found.bands.model_dump(mode="json"),
        "history": {label.value: share for label, share in found.shares.items()},
        "looks": found.looks,
    }


def _text(found: "Calibration", packaged: "Bands", name: str, path: "Path") -> list[str]:
    bands, sample = found.bands, found.bands.sample
    assert sample is not None
    rows = [
        (source, n, *(f"{getattr(one, column)[one.rows.index(n)]:.3f}" for column in COLUMNS))
        for n in SHOWN_ROWS
        for source, one in (("this market", bands), ("packaged", packaged))
    ]
    shares = ", ".join(f"{label.value} {percent(share, 0)}" for label, share in found.shares.items())
    return [
        f"market   {sample.profile}, {sample.rows} returns from {sample.first} to {sample.last}, all known before its "
        "first decision",
        f"noise    {bands.draws} series by number of rows, drawn from these returns, seed {bands.seed}",
        f"labels   {shares}: on that history itself, at {found.looks} looks",
        "",
        table(("noise of", "rows", *COLUMNS), rows, right=range(1, 2 + len(COLUMNS))),
        "",
        f"file     {path}",
        f"digest   {bands.digest}",
        "",
        "Nothing uses it yet; in the profile write",
        "",
        "regime:",
        f"  bands: {name}",
    ]
