"""What a simulator is."""

from typing import Protocol

from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Panel


class Simulator(Protocol):
    """A way to keep a book: net weights in, an account out. Equal inputs get equal books; no input is changed.

    Every simulator takes the same weights, so that the gaps between their books are implementation risk.
    """

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def conventions(self) -> frozenset[Convention]:
        """Fills that it makes by itself; a plan that needs another one is refused."""
        ...

    def simulate(self, panel: Panel, path: WeightPath, *, costs: CostModel, execution: Execution) -> SimResult:
        """The account of the decisions, from their first fill to the last row of the panel.

        Raises
        ------
        ProfileError : the rules cannot be applied to this panel or by this simulator.
        ModelError : weights that cannot be traded: not finite, an unknown or never traded name, no fill in the panel.
        DataError : an impossible price or corporate action.
        """
        ...
