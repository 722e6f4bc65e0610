"""The house engine: one file per method, and the solvers that they share."""

from tvquant.allocation.engines.custom.engine import Custom

__all__ = ["Custom"]
