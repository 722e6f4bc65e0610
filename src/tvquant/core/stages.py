"""The sixteen stages of the production flow, by number and name (R-ORC-01)."""

from enum import IntEnum


class Stage(IntEnum):
    """A stage by its number; `label` is its name in records, logs and progress.

    Stages 1 to 10 are the data cycle, at whose end the snapshot is pinned; those from 11 on read only that.
    """

    label: str

    def __new__(cls, number: int, label: str) -> "Stage":
        """Make the member of this number and label."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.label = label
        return member

    ENVIRONMENT = 1, "environment"
    CLEANUP = 2, "cleanup"
    DISCOVERY = 3, "discovery"
    AGGREGATION = 4, "aggregation"
    LIGHT_PREPARATION = 5, "light preparation"
    NATURAL_SELECTION = 6, "natural selection"
    ENRICHMENT = 7, "enrichment"
    HIGH_INTEGRITY_PREPARATION = 8, "high-integrity preparation"
    HEALTH = 9, "health"
    SELF_HEALING = 10, "self-healing"
    PERSISTENCE = 11, "persistence"
    CLUSTERING = 12, "clustering"
    REGIME = 13, "regime"
    OPTIMISATION = 14, "optimisation"
    VALIDATION = 15, "validation"
    REPORTING = 16, "reporting"
