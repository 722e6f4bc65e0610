"""A run of a meta-portfolio as its page sees it: sleeves, gates, streams, shares, and what is told of the account.

The tables are those of any run, and `streams`, `shares`, `tree`, `mixes`, `gap` and `correlations` beside them. Nothing
of the sleeves' own runs is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.records import GATE, WEIGHING
from tvquant.core.sleeve_records import SleeveRecord, sleeves_of
from tvquant.core.stages import Stage
from tvquant.ledger import RunFolder, records
from tvquant.ledger.recorded_parts import Absent, RecordedCell, understood
from tvquant.profiles import MetaProfile
from tvquant.profiles.sections.execution import BenchmarkSection
from tvquant.report.formatting import plain
from tvquant.report.performance_figures import Track
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import believe
from tvquant.tournament.sleeves.meta_specs import headline_of
from tvquant.tournament.sleeves.specs import META

STREAMS = "streams"
"""Folder of the sleeves' whole streams, and the table of those on common dates."""
BENCHMARK = "benchmark"
"""Table of the levels of what the profile measures against."""
SOLVED, STILL = "solved", "no_candidate"
"""How a decision ends that was answered as asked, and one that had nothing to weigh, since no sleeve moved."""
PROMOTION = "promotion"
"""What a gate may stop in place of the run: then it is a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGate:
    """What a gate found.

    Parameters
    ----------
    sleeves : whom it judged.
    found, limit : as recorded, in the gate's own measure; None where it has none.
    why : in words; empty where there is nothing to say.
    finding : what fails stops a promotion and not the run.
    risk_profile : whose cells of the sleeves it judged; empty where that does not matter.
    """

    gate: str
    sleeves: tuple[str, ...]
    passed: bool
    found: Any
    limit: Any
    why: str
    finding: bool
    risk_profile: str

    @property
    def words(self) -> str:
        """The finding as one line."""
        return f"{plain(self.gate)}, {' and '.join(self.sleeves) or 'all sleeves'}: {self.why or self.found}"


class MetaRun(PlayedRun):
    """A run of a meta-portfolio; what the folder lacks raises `Absent` when it is asked for."""

    @property
    def profile(self) -> MetaProfile:
        """The meta-profile of the manifest."""
        return self.meta.profile

    @property
    def headline_key(self) -> str:
        """Key of the cell of the first risk profile and the first simulator."""
        return headline_of(self.profile)

    @property
    def benchmark(self) -> BenchmarkSection:
        """What results are compared with."""
        return self.profile.benchmark

    @property
    def gross_limit(self) -> float:
        """Most of gross exposure of the netted book at a decision, as a fraction of equity."""
        return self.profile.limits.gross

    def name_of(self, baseline: RecordedCell) -> str:
        """Return the name of a baseline: mixes have one each."""
        return self.path_of(baseline)

    @property
    def risk(self) -> str:
        """The risk profile whose streams stand behind the cell that is looked at; mixes are of the first one's."""
        parts = self.headline.key.split("/")
        return parts[2] if parts[0] == META and len(parts) == 4 else self.profile.allocation.profiles[0]

    @cached_property
    def sleeves(self) -> tuple[SleeveRecord, ...]:
        """The sleeves as the plan pins them, also those that a gate left out."""
        plan = self.plan
        if plan is None:
            raise Absent("the ledger has no plan: the sleeves were not pinned")
        return understood("the sleeves of the plan", lambda: sleeves_of(plan.snapshot))

    @property
    def gates(self) -> tuple[RecordedGate, ...]:
        """What the gates found of the sleeves that are looked at, in the order in which they judged."""
        return tuple(one for one in self._gates if one.risk_profile in ("", self.risk))

    @cached_property
    def _gates(self) -> tuple[RecordedGate, ...]:
        return understood(
            "the record of a gate",
            lambda: tuple(_gate(one.data) for one in self.course if one.kind == GATE),
        )

    @property
    def lost(self) -> Mapping[str, tuple[int, int]]:
        """Sleeve -> rows of its stream, and how many of them the join left out; none where that is not recorded."""
        data = self.stages[Stage.NATURAL_SELECTION].data if Stage.NATURAL_SELECTION in self.stages else {}
        lost = data.get("lost", {})
        return understood(
            "rows that the join left out", lambda: {n: (v["rows"], v["dropped"]) for n, v in lost.items()}
        )

    @property
    def bets(self) -> float | None:
        """How many bets the sleeves are beyond what chance makes of few rows; None where that is not recorded."""
        data = self.stages[Stage.VALIDATION].data if Stage.VALIDATION in self.stages else {}
        found = data.get("bets", {}).get(self.risk, {}).get("beyond_noise")
        return None if found is None else float(found)

    @property
    def failed(self) -> tuple[RecordedGate, ...]:
        """Gates that a sleeve did not pass, and findings."""
        return tuple(one for one in self.gates if not one.passed)

    @property
    def weighed(self) -> tuple[str, ...]:
        """Sleeves that were weighed, in the order of the profile."""
        there = set(self.table("shares", self.path_of(self.headline))["sleeve"])
        return tuple(name for name in self.profile.sleeves if name in there)

    @property
    def unsolved(self) -> tuple[str, ...]:
        """Why decisions of the cell that is looked at were not solved as asked, one text each, as the last try said."""
        chain = f"{WEIGHING}/{self.path_of(self.headline)}"
        made = [
            one.data["allocation"]
            for one in records(self.folder.path, chain=chain, kind=WEIGHING)
            if one.metrics.get("status") != STILL
        ]
        tries = [one["attempts"] for one in made if one is not None and one["status"] != SOLVED]
        return tuple(some[-1]["outcome"] for some in tries if some)

    def streams(self) -> list[Track]:
        """Return the streams of the sleeves on the common dates from the first decision on, net of their own costs."""
        begin = self.table("shares", self.path_of(self.headline))["decided_at"].min()
        suffix, table = f"/{self.risk}", self.table(STREAMS).filter(pl.col("time") >= begin)
        named = {str(key[0]): rows for key, rows in table.partition_by("cell", as_dict=True).items()}
        found = {
            key.removesuffix(suffix): track_of_levels(key.removesuffix(suffix), rows) for key, rows in named.items()
            if key.endswith(suffix)
        }  # fmt: skip
        return [found[name] for name in self.weighed if name in found]

    def whole_stream(self, sleeve: str) -> Track:
        """Return a sleeve's stream on all of its own rows, as the run keeps it (`streams/`)."""
        of = self.profile.streams
        name = f"{STREAMS}/{sleeve}/{of.engine}_{of.simulator}_{self.risk}.parquet"
        if name not in self.files:
            raise Absent(f"{name} is not among the files that the ledger answers for")
        return track_of_levels(sleeve, pl.read_parquet(self.folder.path / name, glob=False))

    @property
    def no_market(self) -> str:
        """Why there is nothing that the account is measured against."""
        data = self.stages[Stage.VALIDATION].data if Stage.VALIDATION in self.stages else {}
        return str(data.get("no_benchmark", "benchmark.market names no symbol"))

    @property
    def market(self) -> Track | None:
        """What the account is measured against; None where the profile names nothing, or no sleeve has its bars."""
        try:
            return track_of_levels("benchmark", self.table(BENCHMARK))
        except Absent:
            return None

    def mix_of(self, cell: RecordedCell) -> Track:
        """Return the mix of the streams at the shares of a cell: what its account is held against."""
        return track_of_levels("mix of streams", self.table("mixes", self.path_of(cell)))


