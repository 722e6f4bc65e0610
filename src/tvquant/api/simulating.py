"""`simulate`: what target weights come to at given prices and costs, by the house simulator."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from tvquant.api import frames
from tvquant.api.books import panel_of, path_on, prices_of
from tvquant.api.years import periods_per_year
from tvquant.core.books import Convention, CostModel, Execution, FeeTier, Rebalancing, SimResult, Spread, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import Times
from tvquant.core.quoting import shown
from tvquant.core.stamps import Stamps
from tvquant.profiles.messages import unknown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What trading and holding cost; the defaults are those of the packaged profiles, none is free.

    Parameters
    ----------
    slippage_bps, commission_bps : of the value of each fill.
    borrow_rate : fraction per year of 365 days, of the value of shorts and of borrowed cash.
    spread, tiers, maker_share, impact, borrow_rates, cash_yield : as the keys of the section `costs` of a profile; a
        measured spread needs prices with high and low, impact their volume.
    delisting_haircut : share of the last price that a name costs which is held through more than five rows without one.
    """

    slippage_bps: float = 5.0
    commission_bps: float = 1.0
    borrow_rate: float = 0.02
    delisting_haircut: float = 0.30
    spread: str = "flat"
    tiers: Sequence[Mapping[str, float]] = field(default_factory=list)
    maker_share: float = 0.0
    impact: float = 0.0
    borrow_rates: Mapping[str, float] = field(default_factory=dict)
    cash_yield: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """How decided weights become holdings, as the keys of the section `execution` of a profile.

    Parameters
    ----------
    rebalancing : `window` holds from one decision to the next, `daily` restores the weights at every row.
    band, partial : a weight within the band is left alone; only that share of the way is traded.
    nav : equity at the start, in the currency of the prices: fee tiers, impact and participation need it.
    buffer : share of every weight that is kept in cash.
    maintenance_margin : share of gross below which equity has everything closed.
    participation : most that a fill may be of a name's mean traded value of 20 rows; needs prices with volume.
    """

    rebalancing: str = "window"
    band: float = 0.0
    partial: float = 1.0
    nav: float | None = None
    buffer: float = 0.0
    maintenance_margin: float = 0.0
    participation: float | None = None


