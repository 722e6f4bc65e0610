"""The page of a parity check: simulators side by side, in the parity setting and in the run's own."""

from collections.abc import Sequence
from pathlib import Path

from tvquant.report.blocks import Block, Facts, Figure, Table, Text
from tvquant.report.figures import axis, colours, figure, plotted
from tvquant.report.files import write
from tvquant.report.formatting import NOTHING, Shown, count, number
from tvquant.report.page import Heading
from tvquant.report.performance_figures import days_of
from tvquant.report.render import FOLDER, SCRIPT, plotly, pooled
from tvquant.report.templating import rendered
from tvquant.tournament import parity as kept
from tvquant.tournament.parity_play import Parity, Side, label, plain, told, words_of

TITLES = ("Parity setting: limits bind", "The run's own setting: implementation risk")
"""Of the sides of a parity check, in their order."""


def write_page_of(found: Parity, run: Path, name: str) -> Path:
    """Write the page into the folder of a run; return where it is.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of the folder of runs.
    """
    path = run / FOLDER / "parity" / f"{name}.html"
    if not (run / SCRIPT).exists():  # the one that is there is what the ledger answers for
        write(run / SCRIPT, plotly(), within=run.parent)
    write(path, page_of_parity(found).encode(), within=run.parent)
    return path


def page_of_parity(found: Parity) -> str:
    """Return the page as HTML; every word is escaped."""
    made: list[tuple[Heading, tuple[Block, ...]]] = [(Heading("verdict", "Verdict"), _verdict(found))]
    made += [
        (Heading(one.setting.name.value, title), _side(one)) for one, title in zip(found.sides, TITLES, strict=True)
    ]
    axes, sections = pooled(made)
    return rendered("parity.html", run_id=found.run, cell=found.cell, root="../", sections=sections, axes=axes)


def _verdict(found: Parity) -> tuple[Block, ...]:
    strict, own = found.sides
    failed = [Text(text=f"{words_of(pair)}.", tone="warning") for pair in found.failed]
    passed = Text(
        text=f"{', '.join(strict.played)} keep the same book of {found.cell} within every limit, whole run, in the "
        "parity setting."
    )
    cards = Facts(
        cards=True,
        pairs=(
            ("verdict", "beyond limits" if failed else "within limits"),
            ("simulators", f"{len(strict.played)}"),
            ("final equity apart, parity setting", _bps(strict.final_bps)),
            ("final equity apart, own setting", _bps(own.final_bps)),
            ("annual return apart, own setting", _bps(own.annual_bps)),
        ),
    )
    absent = [
        Text(text=f"{name} is not installed and was not compared: install tvquant[{extra}].", tone="note")
        for name, extra in found.uninstalled.items()
    ]
    versions = "; ".join(f"{name} plays by {what}" for name, what in found.versions.items())
    return cards, *(failed or [passed]), *absent, *([Text(text=f"{versions}.", tone="note")] if versions else [])


def _side(one: Side) -> tuple[Block, ...]:
    rules = one.setting.execution
    said = (
        f"Filled at {rules.convention.value}, {rules.rebalancing.value} rebalancing, "
        f"{one.setting.charged}, {rules.buffer:.1%} of every weight in cash."
    )
    blocks: list[Block] = [Text(text=said)]
    if one.setting.off:
        blocks.append(Text(text=f"Other than in the run: {'; '.join(one.setting.off)}.", tone="note"))
    if one.pairs:
        blocks += [_figures(one), _paths(one)]
    else:
        blocks.append(Text(text=f"{one.played[0] if one.played else 'No simulator'} alone plays it.", tone="note"))
    if not one.setting.binds:
        blocks += [Text(text=f"{words_of(pair)}.", tone="note") for pair in one.pairs if not pair.passed]
    if one.refused:
        rows = tuple((name, why) for name, why in one.refused.items())
        blocks.append(Table(head=("simulator", "what it refuses"), rows=rows, texts=2))
    return tuple(blocks)


def _figures(one: Side) -> Table:
    """Return one row per pair and figure."""
    rows = [
        (
            f"{pair.first}, {pair.second}",
            label(each.name),
            *(_value(each.name, value) for value in (each.first, each.second)),
            _share(each, each.difference),
            _share(each, each.limit) if pair.binds else NOTHING,
            ("yes" if each.passed else "no") if pair.binds else NOTHING,
        )
        for pair in one.pairs
        for each in pair.figures
    ]
    wrong = frozenset(k for k, row in enumerate(rows) if row[-1] == "no")
    return Table(
        head=("books", "figure", "first", "second", "difference", "limit", "within"), rows=tuple(rows), texts=2,
        strong=wrong,
    )  # fmt: skip


def _value(name: str, value: float | None) -> Shown:
    if name == "bars":
        return count(None if value is None else int(value))
    return number(value, 6)


def _share(each: kept.Figure, value: float | None) -> Shown:
    """Return a difference or a limit as people read it, and the number that it is."""
    return Shown.of(NOTHING if value is None else told(each, value), value)


def _paths(one: Side) -> Figure:
    """Return by how much the equity of each book is above the reference's, bar by bar."""
    colour = colours([pair.second for pair in one.pairs])
    traces = [
        {"type": "scatter", "mode": "lines", "name": pair.second, "x": days_of(pair.times), "y": plotted(pair.apart),
         "line": {"color": colour[pair.second], "width": 1.6}}
        for pair in one.pairs
    ]  # fmt: skip
    return figure(
        f"apart_{one.setting.name.value}", f"Equity above that of {one.reference}", traces, height=360, showlegend=True,
        xaxis=axis("bar date", type="date"),
        yaxis=axis("basis points of equity", zeroline=True, exponentformat="power", **_range(one)),
    )  # fmt: skip


def _range(one: Side) -> dict[str, Sequence[float]]:
    """Return a range that shows what is within the limit as the flat line that it is."""
    limit = next(each.limit for each in one.pairs[0].figures if each.name == "equity") * kept.BPS
    most = max((float(abs(value)) for pair in one.pairs for value in pair.apart), default=0.0)
    return {"range": [-1.1 * limit, 1.1 * limit]} if one.setting.binds and most <= limit else {}


def _bps(value: float | None) -> str:
    return NOTHING if value is None else f"{plain(value)} bps"
