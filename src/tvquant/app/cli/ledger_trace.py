"""`tvquant ledger show --window`: one window of a cell in words, from data to return."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tvquant.app.cli.console import percent
from tvquant.app.cli.tables import table
from tvquant.core.quoting import several

if TYPE_CHECKING:
    from tvquant.app.window_trace import WindowTrace


def document(found: "WindowTrace") -> dict[str, Any]:
    """Return the trace as JSON can hold it."""
    made, of = found.recorded, found.decision
    return {
        "cell": found.cell,
        "window": made.window,
        "records": _records(found),
        "decision": of.payload(),
        "names": [
            {
                "name": one.name, "before": one.before, "weight": one.weight, "traded": one.traded,
                "price": one.price, "costs": one.costs, "brought": one.brought,
            }
            for one in found.names
        ],
        "first": None if found.first is None else str(found.first),
        "last": None if found.last is None else str(found.last),
        "return": found.row.get("return"),
        "adds_up": found.adds_up,
        "events": [{**one, "time": str(one["time"])} for one in found.events],
        "cell_result": found.leaf,
    }  # fmt: skip


def text(found: "WindowTrace") -> list[str]:
    """Return the trace for people, in the order in which each follows from what stands above it."""
    return [
        f"{found.cell}, window {found.recorded.window}",
        "",
        *_data(found),
        *_pool(found),
        *_winners(found),
        *_weights(found),
        *_book(found),
        "",
        "Records",
        table(("what", "line", "digest"), [(what, n, digest) for what, (n, digest) in _records(found).items()]),
    ]


def _records(found: "WindowTrace") -> dict[str, tuple[int | str, str]]:
    """Return what is recorded -> line of `audit.jsonl` and digest."""
    snapshot, made = found.recorded.record, found.recorded.made
    return {
        "snapshot of the cell": (snapshot.n, snapshot.digest),
        "decision of its path": (made.n, made.digest),
        **{f"{kind} of the decision": (one.n, one.digest) for kind, one in found.shared.items()},
        "inputs of the decision": ("", found.decision.inputs),
        "result of the cell": ("", found.leaf),
    }


def _data(found: "WindowTrace") -> Iterator[str]:
    of = found.decision
    footing = of.footing
    assert footing is not None
    bar = f"the bar of {str(footing.bar)[:10]}, known by {str(of.as_of)[:16]} UTC"
    yield f"1. Data     {bar}; {footing.present} of {footing.alive} names alive have it"
    if footing.departure:
        yield f"            {footing.departure}"
    if of.regime is not None:
        yield f"            the market is {of.regime.label}, {of.regime.quadrant} (score {of.regime.score:.2f})"


def _pool(found: "WindowTrace") -> Iterator[str]:
    of, counts = found.decision, found.decision.funnel
    yield (
        f"2. Pool     {counts.universe} instruments, {counts.discovery} recruited, {counts.refined} after health and "
        f"vetoes, {counts.selected} won (in atoms {counts.atoms_discovery}, {counts.atoms_refined}, "
        f"{counts.atoms_selected})"
    )
    if counts.vetoed:
        yield f"            fell out by {_counted(counts.vetoed)}"
    if of.excluded:
        yield f"            never seen: {several([f'{key} ({why})' for key, why in sorted(of.excluded.items())])}"
    if of.failure is not None:
        yield f"            choosing failed: {of.failure}"


def _winners(found: "WindowTrace") -> Iterator[str]:
    response = found.decision.response
    if response is None:
        yield "3. Winners  nothing was selected: a baseline, or no candidate"
        return
    said = f"by {response.model} {response.version}, relaxation stage {response.stage}"
    flags = f"; {', '.join(sorted(response.flags))}" if response.flags else ""
    yield f"3. Winners  {len(response.winners)} {said}{flags}"
    rows = [
        (
            one.symbol,
            response.recruited[one.symbol],
            f"{response.scores[one.symbol]:.4f}",
            response.clusters[one.symbol],
        )
        for one in response.winners
    ]
    if rows:
        yield table(("atom", "how", "score", "cluster"), rows, right=(2, 3))


def _weights(found: "WindowTrace") -> Iterator[str]:
    of = found.decision
    made = of.allocation
    if made is None:
        yield f"4. Weights  equal or declared, no optimiser; cash {percent(of.cash if of.atoms else _left(of.weights))}"
        return
    yield (
        f"4. Weights  {made.risk_profile} by {made.engine}: {made.status}; cash {percent(of.cash)}, of it "
        f"{percent(made.forced_cash)} forced by caps"
    )
    yield from (f"            {one.what}: {one.outcome}" for one in made.attempts)
    if of.survival is not None:
        yield f"            protected after a loss of {percent(of.survival.drawdown)}, {of.survival.left} more times"


def _left(weights: Mapping[str, float]) -> float:
    return 1.0 - sum(weights.values())


def _book(found: "WindowTrace") -> Iterator[str]:
    if found.leaf.startswith("failed: "):
        yield f"5. Fills    there is no book: {found.leaf.removeprefix('failed: ')}"
    elif found.first is None:
        yield "5. Fills    none: the data end before the next fill"
    else:
        yield f"5. Fills    on {str(found.first)[:10]}; the book is the window's own until {str(found.last)[:10]}"
    rows = [
        (
            one.name, percent(one.before, 2), percent(one.weight, 2), percent(one.traded, 2),
            "-" if one.price is None else f"{one.price:.6g}", percent(one.costs, 3), percent(one.brought, 2),
        )
        for one in found.names
    ]  # fmt: skip
    if rows:
        head = ("name", "decided before", "decided", "traded", "price", "costs", "brought")
        yield table(head, rows, right=range(1, len(head)))
        yield "            in parts of equity; traded is bought less sold, and costs are out of what was brought"
    yield from (f"            {str(one['time'])[:10]} {one['symbol']}: {one['kind']}" for one in found.events)
    if found.first is not None:
        earned = percent(found.row["return"], 2)
        summed = "the sum of what was brought" if found.adds_up else "what names brought is summed over whole rows"
        yield f"6. Return   {earned} of the book from this fill to the next; {summed}"


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
