"""What a simulator is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Panel
from tvquant.profiles.options import Options


class Support(StrEnum):
    """How a simulator does a thing: by itself, by what its adapter adds, or not at all (a plan with it is refused)."""

    NATIVE = "native"
    EMULATED = "emulated"
    REFUSED = "refused"


class Capability(StrEnum):
    """What a plan may ask of a simulator: the conventions by their own names, costs, and rules of an account."""

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"
    SAME_CLOSE = "same_close"
    LAG = "lag"
    SLIPPAGE = "slippage"
    COMMISSION = "commission"
    BORROW = "borrow"
    FUNDING = "funding"
    SHORT_COLLATERAL = "short_collateral"
    LOTS = "lots"
    MAINTENANCE_MARGIN = "maintenance_margin"


class Simulator(Protocol):
    """A way to keep a book: net weights in, an account out. Equal inputs get equal books; no input is changed.

    Every simulator takes the same weights, so that the gaps between their books are implementation risk.
    """

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def capabilities(self) -> Mapping[Capability, Support]:
        """How it does each capability; the contract suite holds that every one is declared, and as it is."""
        ...

    @property
    def options(self) -> tuple[type[Options], ...]:
        """What it takes from the profile's section `execution`."""
        ...

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        options: tuple[Options, ...],
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
