"""Reports of a run, drawn from its own folder: `report/index.html`, `INDEX.md`, and the INDEX.md of all runs."""

from tvquant.report.markdown import write_index
from tvquant.report.render import write_report
from tvquant.report.run import standings

__all__ = ["standings", "write_index", "write_report"]