def read_meta(folder: Path) -> MetaRun:
    """Return the run of a meta-portfolio in a folder, its files held against the ledger.

    Raises
    ------
    DataError : it has no ledger, or one without a record.
    LedgerError : the ledger cannot be believed, is of another run, or a file is not what the ledger says.
    """
    run = MetaRun(RunFolder(folder))
    believe(run)
    return run


def track_of_levels(name: str, rows: pl.DataFrame) -> Track:
    """Return the track of levels by time: the first level is where it begins, and no row of its returns."""
    levels = rows["level"].to_numpy()
    if len(levels) < 2:
        raise Absent(f"{name} has {len(levels)} levels: there is no return between them")
    before = np.where(levels[:-1] > 0.0, levels[:-1], np.nan)
    returns = np.where(np.isnan(before), 0.0, levels[1:] / before - 1.0)
    return Track(name=name, times=rows["time"].to_numpy()[1:], returns=returns)


def _gate(data: Any) -> RecordedGate:
    return RecordedGate(
        gate=data["gate"], sleeves=tuple(data["sleeves"]), passed=bool(data["passed"]), found=data.get("found"),
        limit=data.get("limit"), why=data.get("why") or "", finding=data.get("stops") == PROMOTION,
        risk_profile=data.get("risk_profile", ""),
    )  # fmt: skip
