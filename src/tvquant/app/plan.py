"""What a run would compute: the profile as the lake can serve it, the pinned data, and the digest that names both."""

from dataclasses import dataclass

from tvquant.app.identity import plan_digest
from tvquant.app.profile_fit import fitted
from tvquant.lake import Lake, PinnedData, Snapshot
from tvquant.profiles import ResolvedProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Profile, pinned data, and the digest that names them with code and environment."""

    resolved: ResolvedProfile
    pinned: PinnedData
    digest: str

    @classmethod
    def of(cls, resolved: ResolvedProfile, pinned: PinnedData) -> "Plan":
        """Return the plan of this profile on these data, with this code."""
        digest = plan_digest(profile=resolved.digest, snapshot=pinned.snapshot.digest)
        return cls(resolved=resolved, pinned=pinned, digest=digest)

    @property
    def snapshot(self) -> Snapshot:
        """What is pinned."""
        return self.pinned.snapshot


def make_plan(lake: Lake, resolved: ResolvedProfile) -> Plan:
    """Read and digest what a profile needs of the lake; the plan is of the profile that the lake can serve.

    Raises
    ------
    DataError : the lake holds nothing that the profile asks for.
    """
    contents = lake.contents()
    fit = fitted(contents, resolved)
    return Plan.of(fit.resolved, contents.pinned(fit.symbols, interval=resolved.profile.data.interval))
