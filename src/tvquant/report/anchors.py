"""The primary risk profile beside its anchors: the same selection, engine and book, weighed as production might."""

from tvquant.core.errors import ModelError
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.challengers import book_of
from tvquant.report.formatting import number, percent
from tvquant.report.run import RunData
from tvquant.tournament.cells import anchors
from tvquant.tournament.promotion import compared


def beside_anchors(run: RunData) -> tuple[str, ...]:
    """Return one line per anchor: its figures, and whether the primary beats it in Sharpe ratio, by an interval.

    The interval is that of the paired difference at `promotion.confidence`, widened for as many anchors as there are.
    """
    keys = [key for key in anchors(run.profile) if key != run.headline.key and not run.headline.baseline]
    found = {cell.key: cell for cell in run.outcomes}
    return tuple(f"Anchor {key}: {_beside(run, found[key], len(keys))}" for key in keys if key in found)


def _beside(run: RunData, anchor: RecordedCell, looks: int) -> str:
    if anchor.why:
        return f"it failed ({anchor.why}), so nothing is compared."
    of, primary = anchor.measures, run.headline.key
    figures = (
        f"Sharpe ratio {number(of.sharpe)}, CAGR {percent(of.cagr)}, volatility {percent(of.volatility)}, deepest "
        f"drawdown {percent(of.max_drawdown)}."
    )
    try:
        gap = compared(
            book_of(run, anchor, anchor.key),
            book_of(run, run.headline, run.headline.key),
            run.profile.promotion.model_copy(update={"statistic": None}),
            looks=looks,
            periods_per_year=run.periods_per_year,
            seed=run.profile.seed,
        )
    except (Absent, ModelError) as error:
        return f"{figures} Whether {primary} beats it cannot be told: {error}."
    verdict = "beats it" if gap.low > 0.0 else "is beaten by it" if gap.high < 0.0 else "is not shown to beat it"
    return (
        f"{figures} {primary} {verdict}: its Sharpe ratio is {number(gap.difference)} higher, "
        f"{number(gap.low)} to {number(gap.high)} with {100.0 * gap.confidence:.3g} % confidence."
    )
