"""The headline's decisions one by one, from its own chain: telemetry of selection, funnel, portfolio, recourse, regime.

Three tables of equal rows, so that each is readable on a small screen; what is counted over windows stands under them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tvquant.core.decisions import Decision
from tvquant.core.selection import SelectionResponse
from tvquant.ledger.recorded_parts import Absent, RecordedDecision
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import NOTHING, Shown, count, day, number, percent, plain
from tvquant.report.run import RunData
from tvquant.selection.hardening import HARDENING
from tvquant.selection.relaxation import Relaxation

LATEST = 120
"""Windows that are listed one by one, the latest; counts are of all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One window of the headline: its decision as recorded, and how it went (None where that is not told)."""

    recorded: RecordedDecision
    change: float | None
    sharpe: float | None
    drawdown: float | None

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self.recorded.decision

    @property
    def response(self) -> SelectionResponse | None:
        """What selection answered."""
        return self.decision.response

    @property
    def status(self) -> str:
        """How the decision ended."""
        return str(self.recorded.record.metrics["status"])


def steps_of(run: RunData) -> tuple[Step, ...]:
    """Return the windows of the headline, in order.

    Raises
    ------
    Absent : the ledger has no decision of it.
    """
    cell = run.headline
    found = run.decisions.get(cell.key, {})
    if not found:
        raise Absent(f"the ledger has no decision of {cell.key}")
    told = cell.forensic.get("windows", {})
    ids = told.get("window", [])
    place = {window: k for k, window in enumerate(ids)}

    def of(name: str, window: int) -> float | None:
        return told[name][place[window]] if window in place else None

    return tuple(
        Step(recorded=one, **{name: of(name, one.window) for name in ("change", "sharpe", "drawdown")})
        for one in found.values()
    )


def telemetry(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return per window how far selection was relaxed or hardened; thresholds in force and probabilities over all."""
    rows = []
    for one in steps[-LATEST:]:
        answer = one.response
        if answer is None:
            rows.append((*_when(one), *[NOTHING] * 8))
            continue
        hard = answer.thresholds.get(HARDENING, {})
        rows.append((
            *_when(one), _stage(answer.stage), " ".join(sorted(answer.flags)) or NOTHING,
            number(hard.get("mean"), 3), number(hard.get("limit"), 3), count(len(answer.scores)),
            count(len(answer.standing_vetoes)), count(len(answer.winners)), number(answer.effective_bets, 1),
        ))  # fmt: skip
    head = ("window", "decided", "stage", "flags", "mean entropy", "hardened above", "pool", "vetoed", "winners",
            "effective bets")  # fmt: skip
    return (*_listed(steps, head, rows, 4), _thresholds(steps), _probabilities(steps))


