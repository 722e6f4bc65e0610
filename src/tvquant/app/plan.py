"""What a run would compute: the profile as the lake can serve it, the pinned data, and the digest that names both."""

from dataclasses import dataclass, replace

import numpy as np

from tvquant.app.identity import plan_digest
from tvquant.app.profile_fit import fitted
from tvquant.core.calendars import DAY
from tvquant.core.errors import DataError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats, Panel
from tvquant.lake import Lake, PinnedData, Snapshot
from tvquant.lake.reading.bars import Bars
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.sections.data import DataSection


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

    @property
    def until(self) -> Instant | None:
        """When the last day that the profile uses was over; what became known later is not looked at."""
        end = self.resolved.profile.data.end
        return None if end is None else np.datetime64(end, "us") + DAY

    @property
    def panel(self) -> Panel:
        """The panel of what was pinned, until `data.end`.

        Raises
        ------
        DataError : the lake no longer holds it.
        """
        whole, until = self.pinned.panel, self.until
        return whole if until is None else _ending(whole, until)


def make_plan(lake: Lake, resolved: ResolvedProfile) -> Plan:
    """Read and digest what a profile needs of the lake; the plan is of the profile that the lake can serve.

    Raises
    ------
    DataError : the lake holds nothing that the profile asks for, or nothing of the dates that it names.
    """
    contents = lake.contents()
    fit = fitted(contents, resolved)
    data = resolved.profile.data
    pinned = contents.pinned(fit.symbols, interval=data.interval, beside=fit.beside)
    _refuse_dates(data, pinned.bars)
    return Plan.of(fit.resolved, pinned)


ALWAYS = ("close", "total_return")
"""Fields that every panel has."""
NEUTRAL = {"dividend": 0.0, "split": 1.0}
"""What a field of a panel holds where there is nothing; NaN in all others."""


def _ending(panel: Panel, until: Instant) -> Panel:
    """Return what of a panel was known by a moment, as a lake that ends there would give it."""
    cut = panel.until(until)
    return replace(cut, fields={name: array for name, array in cut.fields.items() if _held(name, array)})


def _held(name: str, array: Floats) -> bool:
    """Return whether a panel of these values has the field: one that holds nothing is not there."""
    neutral = NEUTRAL.get(name)
    return name in ALWAYS or not (np.isnan(array) if neutral is None else array == neutral).all()


def _refuse_dates(data: DataSection, bars: Bars) -> None:
    """Refuse dates that the bars do not reach: what was asked for would be something else."""
    stamps = bars.stamp[bars.valid]
    if not len(stamps):
        return  # which the panel says
    first, last = (stamp.astype("datetime64[D]").item() for stamp in (stamps.min(), stamps.max()))
    if data.start is not None and data.start > last:
        raise DataError(f"data.start is {data.start}, and the data end on {last}; set it earlier or import later bars")
    if data.end is None:
        return
    if data.end < first:
        raise DataError(f"data.end is {data.end}, and the data begin on {first}; set it later or import older bars")
    end, after = np.datetime64(data.end, "us"), np.datetime64(last, "us") + DAY
    lacking = max(len(one.bars(after, end)) for one in bars.calendars.values())
    if lacking:
        raise DataError(
            f"data.end is {data.end}, and the data end on {last}, {lacking} sessions before it; import what is missing "
            "or set it earlier (null is all there is)"
        )
    if data.start is not None and not ((stamps >= np.datetime64(data.start, "us")) & (stamps < end + DAY)).any():
        raise DataError(
            f"no bar is dated from data.start, {data.start}, to data.end, {data.end}; set them further apart"
        )
