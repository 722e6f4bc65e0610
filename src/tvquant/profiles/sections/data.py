"""Sections `data` and `windows`: which rows are used, and how they are walked."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from tvquant.core.calendar_steps import WEEK, CalendarStep
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Day, Real, Section, broken
from tvquant.profiles.sections.providers import Deliveries, Plain, told


class DataSection(Section):
    """Which rows are used and what an asset's history must satisfy.

    Parameters
    ----------
    interval : bar length.
    span : rows walked forward, the last ones, or `all`; in its place `start` says from when.
    start : first date that is walked forward, null for as early as the data allow: the first window is at the first
        session on or after it, and the rows before serve training, lookback and history. A window still needs
        `windows.train` rows and a name with `min_history` bars before it; where the data begin too late for that, the
        first window comes later, and this is said.
    end : last date that is used, inclusive, null for all there is: neither a decision nor a result reads anything that
        became known after its session, so a run is the one that a lake ending there would give. The data must reach
        it.
    lookback : bars that a decision's statistics may use.
    min_history : valid bars an asset needs before it can be chosen; 90 or more (R-DAT-02).
    max_missing : largest share of missing bars.
    max_abs_return : largest absolute simple return of one bar that is believed.
    quorum : share of the names alive in the last five sessions that must have a bar for it to be decided on; else the
        last bar that has them is.
    rating_min_bars : bars an instrument needs before it has a technical rating.
    rating_rules : which of the published technical ratings is meant.
    rating_adx : how the ADX votes in it; null is as these rules say.
    providers : exchange, or EXCHANGE/kind, -> who delivers its bars to `tvquant data sync PROFILE`: the name of a
        provider, or its name and options; a relative path is of the workspace. Runs read the lake alone.
    """

    interval: Literal["1d"]
    span: Annotated[int, Field(strict=True, ge=1)] | Literal["all"]
    start: Day | None
    end: Day | None
    lookback: int = Field(strict=True, ge=2)
    min_history: int = Field(strict=True, ge=90)
    max_missing: Real = Field(ge=0, lt=1)
    max_abs_return: Real = Field(gt=0)
    quorum: Real = Field(gt=0, le=1)
    rating_min_bars: int = Field(strict=True, ge=1)
    rating_rules: Literal["library_v3", "classic", "screener"]
    rating_adx: Literal["rising", "cross"] | None
    providers: Deliveries

    @property
    def deliveries(self) -> Mapping[str, tuple[str, dict[str, Plain]]]:
        """Name and options of each provider by its key."""
        return {key: told(one) for key, one in self.providers}

    @field_validator("start", mode="after")
    @classmethod
    def _instead_of_span(cls, start: date | None, info: ValidationInfo) -> date | None:
        span = info.data.get("span", "all")
        if start is not None and span != "all":
            raise broken(
                f"found {start} beside data.span ({span}), and each says where the walk begins; set data.span: all, or "
                "drop data.start"
            )
        return start

    @field_validator("end", mode="after")
    @classmethod
    def _behind_the_start(cls, end: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("start")
        if end is not None and start is not None and end < start:
            raise broken(f"expected data.start ({start}) or later, found {end}")
        return end

    @property
    def ratings(self) -> tuple[str, str | None]:
        """The rules of technical ratings, and the vote of the ADX where it departs from them."""
        return self.rating_rules, self.rating_adx


type Period = Literal["month_end", "quarter_end", "year_end"]
type Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
PERIODS: tuple[str, ...] = get_args(Period.__value__)
WEEKDAYS: tuple[str, ...] = get_args(Weekday.__value__)


class Weekly(Section):
    """A week that ends on a weekday.

    Parameters
    ----------
    week : the weekday.
    """

    week: Weekday


def _step(value: object) -> object:
    """Return the value if it is a step, refused in one line where it is none: it may be one of three things."""
    rows = type(value) is int and value >= 1
    week = isinstance(value, Mapping) and set(value) == {"week"} and value["week"] in WEEKDAYS
    if rows or week or value in PERIODS or isinstance(value, Weekly):
        return value
    raise broken(
        f"expected a number of rows, 1 or more, or {', '.join(PERIODS)} or {{week: friday}} (any weekday), "
        f"found {shown(value)}"
    )


type Step = Annotated[Annotated[int, Field(strict=True, ge=1)] | Period | Weekly, BeforeValidator(_step)]


def rule_of(step: int | str | Weekly) -> int | CalendarStep:
    """Return a step as schedules take it."""
    if isinstance(step, Weekly):
        return CalendarStep(f"{WEEK}{step.week}")
    return step if isinstance(step, int) else CalendarStep(step)


class WindowsSection(Section):
    """Walk-forward windows.

    Parameters
    ----------
    train : rows that momentum, covariance and the clusters of allocation use.
    step : rows between decisions, or the close that decides: `month_end`, `quarter_end`, `year_end`, or
        `{week: friday}` (any weekday). It is that of the last session of the period on the calendar of the data; the
        window begins with the next row.
    test : rows of a window's own diagnostics; `step` where a profile leaves it null. With a step by the calendar it
        stays null: a window lasts until the next begins.
    """

    train: int = Field(strict=True, ge=2)
    step: Step
    test: Annotated[int, Field(strict=True, ge=1)] | None

    @field_validator("test", mode="after")
    @classmethod
    def _covers_the_step(cls, test: int | None, info: ValidationInfo) -> int | None:
        step = info.data.get("step", test)
        if isinstance(step, int):
            if test is None or test < step:
                raise broken(
                    f"expected at least windows.step ({step}), found {shown(test)}; rows between would never be tested"
                )
        elif test is not None and step is not None:
            raise broken(f"found {test} beside a step by the calendar: a window lasts until the next; set it null")
        return test

    @property
    def rule(self) -> int | CalendarStep:
        """The step as schedules take it."""
        return rule_of(self.step)
