"""`scan` and `select`: one piece of the flow at one date, nothing written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tvquant.api import frames
from tvquant.api.runs import candidate_table
from tvquant.api.workspaces import Profile, Workspace, named
from tvquant.api.years import periods_per_year
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import shown

if TYPE_CHECKING:
    import polars as pl

    from tvquant.core.selection import SelectionResponse
    from tvquant.profiles import Profile as Schema

type Day = str | date | None
"""A date, or the last there is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A scanner at one bar.

    Parameters
    ----------
    bar : stamp of the bar (UTC).
    table : per name with a bar there `symbol`, `outcome` (`recruited`, or what stopped it), `atom` where it was
        recruited, and the features that the scanner asks and that scans record (units: `docs/features.md`).
    caveats : what to read before it is believed.
    """

    bar: datetime
    table: "pl.DataFrame"
    caveats: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names that were recruited."""
        import polars as pl

        return tuple(self.table.filter(pl.col("outcome") == "recruited")["symbol"])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What a selection model chose at one bar, and why.

    Parameters
    ----------
    bar : stamp of the bar that was decided on (UTC).
    model : its name and version.
    winners : atoms, best first; `symbols` are their names.
    table : the columns of `candidates` in `docs/results.md` but for `window` and `decided_at`: scores, vetoes, weights.
    excluded : `symbol`, `reason`: names that the model never saw.
    weights : `symbol`, `weight`: net, as the profile would hold them from nothing; none where only returns were given.
    stage : of relaxation, 1 (strict) to 4; 0 where nothing could be chosen from.
    flags : `sparse`, `few_assets`.
    absent : feature -> why it is in no score.
    failure : None, or why there is no choice.
    notices : what the profile leaves to defaults or asks for in vain, and what was assumed.
    """

    bar: datetime
    model: str
    winners: tuple[str, ...]
    symbols: tuple[str, ...]
    table: "pl.DataFrame"
    excluded: "pl.DataFrame"
    weights: "pl.DataFrame"
    stage: int
    flags: tuple[str, ...]
    absent: Mapping[str, str]
    failure: str | None
    notices: tuple[str, ...]


def scan(
    workspace: Workspace, scanner: str, *, as_of: Day = None, rules: str = "library_v3", min_bars: int = 200
) -> Scan:
    """Return a scanner at the close of the last bar dated `as_of` or before, with what was known then.

    Parameters
    ----------
    scanner : name of one of the workspace or of the package (`tvquant scan list`).
    rules, min_bars : which technical rating is meant, and how many bars a name needs before it has one.

    Raises
    ------
    ProfileError : no such scanner or rules. DataError : the lake has no bar for it by then.
    """
    import polars as pl

    from tvquant.app import scanning
    from tvquant.features.rating_rules import RATING_RULES
    from tvquant.profiles.messages import unknown

    if rules not in RATING_RULES:
        raise ProfileError(f"rules: {unknown('rating', rules, RATING_RULES)}")
    asked = scanning.scanner_here(workspace.home, scanner)
    panel, foreign = scanning.scan_panel(workspace.home.lake(), [asked])
    found = scanning.scan_at(
        panel, [asked], _day(as_of), scanning.Ratings(rules=RATING_RULES[rules], min_bars=min_bars)
    )
    outcomes = found.outcomes()
    atoms = {atom.physical_symbol: atom.symbol for atom in found.found.atoms}
    features = found.features
    values = features.values[:, features.columns(found.keys)]
    table = pl.DataFrame(
        {
            "symbol": list(found.keys),
            "outcome": [outcomes[key] for key in found.keys],
            "atom": [atoms.get(key) for key in found.keys],
            **dict(zip(features.names, values, strict=True)),
        },
        schema_overrides=dict.fromkeys(("symbol", "outcome", "atom"), pl.String),
    )
    left = [f"not priced in dollars, and so not scanned: {', '.join(foreign)}"] if foreign else []
    return Scan(
        bar=found.bar.item(),
        table=table.with_columns(pl.col(features.names).fill_nan(None)),
        caveats=(*found.caveats(), *left),
    )


def select(
    source: Any, profile: Profile = "us_equities", *, as_of: Day = None, calendar: str | float | None = None
) -> Selection:
    """Return what a profile chooses at the close of the last bar dated `as_of` or before.

    Parameters
    ----------
    source : a `Workspace`: everything that the profile declares decides, weights included, from nothing held. Or a
        frame of dates x names of simple returns (NaN: no bar): each name is a candidate to be held long, and the
        profile's `selection`, `data.lookback`, `data.min_history` and `windows.train` choose among them. Ratings,
        liquidity and other features of bars are not in returns; `absent` names them, and no veto of theirs binds.
    profile : name, file or mapping.
    calendar : of a frame of returns; see `years.periods_per_year`.

    Raises
    ------
    ProfileError : the profile or the frame is wrong. DataError : there is no bar by then.
    """
    day = _day(as_of)
    if isinstance(source, Workspace):
        if calendar is not None:
            raise ProfileError("calendar: it is of a frame of returns; a workspace has that of its bars")
        return _of_workspace(source, profile, day)
    return _of_returns(frames.wide(source, "returns"), profile, day, calendar)


def _of_workspace(workspace: Workspace, profile: Profile, day: date | None) -> Selection:
    from threadpoolctl import threadpool_limits

    from tvquant.app.clock import SystemClock
    from tvquant.app.resolving import resolved_here
    from tvquant.app.selection_as_of import selected

    resolved = resolved_here(workspace.home, named(profile))
    with threadpool_limits(1):
        found = selected(workspace.home.lake(), resolved, day, now=SystemClock().now())
    made = found.decision
    return _selection(
        made.response, found.footing.bar, excluded=made.excluded, held=made.atoms, weights=made.weights,
        failure=made.failure, notices=found.notices,
    )  # fmt: skip


def _of_returns(given: frames.Wide, profile: Profile, day: date | None, calendar: str | float | None) -> Selection:
    from tvquant.app.resolving import resolved_here
    from tvquant.core.errors import ModelError

    if (given.values <= -1.0).any():
        t, j = np.argwhere(given.values <= -1.0)[0]
        raise ProfileError(
            f"returns: {given.names[j]} on {frames.day(given.times[t])} loses everything or more; returns are fractions"
        )
    frames.refuse_prices(given)
    resolved = resolved_here(None, named(profile))
    periods, said = periods_per_year(calendar, given.times)
    end = len(given.times)
    if day is not None:
        end = int(np.searchsorted(given.times, np.datetime64(day, "us") + np.timedelta64(1, "D"), side="left"))
    if not end:
        raise DataError(f"returns: no row on or before {day}; the first is of {frames.day(given.times[0])}")
    bar, failure, response = given.times[end - 1], None, None
    excluded = _unusable(given, end, resolved.profile.data.min_history)
    names = tuple(name for name in given.names if name not in excluded)
    try:
        response = _chosen(given, names, end, resolved.profile, periods) if names else None
    except ModelError as error:
        failure = str(error)
    return _selection(
        response, bar, excluded=excluded, held={}, weights={}, failure=failure, notices=(*resolved.notices, said)
    )


def _unusable(given: frames.Wide, end: int, least: int) -> dict[str, str]:
    """Return names that cannot be judged: without a bar on the last row, or of fewer returns than the floor."""
    known = ~np.isnan(given.values[:end])
    counts = known.sum(axis=0).tolist()
    short = {
        name: f"{count} returns of {least}" for name, count in zip(given.names, counts, strict=True) if count < least
    }
    return short | {name: "no_bar" for name, there in zip(given.names, known[-1].tolist(), strict=True) if not there}


def _chosen(
    given: frames.Wide, names: tuple[str, ...], end: int, profile: "Schema", periods: int
) -> "SelectionResponse":
    """Return the answer of the profile's selection model over long atoms of these names."""
    from tvquant.atoms import synthesise
    from tvquant.core.atoms import Atom, Direction
    from tvquant.core.features import FeatureSet
    from tvquant.selection import SELECTION_MODELS, SelectionContext

    rows = slice(max(end - profile.data.lookback, 0), end)
    place = {name: j for j, name in enumerate(given.names)}
    atoms = [Atom(physical_symbol=name, logic="hold", direction=Direction.LONG) for name in names]
    returns = given.values[rows][:, [place[name] for name in names]]
    context = SelectionContext(
        decided_at=given.times[end - 1],
        pool=synthesise(returns, given.times[rows], names, atoms),
        features=FeatureSet(names=(), keys=names, values=np.empty((0, len(names))), known_at=given.times[end - 1]),
        parameters=profile.selection,
        train=profile.windows.train,
        periods_per_year=periods,
    )
    return SELECTION_MODELS[profile.selection.model].select(context)


