"""What the headline would hold now."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tvquant.core.allocations import Status
from tvquant.core.atoms import Atom
from tvquant.core.decisions import Footing
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import count, day, number, percent, plain, short, some
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section

MISSING = 12
"""Names without a bar that are shown."""
FLOOR = "_low"
"""End of the name of a limit from below; it is recorded with both sides negated."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Net weights decided on the last row, the atoms behind them, how they were found, and the limits they keep."""
    decision = run.decision()
    weights, made = dict(decision["weights"]), decision["allocation"]
    facts = [*_footing(run), ("Names", count(len(weights)))]
    if made is None:
        why = decision["failure"] or "No name was eligible on the last row"
        return (Text(text=f"{why.rstrip('.')}: all cash.", tone="warning"), Facts(pairs=tuple(facts)))
    cash = 1.0 - sum(decision["atoms"].values())
    facts += [
        ("Gross and net", f"{percent(sum(map(abs, weights.values())))} and {percent(sum(weights.values()))} of equity"),
        ("Cash", f"{percent(cash)}, of which caps force {percent(made['forced_cash'])}"),
        ("Engine and risk profile", f"{made['engine']}, {made['risk_profile']}: {plain(made['status'])}"),
        ("Attempts", "; ".join(f"{a['what']}: {a['outcome']}" for a in made["attempts"]) or "none recorded"),
        ("Selection", _selection(decision["selection"])),
    ]
    netting = decision["netting"]
    if netting is not None and netting["moved"] > 0:
        facts.append(("Taken away after netting", f"{percent(netting['moved'], 2)} of equity, now cash"))
    limits = tuple(_limit(c) for c in (netting or made)["constraints"])
    blocks: tuple[Block, ...] = (
        Facts(pairs=tuple(facts)),
        _holdings(decision, cash),
        Text(
            text="These are targets, not orders. Clusters are given as selection / allocation.",
            tone="note",
        ),
    )
    failed = (Text(text="No weights could be found, so all is cash: see the attempts.", tone="warning"),)
    told = blocks if weights or made["status"] != Status.FAILED else (*failed, *blocks)
    return (*told, Table(head=("limit", "allowed", "found"), rows=limits)) if limits else told


def _footing(run: RunData) -> list[tuple[str, str]]:
    """The bar that was decided on, its age when the run began, who lacks it, and what was held before."""
    decision, on = run.decision(), run.footing()
    known = datetime.fromisoformat(decision["as_of"]).replace(tzinfo=UTC)
    age = (run.began - known) / timedelta(days=1)
    facts = [
        ("As of", f"{known:%Y-%m-%d %H:%M:%S} UTC, the close of the bar of {day(on['bar'])}"),
        ("Age of that bar", f"{number(age, 1)} days when the run began"),
    ]
    if why := Footing.of(decision["footing"]).departure:
        facts.append(("Quorum", why))
    held = "; ".join(f"{atom} {percent(weight, 2)}" for atom, weight in on["held"].items())
    return [
        *facts,
        ("Names missing that bar", some(on["missing"], MISSING) or "none of those with a bar in five sessions"),
        ("Decided from", held or "nothing held"),
    ]


def _selection(said: Mapping[str, Any]) -> str:
    flags = f"; {', '.join(plain(flag) for flag in said['flags'])}" if said["flags"] else ""
    return f"{said['model']} {said['version']}: {count(len(said['winners']))} winners at stage {said['stage']}{flags}"


def _holdings(decision: Mapping[str, Any], cash: float) -> Table:
    """One row per net weight, the largest first: direction, the atoms behind it, clusters, and how these came in."""
    clusters = decision["selection"]["clusters"], decision["allocation"]["clusters"]
    atoms: dict[str, list[tuple[Atom, str]]] = {}
    for winner in decision["selection"]["winners"]:
        atom = Atom.of(winner)
        if atom.symbol in decision["atoms"]:
            atoms.setdefault(atom.physical_symbol, []).append((atom, winner["how"]))
    weights = decision["weights"]
    rows = []
    for name in sorted(weights, key=lambda n: (-abs(weights[n]), n)):
        behind = atoms.get(name, [])
        rows.append((
            name,
            "long" if weights[name] > 0 else "short",
            _each([short(atom) for atom, _ in behind]),
            _each([plain(how) for _, how in behind]),
            _each([" / ".join(str(found.get(atom.symbol, 0)) for found in clusters) for atom, _ in behind]),
            percent(weights[name], 2),
        ))  # fmt: skip
    rows.append(("cash", "", "", "", "", percent(cash, 2)))
    head = ("symbol", "direction", "atoms", "came in as", "clusters", "weight, % of equity")
    return Table(head=head, rows=tuple(rows), texts=5)


def _each(words: list[str]) -> str:
    """The words, those that are alike once."""
    return ", ".join(dict.fromkeys(words))


def _limit(constraint: Mapping[str, Any]) -> tuple[str, str, str]:
    """A limit as verified, with those from below the right way up."""
    name, limit, value = constraint["name"], constraint["limit"], constraint["value"]
    if name.endswith(FLOOR):
        return (plain(name), f"≥ {percent(-limit, 2)}", percent(0.0 - value, 2))
    return (plain(name), f"≤ {percent(limit, 2)}", percent(value, 2))


CURRENT = Section(key="current", title="Current weights", draw=draw)
