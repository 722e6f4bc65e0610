"""What a check of parity plays: a cell of a run as it was decided and recorded, of a profile or of a meta-portfolio."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from tvquant.app.meta.rates import rates_of
from tvquant.app.meta.sources import Sources
from tvquant.app.plan import Plan
from tvquant.app.rates import cash_yield
from tvquant.app.workspace import Workspace
from tvquant.core.books import Convention, CostModel, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import Panel
from tvquant.core.rates import RiskFree
from tvquant.core.records import DECISION, chain_of, in_shadow
from tvquant.lake import Snapshot
from tvquant.ledger import records
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.messages import unknown
from tvquant.tournament.cells import Cell, cells, headline, shadows
from tvquant.tournament.parity import Measure
from tvquant.tournament.path_holdings import weight_path
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.sleeves.account import on_common_dates
from tvquant.tournament.sleeves.meta_specs import books_of, headline_of, house_book
from tvquant.tournament.sleeves.settling import cell_of
from tvquant.tournament.sleeves.specs import META


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """What is played: a cell with its weights, panel and costs, how it is measured, and what the run recorded of it.

    `measured` says that the run recorded fewer rows than the panel has: those that end a period. `plain` is the case on
    the dates on which all markets have a session, for rules that trade at every row; None where it is the case itself.
    """

    cell: Cell
    costs: CostModel
    panel: Panel
    path: WeightPath
    measure: Measure
    recorded: pl.DataFrame
    measured: bool = False
    plain: Self | None = None


def profile_case(workspace: Workspace, run: RecordedRun, name: str | None) -> Case:
    """Return a cell of a profile's run, the headline where none is named.

    Raises
    ------
    ProfileError : there is no such cell.
    ModelError : it has no book.
    DataError : the lake no longer holds what the run pinned.
    """
    profile, pinned = run.resolved.profile, run.plan
    assert pinned is not None  # a sealed run has one
    every = {cell.key: cell for cell in (*cells(profile), *shadows(profile))}
    key = headline(profile) if name is None else name
    of = run.shadow if in_shadow(key) else run
    _refuse(key, every, of.outcomes)
    cell, plan = every[key], Plan.of(run.resolved, workspace.lake().pinned(Snapshot.from_json(pinned.snapshot)))
    panel, at_once = plan.panel, cell.book.execution.convention is Convention.SAME_CLOSE
    made = of.decisions[key].values()
    path = weight_path(panel, [Rebalance.of(one.window, one.row, one.decision, one.selection) for one in made])
    earned = cash_yield(plan, panel, int(path.decided[0]) + (not at_once))
    costs = cell.book.costs if earned is None else replace(cell.book.costs, cash_yield=earned)
    recorded = of.table("returns", key)
    return Case(
        cell=cell, panel=panel, path=path, costs=costs, measure=_measure(panel, recorded), recorded=recorded
    )  # fmt: skip


def meta_case(workspace: Workspace, run: RecordedRun, name: str | None) -> Case:
    """Return a cell of a meta-portfolio's run: its netted weights on the account of its sleeves (R-SIM-18).

    Raises
    ------
    ProfileError, ModelError, DataError : as `profile_case`.
    LedgerError : a sleeve's run is not the one that the meta-portfolio was made of.
    """
    profile, sources = run.meta.profile, Sources(workspace)
    key = headline_of(profile) if name is None else name
    _refuse(key, {one.key: one for one in run.outcomes}, run.outcomes)
    path, _, by = key.rpartition("/")
    books = books_of(profile)
    book = next(one for one in (*books, house_book(profile, books)) if one.key == by)
    risk_profile = path.split("/")[2] if path.startswith(f"{META}/") else profile.allocation.profiles[0]
    account = sources.group(run, risk_profile).account
    panel = account.panel
    weights = _netted(run, path, panel)
    recorded = run.table("returns", key)
    rates = rates_of(profile, sources, [one for _, one in sources.runs(run)], panel, int(weights.decided[0]))
    costs = book.costs if rates.cash_yield is None else replace(book.costs, cash_yield=rates.cash_yield)
    case = Case(
        cell=cell_of(path, book), panel=panel, path=weights, costs=costs, measure=_measure(panel, recorded),
        recorded=recorded, measured=True,
    )  # fmt: skip
    fewer, on_them = on_common_dates(account, weights)
    if fewer is panel:
        return case
    return replace(case, plain=replace(case, panel=fewer, path=on_them, measure=_measure(fewer, recorded)))


def _netted(run: RecordedRun, path: str, panel: Panel) -> WeightPath:
    """Return the net weights of a path of a meta-portfolio as the ledger has them."""
    made = list(records(run.folder.path, chain=chain_of(DECISION, path), kind=DECISION))
    net = np.zeros((len(made), len(panel.keys)))
    place = {key: j for j, key in enumerate(panel.keys)}
    for k, one in enumerate(made):
        for key, weight in one.data["weights"].items():
            net[k, place[key]] = weight
    decided = np.array([one.metrics["row"] for one in made], dtype=np.int64)
    return WeightPath(keys=panel.keys, decided=decided, net=net)


def _refuse(key: str, known: Iterable[str], outcomes: Iterable[RecordedCell]) -> None:
    """Refuse a cell that there is not, or that has no book."""
    names = list(known)
    if key not in names:
        raise ProfileError(f"--cell: {unknown('cell', key, names)}")
    why = next((one.why for one in outcomes if one.key == key), None)
    if why is not None:
        raise ModelError(f"cell {key} has no book to compare: {why}")


def _measure(panel: Panel, recorded: pl.DataFrame) -> Measure:
    """Return how books are measured: by the rate on every row of the panel that the run measured by.

    Before the run's first row it is that of the first.
    """
    at = np.searchsorted(recorded["time"].to_numpy(), panel.times, side="right") - 1
    rate = RiskFree(per_row=recorded["risk_free"].to_numpy()[np.maximum(at, 0)])
    return Measure(periods_per_year=calendar(panel.calendar).periods_per_year, risk_free=rate)
