"""tvquant: from liquid instruments to an audited, walk-forward-tested portfolio, by one declarative profile.

`import tvquant as tv` in a notebook or a script: a workspace and its runs as frames (`tv.Workspace`), or one piece
alone (`tv.ratings`, `tv.scan`, `tv.select`, `tv.optimise`, `tv.simulate`). Each name is imported when it is first asked
for, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tvquant.core.errors import DataError, LedgerError, ModelError, ProfileError, TvquantError
from tvquant.core.version import VERSION

if TYPE_CHECKING:
    from tvquant.api.choosing import Scan, Selection, scan, select
    from tvquant.api.metas import MetaRun
    from tvquant.api.optimising import Optimised, optimise
    from tvquant.api.rating import ratings
    from tvquant.api.runs import Run
    from tvquant.api.simulating import Costs, Simulation, Trading, simulate, simulate_many
    from tvquant.api.workspaces import Workspace

__version__ = VERSION
__all__ = [
    "Costs",
    "DataError",
    "LedgerError",
    "MetaRun",
    "ModelError",
    "Optimised",
    "ProfileError",
    "Run",
    "Scan",
    "Selection",
    "Simulation",
    "Trading",
    "TvquantError",
    "Workspace",
    "optimise",
    "ratings",
    "scan",
    "select",
    "simulate",
    "simulate_many",
]

_MODULES = {
    "Costs": "simulating",
    "MetaRun": "metas",
    "Optimised": "optimising",
    "Run": "runs",
    "Scan": "choosing",
    "Selection": "choosing",
    "Simulation": "simulating",
    "Trading": "simulating",
    "Workspace": "workspaces",
    "optimise": "optimising",
    "ratings": "rating",
    "scan": "choosing",
    "select": "choosing",
    "simulate": "simulating",
    "simulate_many": "simulating",
}
"""Name -> the module of `tvquant.api` that has it."""


if not TYPE_CHECKING:  # else a checker would believe in any name

    def __getattr__(name: str) -> object:
        """Import what is asked for; AttributeError for a name that is not here."""
        if name not in _MODULES:
            raise AttributeError(f"module 'tvquant' has no attribute {name!r}")
        found = getattr(import_module(f"tvquant.api.{_MODULES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
