"""Parity of many simulators: one path played by each that can express a setting, all held against the first.

1. A simulator that refuses what is asked is listed with what it refuses; it is never replaced.
2. The first that plays, `custom` where it is among them, is the reference; none is ever compared with itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.books import SimResult, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.profiles.options import Options
from tvquant.profiles.sections.parity import ParitySection
from tvquant.simulation import SIMULATORS
from tvquant.tournament.parity import BPS, Divergence, Figure, Measure, Pair, compared
from tvquant.tournament.parity_settings import Setting

REFERENCE = "custom"
IN_BPS = ("equity", "holdings")
"""Figures whose differences are told in basis points of equity."""
SAMPLES = (20, 60)
"""Rows from the first decision that are played to tell how long the whole will take."""

type Given = Mapping[str, tuple[Options, ...]]
"""Simulator -> the values of what it declares, in the order in which they are played."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One setting: who was compared, and who refused it and why.

    Parameters
    ----------
    reference : empty where nobody plays.
    played : simulators that played, the reference first.
    """

    setting: Setting
    reference: str
    played: tuple[str, ...]
    refused: Mapping[str, str]
    pairs: tuple[Pair, ...]

    @property
    def failed(self) -> tuple[Pair, ...]:
        """Pairs beyond the limits, where these bind."""
        return tuple(one for one in self.pairs if one.binds and not one.passed)

    @property
    def annual_bps(self) -> float | None:
        """Largest annual return less the smallest, in basis points; None where there is none to compare."""
        return _spread([one.annual_bps for one in self.pairs])

    @property
    def final_bps(self) -> float | None:
        """Largest final equity less the smallest, in basis points of the reference's."""
        return _spread([one.final_bps for one in self.pairs])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parity:
    """What parity found of one cell of a run.

    Parameters
    ----------
    result, code : digests of the run's result, and of the code that compared.
    versions : simulator -> the package it plays by and its version.
    uninstalled : simulator -> the extra that would install it.
    sides : the parity setting, then the run's own.
    """

    run: str
    cell: str
    result: str
    code: str
    versions: Mapping[str, str]
    uninstalled: Mapping[str, str]
    limits: ParitySection
    sides: tuple[Side, ...]

    @property
    def failed(self) -> tuple[Pair, ...]:
        """Pairs beyond the limits."""
        return tuple(pair for side in self.sides for pair in side.failed)


def side(
    setting: Setting,
    path: WeightPath,
    given: Given,
    *,
    limits: ParitySection,
    by: Measure,
    done: Callable[[SimResult | None], None],
) -> Side:
    """Return one setting as each simulator plays it; `done` is told of each book, None where it was refused."""
    books: dict[str, SimResult] = {}
    refused = {}
    for name in ordered(given):
        try:
            books[name] = SIMULATORS[name].simulate(
                setting.panel, path, given[name], costs=setting.costs, execution=setting.execution
            )
        except (ProfileError, ModelError) as error:
            refused[name] = str(error)
        done(books.get(name))
    first, *others = books.values() if books else (None,)
    return Side(
        setting=setting,
        reference="" if first is None else first.simulator,
        played=tuple(books),
        refused=refused,
        pairs=tuple(compared(first, one, setting=setting, limits=limits, by=by) for one in others if first),
    )


def ordered(names: Given) -> Sequence[str]:
    """Return the simulators in the order in which they are played, the reference first."""
    return sorted(names, key=lambda name: name != REFERENCE)


def seconds_of(setting: Setting, path: WeightPath, name: str, given: Given, timer: Callable[[], float]) -> float:
    """Return about how many seconds a book will take, by its first rows; 0 where it has few rows or is refused."""
    rows = len(setting.panel.times) - int(path.decided[0])
    if rows < 4 * SAMPLES[-1]:
        return 0.0
    took = []
    for some in SAMPLES:
        first, short = beginning(setting, path, some)
        began = timer()
        try:
            SIMULATORS[name].simulate(first.panel, short, given[name], costs=first.costs, execution=first.execution)
        except (ProfileError, ModelError):
            return 0.0
        took.append(timer() - began)
    per_row = max(took[1] - took[0], 0.0) / (SAMPLES[1] - SAMPLES[0])
    return per_row * rows


def beginning(setting: Setting, path: WeightPath, rows: int) -> tuple[Setting, WeightPath]:
    """Return the setting on the rows up to so many behind the first decision, and what was decided there."""
    last = int(path.decided[0]) + rows
    panel = setting.panel.until(setting.panel.known_at[last].max())
    some = path.decided < last - 1
    net = path.net[some][:, [path.keys.index(key) for key in panel.keys]]
    costs = setting.costs
    if isinstance(costs.cash_yield, np.ndarray):
        costs = replace(costs, cash_yield=costs.cash_yield[: len(panel.times)])
    first = replace(path, keys=panel.keys, decided=path.decided[some], net=np.ascontiguousarray(net))
    return replace(setting, panel=panel, costs=costs), first


def words_of(pair: Pair) -> str:
    """Return in one line what lies apart and where it begins."""
    beyond = ", ".join(_beyond(one) for one in pair.failures)
    apart = any(one.difference is not None for one in pair.failures)
    return f"{pair.first} and {pair.second} {'differ' if apart else 'are not told equal'}: {beyond}{_where(pair)}"


def _beyond(one: Figure) -> str:
    if one.difference is None:
        return f"{label(one.name)} cannot be compared ({_number(one.first)} and {_number(one.second)})"
    return f"{label(one.name)} by {told(one, one.difference)} (limit {told(one, one.limit)})"


def label(name: str) -> str:
    """Return the name of a figure as people read it."""
    return "Sharpe ratio" if name == "sharpe" else name.replace("_", " ")


def told(one: Figure, value: float) -> str:
    """Return a difference or a limit of a figure: basis points of equity, per cent, or the figure itself."""
    if one.absolute:
        return plain(value)
    return f"{plain(BPS * value)} bps" if one.name in IN_BPS else f"{plain(100 * value)} %"


def plain(value: float) -> str:
    """Return a number at three digits, whole from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def _where(pair: Pair) -> str:
    at = pair.divergence
    if at is None:
        return ""
    one, other = _each(pair, at)
    day = str(at.time)[:10]
    match at.what:
        case "trade":
            before = "" if at.since is None else f"; books part on {str(at.since)[:10]} without an order"
            return f"{before}; the first trade that differs is {at.symbol} on {day}: {one}; {other}"
        case "holdings":
            return f"; no trade differs, holdings do from {day}, {at.symbol}: {one}; {other}"
        case _:
            return f"; no trade or holding differs, equity does from {day}: {one}; {other}"


def _each(pair: Pair, at: Divergence) -> Iterator[str]:
    for name, quantity, price in zip((pair.first, pair.second), at.quantities, at.prices, strict=True):
        priced = "" if price is None else f" at {price:.6g}"
        yield f"{name} {'none' if quantity is None else f'{quantity:.6g}{priced}'}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _spread(values: Sequence[float | None]) -> float | None:
    known = [0.0, *(value for value in values if value is not None)]
    return max(known) - min(known) if len(known) > 1 else None
