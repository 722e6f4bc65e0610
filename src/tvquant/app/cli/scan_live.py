"""`tvquant scan --live` and `scan diff --live`: the live screener asked, and set beside the lake."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.scan_messages import explained, minute, scan_document, scan_text
from tvquant.app.cli.tables import table
from tvquant.core.errors import ProfileError
from tvquant.core.stamps import Stamp

if TYPE_CHECKING:
    from tvquant.app.live_comparison import Comparison, Pair
    from tvquant.app.live_scanning import Asked, LiveScan, Screener

LiveOption = Annotated[
    bool, typer.Option("--live", help="Ask the live screener, once its terms are agreed to: `tvquant data terms`.")
]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of the live screener, where it is not its own.")]


def screener_at(url: str | None) -> "Screener":
    """Return where the screener is asked, with this command's clock."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.live_scanning import Screener
    from tvquant.market.addresses import usable
    from tvquant.market.screeners.client import URL

    if url is not None and not usable(url):
        raise ProfileError("--url: expected an address http(s)://HOST[:PORT][/PATH]")
    return Screener(clock=SystemClock(), url=url or URL)


def live_text(found: "LiveScan", explain: str | None) -> list[str]:
    """Return a live scan in lines, with everything about one name where it is named."""
    scanned = found.scanned
    lines = [f"live   {minute(scanned)} UTC, of the bar of {str(scanned.bar)[:10]}, which may not have closed"]
    lines += [f"{one.scanner.name}: {len(one.served.rows)} rows on {one.served.pages} pages" for one in found.asked]
    lines += scan_text(scanned, "that were served")
    if explain is not None:
        outcome, values = _of(found, explain)
        lines += explained(explain, outcome, values)
    return lines


def live_document(found: "LiveScan", explain: str | None) -> dict[str, Any]:
    """Return a live scan as JSON has it: what a replay's document has, and what the screener served."""
    late = any(one.rows.delays for one in found.asked)
    document = scan_document(found.scanned) | {
        "clock": "live",
        "stamps": [Stamp.DELAYED.value] if late else [],
        "served": [_served(one) for one in found.asked],
    }
    if explain is not None:
        outcome, values = _of(found, explain)
        document["explained"] = {"symbol": explain, "outcome": outcome, "features": values}
    return document


def _served(one: "Asked") -> dict[str, Any]:
    shown = ("name", "close", "volume", "update_mode")
    keys = [each.key for each in one.rows.instruments]
    return {
        "scanner": one.scanner.name,
        "market": one.served.query.market,
        "rows": len(one.served.rows),
        "total": one.served.total,
        "pages": one.served.pages,
        "warnings": list(one.served.warnings),
        "columns": one.served.query.described(),
        "dropped": {why: list(symbols) for why, symbols in one.rows.dropped.items()},
        "drift": {why: list(symbols) for why, symbols in one.rows.drift.items()},
        "delayed": dict(one.rows.delays),
        "figures": {key: {name: one.served.rows[key].get(name) for name in shown} for key in keys},
    }


def _of(found: "LiveScan", symbol: str) -> tuple[str, dict[str, float | None]]:
    """Return outcome and figures of one name, asked for whatever the filters.

    Raises
    ------
    ProfileError : the screener does not have it.
    """
    outcomes = found.scanned.outcomes()
    if symbol in outcomes:
        return outcomes[symbol], found.scanned.values(symbol)
    beside = found.asked[-1].beside
    for k, one in enumerate(beside.instruments):
        if one.key == symbol:
            names, row = beside.features.names, beside.features.values[:, k].tolist()
            values = {name: None if value != value else value for name, value in zip(names, row, strict=True)}
            return beside.outcome.reasons()[k] or "passes by its figures, and was not served", values
    raise ProfileError(f"{symbol}: the screener serves no such row in market {found.asked[-1].served.query.market}")


def comparison_document(name: str, found: "Comparison") -> dict[str, Any]:
    """Return both clocks of a scanner as JSON has them."""

    def plain(figures: Mapping[str, Mapping[str, "Pair"]]) -> dict[str, Any]:
        return {
            key: {
                what: {"served": pair.served, "ours": pair.ours, "difference": pair.difference}
                for what, pair in pairs.items()
            }
            for key, pairs in figures.items()
        }

    return {
        "scanner": name,
        "live_at": str(found.live.scanned.known_at),
        "replay_bar": str(found.replay.bar),
        "both": list(found.both),
        "only_live": dict(found.only_live),
        "only_replay": dict(found.only_replay),
        "ratings": plain(found.ratings),
        "votes": plain(found.votes),
        "caveats": found.live.scanned.caveats(),
    }


def comparison_text(name: str, found: "Comparison") -> list[str]:
    """Return both clocks of a scanner in lines."""
    lines = [
        f"{name}: live {minute(found.live.scanned)} UTC, replay of the bar of {str(found.replay.bar)[:10]}",
        *found.live.scanned.caveats(),
        f"{len(found.both)} in both, {len(found.only_live)} only live, {len(found.only_replay)} only in the replay",
    ]
    lines += [f"+ {atom}  (replay: {why})" for atom, why in found.only_live.items()]
    lines += [f"- {atom}  (live: {why})" for atom, why in found.only_replay.items()]
    for title, figures in (("rating", found.ratings), ("vote", found.votes)):
        lines += ["", *_agreement(title, figures)]
    rows = [(key, *(_pair(pair) for pair in pairs.values())) for key, pairs in sorted(found.ratings.items())]
    if rows:
        head = ("served / ours", *next(iter(found.ratings.values())))
        lines += ["", table(head, rows, right=range(1, len(head)))]
    return lines


def _agreement(title: str, figures: Mapping[str, Mapping[str, "Pair"]]) -> list[str]:
    """Return for each rating or vote how many names both have, how many are alike, and the largest difference."""
    names = list(next(iter(figures.values()), ()))
    rows: list[tuple[object, ...]] = []
    for name in names:
        known = {key: gap for key, pairs in figures.items() if (gap := pairs[name].difference) is not None}
        alike = sum(abs(gap) < ALIKE for gap in known.values())
        mean = sum(map(abs, known.values())) / len(known) if known else None
        worst = max(known, key=lambda key: abs(known[key]), default="-")
        largest = f"{known[worst]:+.3f}" if known else "-"
        rows.append((name, len(known), alike, "-" if mean is None else f"{mean:.3f}", largest, worst))
    head = (title, "names", "alike", "mean difference", "largest", "of")
    return [table(head, rows, right=range(1, 5))] if rows else [f"No name has any {title} on both sides."]


ALIKE = 1e-6
"""Ratings nearer than this are one: the screener rounds at eight digits."""


def _pair(pair: "Pair") -> str:
    return " / ".join("-" if value is None else f"{value:.2f}" for value in (pair.served, pair.ours))


def beside_of(explain: str | None) -> Sequence[str]:
    """Return the symbols that are asked for whatever the filters."""
    return () if explain is None else (explain,)


def refuse_beside_live(given: Mapping[str, object]) -> None:
    """Refuse options that are of the lake beside `--live`; false is not given."""
    for option, value in given.items():
        if value:
            raise ProfileError(f"--live takes no {option}: the screener answers for this moment, by its own ratings")
