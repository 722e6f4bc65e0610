"""Options that say who delivers bars and what it is opened with, common to `tvquant data sync` and `repair`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from tvquant.app.deliveries import Deliveries, Source
    from tvquant.app.workspace import Workspace
    from tvquant.core.panel import Basis
    from tvquant.profiles import ResolvedProfile

FILES = "files"
"""The provider that is asked where none is named."""
ProviderOption = Annotated[
    str | None,
    typer.Option(
        "--provider", metavar="NAME", help="Who delivers; `data providers` lists them.", show_default="files, by --path"
    ),
]
PathOption = Annotated[Path | None, typer.Option("--path", help="Folder (or file) of the provider `files`.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of an exchange that is reached over HTTP.")]
BasisOption = Annotated[
    str | None,
    typer.Option("--basis", help="What prices in files are adjusted for: raw, split, total; crypto may leave it out."),
]
AcceptOption = Annotated[
    bool, typer.Option("--accept-basis", help="Take the basis on your word where prices contradict it; it is stamped.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of a simulated exchange. Default: 0.")]
OptionOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="Any option of the provider. May be repeated."),
]
IntoSimulatedOption = Annotated[
    bool, typer.Option("--into-simulated", help="Put real bars beside simulated ones of the same exchange.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a command was given of its provider; None and empty is what was left out.

    `into_real`, `into_simulated` : simulated bars may stand beside real ones of the same exchange, and the reverse;
    `beside` : what else the command could be given in their place, in words.
    """

    provider: str | None = None
    path: Path | None = None
    url: str | None = None
    basis: str | None = None
    seed: int | None = None
    options: Sequence[str] = ()
    accept: bool = False
    into_real: bool = False
    into_simulated: bool = False
    beside: str = ""

    @property
    def name(self) -> str:
        """Who delivers."""
        return self.provider or FILES

    def source(self) -> "Source":
        """Return the provider with its options.

        Raises
        ------
        ProfileError : no basis, no `NAME=VALUE`, an option given twice, files of no folder.
        """
        from tvquant.core.panel import Basis

        options = self._options()
        basis = options.get("basis")
        if basis is not None and basis not in list(Basis):
            raise ProfileError(f"--basis takes raw, split or total, found {basis!r}")
        if self.name == FILES and "path" not in options:
            raise ProfileError(
                f"the provider {FILES} needs --path, the folder (or file) that it reads; or name another one by "
                f"--provider (`tvquant data providers` lists them){self.beside}"
            )
        return self._source(self.name, options, None if basis is None else Basis(basis))

    def sources(self, profile: "ResolvedProfile | None", home: "Workspace") -> "Source | Deliveries":
        """Return the provider that is named, else those that the profile's `data.providers` names.

        A path is of the current directory where the command names it, and of the workspace where the profile does.

        Raises
        ------
        ProfileError : as `source`; an option is given, and not whose it is.
        """
        from tvquant.app.deliveries import sources_of

        if self.provider is not None or profile is None or not profile.profile.data.providers:
            return self.source()
        if options := self._options():
            raise ProfileError(
                f"option {next(iter(options))} is of one provider, and {profile.profile.name} names several by "
                "data.providers; name one by --provider, or write its options there"
            )
        return sources_of(profile, self._source("", {}, None), home)

    def _source(self, name: str, options: Mapping[str, object], basis: "Basis | None") -> "Source":
        from tvquant.app.deliveries import Source
        from tvquant.lake.writing.declared_basis import Doubt

        return Source(
            name=name,
            options=options,
            basis=basis,
            doubt=Doubt.ACCEPT if self.accept else Doubt.REFUSE,
            into_real=self.into_real,
            into_simulated=self.into_simulated,
        )

    def _options(self) -> dict[str, Any]:
        """Return the options by name, of the words that some have and of `--option`."""
        own = {"path": self.path, "url": self.url, "basis": self.basis, "seed": self.seed}
        found: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        for text in self.options:
            name, value = parsed(text)
            if name in found:
                raise ProfileError(f"--option {name} is given beside another value of {name}; give it once")
            found[name] = value
        return found


def parsed(text: str) -> tuple[str, Any]:
    """Return name and value of `NAME=VALUE`; the value is read as in a profile.

    Raises
    ------
    ProfileError : it is none, or the value cannot be read.
    """
    from tvquant.profiles.files import parse_value

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ProfileError(f"--option takes NAME=VALUE, found {text!r}; for example --option seed=7")
    return name, parse_value(value, f"--option {name}")
