"""`run.plot`: the report's figures as plotly figures; each is drawn by the report's own code."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvquant.ledger.recorded_parts import RecordedCell
    from tvquant.report.figures import Interactive
    from tvquant.report.performance_figures import Track
    from tvquant.report.played_run import PlayedRun
    from tvquant.report.run import RunData


class Plots:
    """Figures of one run; those of one book are of the headline cell. Numbers are plotted at six significant digits.

    Raises, from each: DataError where the run has not what it is drawn from.
    """

    def __init__(self, run: "RunData") -> None:
        self._run = run

    def of(self, cell: str) -> "Plots":
        """Return the figures with another cell in the headline's place; ProfileError where there is none."""
        return Plots(self._run.of_cell(cell_of(self._run, cell)))

    def equity(self) -> "Interactive":
        """Return equity on a log axis, with drawdowns below: the headline, baselines and the best others."""
        return self._section("equity", "equity")

    def drawdown(self) -> "Interactive":
        """Return the falls from their peaks of the same cells, in percent."""
        from tvquant.report import performance_figures as drawn
        from tvquant.report.figures import to_plotly
        from tvquant.report.sections.equity import shown
        from tvquant.report.tracks import tracks_of

        return to_plotly(drawn.drawdown(tracks_of(self._run, shown(self._run)), self._run.headline.key))

    def rolling_sharpe(self, window: int | None = None) -> "Interactive":
        """Return the Sharpe ratio of the last `window` rows, with its standard error; see `rolling_volatility`."""
        from tvquant.report import performance_figures as drawn
        from tvquant.report.figures import to_plotly

        mine, rows = self._track(), self._window(window)
        return to_plotly(drawn.rolling_sharpe(mine, window=rows, periods_per_year=self._run.periods_per_year))

    def rolling_volatility(self, window: int | None = None) -> "Interactive":
        """Return the volatility of the last `window` rows, in percent per year.

        Where nothing is said it is that of the report: a year, or a quarter of a shorter history.
        """
        from tvquant.report import performance_figures as drawn
        from tvquant.report.figures import to_plotly

        mine, rows = self._track(), self._window(window)
        return to_plotly(drawn.rolling_volatility(mine, window=rows, periods_per_year=self._run.periods_per_year))

    def rolling_beta(self, window: int | None = None) -> "Interactive":
        """Return the beta of the last `window` rows to each baseline of the same basis; see `rolling_volatility`."""
        from tvquant.report import performance_figures as drawn
        from tvquant.report.figures import to_plotly
        from tvquant.report.tracks import benchmarks, tracks_of

        others = tracks_of(self._run, benchmarks(self._run, self._run.headline))
        return to_plotly(drawn.rolling_betas(self._track(), others, window=self._window(window, least=3)))

    def weights(self) -> "Interactive":
        """Return decided weights by name, in percent of equity, stacked."""
        return self._section("weights", "weights")

    def exposure(self) -> "Interactive":
        """Return gross, net, long and short exposure."""
        return self._section("exposure", "exposure")

    def cash(self) -> "Interactive":
        """Return cash at each decision by cause."""
        return self._section("exposure", "cash")

    def contribution(self) -> "Interactive":
        """Return cumulative contributions to the return, arithmetic."""
        return self._section("contribution", "contribution")

    def costs(self) -> "Interactive":
        """Return costs per calendar year by kind."""
        return self._section("costs", "costs")

    def turnover(self) -> "Interactive":
        """Return turnover of each rebalance."""
        return self._section("costs", "turnover")

    def funnel(self) -> "Interactive":
        """Return names from the universe to the winners at each decision."""
        return self._section("funnel", "funnel")

    def vetoes(self) -> "Interactive":
        """Return atoms that fell out at each decision, by reason."""
        return self._section("vetoes", "vetoes")

    def _section(self, section: str, key: str) -> "Interactive":
        """Return a figure of a section of the page; `Absent` where there is nothing of it to draw."""
        from tvquant.ledger.recorded_parts import Absent
        from tvquant.report.blocks import Figure
        from tvquant.report.figures import to_plotly
        from tvquant.report.sections.catalogue import SECTIONS

        drawn = next(one for one in SECTIONS if one.key == section).draw(self._run)
        found = next((one for one in drawn if isinstance(one, Figure) and one.key == key), None)
        if found is None:
            raise Absent(f"run {self._run.run_id} has no figure {key!r} of {self._run.headline.key}: nothing to draw")
        return to_plotly(found)

    def _track(self) -> "Track":
        from tvquant.report.tracks import tracks_of

        (mine,) = tracks_of(self._run, [self._run.headline])
        return mine

    def _window(self, given: int | None, least: int = 2) -> int:
        """Return rows of a rolling window; `Absent` where none is given and the history is too short for one."""
        from tvquant.core.errors import ProfileError
        from tvquant.ledger.recorded_parts import Absent
        from tvquant.report.performance_figures import window_of

        rows = len(self._track().returns)
        if given is not None and not least <= given <= rows:
            raise ProfileError(f"window: expected {least} to {rows} rows, which the cell has, found {given}")
        window = given or window_of(rows, self._run.periods_per_year)
        if window is None:
            raise Absent(f"{rows} rows are too few for a rolling measure; say window= where it is wanted all the same")
        return window


def cell_of(run: "PlayedRun", key: str) -> "RecordedCell":
    """Return the cell of this key; ProfileError with those that there are."""
    from tvquant.core.errors import ProfileError
    from tvquant.profiles.messages import unknown

    found = {one.key: one for one in (*run.cells, *run.beside)}
    if key not in found:
        raise ProfileError(f"run {run.run_id}: {unknown('cell', key, found)}")
    return found[key]
