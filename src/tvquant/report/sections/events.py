"""What happened to the books that nobody ordered."""

from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import day, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section

SHOWN = 50


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return counts by kind over all cells, and the first of them."""
    events = run.table("events")
    if events.is_empty():
        return (Text(text="None: nothing was closed out, left unfilled or liquidated in any cell."),)
    kinds = events["kind"].value_counts().sort("kind")
    first = events.sort("time", "cell", "symbol", maintain_order=True).head(SHOWN)
    rows = tuple(
        (day(row["time"]), row["symbol"], row["kind"].replace("_", " "), row["cell"], percent(row["value"], 2))
        for row in first.iter_rows(named=True)
    )
    note = f"The first {len(rows)} of {len(events)} events; all are in results/events.parquet."
    return (
        Facts(pairs=tuple((kind.replace("_", " "), f"{n} in all cells") for kind, n in kinds.iter_rows())),
        Table(head=("date", "symbol", "event", "cell", "value, % of equity"), rows=rows, texts=4),
        Text(text=note, tone="note"),
    )


EVENTS = Section(key="events", title="Events", draw=draw, of_run=True)
