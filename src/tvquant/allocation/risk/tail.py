"""Risk profile cvar_min: which losses are its tail."""

from pydantic import Field

from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options


class Tail(Options):
    """The tail of losses whose mean is minimised.

    Parameters
    ----------
    level : the worst 1 - level of the training rows are the tail; at .95 three of sixty.
    """

    under = "cvar_min"
    level: Real = Field(default=0.95, ge=0.5, lt=1)
