"""What the stages of a meta-portfolio's run share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tvquant.app.identity import plan_digest
from tvquant.app.meta.sources import Sources
from tvquant.app.progress import Watcher
from tvquant.core.digests import digest_bytes
from tvquant.core.records import Recorder
from tvquant.core.sleeve_records import SleeveRecord, text_of
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import MetaProfile, ResolvedMeta
from tvquant.tournament.sleeves.correlation import Correlations
from tvquant.tournament.sleeves.groups import Group
from tvquant.tournament.sleeves.netting import NettedBook
from tvquant.tournament.sleeves.shares import MetaPath
from tvquant.tournament.sleeves.specs import MIX


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaPlan:
    """A meta-profile with the runs of its sleeves, and the digest that names both with code and environment."""

    resolved: ResolvedMeta
    records: tuple[SleeveRecord, ...]

    @property
    def profile(self) -> MetaProfile:
        """The meta-profile."""
        return self.resolved.profile

    @property
    def text(self) -> str:
        """What is pinned in place of a snapshot of data."""
        return text_of(self.records)

    @property
    def snapshot(self) -> str:
        """Digest of what is pinned."""
        return digest_bytes(self.text.encode())

    @property
    def digest(self) -> str:
        """The plan digest."""
        return plan_digest(profile=self.resolved.digest, snapshot=self.snapshot)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """A path of a meta-portfolio, the group whose dates it is on, and what its account holds."""

    group: Group
    path: MetaPath
    book: NettedBook

    @property
    def baseline(self) -> bool:
        """Whether it is a mix, which prices what weighing must beat."""
        return self.path.key.startswith(f"{MIX}/")


@dataclass(kw_only=True)
class MetaContext:
    """One run of a meta-portfolio while it is played.

    Parameters
    ----------
    runs : of the sleeves that have one.
    absent : why the others have none.
    finished : numbers of the stages that were played.
    groups : of each risk profile, once the sleeves passed their gates.
    correlations : of the sleeves of each risk profile.
    held : paths in the order of the profile, mixes behind the headline, once they were weighed.
    """

    folder: RunFolder
    plan: MetaPlan
    sources: Sources
    runs: Mapping[str, RecordedRun]
    absent: Mapping[str, str]
    recorder: Recorder
    progress: Watcher
    finished: set[int] = field(default_factory=set)
    groups: tuple[Group, ...] = ()
    correlations: dict[str, Correlations] = field(default_factory=dict)
    held: tuple[Held, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """Digests that stages name as their inputs."""
        return {"plan": self.plan.digest, "snapshot": self.plan.snapshot}
