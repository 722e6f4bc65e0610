"""Volatility bands: whether each book was as volatile as books of its asset class are expected to be (R-RSK-21).

1. Books of coins are held against the figure that their risk profile is known for, in the book's own costs.
2. Those of any other class, for which no such figure exists, against the volatility that equal weights of the same
   winners had on the same windows: the cell `benchmark` of the same selection, schedule and book.
3. A book within `BAND` of its reference is within. It is a diagnostic: how volatile a book should be is its risk
   profile's business, and a book that holds cash is calmer by that much.

All of it is of the ledger: measures of outcomes, and the grid of the manifest.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from tvquant.core.instruments import Kind
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.books import BAND, BANDS
from tvquant.report.run import RunData
from tvquant.tournament.cells import Cell
from tvquant.tournament.specs import StrategySpec, WinnersSpec

COINS = frozenset({Kind.SPOT, Kind.SWAP})
"""Kinds of instruments that are coins, as the platform's crypto presets name them."""


class AssetClass(StrEnum):
    """What a profile trades."""

    CRYPTO = "crypto"
    EQUITIES = "equities"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BandVerdict:
    """Realised volatility of one cell beside its reference, per year; None where there is none.

    Parameters
    ----------
    verdict : `within`, `above`, `below`; empty where nothing can be compared.
    """

    cell: str
    volatility: float | None
    reference: float | None
    verdict: str

    @property
    def off(self) -> float | None:
        """By which part of the reference it is off."""
        return None if self.reference is None or self.volatility is None else self.volatility / self.reference - 1.0


def asset_class(run: RunData) -> AssetClass:
    """Return what the profile of a run trades."""
    coins = {kind in COINS for kind in run.profile.universe.kinds}
    return AssetClass.MIXED if len(coins) > 1 else AssetClass.CRYPTO if coins == {True} else AssetClass.EQUITIES


def volatility_bands(run: RunData) -> tuple[BandVerdict, ...]:
    """Return the verdict on every strategy's cell that ended with a book, in the order of the ledger."""
    grid, ended = run.planned, {cell.key: cell for cell in run.outcomes}
    even = {
        _shared(cell): ended[key].measures.volatility
        for key, cell in grid.items()
        if isinstance(cell.spec, WinnersSpec) and key in ended
    }
    traded = asset_class(run)
    return tuple(
        _verdict(one, _reference(traded, grid[one.key], even.get(_shared(grid[one.key]))))
        for one in run.outcomes
        if one.why is None and one.key in grid and isinstance(grid[one.key].spec, StrategySpec)
    )


def _shared(cell: Cell) -> tuple[str, str]:
    """Return what a strategy and the benchmark of its winners have in common."""
    return cell.path.selection.replace("/declared_sides", ""), cell.book.key


def _reference(traded: AssetClass, cell: Cell, even: float | None) -> float | None:
    if traded is not AssetClass.CRYPTO:
        return even
    return BANDS.get(cell.spec.risk_profile) if isinstance(cell.spec, StrategySpec) else None


def _verdict(one: RecordedCell, reference: float | None) -> BandVerdict:
    found = one.measures.volatility
    if found is None or not reference or not isfinite(reference):
        return BandVerdict(cell=one.key, volatility=found, reference=None, verdict="")
    off = found / reference - 1.0
    verdict = "within" if abs(off) <= BAND else "above" if off > 0.0 else "below"
    return BandVerdict(cell=one.key, volatility=found, reference=reference, verdict=verdict)
