"""Risk profile fixed: the weights that the user declares, held as they are wherever the limits allow.

1. In force at a decision is the last book dated on or before the bar that is decided on: it counts from that session's
   close on, never earlier.
2. Nothing is rescaled. What is not declared is cash; what cannot be held at a date is cash under its own cause.
3. A breach of a limit that is known from the profile alone is refused before any work. One that only the data make (a
   cluster of two declared names, a net without a missing short) is cut, and recorded.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from tvquant.core.allocations import CAP_TOLERANCE
from tvquant.profiles.options import Options, Reader
from tvquant.profiles.own_weights import Book, Books, load_weights

if TYPE_CHECKING:
    from tvquant.profiles.schema import Profile


class FixedWeights(Options):
    """Weights of the user's own.

    Parameters
    ----------
    weights : symbol -> weight (negative is short; what is left of 1 is cash), or date -> symbol -> weight, or the name
        of a file `weights/NAME.csv` beside the profiles, with the columns `symbol,weight` or `date,symbol,weight`.
    """

    under = "fixed"
    from_files: ClassVar[dict[str, Reader]] = {"weights": load_weights}
    weights: Books = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that is ever to be held, in order."""
        return tuple(sorted({symbol for _, book in self.weights for symbol, weight in book if weight}))

    @property
    def first(self) -> str:
        """The date of the first book; empty where the weights hold for good."""
        return self.weights[0][0]

    @property
    def has_shorts(self) -> bool:
        """Whether any name is ever to be held short."""
        return any(weight < 0.0 for _, book in self.weights for _, weight in book)

    def in_force(self, day: date) -> Book | None:
        """Return the book in force at the close of a session; None before the first."""
        at = bisect_right([dated for dated, _ in self.weights], day.isoformat())
        return self.weights[at - 1][1] if at else None

    def complaints(self, profile: "Profile") -> Iterator[tuple[str, str]]:
        """Yield what cannot be held, whatever the data are: each limit once, at the first book that breaks it."""
        if not self.symbols:
            text = "fixed holds the weights declared here, and there are none; write symbol: weight, or name a file"
            yield "weights", text
            return
        told: set[str] = set()
        for day, book in self.weights:
            for limit, text in _broken(book, profile):
                if limit not in told:
                    told.add(limit)
                    yield "weights", f"{f'on {day}, ' if day else ''}{text}"


def _broken(book: Book, profile: "Profile") -> Iterator[tuple[str, str]]:
    """Yield each limit that a book breaks by itself, and what to do."""
    limits, direction = profile.allocation.limits, profile.universe.direction
    size = {symbol: abs(weight) for symbol, weight in book}
    total, net = math.fsum(size.values()), math.fsum(weight for _, weight in book)
    if total > min(1.0, limits.gross) + CAP_TOLERANCE:
        most = f"allocation.limits.gross, {limits.gross:g}" if limits.gross < 1.0 else "1, all there is to invest"
        yield "gross", f"the weights are {total:g} together without signs, above {most}; lower them"
    if not limits.net[0] - CAP_TOLERANCE <= net <= limits.net[1] + CAP_TOLERANCE:
        yield (
            "net",
            f"the weights are {net:g} net, outside allocation.limits.net, {list(limits.net)}; change one of both",
        )
    if text := _too_large(size, position=limits.position, cluster=limits.cluster):
        yield "position", text
    for symbol, (least, most_of) in limits.names:
        mine = size.get(symbol, 0.0)
        if not least - CAP_TOLERANCE <= mine <= most_of + CAP_TOLERANCE:
            yield (
                symbol,
                f"{symbol} is {mine:g}, outside [{least:g}, {most_of:g}] of allocation.limits.names; change one",
            )
    for name, group in limits.groups:
        held = math.fsum(size.get(symbol, 0.0) for symbol in group.symbols)
        if held > group.max + CAP_TOLERANCE:
            yield (
                name,
                f"group {name} holds {held:g}, above its max {group.max:g} in allocation.limits.groups; change one",
            )
    wrong = {"long": -1.0, "short": 1.0}.get(direction, 0.0)
    odd = next((symbol for symbol, weight in book if weight * wrong > 0.0), None)
    if odd is not None:
        yield "direction", f"{odd} is {dict(book)[odd]:g}, and universe.direction is {direction}; set it to both"


def _too_large(size: Mapping[str, float], *, position: float, cluster: float) -> str:
    """Return what to set for the largest weight to be held; empty where it can be."""
    largest = max(size, key=lambda symbol: size[symbol], default="")
    weight = size.get(largest, 0.0)
    caps = {"position": position, "cluster": cluster}
    tight = [key for key, cap in caps.items() if weight > cap + CAP_TOLERANCE]
    if not tight:
        return ""
    allowed = " and ".join(f"allocation.limits.{key} is {caps[key]:g}" for key in tight)
    wanted = ", ".join(f"{key}: {'1.0' if key == 'cluster' else f'{weight:g}'}" for key in tight)
    why = " (a cluster is of names that move together: yours may be one)" if "cluster" in tight else ""
    return f"{largest} is {weight:g}, and {allowed}; to hold it set allocation.limits: {{{wanted}}}{why}"
