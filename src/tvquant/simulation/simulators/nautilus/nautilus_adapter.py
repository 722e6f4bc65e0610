"""The simulator `nautilus`: it primes and runs the event engine of NautilusTrader, version 1 or 2.

What the engine does of itself: orders, fills, fees, balance, positions, their gains. What it knows nothing of is cash
beside its account, reckoned by `play.py`. Its names are used in this folder only.
"""

from collections.abc import Mapping
from importlib.metadata import version as version_of
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Panel
from tvquant.core.stamps import Stamp
from tvquant.simulation.simulators.contract import Capability, Support

if TYPE_CHECKING:
    from tvquant.profiles.options import Options


class Nautilus:
    """Net physical weights on an event engine: a margin account, market orders, the house's cost as a taker's fee.

    Quantities are cut toward zero: to lots, which are the instrument's own precision where they have no more than nine
    decimals, or to 1e-9 of a contract (`rules.py`).
    """

    name: ClassVar[str] = "nautilus"
    needs: ClassVar[tuple[str, str] | None] = ("nautilus_trader", "simulators")
    capabilities: ClassVar[Mapping[Capability, Support]] = MappingProxyType(
        dict.fromkeys(Capability, Support.REFUSED)
        | dict.fromkeys(
            (
                Capability.NEXT_OPEN,
                Capability.NEXT_CLOSE,
                Capability.SAME_CLOSE,
                Capability.COMMISSION,
                Capability.LEVERAGE,
            ),
            Support.NATIVE,
        )
        | dict.fromkeys(
            (
                Capability.LAG,
                Capability.DAILY,
                Capability.LOTS,
                Capability.SLIPPAGE,
                Capability.BORROW,
                Capability.CASH_YIELD,
                Capability.FUNDING,
                Capability.ACTIONS,
                Capability.HALTS,
                Capability.LATE_FILL,
                Capability.SHORT_COLLATERAL,
                Capability.MAINTENANCE_MARGIN,
                Capability.RUIN,
            ),
            Support.EMULATED,
        )
    )
    options: ClassVar[tuple[type["Options"], ...]] = ()

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        _: tuple["Options", ...] = (),
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        """Return the account of the decisions, from their first fill to the last row of the panel.

        Raises
        ------
        ProfileError : a rule out of range or refused, or `next_open` on a panel without opens.
        ModelError : weights of anything but instruments of the panel, or that cannot be traded; an order that the
            engine has not filled as it was sent.
        DataError : an impossible price or corporate action.
        """
        from tvquant.simulation.account import LEAST, LOT
        from tvquant.simulation.caveats import caveats_of
        from tvquant.simulation.library_books import plan_of
        from tvquant.simulation.order_bounds import bounds_of
        from tvquant.simulation.preflight import columns_of
        from tvquant.simulation.simulators.nautilus import version1, version2
        from tvquant.simulation.simulators.nautilus.diary import Diary
        from tvquant.simulation.simulators.nautilus.engine_runs import play_book
        from tvquant.simulation.simulators.nautilus.play import Play
        from tvquant.simulation.simulators.nautilus.rules import Rules, contracts_of
        from tvquant.simulation.simulators.nautilus.strategy import CAPITAL, check_net_weights

        check_net_weights(path.keys, panel.keys)
        plan = plan_of(self, panel, path, costs, execution)
        contracts, columns = contracts_of(plan.market), columns_of(panel, path)
        bounds, guessed = bounds_of(panel, columns, plan.market.marks, decided=plan.decided, execution=execution)
        rules = Rules(
            lots=bounds[LOT] / contracts.units[plan.decided] if len(bounds) else bounds,
            least=bounds[LEAST] if len(bounds) else bounds,
            capital=execution.nav if execution.lots and execution.nav else CAPITAL,
            slippage=costs.slippage_bps * 1e-4,
            commission=costs.commission_bps * 1e-4,
            borrow_rate=costs.borrow_rate,
            assumed_funding=costs.assumed_funding,
            haircut=execution.delisting_haircut,
            margin=execution.maintenance_margin,
        )
        diary = Diary(plan)
        play = Play(plan, contracts, rules, diary)
        play_book(version1 if version_of("nautilus_trader").startswith("1.") else version2, panel, play)
        caveats = caveats_of(plan.instruments, execution, owed=diary.owed, assumed=diary.assumed, shorted=diary.shorted)
        late = {Stamp.LATE_FILL} if diary.late else set()
        assumed = {Stamp.ASSUMED_METADATA} if (diary.quantities[:, guessed] != 0.0).any() else set()
        return diary.result(caveats | late | assumed)
