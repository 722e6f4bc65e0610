"""Sections `data` and `windows`: which rows are used, and how they are walked."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tvquant.profiles.fields import Real, Section, broken


class DataSection(Section):
    """Which rows are used and what an asset's history must satisfy.

    Parameters
    ----------
    interval : bar length.
    span : rows walked forward, the last ones, or `all`.
    lookback : bars that a decision's statistics may use.
    min_history : valid bars an asset needs before it can be chosen; 90 or more (R-DAT-02).
    max_missing : largest share of missing bars.
    max_abs_return : largest absolute simple return of one bar that is believed.
    quorum : share of the names alive in the last five sessions that must have a bar for it to be decided on; else the
        last bar that has them is.
    rating_min_bars : bars an instrument needs before it has a technical rating.
    rating_rules : which of the published technical ratings is meant.
    rating_adx : how the ADX votes in it; null is as these rules say.
    """

    interval: Literal["1d"]
    span: Annotated[int, Field(strict=True, ge=1)] | Literal["all"]
    lookback: int = Field(strict=True, ge=2)
    min_history: int = Field(strict=True, ge=90)
    max_missing: Real = Field(ge=0, lt=1)
    max_abs_return: Real = Field(gt=0)
    quorum: Real = Field(gt=0, le=1)
    rating_min_bars: int = Field(strict=True, ge=1)
    rating_rules: Literal["library_v3", "classic", "screener"]
    rating_adx: Literal["rising", "cross"] | None

    @property
    def ratings(self) -> tuple[str, str | None]:
        """The rules of technical ratings, and the vote of the ADX where it departs from them."""
        return self.rating_rules, self.rating_adx


class WindowsSection(Section):
    """Walk-forward windows in rows.

    Parameters
    ----------
    train : rows that momentum, covariance and the clusters of allocation use.
    step : rows between decisions.
    test : rows of a window's own diagnostics; `step` where a profile leaves it null.
    """

    train: int = Field(strict=True, ge=2)
    step: int = Field(strict=True, ge=1)
    test: int = Field(strict=True, ge=1)

    @field_validator("test", mode="after")
    @classmethod
    def _covers_the_step(cls, test: int, info: ValidationInfo) -> int:
        step = info.data.get("step", test)
        if test < step:
            raise broken(f"expected at least windows.step ({step}), found {test}; rows between would never be tested")
        return test
