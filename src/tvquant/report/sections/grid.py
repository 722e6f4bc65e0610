"""The grid of a run beside its headline: selections by risk profiles, what their steps add, and other costs."""

from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.added import Added, added_by_steps
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import NOTHING, Shown, number, percent
from tvquant.report.grid import at_other_costs, selection_of, strategies
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import benchmarks, tracks_of
from tvquant.tournament.specs import StrategySpec

ALONE = (
    "The profile's own selection and costs are all that was played. Name others in `grid.selections` and `grid.costs` "
    "(or `tvquant tournament --selection`), and they stand beside each other here."
)
ADDED = (
    "Mean return per year, ± one standard error of the paired difference: discovery is what scanners recruit less the "
    "base pool, selection the winners less the recruits, optimisation the headline's weights less 1/N of the winners, "
    "each on the windows of its own line. Within two errors nothing is shown; and the largest of many lines is the "
    "largest by luck too."
)
YIELD = "cash_yield"
"""Of costs that which is received."""
COSTS = (
    "The same decisions, settled at other costs: no further trials. The edge is the CAGR above that of the best "
    "baseline at the same costs, which pays them too."
)


def draw(run: RunData) -> tuple[Block, ...]:
    """Return Sharpe ratios of selections by risk profile, what their steps add on all windows, and other costs."""
    found = (*_selections(run), *_steps(run), *_costs(run), *_failed(run))
    return found or (Text(text=ALONE, tone="note"),)


def _selections(run: RunData) -> tuple[Block, ...]:
    """Return the Sharpe ratios of the profile's own windows by selection and engine, and by risk profile."""
    every = tuple(strategies(run))
    here = [(cell, spec) for cell, spec in every if not cell.schedule]
    if len({cell.entrant for cell, _ in here}) < 2:
        return ()
    profiles = list(dict.fromkeys(spec.risk_profile for _, spec in here))
    lines: dict[str, dict[str, RecordedCell]] = {}
    for cell, spec in here:
        lines.setdefault(_line(run, cell, spec), {})[spec.risk_profile] = cell
    rows = tuple((name, *(_ratio(mine.get(one)) for one in profiles)) for name, mine in lines.items())
    size = max((abs(cell.measures.sharpe or 0.0) for cell, _ in here), default=0.0) or 1.0
    heat = tuple((None, *(_share(mine.get(one), size) for one in profiles)) for mine in lines.values())
    note = (
        f"Sharpe ratio ± standard error by selection and engine (down) and risk profile (across), in the book of "
        f"{run.headline.book}, on the profile's own windows. {_many(len(here), len(every))}: the best of so many is "
        "better than it will be."
    )
    return Table(head=("selection, engine", *profiles), rows=rows, heat=heat), Text(text=note, tone="note")


def _many(here: int, every: int) -> str:
    """Return how many strategies a table has, and of how many that were tried."""
    return f"{here} strategies" if here == every else f"{here} of the {every} strategies that were tried"


def _steps(run: RunData) -> tuple[Block, ...]:
    """Return what discovery, selection and optimisation add, by selection and windows; the headline alone has it."""
    own = run.planned[run.headline.key].spec
    if not isinstance(own, StrategySpec):
        return ()
    how = (own.engine, own.risk_profile)
    mine = [cell for cell, spec in strategies(run) if (spec.engine, spec.risk_profile) == how]
    if len(mine) < 2:
        return ()
    names: dict[str, None] = {}
    lines: list[tuple[str, dict[str, Added]]] = []
    for cell in mine:
        track, *others = tracks_of(run, [cell, *benchmarks(run, cell)])
        parts = {one.step: one for one in added_by_steps(track, others, run.periods_per_year)}
        names |= dict.fromkeys(parts)
        lines.append((f"{selection_of(run, cell)}, {cell.schedule or 'own windows'}", parts))
    if not names:
        return ()
    rows = tuple((name, *(_part(parts.get(step)) for step in names)) for name, parts in lines)
    strong = frozenset(k for k, cell in enumerate(mine) if cell == run.headline)
    table = Table(head=("what each step adds per year", *names), rows=rows, strong=strong)
    return table, Text(text=ADDED, tone="note")


def _costs(run: RunData) -> tuple[Block, ...]:
    """Return the headline at every costs of the grid, and in words where it no longer gains."""
    books = at_other_costs(run, run.headline)
    if len(books) < 2:
        return ()
    rows, lost, beaten = [], [], []
    for cell in books:
        of, name = cell.measures, cell.scenario or "the profile's own"
        best = max((one.measures.cagr for one in benchmarks(run, cell) if one.measures.cagr is not None), default=None)
        edge = None if best is None or of.cagr is None else of.cagr - best
        lost += [name] if of.total_return is not None and of.total_return <= 0.0 else []
        beaten += [name] if edge is not None and edge <= 0.0 else []
        rows.append((
            name, number(of.sharpe), number(of.sharpe_se), percent(of.cagr), percent(of.total_return),
            percent(sum(of.costs[kind] for kind in of.costs if kind != YIELD)), percent(edge, 2),
        ))  # fmt: skip
    head = ("costs", "Sharpe", "± SE", "CAGR", "total return", "paid, of starting capital", "edge")
    gains = f"It no longer gains at: {', '.join(lost)}." if lost else "It gains at all of them."
    edges = f"It has no edge at: {', '.join(beaten)}." if beaten else "It has an edge at all that have a baseline."
    return (
        Table(head=head, rows=tuple(rows), strong=frozenset({0})),
        Text(text=f"{run.headline.key} net of each costs. {gains} {edges}"),
        Text(text=COSTS, tone="note"),
    )


def _failed(run: RunData) -> tuple[Text, ...]:
    """Return which variants and books at other costs could not be kept; the standings have the others."""
    return tuple(Text(text=f"No book of {one.key}: {one.why}.", tone="warning") for one in run.beside if one.why)


def _line(run: RunData, cell: RecordedCell, spec: StrategySpec) -> str:
    return f"{selection_of(run, cell)}, {spec.engine}"


def _ratio(cell: RecordedCell | None) -> str:
    of = None if cell is None else cell.measures
    if of is None or of.sharpe is None:
        return NOTHING
    return Shown.of(f"{number(of.sharpe)} ± {number(of.sharpe_se)}", of.sharpe)


def _share(cell: RecordedCell | None, size: float) -> float | None:
    return None if cell is None or cell.measures.sharpe is None else cell.measures.sharpe / size


def _part(one: Added | None) -> str:
    if one is None:
        return NOTHING
    error = "the same book" if one.same else f"± {percent(one.found.standard_error, 2)}" if one.found else NOTHING
    return Shown.of(f"{percent(one.difference, 2)} {error}", one.difference)


GRID = Section(key="grid", title="Selections and costs of the grid", draw=draw, of_run=True)
