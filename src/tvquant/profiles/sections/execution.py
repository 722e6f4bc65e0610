"""Sections `execution`, `costs` and `benchmark`: how weights become holdings, at what cost, against what."""

from typing import Annotated

from pydantic import Field

from tvquant.core.books import Convention, CostModel, Execution
from tvquant.profiles.fields import Distinct, Member, Real, Section, Symbol
from tvquant.profiles.options import FamilySection


class ExecutionSection(FamilySection):
    """How decided weights become holdings, and by which simulators; the fields are those of `core` Execution.

    Parameters
    ----------
    convention : filled at the next open, the next close, or the same close (stamped `optimistic_execution`).
    lag : extra rows between decision and fill.
    halt_limit : rows without a bar after which a holding is closed.
    delisting_haircut : share of the last price that this costs.
    simulators : who plays the books.
    """

    convention: Convention
    lag: int = Field(strict=True, ge=0)
    halt_limit: int = Field(strict=True, ge=1)
    delisting_haircut: Real = Field(ge=0, le=1)
    simulators: Annotated[Distinct[Member], Field(min_length=1)]

    def execution(self) -> Execution:
        """Return the rules as simulation takes them."""
        return Execution(
            convention=self.convention,
            lag=self.lag,
            halt_limit=self.halt_limit,
            delisting_haircut=self.delisting_haircut,
        )


class CostsSection(Section):
    """What trading and holding cost.

    Parameters
    ----------
    slippage_bps, commission_bps : of the value of each fill.
    borrow_rate : fraction per year of the value of spot and stock shorts, and of borrowed cash.
    """

    slippage_bps: Real = Field(ge=0, le=10_000)
    commission_bps: Real = Field(ge=0, le=10_000)
    borrow_rate: Real = Field(ge=0, le=1)

    def cost_model(self) -> CostModel:
        """Return the costs as simulation takes them."""
        return CostModel(
            slippage_bps=self.slippage_bps, commission_bps=self.commission_bps, borrow_rate=self.borrow_rate
        )


class BenchmarkSection(Section):
    """What results are compared with.

    Parameters
    ----------
    market : symbols that make up the baseline `market`; none is no such baseline.
    """

    market: Distinct[Symbol]
