"""How fit for use the assets of a profile are: healthy of all, who is not, and who was left out (R-DAT-22).

1. An asset is a symbol of the lake that the profile's universe asks for, or that it names, and its benchmark. Whoever
   holds a ticker now stands for it: what is wrong with an earlier holder no repair can mend, and nobody trades it.
2. It is healthy when its bars are (`lake.quality.health`: fine), and the register of who delivered it, where there is
   one, calls it stable.
3. What the profile excludes counts among all, by its own state: leaving an asset out raises no ratio. It is named.
4. The profile is HEALTHY when all are, else DEGRADED.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvquant.app.profile_fit import MARKET
from tvquant.core.instruments import Instant
from tvquant.core.quoting import several
from tvquant.lake import AssetHealth, Contents, HealthState, Lake, health
from tvquant.lake.quality.health import NAMED
from tvquant.market.listings import delistings
from tvquant.market.registry import AssetState, DataRegistry, RegistryManager
from tvquant.profiles import Profile, ResolvedProfile

HEALTHY, DEGRADED = "HEALTHY", "DEGRADED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileHealth:
    """The summary of one profile.

    Parameters
    ----------
    total, healthy : assets, those that the profile excludes among them.
    unhealthy : asset that is not healthy -> why, excluded or not.
    excluded : asset that the profile leaves out -> its state.
    stable : provider -> assets that its register calls stable; those of imported files are in none.
    """

    profile: str
    total: int
    healthy: int
    unhealthy: Mapping[str, str]
    excluded: Mapping[str, str]
    stable: Mapping[str, int]

    @property
    def state(self) -> str:
        """HEALTHY when every asset is, and there is one."""
        return HEALTHY if self.total and self.healthy == self.total else DEGRADED

    @property
    def ratio(self) -> str:
        """`healthy/total`."""
        return f"{self.healthy}/{self.total}"

    def line(self) -> str:
        """Return the summary in one line."""
        return "; ".join((f"health of {self.profile}: {self.ratio} assets, {self.state}", *self.named()))

    def named(self) -> tuple[str, ...]:
        """Return who is not healthy, and who was left out; the first dozen of each."""
        sorts = (("not healthy", self.unhealthy), ("excluded by the profile, counted all the same", self.excluded))
        return tuple(
            f"{what}: {several([f'{name} ({why})' for name, why in found.items()], NAMED)}"
            for what, found in sorts
            if found
        )

    def document(self) -> dict[str, Any]:
        """Return it JSON-able."""
        return {
            "profile": self.profile,
            "state": self.state,
            "healthy": self.healthy,
            "total": self.total,
            "not_healthy": dict(self.unhealthy),
            "excluded": dict(self.excluded),
            "stable": dict(self.stable),
        }


def profile_health(lake: Lake, resolved: ResolvedProfile, *, now: Instant | None = None) -> ProfileHealth:
    """Return the summary of a profile's assets as the lake and its register stand.

    A benchmark that only a preset names, and that the lake lacks, is none of them: a run is without it.

    Parameters
    ----------
    now : the present, where a provider feeds the lake; without it, that of what was delivered together.

    Raises
    ------
    DataError : the lake is empty.
    """
    profile, contents = resolved.profile, lake.contents()
    wanted, excluded = assets_of(contents, profile)
    if not resolved.is_own(MARKET):
        wanted -= set(profile.benchmark.symbols) - set(contents.names())
    data = profile.data
    states = health(
        lake, {*wanted, *excluded}, now=now, minimum=data.min_history, lookback=data.lookback, delisted=delistings(lake)
    )
    return summary(profile, states, excluded, RegistryManager(lake.folder).read())


def health_of_run(
    lake: Lake, profile: Profile, states: Sequence[AssetHealth], *, until: Instant | None
) -> ProfileHealth:
    """Return the summary of what a run pinned, judged already; what the profile excludes is judged beside it.

    `until` : the end of the data that it uses, if that is not now. The register knows the present alone.
    """
    excluded = assets_of(lake.contents(), profile)[1] if profile.universe.exclude_symbols else set[str]()
    data, ended = profile.data, delistings(lake)
    beside = excluded - {one.symbol for one in states}
    found = (
        health(lake, beside, as_of=until, minimum=data.min_history, lookback=data.lookback, delisted=ended)
        if beside
        else ()
    )
    registry = RegistryManager(lake.folder).read() if until is None else DataRegistry()
    return summary(profile, (*states, *found), excluded, registry)


def assets_of(contents: Contents, profile: Profile) -> tuple[set[str], set[str]]:
    """Return the symbols that a profile is about, whether the lake has them or not; and those that it excludes."""
    universe = profile.universe
    asked = set(universe.symbols or contents.names(kinds=frozenset(universe.kinds)))
    excluded = asked & set(universe.exclude_symbols)
    return (asked - excluded) | set(profile.benchmark.symbols), excluded - set(profile.benchmark.symbols)


def summary(
    profile: Profile, states: Iterable[AssetHealth], excluded: Iterable[str], registry: DataRegistry
) -> ProfileHealth:
    """Return the summary of judged assets; of several holders of one ticker the last counts."""
    holders: dict[str, AssetHealth] = {}
    for one in states:
        if one.symbol not in holders or _later(one, holders[one.symbol]):
            holders[one.symbol] = one
    whys = {name: _why(one, registry, profile.data.interval) for name, one in sorted(holders.items())}
    unhealthy = {name: why for name, why in whys.items() if why}
    records = [registry.record(name, profile.data.interval) for name in holders]
    told = Counter(one.told_by or "unknown" for one in records if one.state is AssetState.STABLE)
    return ProfileHealth(
        profile=profile.name,
        total=len(holders),
        healthy=len(holders) - len(unhealthy),
        unhealthy=unhealthy,
        excluded={name: holders[name].state.value for name in sorted(excluded)},
        stable=dict(sorted(told.items())),
    )


def _later(one: AssetHealth, other: AssetHealth) -> bool:
    never = np.datetime64(0, "us")
    return bool((one.last if one.last is not None else never) > (other.last if other.last is not None else never))


def _why(asset: AssetHealth, registry: DataRegistry, interval: str) -> str:
    """Return why an asset is not healthy; empty where it is."""
    if not asset.state.fine:
        return asset.state.value
    record = registry.record(asset.symbol, interval)
    known = record.state is AssetState.DEGRADED and asset.state is not HealthState.DELISTED
    return f"{record.state.value}: {record.reason}" if known else ""
