"""What `tvquant select --explain` says, as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from tvquant.app.cli.console import percent
from tvquant.app.cli.tables import table

WIDE = 80
MEMBERS = 6
"""Members of a cluster that a line names."""
SHOWN = 5e-4
"""A share that is smaller is shown by its size."""


def told(one: Mapping[str, Any]) -> list[str]:
    """Return what is known of one instrument: why it is out, or everything of each of its atoms."""
    if "excluded" in one:
        return [f"{one['symbol']} never reached selection: {one['excluded']}"]
    return [line for atom in one["atoms"] for line in (*_atom(atom), "")][:-1]


def why_cash(found: Mapping[str, Any]) -> list[str]:
    """Return the parts of the cash, the largest first, each with its figures and what would change it."""
    if not found["parts"]:
        return ["No cash: all is invested."]
    lines = [f"Why {percent(found['cash'])} cash?"]
    for part in found["parts"]:
        detail = f": {part['detail']}" if part["detail"] else ""
        lines += _hung(f"  {_share(part['share']):>7}  ", f"{part['cause']}{detail}")
        if part["change"]:
            lines += _hung(" " * 11, f"change {part['change']}")
    return lines


def _share(share: float) -> str:
    """Return a share of equity as per cent; one that would be shown as nothing by its size."""
    return percent(share) if abs(share) >= SHOWN or share == 0.0 else f"{100 * share:.0e} %"


def _hung(first: str, text: str) -> list[str]:
    return wrap(text, WIDE, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _atom(atom: Mapping[str, Any]) -> Iterator[str]:
    won = atom["won"]
    fate = f"won ({won.replace('_', ' ')}), weight {percent(atom['weight'])}" if won else "did not win"
    yield f"{atom['atom']}: {fate}"
    yield f"  score {atom['score']:.3f}, rank {atom['rank']} of {atom['of']}; stage {atom['stage']} of 4"
    yield from _hung("  why      ", atom["why"])
    for veto in atom["vetoes"]:
        kind = "hard" if veto["hard"] else "overridden soft" if veto["overridden"] else "soft"
        yield from _hung("  ", f"{kind} veto {veto['rule']}: {veto['value']:.4g}, limit {veto['limit']:.4g}")
    for at, why in enumerate(atom["weight_why"]):
        yield from _hung("           " if at else "  weight   ", why)
    yield from _hung("  cluster  ", f"{atom['cluster']}: {_members(atom['cluster_members'], atom['atom'])}")
    if atom["missing"]:
        yield from _hung("  without  ", f"{', '.join(atom['missing'])} (stands at 0.5 there, a penalty takes nothing)")
    if atom["absent"]:
        yield from _hung(
            "  nobody   ", f"has {', '.join(f'{name} ({why})' for name, why in sorted(atom['absent'].items()))}"
        )
    if atom["features"]:
        yield ""
        yield from (f"  {line}" for line in _features(atom["features"], atom["score"], atom["formula"]).split("\n"))
    else:
        yield "  This model scores nobody: it has no features and no probabilities."


def _members(members: Sequence[Mapping[str, Any]], mine: str) -> str:
    """Return the others of a cluster, the best first; winners are marked."""
    others = [f"{one['atom']}{' (won)' if one['won'] else ''}" for one in members if one["atom"] != mine]
    more = f" and {len(others) - MEMBERS} more" if len(others) > MEMBERS else ""
    return f"with {', '.join(others[:MEMBERS])}{more}" if others else "alone in it"


def _features(features: Sequence[Mapping[str, Any]], score: float, formula: str) -> str:
    """Return each feature with its part of the score, the largest first, and their sum."""
    rows = [
        (
            one["feature"],
            "none" if one["value"] is None else f"{one['value']:.4g}",
            one["unit"],
            f"{one['probability']:.3f}",
            f"{one['weight']:g}",
            f"{one['part']:.4f}",
        )
        for one in sorted(features, key=lambda one: -abs(one["part"]))
    ]
    rows.append(("sum = score", "", "", "", "", f"{score:.4f}"))
    return table(("feature", "value", "unit", "p", "weight", formula), rows, right=(1, 3, 4, 5))
