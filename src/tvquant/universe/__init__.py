"""Which names may be considered at a moment, and why the others may not."""

from tvquant.universe.eligibility import Eligibility, eligible

__all__ = ["Eligibility", "eligible"]
