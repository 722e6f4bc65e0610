"""Reports of a run, drawn from its own folder: `report/index.html`, `INDEX.md`, and the INDEX.md of all runs."""

from tvquant.report.caveats import caveats
from tvquant.report.index import write_index
from tvquant.report.run import read_run, standings
from tvquant.report.tracks import standings_of
from tvquant.report.writing import write_report

__all__ = ["caveats", "read_run", "standings", "standings_of", "write_index", "write_report"]
