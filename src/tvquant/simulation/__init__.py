"""From decided weights to a book: simulators, the account they keep, and what trading and holding cost."""

from tvquant.simulation.simulators.catalogue import SIMULATORS, uninstalled
from tvquant.simulation.simulators.contract import refusals_of

__all__ = ["SIMULATORS", "refusals_of", "uninstalled"]
