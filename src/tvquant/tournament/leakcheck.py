"""Leak check: the same decisions, made in worlds that differ in the future only, and what differs between them.

A replay makes the decisions of a moment from a panel. It is asked twice, with the panel as it is and with a fork whose
past is the same; a decision that differs has used the future (R-UNI-22, R-SIM-03). A replay is given the whole panel,
so that one which cheats can.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvquant.core.instruments import Instant
from tvquant.core.panel import Panel
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous, Spec
from tvquant.tournament.views import look

ABSENT = "(absent)"
"""Stands for the value of a key or place that one of two payloads does not have."""

type Payload = Mapping[str, Any]
type Replay = Callable[[Panel, Instant], Mapping[str, Payload]]
"""Panel and moment -> cell key -> payload of its decision then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place at which two payloads differ: `weights.NYSE:KO`, `allocation.attempts[0].outcome`."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One decision that another future has changed.

    Parameters
    ----------
    fork : what was different.
    window, as_of, cell : the decision.
    path, before, after : its first value that differs, as decided and in the fork.
    """

    fork: str
    window: int
    as_of: Instant
    cell: str
    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one fork came to: decisions compared (0: there was nothing to change), and those that differ."""

    fork: str
    decisions: int
    leaks: tuple[Leak, ...]


def honest(specs: Mapping[str, Spec], previous: Mapping[str, Previous]) -> Replay:
    """Return the replay of the system itself: `decide` on the view of the row that had closed at the moment.

    `previous` holds what each cell held before; a cell that is not in it held nothing.
    """

    def replay(panel: Panel, at: Instant) -> dict[str, Payload]:
        view = look(panel, len(panel.until(at).times) - 1)
        return {cell: decide(view, spec, previous.get(cell, Previous())).payload() for cell, spec in specs.items()}

    return replay


def check(
    replay: Replay,
    before: Mapping[str, Payload],
    forks: Iterable[tuple[str, Panel | None]],
    *,
    window: int,
    at: Instant,
) -> Iterator[Outcome]:
    """Yield one outcome per fork: its replay's decisions at the moment against `before`, those of the true data.

    A fork is None where there was nothing to change: it proves nothing, so it counts no decision.
    """
    for fork, panel in forks:
        leaks = () if panel is None else compare(before, replay(panel, at), fork=fork, window=window, as_of=at)
        decisions = 0 if panel is None else len(before)
        del panel  # the next fork is made without this one in memory
        yield Outcome(fork=fork, decisions=decisions, leaks=leaks)


def compare(
    before: Mapping[str, Payload], after: Mapping[str, Payload], *, fork: str, window: int, as_of: Instant
) -> tuple[Leak, ...]:
    """Return a leak for every cell of `before` whose payload in `after` differs."""
    pairs = ((cell, payload, after.get(cell, ABSENT)) for cell, payload in before.items())
    found = ((cell, first_difference(one, other)) for cell, one, other in pairs if not _same_text(one, other))
    return tuple(
        Leak(fork=fork, window=window, as_of=as_of, cell=cell, path=one.path, before=one.before, after=one.after)
        for cell, one in found
        if one is not None
    )


def summed(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return one outcome per fork over all moments, in the order in which they first occur."""
    total: dict[str, Outcome] = {}
    for one in outcomes:
        so_far = total.get(one.fork, Outcome(fork=one.fork, decisions=0, leaks=()))
        total[one.fork] = Outcome(
            fork=one.fork, decisions=so_far.decisions + one.decisions, leaks=so_far.leaks + one.leaks
        )
    return tuple(total.values())


def first_difference(before: Any, after: Any, path: str = "") -> Difference | None:
    """Return the first place, in the order of `before`, at which two JSON-able values differ; None when they are equal.

    Values are equal as JSON has them: a tuple is a list, a number is its value (1 is 1.0), and NaN is NaN.
    """
    match before, after:
        case Mapping(), Mapping():
            keys = [*before, *(key for key in after if key not in before)]
            parts = ((f"{path}.{key}" if path else str(key), key) for key in keys)
            pairs = ((where, before.get(key, ABSENT), after.get(key, ABSENT)) for where, key in parts)
        case ((list() | tuple()), (list() | tuple())):
            pairs = ((f"{path}[{k}]", _at(before, k), _at(after, k)) for k in range(max(len(before), len(after))))
        case _:
            same = type(before) is type(after) or (not isinstance(before, bool) and not isinstance(after, bool))
            if same and (before == after or (before != before and after != after)):
                return None
            return Difference(path=path, before=before, after=after)
    return next((one for part in pairs if (one := first_difference(part[1], part[2], part[0])) is not None), None)


def _same_text(before: Payload, after: Any) -> bool:
    """Return whether two payloads are one JSON text: then no value differs, and none is looked at by itself."""
    return json.dumps(before) == json.dumps(after)


def _at(values: Sequence[Any], k: int) -> Any:
    return values[k] if k < len(values) else ABSENT
