"""The report of a run on the disk: what its folder alone says, drawn by what kind of run it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_parts import Absent
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import MANIFEST
from tvquant.profiles.manifest import is_of_meta
from tvquant.report import render
from tvquant.report.files import write
from tvquant.report.meta import page as meta_page
from tvquant.report.meta.run import MetaRun, read_meta
from tvquant.report.render import FOLDER, INDEX, PAGE
from tvquant.report.run import RunData, read_run

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


def read_played(folder: Path) -> RunData | MetaRun:
    """Return the run in a folder, its files held against the ledger, by what its manifest is of.

    Raises
    ------
    DataError, LedgerError : as `read_run`.
    """
    return read_meta(folder) if is_meta(folder) else read_run(folder)


def unverified(folder: Path) -> RunData | MetaRun:
    """Return the run in a folder, nothing of it held against the ledger yet."""
    return MetaRun(RunFolder(folder)) if is_meta(folder) else RunData(RunFolder(folder))


def is_meta(folder: Path) -> bool:
    """Return whether the run in a folder is a meta-portfolio's; one without a manifest that can be read is none."""
    try:
        manifest = RecordedRun(RunFolder(folder)).document(MANIFEST)
    except Absent:
        return False
    return isinstance(manifest, Mapping) and is_of_meta(manifest)


def write_report(run: Path) -> Drawn:
    """Write `report/index.html`, a page for each other cell, `report/forensic.html`, the script and `INDEX.md`.

    A meta-portfolio has no forensic page: those of its sleeves are in their own runs.

    The bytes follow from the run folder alone. A section whose artefact is missing says so. A finished run whose ledger
    answers for other bytes (another version draws otherwise) keeps them; the pages are written to `report/redrawn`
    then.

    Raises
    ------
    DataError : no ledger, no plotly, the disk refuses, or a link leads out of the folder of runs.
    LedgerError : the ledger cannot be believed, or a file is not what it says.
    ProfileError : the manifest was changed, or is of another version.
    """
    data = read_played(run)
    made = meta_page.files_of(data) if isinstance(data, MetaRun) else render.files_of(data)
    beside = any(sha256(made[name]).hexdigest() != data.files[name] for name in made if name in data.files)
    if beside:
        made = {name.replace(FOLDER, REDRAWN, 1): content for name, content in made.items() if name != INDEX}
    for name, content in made.items():
        write(run / name, content, within=run.parent)
    return Drawn(page=run / (PAGE.replace(FOLDER, REDRAWN, 1) if beside else PAGE), files=tuple(made), beside=beside)
