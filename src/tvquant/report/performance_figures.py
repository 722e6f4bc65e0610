"""Figures of returns: growth, falls from a peak, rolling measures, calendar years. Tracks in, one figure out.

A figure is its plotly specification; `figures.to_plotly` makes a plotly object of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl

from tvquant.core.panel import Floats, Times
from tvquant.core.rates import ZERO, RiskFree
from tvquant.report.blocks import Figure
from tvquant.report.figures import GREY, HEADLINE, axis, colours, figure, plotted
from tvquant.statistics import annual_returns, drawdown_series, rolling, rolling_beta, wealth

MARKED_YEARS = 12
"""Fewer calendar years than these have a mark each."""
SHORTEST_WINDOW = 40
"""Rows below which a rolling measure is noise."""
WIDE = 6.0
"""Highest over lowest level from which on 1, 2, 5 of each power of ten are enough marks of an axis."""
MARKS = 5
"""Marks at most of an axis that is not so wide, about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """Simple returns of one book by row, and the risk-free rate on these rows.

    `basis` says what the returns leave out, empty where that is nothing.
    """

    name: str
    times: Times
    returns: Floats
    basis: str = ""
    risk_free: RiskFree = ZERO

    @classmethod
    def of(cls, name: str, rows: pl.DataFrame, *, basis: str = "") -> Self:
        """Return the track of a book's rows in the result table `returns`."""
        # A run from before there was a rate has no such column.
        rate = RiskFree(per_row=rows["risk_free"].to_numpy()) if "risk_free" in rows.columns else ZERO
        times, returns = rows["time"].to_numpy(), rows["return"].to_numpy()
        return cls(name=name, times=times, returns=returns, basis=basis, risk_free=rate)

    @property
    def label(self) -> str:
        """Its name as a legend shows it."""
        return f"{self.name} ({self.basis})" if self.basis else self.name

    @property
    def days(self) -> list[str]:
        """Dates for an axis."""
        return days_of(self.times)


def days_of(times: Times) -> list[str]:
    """Return dates for an axis."""
    days: list[str] = np.datetime_as_string(times.astype("datetime64[D]")).tolist()
    return days


def equity(tracks: Sequence[Track], chosen: str | None = None) -> Figure:
    """Return growth of 1 of every track on a log axis, its drawdown below; the chosen one is thick."""
    traces = []
    for one, line in _lines(tracks, chosen):
        level = wealth(one.returns)
        traces.append({**line, "y": plotted(np.where(level > 0, level, np.nan))})
        falls = plotted(100 * drawdown_series(one.returns))
        traces.append({**line, "y": falls, "yaxis": "y2", "showlegend": False})
    return figure(
        "equity", "Equity (top, log scale) and drawdown (bottom), net of costs", traces, height=620,
        xaxis=axis("bar date", anchor="y2", type="date"),
        yaxis=axis("equity, start = 1", type="log", domain=[0.36, 1], tickformat="~g", dtick=_step(traces)),
        yaxis2=axis("drawdown, %", domain=[0, 0.3]),
    )  # fmt: skip


def _step(traces: Sequence[Mapping[str, Any]]) -> str:
    """Return the step of a log axis of levels: 1, 2, 5 of each power, or even ones where that leaves too few."""
    levels = [v for one in traces if "yaxis" not in one for v in one["y"] if v is not None]
    low, high = min(levels, default=1.0), max(levels, default=1.0)
    if high > WIDE * low:
        return "D2"
    span = max((high - low) / MARKS, 1e-6)
    power = 10.0 ** np.floor(np.log10(span))
    return f"L{next(k * power for k in (1, 2, 5, 10) if k * power >= span * (1 - 1e-9)):g}"


def drawdown(tracks: Sequence[Track], chosen: str | None = None) -> Figure:
    """Return the fall of every track from its highest level so far."""
    traces = [{**line, "y": plotted(100 * drawdown_series(one.returns))} for one, line in _lines(tracks, chosen)]
    return figure("drawdown", "Drawdown, net of costs", traces, height=320, showlegend=True,
                  xaxis=axis("bar date", type="date"), yaxis=axis("drawdown, %"))  # fmt: skip


def rolling_sharpe(track: Track, *, window: int, periods_per_year: int) -> Figure:
    """Return the Sharpe ratio of the last `window` rows over the risk-free rate, with a band of one standard error.

    The error is of independent normal returns, sqrt((1 + S^2 / 2) / (window - 1)) per row with S the ratio per row:
    Lo (2002), The statistics of Sharpe ratios.
    """
    _, sharpe = rolling(track.returns, window=window, periods_per_year=periods_per_year, risk_free=track.risk_free)
    error = np.sqrt((periods_per_year + sharpe**2 / 2.0) / (window - 1))
    x = track.days
    edge = {"mode": "lines", "x": x, "line": {"width": 0, "color": GREY}, "hoverinfo": "skip", "showlegend": False}
    traces: list[dict[str, Any]] = [
        {**edge, "name": "- 1 SE", "y": plotted(sharpe - error)},
        {**edge, "name": "± 1 SE", "y": plotted(sharpe + error), "fill": "tonexty", "showlegend": True},
        {"mode": "lines", "name": track.label, "x": x, "y": plotted(sharpe), "line": {"width": 1.8, "color": HEADLINE}},
    ]
    return _rolled("rolling_sharpe", f"Sharpe ratio of the last {window} rows", "Sharpe ratio, per year", traces)


