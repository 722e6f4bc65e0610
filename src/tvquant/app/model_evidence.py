"""What selection models are worth on a profile's windows, as tables: what they chose, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.core.calendars import calendar
from tvquant.core.errors import ProfileError
from tvquant.core.stages import Stage
from tvquant.core.stamps import NONE, Stamps
from tvquant.lake import Lake
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.messages import unknown
from tvquant.selection import SELECTION_MODELS
from tvquant.statistics.significance import MeanEstimate, holm
from tvquant.tournament.selection_findings import Finding, finding
from tvquant.tournament.selection_study import Contender, SelectionStudy, contenders, whole_windows
from tvquant.tournament.workers import Pool

EVERY = "all"
"""Said alone it means every model, that of the same name among them."""

type Rows = tuple[Mapping[str, Any], ...]
type Resolver = Callable[[str | None], ResolvedProfile]
"""From the name of a selection model (None: the profile's own) to the profile with it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelEvidence:
    """Selection models over the same windows of a profile.

    Parameters
    ----------
    first, last : dates of the first and the last row of the windows.
    windows : how many; `rows` is their mean length.
    pool : least and greatest number of atoms to choose from.
    horizons : rows of each horizon, the last is the whole window.
    left_out : model -> why the profile refuses it.
    choices, alpha, ic, features, vetoes : tables, see `docs/does_selection_pay.md`.
    """

    profile: str
    first: date
    last: date
    windows: int
    rows: float
    pool: tuple[int, int]
    horizons: tuple[str, ...]
    stamps: Stamps
    left_out: Mapping[str, str]
    notices: tuple[str, ...]
    choices: Rows
    alpha: Rows
    ic: Rows
    features: Rows
    vetoes: Rows

    @property
    def tables(self) -> Mapping[str, Rows]:
        """The tables by name."""
        return {name: getattr(self, name) for name in ("choices", "alpha", "ic", "features", "vetoes")}


def model_evidence(
    lake: Lake, resolve: Resolver, models: Sequence[str], *, jobs: int, watcher: Watcher
) -> ModelEvidence:
    """Return the evidence on models (`all` is every one; of none the profile's own) over all whole windows.

    Raises
    ------
    ProfileError : a model is unknown, or named and refused by the profile.
    DataError : the lake cannot serve the profile, or there is no window.
    """
    plan = make_plan(lake, resolve(None))
    among, left_out = _among(plan.resolved, resolve, models)
    panel, profile = plan.panel, plan.resolved.profile
    study = SelectionStudy(panel, whole_windows(panel, profile, among[0].rules))
    windows = study.windows
    watcher.stage(Stage.VALIDATION, "models")
    found = []
    with Pool(jobs, study) as pool:
        for one in pool.run(SelectionStudy.window, ((window, among) for window in windows)):
            found.append(one)
            watcher.steps(len(found), len(windows))
    findings = [finding(one.name, [window.selections[one.name] for window in found]) for one in among]
    horizons = (*(f"{rows}" for rows in study.horizons), "window")
    days = panel.times.astype("datetime64[D]")
    return ModelEvidence(
        profile=profile.name,
        first=days[windows[0].start].item(),
        last=days[windows[-1].stop - 1].item(),
        windows=len(windows),
        rows=findings[0].rows,
        pool=(min(one.pool for one in found), max(one.pool for one in found)),
        horizons=horizons,
        stamps=NONE.union(*(one.stamps for one in found)),
        left_out=left_out,
        notices=plan.resolved.notices,
        choices=tuple(map(_choices, findings)),
        alpha=_alpha(findings, calendar(panel.calendar).periods_per_year),
        ic=_ic(findings, horizons),
        features=_features(findings, horizons),
        vetoes=_vetoes(findings),
    )


def _among(
    given: ResolvedProfile, resolve: Resolver, models: Sequence[str]
) -> tuple[tuple[Contender, ...], dict[str, str]]:
    """Return the contenders, and why models that nobody named are not among them."""
    own = given.profile.selection.model
    every = list(models) == [EVERY]
    names = list(SELECTION_MODELS) if every else list(dict.fromkeys(models or (own,)))
    among: list[Contender] = []
    left_out = {}
    for name in names:
        if name not in SELECTION_MODELS:
            raise ProfileError(f"--models: {unknown('selection model', name, SELECTION_MODELS)}")
        try:
            among += contenders((given if name == own else resolve(name)).profile)
        except ProfileError as error:
            if not every:
                raise
            left_out[name] = str(error)
    return tuple(among), left_out


def _choices(one: Finding) -> dict[str, Any]:
    return {
        "model": one.name,
        "windows": one.windows,
        "winners": one.winners,
        "fewest": one.fewest,
        **{f"stage_{stage}": count for stage, count in enumerate(one.stages)},
        "without_winners": one.empty,
        "sparse": one.sparse / one.windows,
        "effective_bets": one.bets,
        "jaccard": one.overlap,
        "adjusted_rand": one.rand,
        "turnover": one.turnover,
        "without_bars": one.silent,
        "failures": len(one.failures),
        "failure": next(iter(one.failures), None),
    }


def _tested(rows: Sequence[tuple[dict[str, Any], MeanEstimate]], *question: str) -> Rows:
    """Return rows with their estimates, adjusted for how many questions are asked at once.

    What models share is asked once: rows that agree in the columns `question` and in the estimate.
    """
    keys = [(*(row[name] for name in question), estimate) for row, estimate in rows]
    asked = {key: estimate.p for key, (_, estimate) in zip(keys, rows, strict=True)}
    adjusted = dict(zip(asked, holm(list(asked.values())), strict=True))
    return tuple(
        {**row, **asdict(estimate), "detectable": estimate.detectable, "p_holm": adjusted[key]}
        for key, (row, estimate) in zip(keys, rows, strict=True)
    )


def _alpha(findings: Sequence[Finding], periods_per_year: int) -> Rows:
    rows = []
    for one in findings:
        annual = one.annual_alpha(periods_per_year) or (None, None)
        rows.append(({"model": one.name, "annual": annual[0], "annual_se": annual[1]}, one.alpha))
    return _tested(rows)


def _ic(findings: Sequence[Finding], horizons: Sequence[str]) -> Rows:
    """Return a row for each model that scores and each horizon; without the floor the scores are the same."""
    return _tested(
        [
            ({"model": one.name, "horizon": horizon}, estimate)
            for one in _scoring(findings)
            for horizon, estimate in zip(horizons, one.ic, strict=True)
        ],
        "horizon",
    )


def _scoring(findings: Sequence[Finding]) -> list[Finding]:
    """Return those whose scores differ, once where there is one with the floor and one without."""
    return [one for one in findings if one.features and not one.name.endswith(", no floor")]


def _features(findings: Sequence[Finding], horizons: Sequence[str]) -> Rows:
    """Return a row for each feature of each model and each horizon."""
    return _tested(
        [
            ({"model": one.name, "feature": name, "horizon": horizon, "share": feature.share}, estimate)
            for one in _scoring(findings)
            for name, feature in one.features.items()
            for horizon, estimate in zip(horizons, feature.ic, strict=True)
        ],
        "feature",
        "horizon",
    )


def _vetoes(findings: Sequence[Finding]) -> Rows:
    return _tested(
        [
            ({"model": one.name, "rule": veto.rule, "overridden": veto.overridden, "vetoed": veto.count}, veto.regret)
            for one in findings
            for veto in one.vetoes
        ],
        "rule",
        "overridden",
    )
