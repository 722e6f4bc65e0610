"""The state of the data that the run was made from."""

from tvquant.lake import AssetHealth
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import NOTHING, count, day, number
from tvquant.report.markdown import health_of
from tvquant.report.run import RunData, health_counts
from tvquant.report.sections.contract import Section

MEANING = (
    "ok: nothing is missing and nothing is old. ok_market_closed: no newer bar can be there. delisted: its bars reach "
    "to its end. gaps: bars are missing beyond what the market tolerates. masked: bars that cannot be used are left "
    "out. stale: the last bar is too old. dropped: there are too few bars to decide on. missing: there is no valid "
    "bar. contradicted, accepted: prices deny their declared basis, or actions. Findings are of the data audit, notes "
    "left out. A decision judges an asset by what was known at its date, so one that is not healthy now may have been "
    "held before."
)


def draw(run: RunData) -> tuple[Block, ...]:
    """Return counts by state, and every asset that is not healthy or that the audit found something odd about."""
    assets = run.health
    status, _ = health_of(run)
    odd = [asset for asset in assets if not asset.state.fine]
    counts = Facts(
        pairs=(
            ("Status", status),
            ("Healthy", f"{len(assets) - len(odd)} of {len(assets)} assets"),
            *((state, f"{n} of {len(assets)} assets") for state, n in health_counts(assets).items()),
        )
    )
    listed = [asset for asset in assets if not asset.state.fine or asset.findings]
    if not listed:
        return (counts, Text(text="Every asset is healthy: no bar is missing beyond what its market tolerates."))
    head = ("asset", "state", "first bar", "last bar", "age", "bars", "missing bars", "tolerated", "findings")
    return (counts, Text(text=MEANING), Table(head=head, rows=tuple(_row(asset) for asset in listed), texts=4))


def _row(asset: AssetHealth) -> tuple[str, ...]:
    """Return one line; the age is in days from the close of the last bar."""
    return (
        asset.key,
        asset.state.value,
        day(asset.first),
        day(asset.last),
        NOTHING if asset.age_hours is None else f"{number(asset.age_hours / 24, 1)} d",
        count(asset.bars),
        count(asset.gaps),
        count(asset.tolerated),
        count(asset.findings),
    )


HEALTH = Section(key="health", title="Data health", draw=draw, of_run=True)
