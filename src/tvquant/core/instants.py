"""Times at the border: datetimes with a zone outside, `datetime64[us]` in UTC in the arrays."""

from datetime import UTC, datetime

import numpy as np

from tvquant.core.instruments import Instant


def instant(moment: datetime) -> Instant:
    """Return a moment as the arrays have it.

    Raises
    ------
    ValueError : the moment has no zone: whose clock it was read from is not guessed.
    """
    if moment.tzinfo is None:
        raise ValueError(f"expected a datetime with a zone, found {moment!r}")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def moment(at: Instant) -> datetime:
    """Return an instant as a datetime in UTC."""
    found: datetime = at.astype("datetime64[us]").item()
    return found.replace(tzinfo=UTC)
