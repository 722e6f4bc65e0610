"""`tvquant select`: what a profile would choose and hold as of a date, and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.bare_options import CASH
from tvquant.app.cli.console import (
    JsonOption,
    WorkspaceOption,
    answer,
    note_simulated,
    percent,
    workspace_at,
)
from tvquant.app.cli.explaining import told, why_cash
from tvquant.app.cli.profile import SetOption, resolved
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import watching

if TYPE_CHECKING:
    from tvquant.app.selection_as_of import Selected
    from tvquant.core.allocations import AllocationOutcome
    from tvquant.core.decisions import Decision
    from tvquant.core.selection import SelectionResponse

ALL = "*"
NAMED = 8
"""Names that one line shows."""
SHOWN_SHARES = 4
TAILS = ("skewness", "kurtosis", "cvar")
"""Features that look at the same tails."""
CUT = {name: f"cut at allocation.limits.{name}" for name in ("position", "cluster")}
"""Cause of cash -> its words, where it is a limit."""


def select(
    names: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Several are also ranked together.")],
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Decide at the close of this day's bar. Default: the last bar."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another selection model than the profile's.")] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="[SYMBOL]",
            help="Say everything about one instrument or atom, * for every winner; without SYMBOL why there is cash.",
        ),
    ] = None,
    overrides: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide once, as of a past date, with what was known then; nothing is written."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.selection_as_of import selected

    home = workspace_at(workspace)
    home.require()
    settings = [*(overrides or []), *([f"selection.model={model}"] if model else [])]
    day, now = as_of.date() if as_of else None, SystemClock().now()
    with watching("select"):
        found = {name: selected(home.lake(), resolved(home, name, settings), day, now=now) for name in names}
    note_simulated(home.lake())
    outputs = {name: _output(one, explain) for name, one in found.items()}
    if len(found) == 1:
        ((document, text),) = outputs.values()
        answer(document, text, as_json=as_json)
        return
    rows = _together(found)
    head = ("sleeve", "atom", "z-score", "score")
    text = [line for name, (_, lines) in outputs.items() for line in (f"== {name}", *lines, "")]
    shown = [(sleeve, atom, f"{z:.3f}", f"{score:.3f}") for sleeve, atom, z, score in rows]
    text += [
        "winners of all on one scale (score in standard deviations of its own sleeve)",
        table(head, shown, right=(2, 3)),
    ]
    documents = {name: document for name, (document, _) in outputs.items()}
    together = [dict(zip(("sleeve", "symbol", "z", "score"), row, strict=True)) for row in rows]
    answer({"profiles": documents, "together": together}, text, as_json=as_json)


def _output(found: "Selected", explain: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return the answer on one profile, as a document and as lines of text."""
    document: dict[str, Any] = {
        "cell": found.cell,
        "asked": None if found.asked is None else str(found.asked),
        "bar": str(found.footing.bar),
        "age_days": round(found.age, 2),
        "missing": list(found.footing.missing),
        "held": dict(found.held),
        "notices": list(found.notices),
        "decision": found.decision.payload(),
    }
    text = _summary(found) + ([] if explain is None else _components(found.decision))
    if explain == CASH:
        from tvquant.app.explanation import cash_of

        document["cash"] = cash_of(found.decision)
        text = [*text, "", *why_cash(document["cash"])]
    elif explain is not None:
        winners = [atom.symbol for atom in found.decision.response.winners] if found.decision.response else []
        explained = found.explained()
        document["explanations"] = [explained.of(symbol) for symbol in (winners if explain == ALL else [explain])]
        text = [*text, *(line for one in document["explanations"] for line in ("", *told(one)))]
    return document, text


def _together(found: Mapping[str, "Selected"]) -> list[tuple[str, str, float, float]]:
    """Return sleeve, atom, z-score and score of all winners, best first; z-scores are within the sleeve's pool."""
    from tvquant.selection import pooled

    responses = {name: one.decision.response for name, one in found.items() if one.decision.response is not None}
    winners = {name: {atom.symbol for atom in response.winners} for name, response in responses.items()}
    ranked = pooled({name: response.scores for name, response in responses.items()})
    return [(name, atom, z, responses[name].scores[atom]) for name, atom, z in ranked if atom in winners[name]]