def funnel(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return per window the counts of the funnel in instruments and in atoms, and all vetoes by reason (R-LED-06)."""
    rows = []
    for one in steps[-LATEST:]:
        of = one.decision.funnel
        kept = of.selected / of.discovery if of.discovery else None
        reasons = ", ".join(f"{plain(why)} {n}" for why, n in sorted(of.vetoed.items(), key=lambda pair: -pair[1])[:4])
        rows.append((
            *_when(one), reasons or NOTHING, *map(count, (of.universe, of.discovery, of.refined, of.selected)),
            percent(kept), *map(count, (of.atoms_discovery, of.atoms_refined, of.atoms_selected)),
        ))  # fmt: skip
    head = ("window", "decided", "vetoed most", "universe", "discovery", "refined", "selected", "selected of discovery",
            "atoms: discovery", "refined", "selected")  # fmt: skip
    totals = Counter[str]()
    for one in steps:
        totals.update(one.decision.funnel.vetoed)
    if not totals:
        return (*_listed(steps, head, rows, 3), Text(text="No atom was vetoed at any window.", tone="note"))
    at = {why: sum(why in one.decision.funnel.vetoed for one in steps) for why in totals}
    lost = sum(one.decision.funnel.atoms_discovery for one in steps)
    body = tuple(
        (plain(why), count(n), percent(n / lost if lost else None), count(at[why])) for why, n in totals.most_common()
    )
    return (*_listed(steps, head, rows, 3),
            Table(head=("vetoed by", "atoms", "of discovered", "windows"), rows=body))  # fmt: skip


def portfolios(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return per window what was held under which caps, in which regime, and how it went."""
    rows = []
    for one in steps[-LATEST:]:
        known, made = one.recorded.record.metrics, one.decision
        weights = sorted(made.weights.items(), key=lambda pair: -abs(pair[1]))
        held = ", ".join(f"{key} {percent(weight)}" for key, weight in weights)
        rows.append((
            *_when(one), held or "cash", plain(made.regime.label.value) if made.regime else NOTHING, plain(one.status),
            percent(one.change), number(one.sharpe, 1), percent(one.drawdown), count(len(weights)),
            percent(known["gross"]), percent(known["net"]), percent(known["cash"]), percent(known["forced_cash"]),
            percent(known["position_cap"]), percent(known["cluster_cap"]),
        ))  # fmt: skip
    head = ("window", "decided", "held", "regime", "status", "change", "Sharpe", "drawdown", "names", "gross", "net",
            "cash", "forced cash", "position cap", "cluster cap")  # fmt: skip
    return (*_listed(steps, head, rows, 5), *_regimes(steps))


def recourse(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return every decision that was not solved the first way, and what its gates held back."""
    rows = [
        (*_when(one), plain(one.status), " ".join(plain(way.value) for way in made.recourse) or NOTHING,
         "; ".join(f"{attempt.what}: {attempt.outcome}" for attempt in made.attempts))
        for one in steps
        if (made := one.decision.allocation) is not None and (one.status != "solved" or made.recourse)
    ]  # fmt: skip
    failed = [(*_when(one), plain(one.status), NOTHING, one.decision.failure) for one in steps if one.decision.failure]
    empty = sum(one.status == "no_candidate" for one in steps)
    blocks: list[Block] = [
        Facts(pairs=tuple((plain(k), count(n)) for k, n in Counter(o.status for o in steps).items()))
    ]
    if empty:
        blocks.append(Text(text=f"{count(empty)} windows had no candidate and are cash.", tone="note"))
    if rows or failed:
        head = ("window", "decided", "status", "recourse", "what was tried, and what came of it")
        blocks += _listed(steps, head, [*rows, *failed][-LATEST:], 5)
    else:
        blocks.append(Text(text="Every allocation was solved at the first attempt, by no recourse."))
    return *blocks, *_gates(steps)


def _gates(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return how open the gates of gated atoms were."""
    gates = [gate for one in steps for gate in one.decision.gates.values()]
    if not gates:
        return (Text(text="No logic of this profile is gated: every atom is held as it is decided.", tone="note"),)
    shut = sum(gate == 0.0 for gate in gates)
    cash = fmean(one.decision.gate_cash for one in steps)
    text = (
        f"{count(len(gates))} gates: open by {percent(fmean(gates))} on average, {count(shut)} of them shut; they kept "
        f"{percent(cash)} of equity in cash, on average."
    )
    return (Text(text=text),)


def _regimes(steps: Sequence[Step]) -> tuple[Block, ...]:
    """Return how windows of each regime went."""
    found: dict[str, list[Step]] = {}
    for one in steps:
        if one.decision.regime is not None:
            found.setdefault(one.decision.regime.label.value, []).append(one)
    rows = []
    for label, mine in sorted(found.items()):
        changes = [one.change for one in mine if one.change is not None]
        deepest = [one.drawdown for one in mine if one.drawdown is not None]
        mean, least = (fmean(changes) if changes else None), min(deepest, default=None)
        rows.append(
            (plain(label), count(len(mine)), percent(mean), percent(min(changes, default=None)), percent(least))
        )
    head = ("regime at the decision", "windows", "mean change", "worst change", "deepest drawdown")
    return (Table(head=head, rows=tuple(rows)),) if rows else ()


def _thresholds(steps: Sequence[Step]) -> Block:
    """Return the limits that were in force: lowest, highest and last over the windows."""
    found: dict[tuple[str, str], list[float]] = {}
    for answer in _answers(steps):
        for rule, limits in answer.thresholds.items():
            for name, value in limits.items():
                found.setdefault((rule, name), []).append(value)
    rows = []
    for (rule, name), values in sorted(found.items()):
        known = [value for value in values if np.isfinite(value)]
        ends: Iterable[float | None] = (min(known), max(known), known[-1]) if known else (None, None, None)
        rows.append((plain(rule), plain(name), *(number(value, 4) for value in ends), count(len(known))))
    if not rows:
        return Text(text="No threshold was in force at any window.", tone="note")
    return Table(head=("thresholds of", "limit", "lowest", "highest", "last", "windows"), rows=tuple(rows), texts=2)


def _probabilities(steps: Sequence[Step]) -> Block:
    """Return per feature the probabilities of winners beside those of the pool, and its share of the scores."""
    won: dict[str, list[float]] = {}
    every: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}
    for answer in _answers(steps):
        winners = {atom.symbol for atom in answer.winners}
        for symbol in answer.components:
            for name, value in answer.components[symbol].items():
                every.setdefault(name, []).append(value)
                if symbol in winners:
                    won.setdefault(name, []).append(value)
        for name, share in answer.shares.items():
            shares.setdefault(name, []).append(share)
    if not every:
        return Text(text="This selection model scores no feature.", tone="note")

    def mean(values: Sequence[float] | None, of: Callable[[Sequence[float]], float] = fmean) -> Shown:
        known = [value for value in values or () if np.isfinite(value)]
        return number(of(known) if known else None, 3)

    rows = tuple(
        (
            plain(name),
            mean(won.get(name)),
            mean(every[name]),
            mean(won.get(name), min),
            percent(_mean(shares.get(name))),
        )
        for name in sorted(every)
    )
    head = ("probability of", "winners, mean", "pool, mean", "winners, least", "share of the variance of scores")
    return Table(head=head, rows=rows)


def _mean(values: Sequence[float] | None) -> float | None:
    known = [value for value in values or () if np.isfinite(value)]
    return fmean(known) if known else None


def _answers(steps: Sequence[Step]) -> list[SelectionResponse]:
    return [one.response for one in steps if one.response is not None]


def _when(one: Step) -> tuple[str, str]:
    return str(one.recorded.window), day(one.decision.as_of)


def _stage(stage: int) -> str:
    """Return number and name of a stage of relaxation."""
    known = {int(one): one.name for one in Relaxation}
    return f"{stage} {plain(known[stage].lower())}" if stage in known else str(stage)


def _listed(
    steps: Sequence[Step], head: tuple[str, ...], rows: Sequence[tuple[str, ...]], texts: int
) -> tuple[Block, ...]:
    """Return rows as a table, and how many windows are not in it."""
    table = Table(head=head, rows=tuple(rows), texts=texts)
    if len(steps) <= LATEST:
        return (table,)
    said = f"The latest {LATEST} of {count(len(steps))} windows; the ledger has all, counts below are of all."
    return table, Text(text=said, tone="note")
