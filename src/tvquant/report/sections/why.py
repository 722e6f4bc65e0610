"""Why the winners of the last decision won: what each feature adds to a score, and which features spread the pool."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tvquant.core.atoms import Atom
from tvquant.core.selection import SelectionResponse
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, GREY, HEADLINE, axis, figure, plotted
from tvquant.report.formatting import NOTHING, count, day, number, percent, plain, short
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section

TOP = 3
"""Winners that have a waterfall."""
ROW, AROUND = 20, 90
"""Pixels of a bar, and of title, axis and margins."""
BASELINE = "A baseline selects nobody."
ROUNDING = 1e-9
"""A sum of parts that is further from the score is not its."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Return a waterfall for each of the best winners, how much each feature spreads the pool, and all parts."""
    if run.headline.baseline:
        return (Text(text=BASELINE),)
    responses = run.responses(run.headline)
    window = max(responses)
    response = responses[window]
    windows = run.table("windows", run.headline.key)
    decided = windows.filter(pl.col("window") == window)["decided_at"].item()
    if not response.winners:
        return (Text(text=f"Nobody won at {day(decided)}, so there is no score to take apart.", tone="warning"),)
    if not response.components:
        return (Text(text=f"{response.model} scores nobody, so no feature made a winner."),)
    parts = {atom: _checked(response, atom) for atom in response.winners}
    best = response.winners[:TOP]
    return (
        Text(
            text=f"The {count(len(best))} best of {count(len(response.winners))} winners of {day(decided)}, the last "
            f"decision with a selection, by {response.model} {response.version}. Each bar is what a feature adds to "
            "the score, and all of them end at it: weight times the logarithm of the feature's probability in a "
            "product of probabilities, where 0 is the best there is; weight times the probability in a sum."
        ),
        *(_waterfall(k, atom, response, parts[atom]) for k, atom in enumerate(best)),
        *_spread(response),
        Data(
            name="scores",
            about="probability and part of the score, by winner of the last decision and feature",
            frame=pl.DataFrame(
                [
                    (atom.symbol, response.scores[atom.symbol], name, response.components[atom.symbol][name], part)
                    for atom in response.winners
                    for name, part in parts[atom].items()
                ],
                schema={
                    "atom": pl.String,
                    "score": pl.Float64,
                    "feature": pl.String,
                    "probability": pl.Float64,
                    "part": pl.Float64,
                },
                orient="row",
            ),
        ),
    )


def _checked(response: SelectionResponse, atom: Atom) -> Mapping[str, float]:
    """Return the parts of a winner's score, which sum to it.

    Raises
    ------
    Absent : they were not recorded, or do not.
    """
    found, score = response.parts.get(atom.symbol), response.scores[atom.symbol]
    if found is None:
        raise Absent("the ledger of an earlier version does not say what features add to scores")
    if not abs(sum(found.values()) - score) <= ROUNDING * max(1.0, abs(score)):
        raise Absent(f"the recorded parts of the score of {atom.symbol} do not sum to it")
    return found


def _waterfall(k: int, atom: Atom, response: SelectionResponse, parts: Mapping[str, float]) -> Figure:
    """Return the bars of one winner, the largest first, and its score below them."""
    order = sorted(parts, key=lambda name: (-abs(parts[name]), name))
    lacks = {name for name, ids in response.missing.items() if atom.symbol in ids}
    score = response.scores[atom.symbol]
    labels = [f"{plain(name)} (missing)" if name in lacks else plain(name) for name in order]
    trace: dict[str, Any] = {
        "type": "waterfall", "orientation": "h", "y": [*labels, "score"],
        "x": [*plotted([parts[name] for name in order]), *plotted([score])],
        "measure": [*["relative"] * len(order), "total"],
        "customdata": [*plotted([response.components[atom.symbol][name] for name in order]), None],
        "decreasing": {"marker": {"color": COSTS}}, "increasing": {"marker": {"color": HEADLINE}},
        "totals": {"marker": {"color": GREY}}, "connector": {"line": {"color": GREY, "width": 1}},
        "hovertemplate": "%{y}: %{delta:.3f}<br>p = %{customdata:.3f}<extra></extra>",
    }  # fmt: skip
    name = short(atom)
    title = f"Score of {name}, winner {k + 1}: {number(score)}, by feature"
    return figure(f"waterfall_{k + 1}", title, [trace], height=AROUND + ROW * (len(order) + 1), hovermode="closest",
                  showlegend=False, xaxis=axis("running sum of the score"),
                  yaxis=axis("feature", autorange="reversed", tickfont={"size": 11}))  # fmt: skip


def _spread(response: SelectionResponse) -> tuple[Block, ...]:
    """Return how much of the variance of the pool's scores each feature has, and its mean part among winners."""
    if not response.shares:
        return ()
    parts = [response.parts[atom.symbol] for atom in response.winners]
    order: Sequence[str] = sorted(response.shares, key=lambda name: (-response.shares[name], name))
    rows = tuple(
        (
            plain(name),
            percent(response.shares[name]),
            number(sum(one[name] for one in parts) / len(parts), 3) if all(name in one for one in parts) else NOTHING,
        )
        for name in order
    )
    return (
        Table(head=("feature", "share of the variance of scores", "mean part among winners"), rows=rows),
        Text(
            text="The share is cov(part, score) / var(score) over the whole pool; shares sum to 100 %, and one below 0 "
            "works against the others. It says which features decide the order, not whether they foretell anything.",
            tone="note",
        ),
    )


WHY = Section(key="why", title="Why these winners", draw=draw)
