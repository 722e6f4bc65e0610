"""What selection models are worth on the windows of a profile, on the lake's current content."""

from collections.abc import Callable, Sequence

from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.core.calendars import calendar
from tvquant.core.errors import ProfileError
from tvquant.core.stamps import NONE
from tvquant.lake import Lake
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.messages import unknown
from tvquant.selection import SELECTION_MODELS
from tvquant.tournament import selection_tables as tables
from tvquant.tournament.selection_findings import finding
from tvquant.tournament.selection_study import Contender, SelectionStudy, contenders, whole_windows
from tvquant.tournament.selection_tables import WINDOW, ModelEvidence
from tvquant.tournament.workers import Pool

EVERY = "all"
"""Said alone it means every model, that of the same name among them."""

type Resolver = Callable[[str | None], ResolvedProfile]
"""From the name of a selection model (None: the profile's own) to the profile with it."""


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
    study.take_features(among)
    found = []
    with Pool(jobs, study) as pool:
        for one in pool.run(SelectionStudy.window, ((window, among) for window in windows)):
            found.append(one)
            watcher.steps(len(found), len(windows))
    findings = [finding(one.model, [window.selections[one.key] for window in found], floor=one.floor) for one in among]
    horizons = (*(f"{rows}" for rows in study.horizons), WINDOW)
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
        choices=tuple(map(tables.choices, findings)),
        alpha=tables.alpha(findings, calendar(panel.calendar).periods_per_year),
        ic=tables.information(findings, horizons),
        features=tables.features(findings, horizons),
        vetoes=tables.vetoes(findings),
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
