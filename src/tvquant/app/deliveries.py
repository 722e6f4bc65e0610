"""Who delivers which asset: one for all, or each exchange (or a kind on it) by the profile's `data.providers`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from tvquant.core.errors import ProfileError, TvquantError
from tvquant.core.quoting import several
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.profiles.messages import unknown
from tvquant.profiles.schema import Profile
from tvquant.symbology.kinds import structure

KEY = "data.providers"
EVERYTHING = ""
"""Key of one who delivers whatever is asked for."""


class Named(Protocol):
    """One who delivers; two that are equal are one."""

    @property
    def name(self) -> str:
        """Name of the provider."""
        ...


@dataclass(frozen=True, kw_only=True)
class Deliveries[S: Named]:
    """Who delivers, by exchange, by `EXCHANGE/kind`, or one for everything.

    Parameters
    ----------
    by_key : key -> who; of two that fit the more particular one delivers.
    """

    by_key: Mapping[str, S]

    @cached_property
    def every(self) -> tuple[S, ...]:
        """Each of them once, in the order of the keys."""
        found: list[S] = []
        for one in self.by_key.values():
            if one not in found:
                found.append(one)
        return tuple(found)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each of `every` is called: its name, with its keys where another one bears the name as well."""
        names = [one.name for one in self.every]
        keys = [", ".join(key for key, other in self.by_key.items() if other == one) for one in self.every]
        return tuple(
            f"{name} ({key})" if names.count(name) > 1 else name for name, key in zip(names, keys, strict=True)
        )

    @property
    def name(self) -> str:
        """All of them, in a line."""
        return ", ".join(self.labels)

    def of(self, symbol: str) -> int | None:
        """Return who delivers an asset, as a place in `every`; None where no one delivers its exchange."""
        exchange = symbol.partition(":")[0]
        particular = (f"{exchange}/{kind}" for kind in sorted(_kinds_of(symbol)))
        for key in (*particular, exchange, EVERYTHING):
            if key in self.by_key:
                return self.every.index(self.by_key[key])
        return None

    def shared(self, symbols: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Return the assets that each of `every` delivers; those of no one are in none."""
        return tuple(tuple(name for name in symbols if self.of(name) == at) for at in range(len(self.every)))

    def require(self, symbols: Sequence[str]) -> None:
        """Refuse assets whose exchange no one delivers.

        Raises
        ------
        ProfileError : naming them.
        """
        lost = [name for name in symbols if self.of(name) is None]
        if lost:
            raise ProfileError(
                f"{KEY} names no provider for {several(lost)}; name one for {lost[0].partition(':')[0]} there, or one "
                "for everything by --provider"
            )


def complaints(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield key and text of providers in a profile that there are not, and of options that they do not take."""
    for key, (name, options) in profile.data.deliveries.items():
        if name not in PROVIDERS:
            yield KEY, f"{key}: {unknown('provider', name, tuple(PROVIDERS))}"
            continue
        try:
            PROVIDERS[name].validated(options)
        except ProfileError as error:
            yield KEY, f"{key}: {error}"


def _kinds_of(symbol: str) -> frozenset[str]:
    try:
        return frozenset(map(str, structure(symbol).kinds))
    except TvquantError:
        return frozenset()
