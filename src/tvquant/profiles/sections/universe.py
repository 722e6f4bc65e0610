"""Section `universe`: which instruments of the lake may be held."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, field_validator

from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.profiles.fields import Distinct, Name, Real, Section, Symbol, broken, pairs
from tvquant.profiles.scanner_schema import Recruiter

type Strategies = Annotated[
    tuple[tuple[Name, Annotated[Distinct[Name], Field(min_length=1)]], ...],
    BeforeValidator(pairs),
    PlainSerializer(lambda grouped: {name: list(scanners) for name, scanners in grouped}),
]


class UniverseSection(Section):
    """Which instruments of the lake may be held.

    Parameters
    ----------
    kinds : an instrument must be of one of these.
    exclude_kinds : and of none of these.
    symbols : and be one of these `EXCHANGE:TICKER`, when given; null is every symbol.
    exclude_symbols : and none of these.
    membership : `current`: the list is today's, results are stamped `current_only`. `dated`: the author states that the
        data hold every name that was listed at any time, those that failed included; nothing is stamped.
    direction : `long` and `short` refuse scanners of the other side (R-SEL-30); without scanners `short` holds short.
    research : whether scanners that are for research only may recruit.
    rating_band : takes the place of the neutral band of +-0.1 in the filters of rating scanners (R-UNI-14); null leaves
        it.
    max_atoms : the most traded atoms that are kept (R-UNI-21).
    scanners : who recruits; none is everything of these kinds, held on the side of `direction`, long where that is
        both. A file names them, a resolved profile has the whole definitions of these and of those under `strategies`.
    strategies : strategy -> names of its scanners; one without a logic gets the strategy's name (R-CFG-02).
    """

    kinds: Annotated[Distinct[Kind], Field(min_length=1)]
    exclude_kinds: Distinct[Kind]
    symbols: Annotated[Distinct[Symbol], Field(min_length=1)] | None
    exclude_symbols: Distinct[Symbol]
    membership: Literal["current", "dated"]
    direction: Literal["both", "long", "short"]
    research: bool = Field(strict=True)
    rating_band: Annotated[Real, Field(ge=0, le=1)] | None
    max_atoms: int = Field(strict=True, ge=1)
    scanners: tuple[Recruiter, ...]
    strategies: Strategies

    @field_validator("scanners", mode="after")
    @classmethod
    def _each_once(cls, scanners: tuple[Recruiter, ...]) -> tuple[Recruiter, ...]:
        names = [scanner.name for scanner in scanners]
        for name in names:
            if names.count(name) > 1:
                raise broken(f"names {shown(name)} more than once; name it once")
        return scanners

    @field_validator("scanners", mode="after")
    @classmethod
    def _of_this_profile(cls, scanners: tuple[Recruiter, ...], info: ValidationInfo) -> tuple[Recruiter, ...]:
        direction, research = info.data.get("direction", "both"), info.data.get("research", True)
        for scanner in scanners:
            if direction != "both" and str(scanner.direction).lower() != direction:
                raise broken(
                    f"scanner {scanner.name} is {scanner.direction}, and universe.direction is {direction}; drop one"
                )
            if scanner.research and not research:
                raise broken(f"scanner {scanner.name} is for research only; set universe.research: true, or drop it")
        return scanners

    @field_validator("exclude_kinds", "exclude_symbols", mode="after")
    @classmethod
    def _not_wanted_too(cls, excluded: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        wanted_key = str(info.field_name).removeprefix("exclude_")
        both = sorted(set(excluded) & set(info.data.get(wanted_key) or ()))
        if both:
            raise broken(f"excludes {both[0]}, which universe.{wanted_key} asks for; drop it from one of them")
        return excluded

    def leaves_out(self, symbol: str) -> str:
        """Return the key that leaves a symbol out of the universe; empty where none does."""
        if symbol in self.exclude_symbols:
            return "universe.exclude_symbols"
        return "" if self.symbols is None or symbol in self.symbols else "universe.symbols"

    @property
    def stamps(self) -> Stamps:
        """Caveats that every result of this universe bears."""
        lists = [scanner.members for scanner in self.scanners if scanner.members]
        today = self.membership == "current" or not all(members.dated for members in lists)
        return frozenset({Stamp.CURRENT_ONLY}) if today else NONE
