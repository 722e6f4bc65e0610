"""Rows in parts: the last rows of a matrix are drafted by their rules apart, so that no process waits long for another.

A row is one task of a worker, and may take seconds. Who is done first waits for who has the last rows at hand; of these
a worker has two. What rules share at a row is found again for each part, which is little beside weighing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tvquant.tournament.specs import Rules
from tvquant.tournament.walk_forward import Draft, Due, rules_of

LAST = 4
"""Rows that are parted."""


def parted(due: Sequence[Due]) -> list[tuple[Due, ...]]:
    """Return the parts of each row: itself, but of the last rows one for each of the rules of its paths."""
    whole = max(len(due) - LAST, 0)
    return [(one,) for one in due[:whole]] + [_parts(one) for one in due[whole:]]


def joined(due: Sequence[Due], parts: Sequence[Sequence[Due]], drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Yield the draft of each row from those of its parts, which come in their order."""
    each = iter(drafts)
    for one, some in zip(due, parts, strict=True):
        found = [(part, next(each)) for part in some]
        prepared = {key: known for part, draft in found for key, known in zip(part.rules, draft.prepared, strict=True)}
        decided = {
            path.key: made for part, draft in found for (path, _), made in zip(part.windows, draft.decided, strict=True)
        }
        yield Draft(
            prepared=tuple(prepared[rules] for rules in one.rules),
            decided=tuple(decided[path.key] for path, _ in one.windows),
        )


def _parts(one: Due) -> tuple[Due, ...]:
    """Return a row by the rules of its paths; who has none goes with the first."""
    groups: dict[Rules | None, list[int]] = {}
    first = next(iter(one.rules), None)
    for k, (path, _) in enumerate(one.windows):
        groups.setdefault(rules_of(path) or first, []).append(k)
    return tuple(
        replace(one, windows=tuple(one.windows[k] for k in some), beside=one.rules) for some in groups.values()
    )
