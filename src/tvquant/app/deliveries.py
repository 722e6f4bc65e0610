"""Who delivers which asset: one for all, or each exchange (or a kind on it) by the profile's `data.providers`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from tvquant.app import consents
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.core.quoting import several
from tvquant.lake.storage.tables import SIMULATED
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import Provider
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.messages import unknown
from tvquant.profiles.schema import Profile
from tvquant.symbology.kinds import kinds_of

KEY = "data.providers"
PATHS = ("path", "listings")
"""Options of a provider that are files or folders."""
EVERYTHING = ""
"""Key of one who delivers whatever is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where bars come from, and how prices that contradict their basis are met.

    Parameters
    ----------
    name : of a provider.
    options : what it is opened with, by name.
    basis : what its prices are adjusted for, of those that do not say; None where it was not declared.
    into_real, into_simulated : simulated bars may be stored beside real ones of the same exchange, and the reverse.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    basis: Basis | None = None
    doubt: Doubt = Doubt.REFUSE
    into_real: bool = False
    into_simulated: bool = False

    @property
    def mixing(self) -> bool:
        """Whether its bars may stand beside those of the other sort, real or simulated."""
        return self.into_real if self.name == SIMULATED else self.into_simulated

    def opened(self, home: Workspace, clock: Clock) -> Provider:
        """Return the provider, open.

        Raises
        ------
        ProfileError : there is none of that name, it does not take these options, or the user of this workspace has
            not agreed to its terms.
        """
        if self.name not in PROVIDERS:
            raise ProfileError(f"--provider: {unknown('provider', self.name, tuple(PROVIDERS))}")
        factory = PROVIDERS[self.name]
        consents.require(home, factory.name, factory.terms)
        return factory.opened(self.options, clock)


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """Who delivers, by exchange, by `EXCHANGE/kind`, or one for everything.

    Parameters
    ----------
    by_key : key -> who; of two that fit the more particular one delivers.
    """

    by_key: Mapping[str, Source]

    @cached_property
    def every(self) -> tuple[Source, ...]:
        """Each of them once, in the order of the keys."""
        found: list[Source] = []
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
        particular = (f"{exchange}/{kind}" for kind in sorted(kinds_of(symbol)))
        for key in (*particular, exchange, EVERYTHING):
            if key in self.by_key:
                return self.every.index(self.by_key[key])
        return None

    def shared(self, symbols: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Return the assets that each of `every` delivers; those of no one are in none."""
        whose = [self.of(name) for name in symbols]
        return tuple(
            tuple(name for name, who in zip(symbols, whose, strict=True) if who == at) for at in range(len(self.every))
        )

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


def sources_of(profile: ResolvedProfile, common: Source, home: Workspace) -> Deliveries:
    """Return the providers that a profile's `data.providers` names; all but name, options and basis is of `common`.

    A relative `path` or `listings` is of the workspace, wherever the command is given.
    """
    return Deliveries(
        by_key={
            key: replace(common, name=name, options=_placed(options, home), basis=_declared(options.get("basis")))
            for key, (name, options) in profile.profile.data.deliveries.items()
        }
    )


def _placed(options: Mapping[str, object], home: Workspace) -> Mapping[str, object]:
    placed = {name: str(home.root / path) for name in PATHS if isinstance(path := options.get(name), str)}
    return {**options, **placed}


def _declared(basis: object) -> Basis | None:
    return Basis(str(basis)) if basis in list(Basis) else None


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
