"""Who is considered at a moment: recruited by scanners, and judged by the health of what was known of them."""

from tvquant.universe.discovery import HOLD, Discovery, belongs, discover, required_features
from tvquant.universe.health import Health, judge

__all__ = ["HOLD", "Discovery", "Health", "belongs", "discover", "judge", "required_features"]
