"""The evidence on selection models as tables: rows of plain values, one for each question that was asked.

`n`, `mean`, `se`, `t`, `p` and `detectable` of a row are those of a `MeanEstimate` over windows; `p_holm` is p adjusted
for all questions of its table, those that models share asked once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from tvquant.core.stamps import Stamps
from tvquant.statistics.significance import MeanEstimate, holm
from tvquant.tournament.selection_findings import Finding

type Rows = tuple[Mapping[str, Any], ...]

WINDOW = "window"
"""The horizon that is the whole window."""


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


def choices(one: Finding) -> dict[str, Any]:
    """Return what a contender chose: counts, and means over windows."""
    return {
        "model": one.model,
        "floor": one.floor,
        "windows": one.windows,
        "winners": one.winners,
        "fewest": one.fewest,
        **{f"stage_{stage}": count for stage, count in enumerate(one.stages)},
        "without_winners": one.empty,
        "sparse": None if one.sparse is None else one.sparse / one.windows,
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


def alpha(findings: Sequence[Finding], periods_per_year: int) -> Rows:
    """Return a row for each contender: selection alpha by window, and by the year."""
    rows = []
    for one in findings:
        annual = one.annual_alpha(periods_per_year) or (None, None)
        rows.append(({"model": one.model, "floor": one.floor, "annual": annual[0], "annual_se": annual[1]}, one.alpha))
    return _tested(rows)


def information(findings: Sequence[Finding], horizons: Sequence[str]) -> Rows:
    """Return a row for each model that scores and each horizon; without the floor the scores are the same."""
    return _tested(
        [
            ({"model": one.model, "horizon": horizon}, estimate)
            for one in _scoring(findings)
            for horizon, estimate in zip(horizons, one.ic, strict=True)
        ],
        "horizon",
    )


def _scoring(findings: Sequence[Finding]) -> list[Finding]:
    """Return those whose scores differ, once where there is one with the floor and one without."""
    return [one for one in findings if one.features and one.floor]


def features(findings: Sequence[Finding], horizons: Sequence[str]) -> Rows:
    """Return a row for each feature of each model and each horizon."""
    return _tested(
        [
            ({"model": one.model, "feature": name, "horizon": horizon, "share": feature.share}, estimate)
            for one in _scoring(findings)
            for name, feature in one.features.items()
            for horizon, estimate in zip(horizons, feature.ic, strict=True)
        ],
        "feature",
        "horizon",
    )


def vetoes(findings: Sequence[Finding]) -> Rows:
    """Return a row for each contender and rule that vetoed anyone; overridden vetoes apart."""
    return _tested(
        [
            (
                {
                    "model": one.model,
                    "floor": one.floor,
                    "rule": veto.rule,
                    "overridden": veto.overridden,
                    "vetoed": veto.count,
                },
                veto.regret,
            )
            for one in findings
            for veto in one.vetoes
        ],
        "rule",
        "overridden",
    )