def _selection(
    response: "SelectionResponse | None", bar: Any, *, excluded: Mapping[str, str], held: Mapping[str, float],
    weights: Mapping[str, float], failure: str | None, notices: tuple[str, ...],
) -> Selection:  # fmt: skip
    import polars as pl

    won = response.winners if response else ()
    return Selection(
        bar=bar.item(),
        model=f"{response.model} {response.version}" if response else "",
        winners=tuple(atom.symbol for atom in won),
        symbols=tuple(atom.physical_symbol for atom in won),
        table=candidate_table(response, held),
        excluded=pl.DataFrame(
            sorted(excluded.items()), schema={"symbol": pl.String, "reason": pl.String}, orient="row"
        ),
        weights=pl.DataFrame(sorted(weights.items()), schema={"symbol": pl.String, "weight": pl.Float64}, orient="row"),
        stage=response.stage if response else 0,
        flags=tuple(sorted(response.flags)) if response else (),
        absent=dict(response.absent) if response else {},
        failure=failure,
        notices=notices,
    )


def _day(given: Day) -> date | None:
    """Return a date given as one, as a time of that day, or as ISO text."""
    if isinstance(given, datetime):
        return given.date()
    if given is None or isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise ProfileError(f"as_of: expected a date such as 2024-05-31, found {shown(given)}") from error
