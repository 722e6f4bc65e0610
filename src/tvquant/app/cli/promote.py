"""`tvquant promote`: whether a challenger takes the champion's place, by the rule that the run's own profile states."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import yaml

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, number, percent, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.core.errors import LedgerError, ProfileError

if TYPE_CHECKING:
    from tvquant.ledger import RunFolder
    from tvquant.profiles import Profile
    from tvquant.report.run import RunData
    from tvquant.tournament.promotion import JudgedChallenger


def promote(name: RunArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Judge a run's challengers by the rule of its profile; exit 1 unless one is promoted. No file is changed.

    A meta-portfolio is held against what its own run found: sleeves that mirror each other are not promoted.
    """
    from tvquant.app.finished_runs import fault
    from tvquant.ledger.recorded_run import RecordedRun
    from tvquant.report import read_run
    from tvquant.report.challengers import judgements
    from tvquant.tournament.promotion import Verdict

    folder = workspace_at(workspace).run(name)
    if RecordedRun(folder).is_meta:
        _refuse_meta(folder)
    run = read_run(folder.path)
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies is evidence: {fault(run)}")
    _refuse_unruled(run)
    found = judgements(run)
    passed = [one for one in found if one.verdict is Verdict.PROMOTED and one.found]
    best = max(passed, key=lambda one: one.found.low if one.found else 0.0, default=None)
    answer(_document(run, found, best), _text(run, found, best), as_json=as_json)
    if best is None:
        raise Answered(LedgerError, f"{run.run_id}: no challenger is promoted ({found[0].name}: {found[0].reason})")


def _refuse_meta(folder: "RunFolder") -> None:
    """Say why a meta-portfolio is not promoted.

    Raises
    ------
    ProfileError : its profile says that it never is.
    LedgerError : it is not finished, or a finding stops it; or none does, and nobody has certified its factors.
    """
    from tvquant.app.finished_runs import fault
    from tvquant.report.meta.run import read_meta

    run = read_meta(folder.path)
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies is evidence: {fault(run)}")
    if not run.meta.profile.promotable:
        raise ProfileError(f"profile {run.profile_name} is never promoted: its key promotable is false")
    if found := [one.words for one in run.gates if not one.passed]:
        raise LedgerError(f"{run.run_id} is not promoted: {'; '.join(found)}")
    raise LedgerError(
        f"{run.run_id}: no finding of its own stops it; but a meta-portfolio is promoted with a certification of all "
        "its factors together, which this version does not make, so it is not promoted"
    )


def _refuse_unruled(run: "RunData") -> None:
    """Refuse a run whose profile had no challenger, or no whole rule."""
    profile, again = run.profile, f"and run it again: run {run.run_id} was made without"
    if not profile.challengers:
        raise ProfileError(f"profile {profile.name} names no challenger; name one under `challengers` {again}")
    if missing := profile.promotion.unstated:
        raise ProfileError(
            f"profile {profile.name} does not state {', '.join(missing)}; state the rule there {again}; a rule that "
            "is chosen after its result proves nothing"
        )


def _document(run: "RunData", found: "tuple[JudgedChallenger, ...]", best: "JudgedChallenger | None") -> dict[str, Any]:
    return {
        "run": run.run_id,
        "profile": run.profile_name,
        "champion": run.headline.key,
        "rule": run.profile.promotion.model_dump(mode="json"),
        "challengers": [
            {
                "name": one.name,
                "selection": dict(run.profile.challengers[one.name]),
                "verdict": one.verdict.value,
                "reason": one.reason,
                "windows": one.windows,
                "found": None if one.found is None else asdict(one.found),
            }
            for one in found
        ],
        "promoted": None if best is None else best.name,
        "stamps": _caveats(run),
    }


def _text(run: "RunData", found: "tuple[JudgedChallenger, ...]", best: "JudgedChallenger | None") -> list[str]:
    rule = run.profile.promotion
    together = f" for all {len(found)} together (Bonferroni)" if len(found) > 1 else ""
    head = ("challenger", "verdict", "windows", "rows", "it", "champion", "difference", "interval")
    lines = [
        f"champion  {run.headline.key} of {run.run_id}",
        f"rule      {rule.statistic} per year above {rule.margin:g}, with its whole interval at "
        f"{percent(rule.confidence)}{together}, over {rule.windows} windows at least, in blocks of {rule.block} rows",
        "",
        table(head, [_row(one) for one in found], right=range(2, 7)),
        "",
        *(f"{one.name}: {one.reason}" for one in found),
    ]
    if caveats := _caveats(run):
        lines.append(f"caveats   {', '.join(caveats)}")
    return [*lines, "", *_to_write(run.profile, best)] if best else lines


def _row(one: "JudgedChallenger") -> tuple[object, ...]:
    found = one.found
    if found is None:
        return one.name, one.verdict.value, one.windows, "-", "-", "-", "-", "-"
    figures = (number(found.first), number(found.second), number(found.difference))
    return one.name, one.verdict.value, one.windows, found.rows, *figures, f"[{found.low:.3f}, {found.high:.3f}]"


def _to_write(profile: "Profile", best: "JudgedChallenger") -> list[str]:
    """Return the lines of a profile that make a challenger the champion."""
    own = dict(profile.challengers[best.name])
    written = yaml.safe_dump({"selection": own}, default_flow_style=False).rstrip().split("\n")
    return [f"{best.name} is promoted. Nothing was changed; in the profile {profile.name} write", "", *written]


def _caveats(run: "RunData") -> list[str]:
    """Return the stamps of champion and challengers, sorted."""
    return sorted({stamp.value for cell in (run.headline, *run.shadow.outcomes) for stamp in cell.stamps})
