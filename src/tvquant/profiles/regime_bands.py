"""Bands of the regime score: what it is on noise of so many rows, as one file of a command, packaged or the user's own.

A file is `bands/NAME.json` in one of the user's folders; `tvquant regime calibrate` writes it, and a profile names it
by `regime.bands`. The packaged one is of noise alone (Student t of 4 degrees of freedom).
"""

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from tvquant.core.digests import digest_json
from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Name, Real, Section, broken
from tvquant.profiles.files import Shelf, text_of
from tvquant.profiles.messages import explained

BANDS = Shelf(noun="file of bands", preset="preset file of bands", below="bands", suffix=".json")
PACKAGED = "noise"
FIRST, LAST = 20, 252
"""Fewest rows that have a label, and most that any component reads."""

type Column = Annotated[tuple[Real, ...], Field(min_length=2)]
type Share = Annotated[Real, Field(gt=0, lt=1)]


class Quantiles(Section):
    """Which quantile of noise each band is.

    Parameters
    ----------
    quiet, turbulent, crisis : of the score.
    growth : of the size of the mean over the standard deviation.
    stress : of the stress axis.
    """

    quiet: Share
    turbulent: Share
    crisis: Share
    growth: Share
    stress: Share


class Sample(Section):
    """The returns that noise was drawn from, where it is that of a market.

    Parameters
    ----------
    profile : whose pool the market is.
    first, last : dates of the first and the last return.
    rows : number of returns.
    digest : of these returns.
    """

    profile: Name
    first: date
    last: date
    rows: int = Field(strict=True, ge=1)
    digest: str


class Bands(Section):
    """Quantiles of score, growth and stress on noise, by number of rows.

    Parameters
    ----------
    version : of this form.
    made : day on which it was made.
    seed, draws : of the noise, by number of rows.
    sample : what the noise was drawn from; null is Student t of 4 degrees of freedom.
    quantiles : which quantile each column is.
    rows : numbers of rows, ascending, from 20 to 252.
    quiet, turbulent, crisis, growth, stress : one figure for each of them.
    """

    version: Literal[1]
    made: date
    seed: int = Field(strict=True, ge=0)
    draws: int = Field(strict=True, ge=1)
    sample: Sample | None
    quantiles: Quantiles
    rows: Annotated[tuple[Annotated[int, Field(strict=True)], ...], Field(min_length=2)]
    quiet: Column
    turbulent: Column
    crisis: Column
    growth: Column
    stress: Column

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.rows[0] != FIRST or self.rows[-1] != LAST or tuple(sorted(set(self.rows))) != self.rows:
            raise broken(f"rows: expected them ascending from {FIRST} to {LAST}")
        for name in ("quiet", "turbulent", "crisis", "growth", "stress"):
            if len(getattr(self, name)) != len(self.rows):
                raise broken(f"{name}: expected {len(self.rows)} figures, one for each of rows")
        for quiet, turbulent, crisis in zip(self.quiet, self.turbulent, self.crisis, strict=True):
            if not quiet <= turbulent <= crisis:
                raise broken("expected quiet <= turbulent <= crisis on every number of rows")
        return self

    @property
    def digest(self) -> str:
        """Digest of the content."""
        return digest_json(self.model_dump(mode="json"))


def load_bands(name: str, search: Sequence[Path]) -> dict[str, Any]:
    """Return the content of a file of bands, checked, as a profile would have it.

    Raises
    ------
    ProfileError : no such file, or one that is not accepted.
    DataError : the file cannot be read.
    """
    return _read(BANDS.find(name, search)).model_dump(mode="json")


@cache
def packaged_bands() -> Bands:
    """Return the packaged bands, which are of noise alone."""
    return _read(BANDS.find(PACKAGED, ()))


def _read(path: Path) -> Bands:
    label = BANDS.label(path)
    try:
        return Bands.model_validate(json.loads(text_of(path, label)))
    except ValidationError as error:
        first = error.errors(include_url=False)[:1]
        place = ".".join(map(str, first[0]["loc"]))
        raise ProfileError(f"{label}: {f'{place}: ' if place else ''}{explained(first)}; make it anew") from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{label}: not readable as JSON: {error}; make it anew") from error
