"""What a path of a profile decides on, and what it holds then."""

from collections.abc import Mapping

from tvquant.core.panel import Panel
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous, Spec
from tvquant.tournament.views import look

ROW = 150
"""The row that is decided at where a test names none."""


def recruits(name: str, logic: str, direction: str, **bound: float) -> dict[str, object]:
    """Return a scanner by the rating of the moving averages; without a bound, of everyone."""
    signal = [{"field": "recommend_ma", **bound}] if bound else []
    return {
        "name": name, "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None,
        "logic": logic, "direction": direction, "pool": [], "signal": signal,
    }  # fmt: skip


EVERYONE = recruits("everyone", "hold", "LONG")
RISING = recruits("rising", "rating_ma", "LONG", above=0.1)
FALLING = recruits("falling", "rating_ma", "SHORT", below=-0.1)
RISK_PROFILES = ("hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight")


def spec_of(made: Profile, name: str) -> Spec:
    """Return the spec of the first path whose key ends so."""
    return next(cell.spec for cell in cells(made) if cell.path.key.endswith(name))


def weights_at(panel: Panel, spec: Spec, row: int = ROW) -> Mapping[str, float]:
    """Return the net weights that are decided at a row by who held nothing before."""
    return decide(look(panel, row), spec, Previous()).weights
