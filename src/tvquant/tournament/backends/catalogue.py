"""The backends there are, by name."""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from tvquant.tournament.backends import dask, loky, ray
from tvquant.tournament.backends.contract import LOKY, Backend

BACKENDS: Mapping[str, Backend] = MappingProxyType({LOKY: loky.MEMBER, "dask": dask.MEMBER, "ray": ray.MEMBER})
EXTRA = "distributed"
"""The extra that installs what the others need."""


def uninstalled() -> frozenset[str]:
    """Return the backends whose package is not here."""
    return frozenset(name for name, one in BACKENDS.items() if find_spec(one.package) is None)
