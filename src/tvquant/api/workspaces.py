"""`Workspace`: import frames, run profiles, find runs; what commands do, without printing."""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tvquant.api.metas import MetaRun
from tvquant.api.runs import Run
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace as Home
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import several, shown

if TYPE_CHECKING:
    import polars as pl

    from tvquant.lake.writing.import_reports import ImportReport

type Profile = str | Path | Mapping[str, Any]
"""A profile by name, by file, or as a mapping that extends one."""
FRAME = "frame.parquet"
ARGUMENTS = {"--basis": "basis", "--accept-basis": "accept_basis=True", "--quarantine": "quarantine=True"}
"""Options of the command line as Python says them."""
"""What provenance calls a frame that was imported."""


class Workspace:
    """A workspace of this machine: what `tvquant init` makes and `--workspace` names."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def __repr__(self) -> str:
        return f"<tvquant workspace {self.root}>"

    @classmethod
    def open(cls, path: str | Path, *, wait: float = 0.0) -> Self:
        """Return the workspace at a path; what writes waits for another writer as many seconds.

        Raises
        ------
        ProfileError : there is none.
        """
        home = Home(Path(path).resolve(), wait=wait)
        home.require()
        return cls(home)

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Return the workspace at a path, with whatever is missing of it made; what is there stays.

        Raises
        ------
        DataError : the disk refuses.
        """
        home = Home(Path(path).resolve())
        home.create()
        return cls(home)

    @property
    def root(self) -> Path:
        """Its directory."""
        return self.home.root

    def import_frame(
        self,
        frame: Any,
        basis: str | None = None,
        *,
        symbol: str | None = None,
        quarantine: bool = False,
        accept_basis: bool = False,
    ) -> "ImportReport":
        """Import a frame as `tvquant data import` does a file: judged, held against its basis, stored with provenance.

        Parameters
        ----------
        frame : pandas or polars: bars in rows (`docs/import.md` has the columns), bars of one `symbol`, or closes with
            a column per EXCHANGE:TICKER. Dates without a zone are those of sessions.
        basis : what prices are adjusted for: `raw`, `split`, `total`; crypto may leave it out (raw).
        symbol : of a frame without a column for it.
        quarantine : put malformed rows aside and take the rest; else their symbols are left out whole, with a warning.
        accept_basis : take the basis on your word where prices contradict it.

        Raises
        ------
        DataError, ProfileError : as `tvquant data import`; nothing was changed.
        """
        from tvquant.api.deliveries import delivered
        from tvquant.app.clock import SystemClock
        from tvquant.core.panel import Basis
        from tvquant.lake import import_files
        from tvquant.lake.writing.declared_basis import Doubt
        from tvquant.profiles.messages import unknown

        if basis is not None and basis not in set(Basis):
            raise ProfileError(f"basis: {unknown('basis', basis, [one.value for one in Basis])}")
        rows = delivered(frame, symbol)
        with tempfile.TemporaryDirectory(prefix="tvquant-") as folder, self.home.writing():
            file = Path(folder) / FRAME
            rows.write_parquet(file)
            try:
                done = import_files(
                    self.home.lake(),
                    [file],
                    basis=None if basis is None else Basis(basis),
                    doubt=Doubt.ACCEPT if accept_basis else Doubt.REFUSE,
                    quarantine=quarantine,
                    recorded_at=SystemClock().now(),
                )
            except (DataError, ProfileError) as error:
                raise type(error)(_of_frame(str(error), file)) from error
        if done.refused:
            name, why = next(iter(done.refused.items()))
            text = f"left out whole: {several(list(done.refused))} ({name}: {why}); everything else is imported"
            warnings.warn(_of_frame(text, file), stacklevel=2)
        return done

    def run(
        self, profile: Profile, *, jobs: int = 1, again: bool = False, progress: Callable[[str], object] | None = None
    ) -> Run:
        """Compute the run of a profile, or return the finished run of the same plan.

        Parameters
        ----------
        profile : a name, a file NAME.yaml, or a mapping such as `{"extends": "us_equities", "data.min_history": 252}`.
        jobs : worker processes; the result is the same for any number.
        again : compute anew even if a run of the same plan exists.
        progress : is given lines of text while it works, such as `print`.

        Raises
        ------
        ProfileError : the profile is wrong. DataError : the lake cannot serve it, or another writer holds the lock.
        """
        from threadpoolctl import threadpool_limits

        from tvquant.app import run as flow
        from tvquant.app.clock import SystemClock
        from tvquant.app.resolving import resolved_here
        from tvquant.report import write_index

        watcher = Watcher() if progress is None else _Teller(progress)
        with self.home.writing(), threadpool_limits(1):
            resolved = resolved_here(self.home, named(profile))
            done = flow.run(self.home, resolved, clock=SystemClock(), jobs=jobs, again=again, watcher=watcher)
            write_index(self.home.runs)
        return Run(done.folder.path)

    def meta(
        self, profile: Profile, *, jobs: int = 1, again: bool = False, progress: Callable[[str], object] | None = None
    ) -> MetaRun:
        """Play a meta-portfolio, its sleeves first where they have no run, or return its finished run of these.

        Parameters
        ----------
        profile : a name, a file NAME.yaml, or a mapping with `sleeves`.
        jobs, progress : as `run` has them.
        again : weigh and settle anew; finished runs of the sleeves are taken as they are.

        Raises
        ------
        ProfileError : the profile is wrong, or has no sleeves. LedgerError : a sleeve does not pass its gates.
        DataError : the lake cannot serve a sleeve, or another writer holds the lock.
        """
        from threadpoolctl import threadpool_limits

        from tvquant.app.clock import SystemClock
        from tvquant.app.meta.play import play_meta
        from tvquant.app.meta.sleeve_runs import Player
        from tvquant.app.resolving import resolved_meta_here
        from tvquant.report import write_index

        watcher = Watcher() if progress is None else _Teller(progress)
        with self.home.writing(), threadpool_limits(1):
            player = Player(workspace=self.home, clock=SystemClock(), watcher=watcher, jobs=jobs)
            done = play_meta(player, resolved_meta_here(self.home, named(profile)), again=again)
            write_index(self.home.runs)
        return MetaRun(done.folder.path)

    def runs(self) -> "pl.DataFrame":
        """Return every run in the order of making: `run`, `profile`, `state` of its ledger, `result` digest."""
        import polars as pl

        from tvquant.ledger.listing import kept, look

        found = kept(self.home.runs)
        seen = [(one.id, look(one.path, found.get(one.id))) for one in self.home.all_runs()]
        rows = [(name, name.split("-")[1], glance.state, glance.result) for name, glance in seen]
        return pl.DataFrame(rows, schema=dict.fromkeys(("run", "profile", "state", "result"), pl.String), orient="row")

    def latest(self) -> Run | MetaRun:
        """Return the run that was made last; ProfileError where there is none."""
        return self.find("latest")

    def find(self, name: str) -> Run | MetaRun:
        """Return the run of this id, or of an unambiguous part of one; ProfileError where none or several fit."""
        from tvquant.report.writing import is_meta

        folder = self.home.run(name).path
        return MetaRun(folder) if is_meta(folder) else Run(folder)


class _Teller(Watcher):
    """Passes progress on as lines: stages, every tenth of the decisions, notes."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._tenth = 0

    def stage(self, number: int, name: str) -> None:
        """Tell that a stage begins."""
        self._tell(f"stage {number} {name}")

    def steps(self, done: int, total: int) -> None:
        """Tell how many decisions are recorded, ten times at most."""
        if done and 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            self._tell(f"{done} of {total} decisions")

    def note(self, text: str) -> None:
        """Tell a line that a person should know."""
        self._tell(text)


def _of_frame(text: str, file: Path) -> str:
    """Return a message on the file of a frame as one on the frame, with arguments in place of options."""
    for said, meant in {str(file): "frame", FRAME: "frame", **ARGUMENTS}.items():
        text = text.replace(said, meant)
    return text


def named(profile: Profile) -> Profile:
    """Return a profile with a text that is a file's as its path; ProfileError where it is no profile at all."""
    if not isinstance(profile, str | Path | Mapping):
        raise ProfileError(f"profile: expected a name, a file or a mapping, found {shown(profile)}")
    return Path(profile) if isinstance(profile, str) and profile.endswith(".yaml") else profile
