"""Section `logics`: by what the gated logics of scanners hold."""

from tvquant.profiles.options import FamilySection


class LogicsSection(FamilySection):
    """By what gated logics hold; every key is an option of one of them, and counts where a scanner names the logic."""
