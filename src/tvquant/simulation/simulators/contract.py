"""What a simulator is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Panel

if TYPE_CHECKING:
    from tvquant.profiles.options import Options


class Support(StrEnum):
    """How a simulator does a thing: by itself, by what its adapter adds, or not at all (a plan with it is refused)."""

    NATIVE = "native"
    EMULATED = "emulated"
    REFUSED = "refused"


class Capability(StrEnum):
    """What a plan may ask of a simulator: the conventions by their own names, costs, and rules of an account.

    `actions` are splits and dividends, `halts` bars that are missing inside a series and delistings,
    `late_fill` fills at the close of names that never had an open, `leverage` gross
    weights above 1, `ruin` an equity that never falls below zero.
    """

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"
    SAME_CLOSE = "same_close"
    LAG = "lag"
    DAILY = "daily"
    BAND = "band"
    PARTIAL = "partial"
    LOTS = "lots"
    PARTICIPATION = "participation"
    SLIPPAGE = "slippage"
    COMMISSION = "commission"
    FEE_TIERS = "fee_tiers"
    SPREAD = "spread"
    IMPACT = "impact"
    BORROW = "borrow"
    CASH_YIELD = "cash_yield"
    FUNDING = "funding"
    ACTIONS = "actions"
    HALTS = "halts"
    LATE_FILL = "late_fill"
    LEVERAGE = "leverage"
    SHORT_COLLATERAL = "short_collateral"
    MAINTENANCE_MARGIN = "maintenance_margin"
    RUIN = "ruin"


class Simulator(Protocol):
    """A way to keep a book: net weights in, an account out. Equal inputs get equal books; no input is changed.

    Every simulator takes the same weights, so that the gaps between their books are implementation risk.
    """

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def needs(self) -> tuple[str, str] | None:
        """Package it plays by, imported nowhere else, and the extra that installs it; None for the house's own."""
        ...

    @property
    def capabilities(self) -> Mapping[Capability, Support]:
        """How it does each capability; the contract suite holds that every one is declared, and as it is."""
        ...

    @property
    def options(self) -> tuple[type["Options"], ...]:
        """What it takes from the profile's section `execution`."""
        ...

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        options: tuple["Options", ...],
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        """Return the account of the decisions, from their first fill to the last row of the panel.

        `options` are the values of what this simulator declares; `<declaration>.among` finds each.

        Raises
        ------
        ProfileError : the rules cannot be applied to this panel or by this simulator.
        ModelError : weights that cannot be traded: not finite, an unknown or never traded name, no fill in the panel.
        DataError : an impossible price or corporate action.
        """
        ...


def refusals_of(simulator: Simulator) -> frozenset[str]:
    """Return the names of the capabilities that a simulator refuses."""
    return frozenset(what.value for what, how in simulator.capabilities.items() if how is Support.REFUSED)