_KEY = re.compile(r"execution\.(\w+)")
_ARGUMENTS = {
    **{one.name: f"trading.{one.name}" for one in fields(Trading)},
    **{name: name for name in ("convention", "lag")},
    "delisting_haircut": "costs.delisting_haircut",
}
"""Key of the section `execution` -> the argument that has its part here."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation:
    """A book that was played, from its first fill to the last row of prices. Fractions of starting capital, which is 1.

    Parameters
    ----------
    equity : `time`, `equity`, `drawdown` (fall from the highest equity so far), `cash`.
    returns : `time`, `return`: simple, net of costs, row to row.
    costs : `time` and each kind: `slippage`, `commission`, `impact`, `borrow`, `overdraft`, `funding`, and
        `cash_yield`, below 0 where it is earned.
    turnover : per fill `decided_at`, `filled_at`, `turnover` (one-way: a full switch is 1), `traded` (two-way), both as
        fractions of equity at the fill.
    held : `time` and each name: its value at the close as a fraction of equity, drifted.
    events : `time`, `symbol`, `kind`, `value`: what nobody ordered, and orders that could not be filled.
    metrics : CAGR, volatility, Sharpe ratio ... as in the results of a run.
    stamps : caveats of the book.
    failure : None, or why the book ended early (`liquidated`).
    assumptions : in words, what was assumed.
    """

    equity: "pl.DataFrame"
    returns: "pl.DataFrame"
    costs: "pl.DataFrame"
    turnover: "pl.DataFrame"
    held: "pl.DataFrame"
    events: "pl.DataFrame"
    metrics: Mapping[str, Any]
    stamps: Stamps
    failure: str | None
    assumptions: tuple[str, ...]


def simulate(
    weights: Any,
    prices: Any,
    costs: Costs | None = None,
    *,
    convention: str | None = None,
    lag: int = 0,
    trading: Trading | None = None,
    simulator: str = "custom",
    calendar: str | float | None = None,
) -> Simulation:
    """Return the book of target weights (decision dates x names) at prices (dates x names).

    A weight is decided at the close of its date: quantities are fixed there and filled by the convention, then held, so
    that weights drift. What is missing to 1 is cash. A price that is NaN is no bar: the last price
    marks the holding, and after five such rows it is closed at a haircut, which is an event.

    Parameters
    ----------
    weights : pandas or polars, signed fractions of equity; every date is one of prices, dates without a decision are
        left out, and no cell is empty.
    prices : adjusted for splits (and dividends, for total returns): a frame of closes, frames by name
        (`{"open": ..., "close": ...}`, and `high`, `low`, `volume` where costs need them), or bars in rows with a
        symbol. Names without weights are not traded.
    costs : `Costs()` where nothing is said.
    convention : filled at `next_open`, `next_close` or (stamped optimistic) `same_close`; where nothing is said at the
        next open, or the next close where there are no opens.
    lag : more rows between decision and fill.
    trading : `Trading()` where nothing is said.
    simulator : who keeps the account: `custom`, or one whose library is installed.
    calendar : which periods make a year; see `years.periods_per_year`.

    Raises
    ------
    ProfileError : frames, names or dates do not fit each other; a price that is not above zero; weights beyond ten
        times equity; a perpetual swap, whose funding a frame of prices has not; a rule that the simulator refuses.
    ModelError : a weight before the first price of its name, no decision that is filled, or prices that ask for what
        the simulator does not do.
    """
    from tvquant.simulation import SIMULATORS
    from tvquant.simulation.preflight import ordered

    if not isinstance(costs, Costs | None):
        raise ProfileError(f"costs: expected tv.Costs(slippage_bps=5, ...), found {shown(costs)}")
    if not isinstance(trading, Trading | None):
        raise ProfileError(f"trading: expected tv.Trading(rebalancing='daily', ...), found {shown(trading)}")
    costs = costs or Costs()
    member = SIMULATORS[_simulator(simulator)]
    tables, given = prices_of(prices), frames.wide(weights, "weights")
    panel = panel_of(given.names, tables)
    path = path_on(panel, given)
    periods, said = periods_per_year(calendar, panel.times)
    chosen = _convention(convention, tables)
    execution = _execution(trading or Trading(), chosen, lag, costs.delisting_haircut)
    options = tuple(declared() for declared in member.options)
    model = _cost_model(costs, tables["close"].names)
    with _by_arguments():
        played = member.simulate(panel, path, options, costs=model, execution=execution)
    return _simulation(
        played,
        ordered(path, execution, len(panel.times)),
        panel.times,
        periods,
        (_filled(chosen, lag), *_traded(execution), _charged(costs), said),
    )


def simulate_many(
    weights: Mapping[str, Any],
    prices: Any,
    costs: Costs | None = None,
    *,
    convention: str | None = None,
    lag: int = 0,
) -> "pl.DataFrame":
    """Return the equity of many books at the same prices: `time`, and a column for each name of `weights`.

    Every figure is that of `simulate` with the same costs, which must be flat ones; books that decide on the same dates
    are kept at once, a thousand in the time of ten. A book has no equity (null) before its first fill.

    Parameters
    ----------
    weights : name of a book -> its weights, as `simulate` takes them.
    prices, costs, convention, lag : as `simulate` takes them.

    Raises
    ------
    ProfileError : as `simulate`; costs beyond slippage, commission, borrow rate and haircut; no book at all.
    ModelError : as `simulate`.
    """
    import polars as pl

    from tvquant.simulation.batch import play_paths

    if not isinstance(weights, Mapping) or not weights or "time" in weights:
        raise ProfileError(f"weights: expected name -> frame, no name being 'time', found {shown(weights)}")
    if not isinstance(costs, Costs | None):
        raise ProfileError(f"costs: expected tv.Costs(slippage_bps=5, ...), found {shown(costs)}")
    costs = costs or Costs()
    tables = prices_of(prices)
    given = {name: frames.wide(one, f"weights[{name!r}]") for name, one in weights.items()}
    panel = panel_of(tuple(dict.fromkeys(name for one in given.values() for name in one.names)), tables)
    paths, model = [path_on(panel, one) for one in given.values()], _cost_model(costs, tables["close"].names)
    execution = _execution(Trading(), _convention(convention, tables), lag, costs.delisting_haircut)
    with _by_arguments():
        played = play_paths(panel, paths, costs=model, execution=execution)
    levels = {}
    for name, (books, column) in zip(given, played, strict=True):
        before = pl.repeat(None, len(panel.times) - len(books.times), dtype=pl.Float64, eager=True)
        levels[name] = before.append(pl.Series(books.equity[:, column]))
    made = pl.DataFrame({"time": panel.times, **levels})
    return made.slice(min(len(panel.times) - len(books.times) for books, _ in played))


@contextmanager
def _by_arguments() -> Iterator[None]:
    """Let errors name arguments of `simulate` where simulators name keys of the section `execution`."""
    try:
        yield
    except (ProfileError, ModelError) as error:
        said = _KEY.sub(lambda key: _ARGUMENTS.get(key[1], key[0]), str(error))
        raise type(error)(said) from error


def _convention(convention: str | None, tables: Mapping[str, frames.Wide]) -> Convention:
    """Return the convention that is meant; where nothing is said the next open, or the next close without opens."""
    if convention is None:
        return Convention.NEXT_OPEN if "open" in tables else Convention.NEXT_CLOSE
    return _one_of(Convention, convention, "convention")


def _simulator(name: str) -> str:
    """Return the name of a simulator that is here."""
    from tvquant.simulation import SIMULATORS, uninstalled

    if name not in SIMULATORS:
        raise ProfileError(f"simulator: {unknown('name', name, list(SIMULATORS))}")
    if extra := uninstalled().get(name):
        raise ProfileError(f"simulator: {name} is not installed; install tvquant[{extra}]")
    return name


def _one_of[E: StrEnum](family: type[E], value: object, what: str) -> E:
    """Return the member that is meant."""
    known = [one.value for one in family]
    if value not in known:
        raise ProfileError(f"{what}: {unknown('name', value if isinstance(value, str) else shown(value), known)}")
    return family(value)


def _execution(trading: Trading, convention: Convention, lag: int, haircut: float) -> Execution:
    return Execution(
        **{
            **asdict(trading),
            "rebalancing": _one_of(Rebalancing, trading.rebalancing, "trading.rebalancing"),
        },
        convention=convention,
        lag=lag,
        delisting_haircut=haircut,
    )


def _cost_model(costs: Costs, names: Sequence[str]) -> CostModel:
    """Return the costs as simulation takes them, which looks at their ranges."""
    expected = "expected [{'traded': 0, 'maker_bps': 2, 'taker_bps': 5}, ...]"
    try:
        tiers = tuple(FeeTier(**tier) for tier in costs.tiers)
    except TypeError as error:
        raise ProfileError(f"costs.tiers: {expected}, found {shown(costs.tiers)}") from error
    if not isinstance(costs.cash_yield, int | float):
        raise ProfileError(
            f"costs.cash_yield: expected one rate per year, found {shown(costs.cash_yield)}; a series of rates is "
            "imported into the lake and named in a profile"
        )
    if not -1.0 < costs.cash_yield <= 1.0:
        raise ProfileError(f"costs.cash_yield: expected a fraction per year, as 0.04, found {costs.cash_yield:g}")
    for name in costs.borrow_rates:
        if name not in names:
            raise ProfileError(f"costs.borrow_rates: {unknown('name of prices', name, names)}")
    return CostModel(
        slippage_bps=costs.slippage_bps,
        commission_bps=costs.commission_bps,
        borrow_rate=costs.borrow_rate,
        borrow_rates=tuple(costs.borrow_rates.items()),
        cash_yield=costs.cash_yield,
        spread=_one_of(Spread, costs.spread, "costs.spread"),
        tiers=tiers,
        maker_share=costs.maker_share,
        impact=costs.impact,
    )


def _filled(convention: Convention, lag: int) -> str:
    where = {
        Convention.NEXT_OPEN: "the open of the next row",
        Convention.NEXT_CLOSE: "the close of the next row",
        Convention.SAME_CLOSE: "the very close that is decided on (optimistic)",
    }
    later = f", {lag} rows later" if lag else ""
    return f"{convention.value}: filled at {where[convention]}{later}"


def _charged(costs: Costs) -> str:
    lost = (
        f"{costs.slippage_bps:g} bps slippage" if costs.spread == Spread.FLAT else f"half of the {costs.spread} spread"
    )
    taken = "commission by tier" if costs.tiers else f"{costs.commission_bps:g} bps commission"
    moved = f", square-root impact of {costs.impact:g} volatilities" if costs.impact else ""
    own = f" ({len(costs.borrow_rates)} names at rates of their own)" if costs.borrow_rates else ""
    earned = f"{100 * costs.cash_yield:g} % per year" if costs.cash_yield else "nothing"
    return (
        f"{lost} and {taken} on traded value{moved}, {100 * costs.borrow_rate:g} % per year on shorts{own} and "
        f"borrowed cash, {earned} earned on cash"
    )


def _traded(execution: Execution) -> Iterator[str]:
    """Yield what is not the usual in how weights become holdings."""
    usual = Trading()
    for one in fields(usual):
        if (value := getattr(execution, one.name)) != getattr(usual, one.name):
            yield f"{one.name} {shown(value)}"


def _simulation(
    played: SimResult, path: WeightPath, times: Times, periods: int, assumptions: tuple[str, ...]
) -> Simulation:
    import polars as pl

    from tvquant.statistics import drawdown_series, performance

    fills, time = len(played.filled), {"time": played.times}
    solvent = np.where(played.equity > 0, played.equity, np.nan)[:, None]
    value = np.nan_to_num(played.quantities * played.marks) / solvent
    noted = played.events
    return Simulation(
        equity=pl.DataFrame(
            {**time, "equity": played.equity, "drawdown": drawdown_series(played.returns), "cash": played.cash}
        ),
        returns=pl.DataFrame({**time, "return": played.returns}),
        costs=pl.DataFrame({**time, **played.costs}),
        turnover=pl.DataFrame(
            {
                "decided_at": times[path.decided[:fills]],
                "filled_at": times[played.filled],
                "turnover": played.turnover,
                "traded": played.traded,
            }
        ),
        held=pl.DataFrame({**time, **{key: value[:, j] for j, key in enumerate(path.keys)}}),
        events=pl.DataFrame(
            {
                "time": times[np.array([event.row for event in noted], dtype=np.int64)],
                "symbol": [event.key for event in noted],
                "kind": [event.kind.value for event in noted],
                "value": [event.value for event in noted],
            },
            schema_overrides={"symbol": pl.String, "kind": pl.String, "value": pl.Float64},
        ),
        metrics=asdict(performance(played.returns, periods_per_year=periods)),
        stamps=played.stamps,
        failure=played.failure,
        assumptions=assumptions,
    )