def rolling_volatility(track: Track, *, window: int, periods_per_year: int) -> Figure:
    """Return the annualised volatility of the last `window` rows."""
    volatility, _ = rolling(track.returns, window=window, periods_per_year=periods_per_year)
    trace = {"mode": "lines", "name": track.label, "x": track.days, "y": plotted(100 * volatility),
             "line": {"width": 1.8, "color": HEADLINE}}  # fmt: skip
    return _rolled("rolling_volatility", f"Volatility of the last {window} rows", "volatility, % per year", [trace])


def rolling_betas(track: Track, benchmarks: Sequence[Track], *, window: int) -> Figure:
    """Return the beta of the last `window` rows to each benchmark, on the rows that both have."""
    colour, traces = colours([one.label for one in benchmarks]), []
    for one in benchmarks:
        both, mine, its = shared_excess(track, one)
        beta = rolling_beta(mine, its, window=window)
        traces.append(
            {"mode": "lines", "name": f"to {one.label}", "x": days_of(both),
             "y": plotted(beta), "line": {"width": 1.8, "color": colour[one.label]}}
        )  # fmt: skip
    return _rolled("rolling_beta", f"Beta of the last {window} rows", "beta", traces)


def annual_bars(tracks: Sequence[Track], chosen: str | None = None) -> Figure:
    """Return the compounded return of every calendar year, tracks side by side."""
    colour = colours([one.name for one in tracks], chosen)
    traces, marked = [], set[int]()
    for one in tracks:
        years, values = annual_returns(one.times, one.returns)
        marked |= set(years)
        traces.append(
            {"type": "bar", "name": one.label, "x": list(years), "y": plotted(100 * values),
             "marker": {"color": colour[one.name]}}
        )  # fmt: skip
    every = 1 if len(marked) < MARKED_YEARS else None
    return figure("annual", "Return of each calendar year, net of costs", traces, height=340, barmode="group",
                  showlegend=True, xaxis=axis("year", dtick=every, tickformat="d"),
                  yaxis=axis("return, %", zeroline=True))  # fmt: skip


def shared_rows(one: Track, other: Track) -> tuple[Times, Floats, Floats]:
    """Return the bars that both tracks have, and the returns of each there.

    A bar that only one of them has is compounded into its next shared one, but for those before the later of the two
    begins. What was ruined earns 0 from then on.
    """
    if np.array_equal(one.times, other.times):
        return one.times, one.returns, other.returns
    both = np.intersect1d(one.times, other.times)
    begin = max(one.times[0], other.times[0])
    return both, _compounded(one, both, begin), _compounded(other, both, begin)


def shared_excess(one: Track, other: Track) -> tuple[Times, Floats, Floats]:
    """Return the bars that both tracks have, and the returns of each there in excess of the risk-free rate of `one`."""
    both, mine, its = shared_rows(one, other)
    earned = np.broadcast_to(one.risk_free.per_row, one.returns.shape)
    _, rate, _ = shared_rows(replace(one, returns=earned), other)
    return both, mine - rate, its - rate


def window_of(rows: int, periods_per_year: int) -> int | None:
    """Return rows of a rolling window: a year, or a quarter of a shorter history; None where that is below 40."""
    window = min(periods_per_year, rows // 4)
    return window if window >= SHORTEST_WINDOW else None


def _compounded(one: Track, both: Times, begin: np.datetime64) -> Floats:
    level = np.concatenate([[1.0], wealth(one.returns)])
    at = np.concatenate([[np.searchsorted(one.times, begin)], np.searchsorted(one.times, both) + 1])
    before, after = level[at][:-1], level[at][1:]
    alive = before > 0.0
    return np.where(alive, after / np.where(alive, before, 1.0) - 1.0, 0.0)


def _lines(tracks: Sequence[Track], chosen: str | None) -> list[tuple[Track, dict[str, Any]]]:
    """Return each track with its line, the chosen one last and on top."""
    colour = colours([one.name for one in tracks], chosen)
    return [
        (one, {"type": "scatter", "mode": "lines", "name": one.label, "legendgroup": one.name, "x": one.days,
               "line": {"color": colour[one.name], "width": 2.6 if one.name == chosen else 1.2,
                        "dash": "dot" if one.basis else "solid"}})
        for one in sorted(tracks, key=lambda one: one.name == chosen)
    ]  # fmt: skip


def _rolled(key: str, title: str, unit: str, traces: Sequence[dict[str, Any]]) -> Figure:
    return figure(key, title, traces, height=300, showlegend=True, xaxis=axis("bar date, last of the window",
                  type="date"), yaxis=axis(unit, zeroline=True))  # fmt: skip
