"""tvquant: from liquid instruments to an audited, walk-forward-tested portfolio, by one declarative profile.

`import tvquant as tv` in a notebook or a script: `tv.ratings`, `tv.optimise`, `tv.simulate` take frames and give frames
back. Each name is imported when it is first asked for, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tvquant.core.errors import DataError, LedgerError, ModelError, ProfileError, TvquantError
from tvquant.core.version import VERSION

if TYPE_CHECKING:
    from tvquant.api.optimising import Optimised, optimise
    from tvquant.api.rating import ratings
    from tvquant.api.simulating import Costs, Simulation, simulate

__version__ = VERSION
__all__ = [
    "Costs",
    "DataError",
    "LedgerError",
    "ModelError",
    "Optimised",
    "ProfileError",
    "Simulation",
    "TvquantError",
    "optimise",
    "ratings",
    "simulate",
]

_MODULES = {
    "Costs": "simulating",
    "Optimised": "optimising",
    "Simulation": "simulating",
    "optimise": "optimising",
    "ratings": "rating",
    "simulate": "simulating",
}
"""Name -> the module of `tvquant.api` that has it."""


def __getattr__(name: str) -> Any:
    """Import what is asked for; AttributeError for a name that is not here."""
    if name not in _MODULES:
        raise AttributeError(f"module 'tvquant' has no attribute {name!r}")
    found = getattr(import_module(f"tvquant.api.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
