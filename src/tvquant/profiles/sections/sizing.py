"""What only an account of some size has a meaning for, in profiles and meta-profiles alike."""

from tvquant.profiles.fields import broken
from tvquant.profiles.sections.costs import CostsSection
from tvquant.profiles.sections.execution import ExecutionSection


def refuse_unsized(rules: ExecutionSection, costs: CostsSection) -> None:
    """Refuse keys that are measured against the account's size where `execution.nav` does not tell it."""
    sized = {
        "execution.lots": rules.lots,
        "execution.participation": rules.participation is not None,
        "costs.tiers": bool(costs.tiers),
        "costs.impact": costs.impact > 0.0,
    }
    for key, asks in sized.items():
        if asks and rules.nav is None:
            text = "is measured against execution.nav, the equity in base currency that the book starts with; set it"
            raise broken(text, key)