def _status(made: "AllocationOutcome | None") -> list[str]:
    """Return how the allocation ended, and its last attempt unless that was the first and solved it."""
    if made is None:
        return ["status   no winner"]
    last = made.attempts[-1] if len(made.attempts) > (made.status == "solved") else None
    text = f"status   {made.status.value}{f' ({last.what}: {last.outcome})' if last else ''}"
    return wrap(text, 80, subsequent_indent=11 * " ", break_on_hyphens=False, break_long_words=False)


def _neutral(made: "AllocationOutcome | None") -> list[str]:
    """Return the beta of a book that was to be neutral."""
    return [] if made is None or made.neutrality is None else [f"beta     {made.neutrality}"]


def _summary(found: "Selected") -> list[str]:
    decision, response = found.decision, found.decision.response
    funnel = decision.funnel
    lines = [
        f"cell     {found.cell}",
        f"as of    {str(decision.as_of)[:16].replace('T', ' ')} UTC, when the bar of {str(found.footing.bar)[:10]} "
        "was known",
        *_footing(found),
        f"funnel   {funnel.universe} in the universe, {funnel.discovery} recruited, {funnel.refined} refined, "
        f"{funnel.selected} selected ({funnel.atoms_selected} atoms)",
        f"out      {_counted(decision.excluded.values()) or 'none'}",
        *(f"notice   {notice}" for notice in found.notices),
        *_regime(decision),
        f"stamps   {', '.join(sorted(decision.stamps)) or 'none'}",
    ]
    if decision.failure is not None:
        return [*lines, "", f"No decision: {decision.failure}. All cash."]
    if response is None:
        return [*lines, "", "No candidate: all cash."]
    clusters = len(set(response.clusters.values()))
    lines += [
        f"vetoed   {_vetoed(response)}",
        f"stage    {response.stage} of 4, {clusters} clusters{''.join(f', {flag}' for flag in sorted(response.flags))}",
        *_spread(response),
        f"no value {', '.join(f'{name} ({why})' for name, why in sorted(response.absent.items())) or 'none'}",
        *_status(decision.allocation),
        *_neutral(decision.allocation),
        "",
    ]
    gated = bool(decision.gates)
    head = ("atom", "score", "cluster", "weight", *(("gate",) if gated else ()), "how")
    rows = [
        (
            atom.symbol,
            f"{response.scores[atom.symbol]:.3f}",
            response.clusters[atom.symbol],
            percent(decision.atoms.get(atom.symbol, 0.0)),
            *((f"{decision.gates.get(atom.symbol, 1.0):.2f}",) if gated else ()),
            response.recruited[atom.symbol].replace("_", " "),
        )
        for atom in response.winners
    ]
    return [
        *lines,
        table(head, rows, right=(1, 2, 3, *((4,) if gated else ()))),
        "",
        f"cash     {percent(decision.cash)}",
        *(
            line
            for why in _kept(decision)
            for line in wrap(why, 80, initial_indent=9 * " ", subsequent_indent=11 * " ")
        ),
    ]


def _regime(decision: "Decision") -> list[str]:
    """Return the market's regime on one line, and why it is not known where it is not."""
    seen = decision.regime
    if seen is None:
        return []
    if not seen.components:
        return [f"regime   {seen.label.value}: it is not known ({seen.rows} returns of a pool that vary)"]
    also = "".join(f", {flag.replace('_', ' ')}" for flag in seen.flags)
    return [
        f"regime   {seen.label.value}, score {seen.score:.2f}, quadrant {seen.quadrant.value.replace('_', ' ')}{also}"
    ]


def _components(decision: "Decision") -> list[str]:
    """Return what the regime was read from, for who asks for explanations."""
    seen = decision.regime
    if seen is None or not seen.components:
        return []
    rows = [(name.replace("_", " "), f"{value:.3f}") for name, value in seen.components.items()]
    rows += [("growth, a year", percent(seen.growth)), ("stress", f"{seen.stress:.3f}")]
    return ["", f"The market's regime, of {seen.rows} returns", table(("of the market", "value"), rows, right=(1,))]


