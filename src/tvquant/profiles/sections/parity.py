"""Section `parity`: how far books of one set of weights by several simulators may lie apart."""

from typing import Annotated

from pydantic import Field

from tvquant.profiles.fields import Real, Section

type Bps = Annotated[Real, Field(ge=0, lt=10_000)]
type Share = Annotated[Real, Field(ge=0, lt=1)]


class ParitySection(Section):
    """Limits of `tvquant parity`: they bind in the parity setting, where every simulator is asked for the same.

    Parameters
    ----------
    equity_bps : most by which equity may differ at a close that both books have, of the first's.
    holdings_bps : most by which the value of one name may differ at such a close, of the first's equity.
    sharpe : most by which the Sharpe ratio may differ, as a fraction of the first's.
    near_zero : below this a Sharpe ratio is near zero, and may differ by so much.
    annual_return : most by which the annual return may differ, or that of the period where it is under 60 days, as a
        fraction of the first's.
    turnover : most by which the sum of all turnover may differ, as a fraction of the first's.
    costs : most by which the sum of all costs may differ, as a fraction of the first's.
    buffer : least share of every weight that is kept in cash in the parity setting, in all simulators alike, so that
        one without credit can pay its costs.
    """

    equity_bps: Bps
    holdings_bps: Bps
    sharpe: Share
    near_zero: Share
    annual_return: Share
    turnover: Share
    costs: Share
    buffer: Share

    @property
    def equity(self) -> float:
        """`equity_bps` as a fraction."""
        return self.equity_bps * 1e-4

    @property
    def holdings(self) -> float:
        """`holdings_bps` as a fraction of equity."""
        return self.holdings_bps * 1e-4
