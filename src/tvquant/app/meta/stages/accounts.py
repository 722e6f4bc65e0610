"""Stage 15: the accounts of what is held, by every simulator of the profile, their tables, and the result digest."""

from dataclasses import asdict, replace
from functools import partial
from typing import Any

from tvquant.app.meta.context import Held, MetaContext
from tvquant.app.meta.holdings import holdings
from tvquant.app.meta.rates import rates_of
from tvquant.app.meta.tables import of_benchmark, of_group, of_path
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.books import SimResult
from tvquant.core.digests import merkle_root
from tvquant.core.errors import ModelError
from tvquant.core.records import Entry
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of
from tvquant.ledger.result_store import RunTables
from tvquant.profiles.sections.sleeves import EQUAL
from tvquant.tournament.cell_results import Scalar
from tvquant.tournament.cells import Book
from tvquant.tournament.sleeves.gap import Gap, Kept, Mixed, gap
from tvquant.tournament.sleeves.meta_specs import books_of, headline_of, house_book
from tvquant.tournament.sleeves.settling import Rates, settled
from tvquant.tournament.sleeves.specs import MIX


def run(context: MetaContext, outcome: Outcome) -> None:
    """Keep the book of every cell, write its tables, record its outcome and the digest of all.

    Raises
    ------
    ModelError : the headline has no book.
    """
    folder, profile = context.folder, context.plan.profile
    store, leaves, head = RunTables(folder), dict[str, str](), headline_of(profile)
    for group in context.groups:
        found = context.correlations[group.risk_profile]
        store.put_cells(of_group(group, found))
        outcome.data.setdefault("bets", {})[group.risk_profile] = asdict(found.bets)
    try:
        store.put_cells(of_benchmark(profile.benchmark, context.groups[0].account))
    except ModelError as error:
        outcome.data["no_benchmark"] = str(error)
        context.progress.note(f"no beta is told: {error}")
    for held in context.held:
        store.put_cells(of_path(held))
    played = [(held, _rates(context, held), _books(context, held)) for held in context.held]
    every = [(held, rates, book) for held, rates, books in played for book in books]
    for done, (held, rates, book) in enumerate(every, 1):
        key = f"{held.path.key}/{book.key}"
        context.recorder.record(_entry(chain=key, kind="intent", data={"cell": key}))
        leaves[key], current = _settled(context, store, held, rates, book)
        if key == head:
            outcome.data["current"] = current
        context.progress.books(done, len(every))
    if leaves[head].startswith(FAILED):
        raise ModelError(f"the headline {head} has no book: {leaves[head].removeprefix(FAILED)}")
    tables = [path.relative_to(folder.path).as_posix() for path in store.compact()]
    outcome.outputs["result"] = merkle_root(leaves)
    outcome.outputs |= outputs_of(folder.path, tables)
    outcome.data["leaves"] = leaves


_entry = partial(Entry, stage=Stage.VALIDATION, pillar=4)
FAILED = "failed: "
"""How the leaf of a cell begins that has no book."""


def _books(context: MetaContext, held: Held) -> tuple[Book, ...]:
    """Return the books of a path: every one of the profile's; of a mix the first, and of equal weights the house's."""
    every = books_of(context.plan.profile)
    if not held.baseline:
        return every
    house = house_book(context.plan.profile, every)
    if held.path.key == f"{MIX}/{EQUAL}" and house.key != every[0].key:
        return every[0], house
    return every[:1]


def _rates(context: MetaContext, held: Held) -> Rates:
    """Return the rates of the books of a path."""
    panel, first = held.group.account.panel, held.book.rebalances[0].row
    return rates_of(context.plan.profile, context.sources, context.runs.values(), panel, first)


def _settled(
    context: MetaContext, store: RunTables, held: Held, rates: Rates, book: Book
) -> tuple[str, dict[str, Any]]:
    """Keep one book; return the leaf of its cell, its digest or why there is none, and what it holds at its end."""
    key = f"{held.path.key}/{book.key}"
    try:
        kept, found = settled(held.group.account, held.book, book, rates)
    except ModelError as error:
        place: dict[str, Scalar] = {"status": "failed", "baseline": held.baseline}
        context.recorder.record(_entry(chain=key, kind="outcome", metrics=place, data={"why": str(error)}))
        return f"{FAILED}{error}", {}
    store.put_cells({key: found.tables})
    data = {"stamps": sorted(found.stamps), "forensic": found.forensic}
    try:
        store.put_cells({key: {"gap": _gap(held, book, rates, kept.result).table}})
    except ModelError as error:
        data["no_gap"] = str(error)
        context.progress.note(f"{key}: no gap is told: {error}")
    context.recorder.record(
        _entry(chain=key, kind="outcome", outputs={"cell": found.digest}, metrics=found.measures, data=data)
    )
    return found.digest, holdings(held, kept.result)


def _gap(held: Held, book: Book, rates: Rates, result: SimResult) -> Gap:
    """Return the way from the mix of the streams to a book in parts."""
    earned = book.costs.cash_yield if rates.cash_yield is None else rates.cash_yield
    return gap(
        Mixed(sleeves=held.group.sleeves, joined=held.group.joined, path=held.path),
        Kept(
            book=held.book,
            panel=held.group.account.panel,
            costs=replace(book.costs, cash_yield=earned),
            execution=book.execution,
            result=result,
        ),
    )


ACCOUNTS = RunStage(
    number=Stage.VALIDATION,
    pillar=4,
    what="keep the account of every cell, and what became of it",
    inputs=("snapshot",),
    run=run,
)
