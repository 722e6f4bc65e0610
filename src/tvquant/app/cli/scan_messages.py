"""What `tvquant scan` answers with: one scan as a document and as text, and many as a table."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tvquant.app.cli.console import percent
from tvquant.app.cli.tables import table

if TYPE_CHECKING:
    from tvquant.app.scanning import Scanned

COLUMNS = (
    ("traded", "value_traded_last", "{:,.0f}"),
    ("all", "recommend_all", "{:.2f}"),
    ("ma", "recommend_ma", "{:.2f}"),
    ("osc", "recommend_other", "{:.2f}"),
    ("adx", "adx_14", "{:.1f}"),
    ("roc %", "roc_9", "{:.1f}"),
    ("range %", "volatility_d", "{:.1f}"),
)
"""Head, feature and form of what is shown of each atom."""


def scan_document(found: "Scanned") -> dict[str, Any]:
    """Return a scan as JSON has it."""
    from dataclasses import asdict

    return {
        "bar": str(found.bar),
        "known_at": str(found.known_at),
        "caveats": found.caveats(),
        "atoms": [
            atom.fields()
            | {"symbol": atom.symbol, "alternatives": list(found.found.alternatives.get(atom.symbol, ()))}
            | {"features": found.values(atom.physical_symbol)}
            for atom in found.found.atoms
        ],
        "audit": [asdict(one) for one in found.audits],
        "pools": {
            scanner.name: sorted(key for key, pooled in zip(found.keys, one.pooled, strict=True) if pooled)
            for scanner, one in zip(found.scanners, found.answers, strict=True)
        },
        "outcomes": found.outcomes(),
    }


def replayed_text(found: "Scanned", explain: str | None) -> list[str]:
    """Return a scan of the lake as text, with everything about one instrument where one is named."""
    head = f"as of  {minute(found)} UTC, when the bar of {str(found.bar)[:10]} was known"
    lines = [head, *scan_text(found)]
    if explain is not None:
        lines += explained(explain, found.outcomes().get(explain) or "no bar", found.values(explain))
    return lines


def minute(found: "Scanned") -> str:
    """Return the minute at which all of a scan was known."""
    return str(found.known_at)[:16].replace("T", " ")


def explained(symbol: str, outcome: str, values: dict[str, float | None]) -> list[str]:
    """Return everything about one instrument, in lines."""
    figures = (f"  {name} {'-' if value is None else f'{value:g}'}" for name, value in values.items())
    return ["", f"{symbol}: {outcome}", *figures]


def scan_text(found: "Scanned", asked: str = "with a bar") -> list[str]:
    """Return audits, caveats, atoms and pools of a scan, in lines; `asked` says who were looked at."""
    lines: list[str] = []
    for one in found.audits:
        lines += [
            f"{one.scanner}: {one.found} found of {one.pooled} in its pool, of {one.asked} {asked}",
            f"  {one.neutral} neutral, {one.leaked} of another venue; beyond +-0.1: {one.at_neutral_band}, beyond 0: "
            f"{one.at_zero}; ROC outliers {'-' if one.roc_outliers is None else one.roc_outliers}; "
            f"{one.merged} merged, {one.cut} cut, {one.kept} kept",
        ]
    lines += found.caveats()
    out = Counter(why for why in found.outcomes().values() if why != "recruited")
    lines += [f"out: {', '.join(f'{why} {count}' for why, count in out.most_common()) or 'none'}", ""]
    head = ("atom", *(name for name, _, _ in COLUMNS))
    rows = [(atom.symbol, *_cells(found.values(atom.physical_symbol))) for atom in found.found.atoms]
    lines.append(table(head, sorted(rows), right=range(1, len(head))) if rows else "Nobody was recruited.")
    for scanner, screened in zip(found.scanners, found.answers, strict=True):
        if scanner.logic is None:
            names = sorted(key for key, pooled in zip(found.keys, screened.pooled, strict=True) if pooled)
            lines += ["", f"{scanner.name} is a pool of {len(names)}:", *names]
    return lines


def _cells(values: dict[str, float | None]) -> list[str]:
    found = ((form, values.get(name)) for _, name, form in COLUMNS)
    return ["-" if value is None else form.format(value) for form, value in found]


def many_text(found: Sequence["Scanned"]) -> list[str]:
    """Return a line per date: how many, and how the atoms changed."""
    head = ("bar", "asked", "pool", "atoms", "entered", "left", "kept share")
    rows: list[tuple[object, ...]] = []
    before: set[str] = set()
    for one in found:
        now = {atom.symbol for atom in one.found.atoms}
        share = percent(len(now & before) / len(now), 0) if rows and now else "-"
        pool = max(audit.pooled for audit in one.audits)
        rows.append((str(one.bar)[:10], len(one.keys), pool, len(now), len(now - before), len(before - now), share))
        before = now
    atoms = [len(one.found.atoms) for one in found]
    mean = sum(atoms) / len(atoms)
    return [table(head, rows, right=range(1, 7)), "", f"{len(found)} dates, {mean:.1f} atoms on average"]
