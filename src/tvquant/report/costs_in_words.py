"""What a profile's books pay, in words."""

from tvquant.core.books import Spread
from tvquant.core.instruments import Kind
from tvquant.core.quoting import several
from tvquant.profiles import Profile
from tvquant.profiles.sections.costs import CostsSection, RateSeries
from tvquant.report.formatting import percent


def house_costs(profile: Profile) -> str:
    """Return what trading and holding cost, and what idle cash earns, on one line."""
    costs, nav = profile.costs, profile.execution.nav
    parts = [
        f"{_slippage(costs)} + {_commission(costs)} on traded value",
        f"impact of {costs.impact:g} x sigma x sqrt(value / ADV) at an equity of {nav:,.0f}" if costs.impact else "",
        f"borrow {percent(costs.borrow_rate)} per year on shorts and overdrafts{_own_loans(costs)}",
        _yield(costs),
        "swaps pay and receive funding, and no borrow fee" if Kind.SWAP in profile.universe.kinds else "",
    ]
    return "; ".join(part for part in parts if part)


def _slippage(costs: CostsSection) -> str:
    if costs.spread is Spread.FLAT:
        return f"{costs.slippage_bps:g} bps slippage"
    return f"half of the spread that {costs.spread} measures of 20 bars"


def _commission(costs: CostsSection) -> str:
    if not costs.tiers:
        return f"{costs.commission_bps:g} bps commission"
    rates = ", ".join(f"{one.taker_bps:g} bps from {one.traded:,.0f}" for one in costs.tiers)
    makers = f"; {percent(costs.maker_share)} of it at makers' fees" if costs.maker_share else ""
    return f"commission by value traded in 30 days ({rates}{makers})"


def _own_loans(costs: CostsSection) -> str:
    return (
        f", other rates on shorts of {several([name for name, _ in costs.borrow_rates])}" if costs.borrow_rates else ""
    )


def _yield(costs: CostsSection) -> str:
    given = costs.cash_yield
    if isinstance(given, RateSeries):
        return f"idle cash earns {given.symbol}, in {given.unit} per year"
    return f"idle cash earns {percent(given)} per year" if given else ""
