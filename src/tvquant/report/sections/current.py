"""What the headline would hold now."""

from datetime import timedelta

from tvquant.core.allocations import AllocationOutcome, Constraint, Status
from tvquant.core.atoms import Atom
from tvquant.core.decisions import Decision
from tvquant.core.instants import moment
from tvquant.core.instruments import Kind, symbol_of
from tvquant.core.problems import LEAST
from tvquant.core.selection import SelectionResponse
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import count, day, number, percent, plain, short, some
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.symbology.kinds import structure

MISSING = 12
"""Names without a bar that are shown."""
FLOOR = "_low"
"""End of the name of a limit from below; it is recorded with both sides negated."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Net weights decided on the last row, the atoms behind them, how they were found, and the limits they keep."""
    decision = run.current.decision
    weights, made, response, netting = decision.weights, decision.allocation, decision.response, decision.netting
    facts = [*_footing(run), ("Names", count(len(weights)))]
    if made is None or response is None:
        why = decision.failure or "No name was eligible on the last row"
        return (Text(text=f"{why.rstrip('.')}: all cash.", tone="warning"), Facts(pairs=tuple(facts)))
    cash = decision.cash
    gated = f", and gates leave out {percent(decision.gate_cash)}" if decision.gate_cash > 0.0 else ""
    bounds = f" and reference bounds keep {percent(made.reference_cash)}" if made.reference_cash else ""
    facts += [
        ("Gross and net", f"{percent(sum(map(abs, weights.values())))} and {percent(sum(weights.values()))} of equity"),
        ("Cash", f"{percent(cash)}, of which caps force {percent(made.forced_cash)}{bounds}{gated}"),
        ("Engine and risk profile", f"{made.engine}, {made.risk_profile}: {plain(made.status)}"),
        ("Attempts", "; ".join(f"{one.what}: {one.outcome}" for one in made.attempts) or "none recorded"),
        ("Selection", _selection(response)),
    ]
    if made.barbell is not None:
        facts.append(("Barbell", made.barbell.summary))
    if made.neutrality is not None:
        facts.append(("Beta", str(made.neutrality)))
    if made.causes:
        facts.append(("Cash by cause", "; ".join(f"{why}: {percent(x, 2)}" for why, x in sorted(made.causes.items()))))
    if netting is not None and netting.moved > 0:
        facts.append(("Taken away after netting", f"{percent(netting.moved, 2)} of equity, now cash"))
    limits = tuple(_limit(one) for one in (netting or made).constraints)
    blocks: tuple[Block, ...] = (
        Facts(pairs=tuple(facts)),
        _holdings(decision, response, cash),
        Text(
            text="These are targets, not orders. Clusters are given as selection / allocation.",
            tone="note",
        ),
    )
    if not weights and made.status is Status.FAILED:
        blocks = (Text(text=f"No weights could be found, so all is cash: {_why(made)}.", tone="warning"), *blocks)
    return (*blocks, Table(head=("limit", "allowed", "found"), rows=limits)) if limits else blocks


def _why(made: AllocationOutcome) -> str:
    """Return the limits in conflict and the ways out, where there are any."""
    return "see the attempts" if made.conflict is None else str(made.conflict)


def _footing(run: RunData) -> list[tuple[str, str]]:
    """Return the bar that was decided on, its age when the run began, who lacks it, and what was held before."""
    decision, on = run.current.decision, run.current.decision.footing
    if on is None:
        raise Absent("the ledger's outcome of stage 14 (optimisation) does not name the bar that was decided on")
    known = moment(decision.as_of)
    age = (run.began - known) / timedelta(days=1)
    facts = [
        ("As of", f"{known:%Y-%m-%d %H:%M:%S} UTC, the close of the bar of {day(on.bar)}"),
        ("Age of that bar", f"{number(age, 1)} days when the run began"),
    ]
    if on.departure:
        facts.append(("Quorum", on.departure))
    held = "; ".join(f"{atom} {percent(weight, 2)}" for atom, weight in run.current.held.items())
    return [
        *facts,
        ("Names missing that bar", some(on.missing, MISSING) or "none of those with a bar in five sessions"),
        ("Decided from", held or "nothing held"),
    ]


def _selection(response: SelectionResponse) -> str:
    flags = f"; {', '.join(plain(flag) for flag in sorted(response.flags))}" if response.flags else ""
    winners = count(len(response.winners))
    return f"{response.model} {response.version}: {winners} winners at stage {response.stage}{flags}"


def _holdings(decision: Decision, response: SelectionResponse, cash: float) -> Table:
    """One row per net weight, the largest first: direction, the atoms behind it, clusters, and how these came in."""
    atoms: dict[str, list[Atom]] = {}
    for atom in response.winners:
        if atom.symbol in decision.atoms:
            atoms.setdefault(atom.physical_symbol, []).append(atom)
    weights, clusters = decision.weights, (response.clusters, decision.clusters)
    rows = []
    for name in sorted(weights, key=lambda n: (-abs(weights[n]), n)):
        behind = atoms.get(name, [])
        rows.append((
            name,
            "long" if weights[name] > 0 else _short_of(name),
            _each([_gated(atom, decision) for atom in behind]),
            _each([plain(response.recruited[atom.symbol]) for atom in behind]),
            _each([" / ".join(str(found.get(atom.symbol, 0)) for found in clusters) for atom in behind]),
            percent(weights[name], 2),
        ))  # fmt: skip
    rows.append(("cash", "", "", "", "", percent(cash, 2)))
    head = ("symbol", "direction", "atoms", "came in as", "clusters", "weight, % of equity")
    return Table(head=head, rows=tuple(rows), texts=5)


def _short_of(name: str) -> str:
    """Return how a name is held short: a perpetual needs no loan, all else is borrowed on margin (R-SIM-17)."""
    return "short, perpetual" if Kind.SWAP in structure(symbol_of(name)).kinds else "short, on margin"


def _gated(atom: Atom, decision: Decision) -> str:
    """Return an atom in little room, with the gate of one that is gated."""
    gate = decision.gates.get(atom.symbol)
    return short(atom) if gate is None else f"{short(atom)} × {gate:.4g}"


def _each(words: list[str]) -> str:
    """Return the words, those that are alike once."""
    return ", ".join(dict.fromkeys(words))


def _limit(one: Constraint) -> tuple[str, str, str]:
    """Return a limit as verified, with those from below the right way up."""
    if one.name.endswith(FLOOR) or one.name.startswith(LEAST):
        return (plain(one.name), f"≥ {percent(-one.limit, 2)}", percent(0.0 - one.value, 2))
    return (plain(one.name), f"≤ {percent(one.limit, 2)}", percent(one.value, 2))


CURRENT = Section(key="current", title="Current weights", draw=draw, of_run=True)