def _spread(response: "SelectionResponse") -> list[str]:
    """Return how independent the winners are, and which features spread the scores, the strongest first."""
    lines = (
        []
        if response.effective_bets is None
        else [f"bets     {response.effective_bets:.1f} effective, of {len(response.winners)} winners"]
    )
    if response.shares:
        shown = sorted(response.shares.items(), key=lambda one: (-one[1], one[0]))
        text = ", ".join(f"{name} {100.0 * share:.0f} %" for name, share in shown[:SHOWN_SHARES])
        lines.append(f"spread   {text} of the scores")
        tails = [response.shares[name] for name in TAILS if name in response.shares]
        if tails:
            lines.append(f"         skewness, kurtosis and CVaR together {100.0 * sum(tails):.0f} %")
    return lines


def _kept(decision: "Decision") -> list[str]:
    """Return why there is cash: causes with a share of their own, then the limits that are reached, and by whom."""
    from tvquant.core.allocations import CAP_TOLERANCE

    made, netting, chosen = decision.allocation, decision.netting, decision.response
    if made is None or netting is None or chosen is None:
        return []
    lines = [f"{percent(share)}: {CUT.get(why, why)}" for why, share in sorted(made.causes.items())]
    if netting.moved > CAP_TOLERANCE:
        lines.append(f"{percent(netting.moved)}: taken where a limit would break after netting")
    if decision.gate_cash > CAP_TOLERANCE:
        lines.append(f"{percent(decision.gate_cash)}: left out of weights by gates: weight x gate is held")
    if made.cash + netting.moved <= CAP_TOLERANCE:
        return lines
    units = decision.units
    names = {atom.symbol: atom.physical_symbol for atom in chosen.winners}
    limits = {one.name: one.limit for one in made.constraints}
    most, together = (limits[name] - CAP_TOLERANCE for name in ("position", "cluster"))
    if full := [names[atom] for atom, weight in units.items() if abs(weight) >= most]:
        lines.append(f"allocation.limits.position, {percent(limits['position'])}: {', '.join(full)}")
    for clusters in (decision.clusters, chosen.clusters):  # of allocation, and of selection, which netting looks at
        for number in dict.fromkeys(clusters[atom] for atom in decision.atoms):
            members = [atom for atom in decision.atoms if clusters[atom] == number]
            if len(members) > 1 and sum(abs(units[atom]) for atom in members) >= together:
                held = " + ".join(names[atom] for atom in members)
                lines.append(f"allocation.limits.cluster, {percent(limits['cluster'])}: {held}")
    return list(dict.fromkeys(lines))


def _footing(found: "Selected") -> list[str]:
    """Return lines on the bar that was decided on, its age, the names that lack it, and what was held before."""
    on = found.footing
    bar, last = str(on.bar)[:10], str(on.asked)[:10]
    lines = [f"bar      {bar}, closed {found.age:.1f} days ago"]
    if found.asked is not None and str(found.asked) != last:
        lines.append(f"asked    {found.asked}, which has no bar; the last by then is of {last}")
    if why := on.departure:
        lines.append(f"quorum   {why}")
    lines.append(f"missing  {_named(on.missing)}")
    held = ", ".join(f"{atom} {percent(weight)}" for atom, weight in found.held.items())
    return [*lines, f"from     {held or 'nothing held'}"]


def _named(keys: Sequence[str]) -> str:
    """Return the first names without a bar, as many as a line holds; the document has all of them."""
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return f"{len(keys)}: {', '.join(keys[:NAMED])}{more}" if keys else "none of the names with a bar in five sessions"


def _vetoed(response: "SelectionResponse") -> str:
    """Return each rule with how many atoms it kept out, and those that winners broke where any was overridden."""
    stood = _counted(veto.rule for veto in response.standing_vetoes.values()) or "none"
    overridden = _counted(veto.rule for veto in response.vetoes.values() if veto.overridden)
    return f"{stood}; overridden: {overridden}" if overridden else stood


def _counted(reasons: Any) -> str:
    """Return each reason with how often it occurs, most frequent first."""
    from collections import Counter

    return ", ".join(f"{reason} {count}" for reason, count in Counter(reasons).most_common())
