"""The report of a run on the disk: what its folder alone says, drawn by what kind of run it is."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tvquant.report.files import write
from tvquant.report.render import FOLDER, INDEX, PAGE, files_of
from tvquant.report.run import read_run

REDRAWN = f"{FOLDER}/redrawn"
"""Folder of pages that are not those which the ledger answers for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A report that was written.

    Parameters
    ----------
    page : where that of the headline is.
    files : paths of its files in the run folder.
    beside : the ledger answers for another page than this version draws; that one was left as it is.
    """

    page: Path
    files: tuple[str, ...]
    beside: bool


def write_report(run: Path) -> Drawn:
    """Write `report/index.html`, a page for each other cell, `report/forensic.html`, the script and `INDEX.md`.

    The bytes follow from the run folder alone. A section whose artefact is missing says so. A finished run whose ledger
    answers for other bytes (another version draws otherwise) keeps them; the pages are written to `report/redrawn`
    then.

    Raises
    ------
    DataError : no ledger, no plotly, the disk refuses, or a link leads out of the folder of runs.
    LedgerError : the ledger cannot be believed, or a file is not what it says.
    ProfileError : the manifest was changed, or is of another version.
    """
    data = read_run(run)
    made = files_of(data)
    beside = any(sha256(made[name]).hexdigest() != data.files[name] for name in made if name in data.files)
    if beside:
        made = {name.replace(FOLDER, REDRAWN, 1): content for name, content in made.items() if name != INDEX}
    for name, content in made.items():
        write(run / name, content, within=run.parent)
    return Drawn(page=run / (PAGE.replace(FOLDER, REDRAWN, 1) if beside else PAGE), files=tuple(made), beside=beside)
