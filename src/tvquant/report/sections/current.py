"""What the headline would hold now."""

from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.wording import count, percent


def draw(run: RunData) -> tuple[Block, ...]:
    """Weights decided on the last row, how they were found, and the limits they keep."""
    decision = run.decision()
    weights, made = dict(decision["weights"]), decision["allocation"]
    when = str(decision["as_of"]).split(".")[0].replace("T", " ")
    facts = [("As of", f"{when} UTC, the close of the last row"), ("Names", count(len(weights)))]
    if made is None:
        return (Text(text="No name was eligible on the last row: all cash.", tone="warning"), Facts(pairs=tuple(facts)))
    facts += [
        ("Engine and risk profile", f"{made['engine']}, {made['risk_profile']}: {made['status'].replace('_', ' ')}"),
        ("Attempts", "; ".join(f"{a['what']}: {a['outcome']}" for a in made["attempts"]) or "none recorded"),
    ]
    rows = [(name, percent(weights[name], 2)) for name in sorted(weights, key=lambda n: (-abs(weights[n]), n))]
    rows.append(("cash", percent(1.0 - sum(weights.values()), 2)))
    limits = tuple((c["name"], percent(c["limit"], 2), percent(c["value"], 2)) for c in made["constraints"])
    blocks: tuple[Block, ...] = (
        Facts(pairs=tuple(facts)),
        Table(head=("symbol", "weight, % of equity"), rows=tuple(rows)),
        Text(text="Decided from an empty book; these are targets, not orders.", tone="note"),
    )
    return (*blocks, Table(head=("limit", "at most", "found"), rows=limits)) if limits else blocks


CURRENT = Section(key="current", title="Current weights", draw=draw)
