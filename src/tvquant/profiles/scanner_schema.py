"""Resolved scanners: the definitions that a profile holds and discovery works by."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from tvquant.core.atoms import Direction
from tvquant.core.instruments import Kind
from tvquant.profiles.fields import Distinct, Member, Name, Section, broken
from tvquant.profiles.filters import AnyOf, Condition, Filter, senses_differ
from tvquant.profiles.members import Members

RATING = "rating_"
"""Start of the name of every logic that holds by a technical rating."""
FLOOR, RATINGS = "value_traded_last", "recommend_"
"""The field, and the start of the fields, that a rating scanner may filter; the rest is for selection (R-UNI-15)."""


HELD = ("logic", "direction")
"""What a scanner holds its recruits for, and how."""
FLOORS = {Kind.SPOT: 20e6, Kind.SWAP: 50e6}
"""Dollars a day that a production scanner of Binance asks at least (R-UNI-08)."""


class Largest(Section):
    """The most of a feature within what the structure leaves: a ceiling, ranked only to cut, never an order."""

    field: Member
    count: int = Field(strict=True, ge=1)


class Scanner(Section):
    """A resolved scanner.

    Parameters
    ----------
    exchange : venue, or null for any.
    kinds : an instrument must be of one of these, where any is named.
    exclude_kinds : and of none of these (hygiene).
    currency : quote currency, stablecoins counting as theirs, or null for any.
    calendar : of the instruments' bars, or null for any.
    quotes : tickers of quotes that count as that currency, the best first; none is any.
    members : the list that an instrument's ticker must be on at the decision, or null for any.
    largest : the ceiling of the pool, or null for none.
    research : whether it is for research only.
    logic, direction : what its recruits are held for and how; a scanner without them is only a pool.
    pool : filters that first appear in universes, hygiene and templates.
    signal : those of strategies and scanners.
    """

    name: Name
    exchange: Member | None
    kinds: Distinct[Kind]
    exclude_kinds: Distinct[Kind]
    currency: Member | None
    calendar: Member | None = None
    quotes: Distinct[str] = ()
    members: Members | None = None
    largest: Largest | None = None
    research: Annotated[bool, Field(strict=True)] = False
    logic: Member | None
    direction: Direction | None
    pool: tuple[Condition, ...]
    signal: tuple[Condition, ...]

    @property
    def filters(self) -> tuple[Filter | AnyOf, ...]:
        """All filters in the order in which they are applied."""
        return self.pool + self.signal

    @property
    def fields(self) -> tuple[str, ...]:
        """Every feature that a filter reads, each once."""
        ranked = (self.largest.field,) if self.largest else ()
        filtered = (part.field for each in self.filters for part in each.comparisons)
        return tuple(dict.fromkeys((*ranked, *filtered)))

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        senses_differ(self.filters)
        return self

    @model_validator(mode="after")
    def _lean(self) -> Self:
        if self.logic is not None and self.logic.startswith(RATING):
            for name in self.fields:
                if name != FLOOR and not name.startswith(RATINGS):
                    raise broken(
                        f"scanner {self.name} has the logic {self.logic} and filters {name}; a rating scanner "
                        f"filters {FLOOR} and ratings only, leave the rest to the vetoes of selection"
                    )
        return self


def _recruits(scanner: Scanner) -> Scanner:
    """Return the scanner, refused as a pool: an atom without a logic or a direction has no key (R-UNI-19)."""
    for key in HELD:
        if getattr(scanner, key) is None:
            raise broken(f"scanner {scanner.name} declares no {key}; declare it there")
    return scanner


type Recruiter = Annotated[Scanner, AfterValidator(_recruits)]
"""A scanner of a resolved profile: it holds its recruits for a logic, in a direction."""


def below_floor(scanner: Scanner) -> str:
    """Return why a production scanner of Binance asks too little, or nothing (R-UNI-08)."""
    if scanner.exchange != "BINANCE" or scanner.research:
        return ""
    least = max((FLOORS[kind] for kind in scanner.kinds or FLOORS if kind in FLOORS), default=0.0)
    alone = [each for each in scanner.filters if isinstance(each, Filter) and each.sense == (FLOOR, "above")]
    found = max((each.comparison[1] for each in alone), default=0.0)
    if found >= least:
        return ""
    return (
        f"scanner {scanner.name}: expected {FLOOR} above {least:.0f} at least, found {found:.0f}; "
        "raise it, or mark the scanner `research: true`"
    )
