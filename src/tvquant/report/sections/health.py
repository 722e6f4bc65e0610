"""The state of the data that the run was made from."""

from tvquant.lake import HealthState
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.markdown import health_of
from tvquant.report.run import RunData, health_counts
from tvquant.report.sections.contract import Section
from tvquant.report.wording import count, day


def draw(run: RunData) -> tuple[Block, ...]:
    """Counts by state, and every asset that is not OK."""
    assets = run.health()
    status, _ = health_of(run)
    counts = Facts(
        pairs=(
            ("Status", status),
            *((state, f"{n} of {len(assets)} assets") for state, n in health_counts(assets).items()),
        )
    )
    odd = [asset for asset in assets if asset["state"] != HealthState.OK]
    if not odd:
        return (counts, Text(text="Every asset is OK: no bar is missing beyond what its market tolerates."))
    rows = tuple(
        (
            a["key"],
            a["state"],
            day(a["first"]),
            day(a["last"]),
            count(a["bars"]),
            count(a["gaps"]),
            count(a["tolerated"]),
        )
        for a in odd
    )
    head = ("asset", "state", "first bar", "last bar", "bars", "missing bars", "tolerated")
    return (counts, Table(head=head, rows=rows, texts=4))


HEALTH = Section(key="health", title="Data health", draw=draw)
