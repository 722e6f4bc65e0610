"""What stands behind sleeves on disk: the panels that they were played on, and what a plan says of them.

A run of a profile was played on the panel of its pinned snapshot; one of a meta-portfolio on the account of its own
sleeves, which is put together again from theirs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tvquant.app.finished_runs import fault
from tvquant.app.meta.reading import conventions_of, in_common, sleeve_of
from tvquant.app.plan import Plan
from tvquant.app.profile_health import summary
from tvquant.app.workspace import Workspace
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.panel import Panel
from tvquant.core.records import WEIGHING
from tvquant.core.sleeve_records import SleeveRecord, sleeves_of
from tvquant.core.sleeves import Sleeve, Solves
from tvquant.core.stages import Stage
from tvquant.lake import HealthState, Snapshot
from tvquant.lake.quality.health import from_report
from tvquant.ledger import RunFolder, records
from tvquant.ledger.recorded_parts import RecordedPlan, understood
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import HEALTH
from tvquant.market.registry import DataRegistry
from tvquant.profiles.sections.sleeves import StreamsSection
from tvquant.tournament.sleeves.groups import Group, group_of
from tvquant.tournament.sleeves.specs import META


class Sources:
    """Reads what sleeves' runs recorded and pinned; each panel, and each account of a meta-portfolio, once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lake = workspace, workspace.lake()
        self._panels: dict[str, Panel] = {}
        self._groups: dict[tuple[str, str], Group] = {}

    def sleeve(self, name: str, run: RecordedRun, streams: StreamsSection, risk_profile: str) -> Sleeve:
        """Return a sleeve as the cell of its run that a meta-portfolio takes.

        Raises
        ------
        ModelError : as `sleeve_of`.
        """
        panel = self.panel(run, risk_profile)
        return sleeve_of(
            name,
            run,
            cell_of(run, streams, risk_profile),
            times=panel.times,
            calendar=panel.calendar,
            conventions=self._conventions(run, streams.simulator),
            solves=_weighed(run, streams, risk_profile) if run.is_meta else None,
        )

    def panel(self, run: RecordedRun, risk_profile: str) -> Panel:
        """Return the panel that a run was played on; that of a meta-portfolio is of one risk profile.

        Raises
        ------
        DataError : the lake no longer holds what a run pinned.
        """
        if run.is_meta:
            return self.group(run, risk_profile).account.panel
        plan = self.plan(run)
        key = f"{plan.snapshot.digest} {plan.until}"
        if key not in self._panels:
            self._panels[key] = plan.panel
        return self._panels[key]

    def plan(self, run: RecordedRun) -> Plan:
        """Return the plan of a profile's run, on what it pinned."""
        return Plan.of(run.resolved, self._lake.pinned(Snapshot.from_json(pinned(run).snapshot)))

    def group(self, run: RecordedRun, risk_profile: str) -> Group:
        """Return the sleeves of a meta-portfolio's run as it joined them, with the account that they had.

        Raises
        ------
        LedgerError : a sleeve's run does not verify, or is not the one that was played then.
        """
        key = run.folder.id, risk_profile
        if key not in self._groups:
            self._groups[key] = self._joined(run, risk_profile)
        return self._groups[key]

    def _joined(self, run: RecordedRun, risk_profile: str) -> Group:
        profile = run.meta.profile
        runs = dict(self.runs(run))
        kept = run.table("streams")["cell"].unique().to_list()
        names = [name for name in runs if f"{name}/{risk_profile}" in kept]
        sleeves = [self.sleeve(name, runs[name], profile.streams, risk_profile) for name in names]
        return group_of(profile, risk_profile, sleeves, {name: self.panel(runs[name], risk_profile) for name in names})

    def runs(self, run: RecordedRun) -> Iterator[tuple[str, RecordedRun]]:
        """Yield each sleeve of a meta-portfolio's run with its own run, in the order of the profile."""
        for record in records_of(run):
            folder = RunFolder(self._workspace.runs / record.run)
            if not folder.path.is_dir():
                raise DataError(f"sleeve {record.name}: its run {record.run} is gone; play the meta-portfolio again")
            found = RecordedRun(folder)
            if not found.verification.finished:
                raise LedgerError(f"sleeve {record.name}: {fault(found)}")
            if found.sealed != record.result:
                raise LedgerError(
                    f"sleeve {record.name}: run {record.run} has another result than {run.folder.id} was made of"
                )
            yield record.name, found

    def record(self, name: str, run: RecordedRun, risk_profile: str) -> SleeveRecord:
        """Return what a plan says of a sleeve."""
        market = self.panel(run, risk_profile).calendar
        return SleeveRecord(
            name=name,
            profile=run.profile_name,
            run=run.folder.id,
            result=run.sealed or "",
            snapshot=pinned(run).snapshot_digest,
            calendar=market,
            periods_per_year=calendar(market).periods_per_year,
            health=_health(run),
        )

    def _conventions(self, run: RecordedRun, simulator: str) -> Mapping[str, Any]:
        """Return what the run must have like others; a meta-portfolio has the windows and selection of its sleeves."""
        if not run.is_meta:
            return conventions_of(run.resolved.profile.values(), simulator)
        own = conventions_of(run.meta.profile.values(), simulator)
        own = {key: value for key, value in own.items() if not key.startswith("windows.")}
        return in_common([self._conventions(one, simulator) for _, one in self.runs(run)]) | own


def cell_of(run: RecordedRun, streams: StreamsSection, risk_profile: str) -> str:
    """Return the key of the cell of a sleeve's run that is its stream."""
    first = META if run.is_meta else run.resolved.profile.selection.model
    return f"{first}/{streams.engine}/{risk_profile}/{streams.simulator}"


def pinned(run: RecordedRun) -> RecordedPlan:
    """Return what a run pinned.

    Raises
    ------
    LedgerError : it was stopped before.
    """
    if run.plan is None:
        raise LedgerError(f"run {run.folder.id} pinned nothing")
    return run.plan


def records_of(run: RecordedRun) -> tuple[SleeveRecord, ...]:
    """Return what the plan of a meta-portfolio's run says of its sleeves."""
    text = pinned(run).snapshot
    return understood("the plan's sleeves", lambda: sleeves_of(text))


def _weighed(run: RecordedRun, streams: StreamsSection, risk_profile: str) -> Solves:
    """Return how the weighings of a meta-portfolio went; where no sleeve moved there was nothing to weigh."""
    chain = f"{WEIGHING}/{META}/{streams.engine}/{risk_profile}"
    found = [one.metrics for one in records(run.folder.path, chain=chain, kind=WEIGHING)]
    asked = [one["status"] for one in found if one["moving"]]
    return Solves(solved=asked.count("solved"), asked=len(asked))


def _health(run: RecordedRun) -> dict[str, int]:
    """Return state of data -> how many assets of a run were in it; of a meta-portfolio those of all its sleeves.

    They are those that the run told its user of (`profile_health`): whoever holds a ticker now stands for it.
    """
    if run.is_meta:
        found: Counter[str] = Counter()
        for one in records_of(run):
            found.update(one.health)
    else:
        told = run.stages[Stage.HEALTH].data.get("profile_health") or _told(run)
        found = Counter(why.partition(":")[0] for why in told["not_healthy"].values())
        found[HealthState.OK.value] += told["healthy"]
    return dict(sorted(found.items()))


def _told(run: RecordedRun) -> dict[str, Any]:
    """Return the health of a run's assets by its report, where an earlier version recorded no more."""
    return summary(run.resolved.profile, from_report(run.document(HEALTH)), (), DataRegistry()).document()
