"""`run.plot`: the report's figures as plotly figures."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from tvquant.report.run import RunData


class Plots:
    """Figures of one run; those of one book are of the headline cell. Numbers are plotted at six significant digits.

    Raises, from each: DataError where the run has not what it is drawn from.
    """

    def __init__(self, run: "RunData") -> None:
        self._run = run

    def equity(self) -> "Figure":
        """Return equity of every cell on a log axis, with drawdowns below."""
        return self._drawn("equity", "equity")

    def drawdown(self) -> "Figure":
        """Return the falls of every cell from its peaks, in percent."""
        from tvquant.report.interactive import as_plotly, block_of, lower_half

        whole = block_of(self._run, "equity", "equity")
        return as_plotly(lower_half(whole, "drawdown", "Drawdown, all cells, net of costs"))

    def weights(self) -> "Figure":
        """Return decided weights by name, in percent of equity, stacked."""
        return self._drawn("weights", "weights")

    def exposure(self) -> "Figure":
        """Return gross, net, long and short exposure."""
        return self._drawn("exposure", "exposure")

    def cash(self) -> "Figure":
        """Return cash at each decision by cause."""
        return self._drawn("exposure", "cash")

    def contribution(self) -> "Figure":
        """Return cumulative contributions to the return, arithmetic."""
        return self._drawn("contribution", "contribution")

    def costs(self) -> "Figure":
        """Return costs per calendar year by kind."""
        return self._drawn("costs", "costs")

    def turnover(self) -> "Figure":
        """Return turnover of each rebalance."""
        return self._drawn("costs", "turnover")

    def funnel(self) -> "Figure":
        """Return names from the universe to the winners at each decision."""
        return self._drawn("funnel", "funnel")

    def vetoes(self) -> "Figure":
        """Return atoms that fell out at each decision, by reason."""
        return self._drawn("vetoes", "vetoes")

    def _drawn(self, section: str, key: str) -> "Figure":
        from tvquant.report.interactive import as_plotly, block_of

        return as_plotly(block_of(self._run, section, key))
