"""From decided weights to a book: simulators, the account they keep, and what trading and holding cost."""

from tvquant.simulation.simulators.catalogue import SIMULATORS

__all__ = ["SIMULATORS"]
