"""Five series that libraries differ on: what each makes of them is the table of docs/metrics.md, measured again."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics.metrics import performance

pytestmark = [pytest.mark.xdist_group("documentation"), pytest.mark.usefixtures("vectorbt")]

A = 365
METRICS = ("total_return", "cagr", "sharpe", "volatility", "max_drawdown")
LIBRARIES = ("quantstats", "empyrical", "vectorbt")
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def hundredths(*values: int) -> np.ndarray:
    return np.array(values) / 100.0


DRIFT = np.tile(hundredths(1, -2, 3, 0, -1, 2, -3, 4), 16)
SERIES = {
    "constant": np.full(252, 0.001),
    "alternating": np.tile(hundredths(2, -1), 126),
    "gap": np.where(np.arange(len(DRIFT)) % 40 == 7, np.nan, DRIFT),
    "ruin": np.concatenate((DRIFT[:99], [-1.0], DRIFT[:28])),
    "first_day_loss": np.concatenate(([-0.2], DRIFT[:99])),
}


def ours(returns: np.ndarray) -> dict[str, float | None]:
    got = performance(returns, periods_per_year=A)
    return {metric: getattr(got, metric) for metric in METRICS}


def theirs(library: str, returns: np.ndarray) -> dict[str, float]:
    import empyrical
    import pandas as pd
    import quantstats.stats as qs

    dated = pd.Series(returns, index=pd.date_range("2020-01-01", periods=len(returns)))
    year = {"annualization": A}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        accessor = dated.vbt.returns(freq="1D", year_freq=f"{A}D")
        figures = {
            "quantstats": lambda: (
                qs.comp(dated), qs.cagr(dated, periods=A), qs.sharpe(dated, periods=A),
                qs.volatility(dated, periods=A), qs.max_drawdown(dated),
            ),
            "empyrical": lambda: (
                empyrical.cum_returns_final(returns), empyrical.cagr(returns, **year),
                empyrical.sharpe_ratio(returns, **year), empyrical.annual_volatility(returns, **year),
                empyrical.max_drawdown(returns),
            ),
            "vectorbt": lambda: (
                accessor.total(), accessor.annualized(), accessor.sharpe_ratio(), accessor.annualized_volatility(),
                accessor.max_drawdown(),
            ),
        }[library]()  # fmt: skip
    return dict(zip(METRICS, (float(one) for one in figures), strict=True))


def same(a: float | None, b: float) -> bool:
    return a is not None and bool(np.isclose(a, b, rtol=1e-9, atol=1e-9))


def shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def table() -> list[str]:
    """The rows of the page, measured; a series with gaps is refused, so there is no figure of ours."""
    rows = []
    for name, returns in SERIES.items():
        mine = dict.fromkeys(METRICS) if name == "gap" else ours(returns)
        found = [theirs(library, returns) for library in LIBRARIES]
        for metric in METRICS:
            cells = ["equal" if same(mine[metric], one[metric]) else shown(one[metric]) for one in found]
            own = "refused" if name == "gap" else shown(mine[metric])
            rows.append("| " + " | ".join([name, metric, own, *cells]) + " |")
    return rows


@pytest.mark.requirement("R-MET-07")
def test_the_page_tells_what_each_library_says() -> None:
    page = PAGE.read_text("utf-8").splitlines()
    start = page.index("|---|---|---|---|---|---|") + 1
    written = page[start : page.index("", start)]
    figures = [[cell.strip() for cell in row.strip("|").split("|")] for row in written]
    measured = [[cell.strip() for cell in row.strip("|").split("|")] for row in table()]
    for told, found in zip(figures, measured, strict=True):
        assert [settled(cell) for cell in told] == [settled(cell) for cell in found]


def settled(cell: str) -> str:
    """A cell; what is rounding, or divided by it, has other digits on another machine."""
    return "rounding" if cell == "inf" or "e+1" in cell else cell


@pytest.mark.requirement("R-MET-01")
@pytest.mark.requirement("R-MET-07")
def test_two_libraries_at_least_agree_wherever_the_page_gives_no_reason() -> None:
    """And where it does, they agree again once the convention is theirs too: a gap taken out, a series cut at ruin."""
    for name in ("constant", "alternating", "first_day_loss"):
        mine, found = ours(SERIES[name]), [theirs(library, SERIES[name]) for library in LIBRARIES]
        for metric in METRICS:
            if (name, metric) != ("constant", "sharpe"):
                assert sum(same(mine[metric], one[metric]) for one in found) >= 2, (name, metric)
    gap, ruin = SERIES["gap"], SERIES["ruin"]
    for series, given in ((gap[~np.isnan(gap)],) * 2, (ruin, ruin[:100])):
        mine, found = ours(series), [theirs(library, given) for library in LIBRARIES]
        assert all(same(mine[metric], one[metric]) for metric in METRICS for one in found)
    with pytest.raises(ModelError, match=r"\(4 such rows of 128: 7, 47, 87, 127\)"):
        ours(gap)
