"""Sections on what was held: exposure, contributions, current weights, and clusters of the current winners."""

import math
import statistics
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from tvquant.core.decisions import CurrentDecision
from tvquant.core.stages import Stage
from tvquant.report.blocks import Facts, Figure, Table, Text
from tvquant.report.formatting import percent
from tvquant.report.render import drawn
from tvquant.report.run import read_run
from tvquant.report.sections.clusters import CLUSTERS
from tvquant.report.sections.contribution import CONTRIBUTION
from tvquant.report.sections.costs import COSTS
from tvquant.report.sections.current import CURRENT, _short_of
from tvquant.report.sections.exposure import EXPOSURE
from tvquant.report.sections.trades import TRADES

HEADLINE = "v4/custom/hrp/custom"
ROWS = 160


def edit(run, table, *columns):
    path = run / "results" / f"{table}.parquet"
    pl.read_parquet(path).with_columns(*columns).write_parquet(path)


def returns(run):
    table = pl.read_parquet(run / "results" / "returns.parquet")
    return table.filter(pl.col("cell") == HEADLINE)


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def drawn_of(run, section):
    return section.draw(read_run(run))


def deciding(run, **data):
    """The run as if stage 14 had recorded this."""
    found = read_run(run)
    found.current = CurrentDecision.of({**found.current.payload(), **data})
    return found


def without(run, name):
    """The run as if stage 14 had not recorded this."""
    found = read_run(run)
    record = found.stages[Stage.OPTIMISATION]
    found.stages[Stage.OPTIMISATION] = replace(record, data={k: v for k, v in record.data.items() if k != name})
    return found


def winner(symbol, direction, how="ranked", logic="rating_ma"):
    fields = {"physical_symbol": symbol, "logic": logic, "direction": direction, "scan": "s", "how": how}
    return f"{symbol}_{logic}_{direction}", fields


BTC, ETH, OLD, PAIR = (
    winner("BINANCE:BTCUSDT", "LONG"),
    winner("BINANCE:ETHUSDT", "SHORT", "alpha_fallback"),
    winner("OKX:BTCUSDT", "LONG", "cluster_floor"),
    winner("BINANCE:BTCUSDT", "SHORT", "cluster_floor"),
)
UP, DOWN = (f"\N{NO-BREAK SPACE}rating_ma\N{NO-BREAK SPACE}{arrow}" for arrow in "▲▼")


@pytest.fixture
def four(run):
    """A decision over four atoms, two of them on one asset in opposite directions."""
    ids = [name for name, _ in (BTC, ETH, OLD, PAIR)]
    decision = read_run(run).current.decision.payload()
    decision |= {
        "selection": dict(decision["selection"])
        | {
            "winners": [fields for _, fields in (BTC, ETH, OLD, PAIR)],
            "clusters": dict(zip(ids, (1, 1, 2, 1), strict=True)),
            "stage": 4,
            "flags": ["sparse"],
        },
        "allocation": dict(decision["allocation"])
        | {"clusters": dict(zip(ids, (2, 1, 2, 1), strict=True)), "cash": 0.3, "forced_cash": 0.1},
        "atoms": dict(zip(ids, (0.25, 0.2, 0.1, 0.05), strict=True)),
        "netting": {
            "moved": 0.1,
            "gross": {},
            "constraints": [
                {"name": "gross_position", "limit": 0.25, "value": 0.2},
                {"name": "net_low", "limit": 1.0, "value": -0.1},
            ],
        },
        "weights": {"BINANCE:BTCUSDT": 0.2, "BINANCE:ETHUSDT": -0.2, "OKX:BTCUSDT": 0.1},
    }
    matrix = [[1.0, 0.1, 0.8, -1.0], [0.1, 1.0, 0.2, -0.4], [0.8, 0.2, 1.0, -0.7], [-1.0, -0.4, -0.7, 1.0]]
    return deciding(run, decision=decision, correlation={"atoms": ids, "matrix": matrix})


def test_without_shorts_only_gross_is_told(run):
    blocks = drawn_of(run, EXPOSURE)
    held, _ = of(Figure, blocks)
    (line,) = held.spec["data"]
    assert line["name"] == "gross"
    assert line["y"] == pytest.approx([100 * v for v in returns(run)["gross"]], rel=1e-5)
    assert "It never held a short" in of(Text, blocks)[0].text


def test_long_and_short_follow_from_gross_and_net(run):
    edit(run, "returns", pl.lit(0.9).alias("gross"), pl.lit(-0.1).alias("net"))
    blocks = drawn_of(run, EXPOSURE)
    held, _ = of(Figure, blocks)
    assert {line["name"]: line["y"][0] for line in held.spec["data"]} == pytest.approx(
        {"gross": 90, "long": 40, "short": -50, "net": -10}
    )
    assert of(Table, blocks)[0].rows[2] == ("short", "160 rows", *["-50.0 %"] * 4)
    assert "never held a short" not in of(Text, blocks)[0].text


def test_a_book_that_is_gone_has_no_exposure(run):
    gone = pl.when(pl.int_range(pl.len()).over("cell") >= 100).then(math.nan)
    edit(run, "returns", *(gone.otherwise(value).alias(name) for name, value in (("gross", 1.5), ("net", 1.5))))
    blocks = drawn_of(run, EXPOSURE)
    assert of(Figure, blocks)[0].spec["data"][0]["y"] == [150.0] * 100 + [None] * 60
    assert of(Table, blocks)[0].rows[0] == ("gross", "160 rows", *["150.0 %"] * 4)
    assert "gross was above its limit of 100.0 % on 100 of 160 rows" in of(Text, blocks)[0].text


def test_cash_is_stacked_by_its_reason_and_makes_the_whole(run):
    first = pl.int_range(pl.len()).over("cell") == 0
    edit(
        run, "windows", pl.lit(0.5).alias("cash"), pl.when(first).then(0.25).otherwise(0.0).alias("forced_cash"),
        pl.when(first).then(0.05).otherwise(0.0).alias("moved"),
    )  # fmt: skip
    blocks = drawn_of(run, EXPOSURE)
    bars = {bar["name"]: bar["y"] for bar in of(Figure, blocks)[1].spec["data"]}
    assert list(bars) == ["cash forced by caps", "taken away by caps after netting", "other cash"]
    assert [column[0] for column in bars.values()] == pytest.approx([25, 5, 20])
    assert [sum(column) for column in zip(*bars.values(), strict=True)] == pytest.approx([50] * 8)
    assert "Caps forced cash at 1 of 8 decisions" in of(Text, blocks)[0].text


def test_contributions_sum_to_the_return_of_every_row(run):
    figure, _ = of(Figure, drawn_of(run, CONTRIBUTION))
    lines = {line["name"]: line["y"] for line in figure.spec["data"]}
    assert list(lines) == ["longs", "costs", "sum"]
    book, total = returns(run)["return"].to_list(), 0.0
    for k, value in enumerate(book):
        total += value
        assert lines["sum"][k] == pytest.approx(100 * total, rel=1e-5, abs=1e-9)
        assert lines["longs"][k] + lines["costs"][k] == pytest.approx(lines["sum"][k], rel=1e-4, abs=1e-4)


def test_totals_of_longs_shorts_and_costs_with_their_standard_errors(run):
    edit(
        run, "returns", (pl.col("from_long") + 0.003).alias("from_long"),
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(-0.006).otherwise(0.0).alias("from_short"),
        pl.lit(0.001).alias("from_other"),
    )  # fmt: skip
    blocks = drawn_of(run, CONTRIBUTION)
    table, _, _ = of(Table, blocks)
    assert table.head == ("cell", "longs", "± SE", "shorts", "± SE", "costs", "other", "sum", "rows")
    assert [row[0].count("/") for row in table.rows] == [3] * 5
    (mine,) = (table.rows[k] for k in table.strong)
    book = returns(run)
    longs, shorts, costs = (book[name].to_list() for name in ("from_long", "from_short", "from_costs"))
    amounts = [
        math.fsum(longs),
        math.sqrt(ROWS) * statistics.stdev(longs),
        math.fsum(shorts),
        math.sqrt(ROWS) * statistics.stdev(shorts),
        -math.fsum(costs),
        0.001 * ROWS,
        math.fsum(longs) + math.fsum(shorts) - math.fsum(costs) + 0.001 * ROWS,
    ]
    assert mine == (HEADLINE, *(f"{100 * amount:.1f} %" for amount in amounts), "160")
    assert "do not compound" in of(Text, blocks)[0].text


def test_rows_after_a_liquidation_are_not_counted(run):
    gone = pl.int_range(pl.len()).over("cell") >= 100
    parts = ("from_long", "from_short", "from_costs", "from_other")
    edit(run, "returns", *(pl.when(gone).then(math.nan).otherwise(name).alias(name) for name in parts))
    blocks = drawn_of(run, CONTRIBUTION)
    assert {row[-1] for row in of(Table, blocks)[0].rows} == {"100"}
    assert of(Figure, blocks)[0].spec["data"][-1]["y"][100:] == [None] * 60


def test_a_run_without_shorts_says_so_in_one_line(run):
    said = of(Text, drawn_of(run, CONTRIBUTION))
    assert said[0].text == "No strategy of this run ever held a short."
    assert len(said) == 4


@pytest.mark.requirement("R-REP-01")
def test_a_table_of_another_version_is_said_to_lack_a_column(run):
    path = run / "results" / "returns.parquet"
    pl.read_parquet(path).drop("from_long").write_parquet(path)
    (said,) = drawn(CONTRIBUTION, read_run(run))
    assert said.tone == "missing"
    assert "written by another version and lacks a column" in said.text


@pytest.mark.requirement("R-SIM-17")
def test_a_short_names_what_it_is_sold_by() -> None:
    """A perpetual is sold as it is; a coin, a share and a fund are borrowed, whatever the generation of the ticker."""
    said = {name: _short_of(name) for name in ("BINANCE:BTCUSDT.P", "BINANCE:BTCUSDT", "NYSE:GME#2", "AMEX:SPY")}
    assert said == {"BINANCE:BTCUSDT.P": "short, perpetual"} | dict.fromkeys(list(said)[1:], "short, on margin")


def test_current_weights_tell_direction_atoms_clusters_and_how_they_came_in(four):
    blocks = CURRENT.draw(four)
    holdings, limits = of(Table, blocks)
    assert holdings.rows == (
        ("BINANCE:BTCUSDT", "long", f"BTCUSDT{UP}, BTCUSDT{DOWN}", "ranked, cluster floor",
         "1 / 2, 1 / 1", "20.00 %"),
        ("BINANCE:ETHUSDT", "short, on margin", f"ETHUSDT{DOWN}", "alpha fallback", "1 / 1", "-20.00 %"),
        ("OKX:BTCUSDT", "long", f"BTCUSDT{UP}", "cluster floor", "2 / 2", "10.00 %"),
        ("cash", "", "", "", "", "40.00 %"),
    )  # fmt: skip
    facts = dict(of(Facts, blocks)[0].pairs)
    assert facts["Gross and net"] == "50.0 % and 10.0 % of equity"
    assert facts["Cash"] == "40.0 %, of which caps force 10.0 %"
    assert facts["Taken away after netting"] == "10.00 % of equity, now cash"
    assert facts["Selection"].endswith(": 4 winners at stage 4; sparse")
    assert limits.rows == (("gross position", "≤ 25.00 %", "20.00 %"), ("net low", "≥ -100.00 %", "10.00 %"))


def current_facts(run, **decided):
    decision = {**read_run(run).current.decision.payload(), **decided}
    found = deciding(run, decision=decision, held=decided.pop("held", {}))
    return dict(of(Facts, CURRENT.draw(found))[0].pairs)


def test_current_weights_name_their_bar_its_age_who_lacks_it_and_what_was_held(run):
    facts = current_facts(run)
    assert facts["As of"] == "2020-01-13 21:00:00 UTC, the close of the bar of 2020-01-13"
    assert facts["Age of that bar"] == "2180.1 days when the run began"
    assert facts["Names missing that bar"] == "none of those with a bar in five sessions"
    assert facts["Decided from"] == "nothing held"
    assert "Quorum" not in facts
    footing = {
        "asked": "2020-01-15T00:00:00.000000", "bar": "2020-01-14T00:00:00.000000", "quorum": True, "alive": 10,
        "present": 1, "missing": ["NYSE:AAA", "NYSE:BBB"],
    }  # fmt: skip
    facts = current_facts(run, footing=footing, held={"NYSE:CCC_hold_LONG": 0.25})
    assert facts["Quorum"] == "only 1 of 10 names have the bar of 2020-01-15: that of 2020-01-14 is decided on"
    assert facts["Names missing that bar"] == "NYSE:AAA, NYSE:BBB"
    assert facts["Decided from"] == "NYSE:CCC_hold_LONG 25.00 %"
    facts = current_facts(run, footing={**footing, "quorum": False})
    assert "no session of five has a quorum: it is decided on as it is" in facts["Quorum"]


def test_a_run_that_does_not_name_its_bar_shows_no_current_weights(run):
    (said,) = drawn(CURRENT, without(run, "held"))
    assert said.text.endswith("outcome of stage 14 (optimisation) was recorded by another version: 'held'.")
    (said,) = drawn(CURRENT, deciding(run, decision={**read_run(run).current.decision.payload(), "footing": None}))
    assert "does not name the bar that was decided on" in said.text


def test_current_weights_without_a_decision_say_why(run):
    undecided = {"allocation": None, "selection": None, "failure": "no answer today."}
    decision = read_run(run).current.decision.payload() | undecided
    said = of(Text, CURRENT.draw(deciding(run, decision=decision)))[0]
    assert (said.text, said.tone) == ("no answer today: all cash.", "warning")


def test_current_weights_that_could_not_be_found_are_said_to_have_failed(run):
    decision = read_run(run).current.decision.payload()
    failed = {"status": "failed", "attempts": [{"what": "covariance", "outcome": "singular"}], "constraints": []}
    decision |= {"allocation": dict(decision["allocation"]) | failed, "atoms": {}, "weights": {}, "netting": None}
    blocks = CURRENT.draw(deciding(run, decision=decision))
    assert blocks[0].tone == "warning"
    assert dict(of(Facts, blocks)[0].pairs)["Attempts"] == "covariance: singular"
    assert of(Table, blocks)[0].rows == (("cash", "", "", "", "", "100.00 %"),)


def test_the_heat_map_stands_in_the_order_of_its_tree(four):
    (figure,) = of(Figure, CLUSTERS.draw(four))
    heat, tree = figure.spec["data"]
    assert (heat["zmin"], heat["zmax"]) == (-1, 1)
    found = four.current.correlation
    distance = np.sqrt((1 - found.matrix) / 2)
    condensed = squareform(distance, checks=False)
    merges = linkage(condensed, "ward")
    (a, b, c, d), own = leaves_list(merges), found.matrix
    middle = {(i, j): own[i, j] for i in (a, b) for j in (c, d)}  # two pairs, the nearest of both side by side
    left, right = max(middle, key=middle.__getitem__)
    leaves = [a + b - left, left, right, c + d - right]
    order = [found.atoms[k] for k in leaves]
    assert sorted(order) == sorted(found.atoms)
    heights = [y for y in tree["y"] if y]
    assert sorted(set(heights)) == pytest.approx(sorted(merges[:, 2]), rel=1e-5)
    assert tree["yaxis"] == "y2"
    lowest = {round(x) for x, y in zip(tree["x"], tree["y"], strict=True) if y == 0.0}
    assert lowest == {0, 1, 2, 3}  # every leaf stands above its column
    assert [[pair[1] for pair in row] for row in heat["customdata"]] == [order] * 4
    assert [row[0][0] for row in heat["customdata"]] == order
    assert heat["z"] == found.matrix[np.ix_(leaves, leaves)].tolist()
    layout = figure.spec["layout"]
    assert [(box["x0"], box["x1"], box["y0"], box["y1"]) for box in layout["shapes"]] == [
        (-0.5, 1.5, -0.5, 1.5),
        (1.5, 3.5, 1.5, 3.5),
    ]
    labels = [
        f"BTCUSDT{DOWN} · 1",
        f"ETHUSDT{DOWN} · 1",
        f"BTCUSDT{UP} · 2",
        f"BTCUSDT{UP} · 2",
    ]
    assert layout["xaxis"]["ticktext"] == layout["yaxis"]["ticktext"] == labels
    assert layout["yaxis"]["range"][0] > layout["yaxis"]["range"][1]  # the first winner stands on top


def test_clusters_have_their_members_weight_and_cap(four):
    blocks = CLUSTERS.draw(four)
    allocation, selection = of(Table, blocks)
    assert allocation.rows == (
        ("1", f"BTCUSDT{DOWN}, ETHUSDT{DOWN}", "-0.40", "25.0 %", "25.0 %"),
        ("2", f"BTCUSDT{UP}, BTCUSDT{UP}", "0.80", "35.0 %", "25.0 %"),
    )
    mean = (-0.4 + 0.1 - 1.0) / 3
    assert [(row[0], row[2], row[3]) for row in selection.rows] == [
        ("1", f"{mean:.2f}", "50.0 %"),
        ("2", "–", "10.0 %"),
    ]
    said = " ".join(text.text for text in of(Text, blocks))
    assert "the last 60 rows" in said
    assert f"standard error of {1 / math.sqrt(59):.2f}" in said


def test_without_winners_there_are_no_clusters_and_the_page_says_so(run):
    (said,) = CLUSTERS.draw(deciding(run, correlation=None))
    assert "No winner was weighted" in said.text


def test_a_ledger_without_correlations_is_said_to_lack_them(run):
    (said,) = drawn(CLUSTERS, without(run, "correlation"))
    assert said.text.endswith("was recorded by another version: 'correlation'.")


@pytest.mark.requirement("R-SIM-17")
def test_funding_has_its_line_and_what_was_assumed_of_it_the_result_without(run):
    """Received on every row here, so that it adds to the sum; a book without swaps has neither line."""
    assert "funding" not in of(Table, drawn_of(run, CONTRIBUTION))[0].head
    assert of(Text, drawn_of(run, COSTS))[0].tone != "warning"
    edit(run, "returns", pl.lit(-1e-4).alias("from_funding"), pl.col("from_other") - 1e-4)
    found = of(Table, drawn_of(run, CONTRIBUTION))[0]
    row = next(row for row in found.rows if row[0] == HEADLINE)
    assert row[found.head.index("funding")] == percent(1e-4 * len(returns(run)))
    data = read_run(run)
    plain = data.headline.measures
    told = {"assumed_funding": 0.0123, "unassumed_total_return": 0.25, "unassumed_cagr": 0.2}
    measures = replace(plain, costs={**plain.costs, "funding": -0.016}, **told)
    data = read_run(run)
    data.outcomes = tuple(replace(cell, measures=measures) if cell.key == HEADLINE else cell for cell in data.outcomes)
    facts, note = COSTS.draw(data)[:2]
    assert ("funding", "-1.60 %") in facts.pairs
    assert note.tone == "warning"
    assert "Funding of 1.23 % of the starting capital was assumed" in note.text
    assert "total return is 25.0 %" in note.text
    assert "Sharpe ratio –" in note.text


def test_what_cash_earns_stands_below_zero_beside_the_costs(run):
    """Bars of two signs are stacked from zero, each on its side: else what is earned hides behind what is paid."""
    edit(run, "returns", (pl.lit(-1e-4)).alias("cash_yield"))
    data = read_run(run)
    measures = replace(data.headline.measures, costs={**data.headline.measures.costs, "cash_yield": -0.01})
    data.outcomes = tuple(replace(one, measures=measures) if one.key == HEADLINE else one for one in data.outcomes)
    drawn_costs = next(one for one in COSTS.draw(data) if isinstance(one, Figure) and one.key == "costs")
    assert drawn_costs.spec["layout"]["barmode"] == "relative"
    (earned,) = (trace for trace in drawn_costs.spec["data"] if trace["name"] == "cash_yield")
    assert all(level < 0 for level in earned["y"])


def test_trades_are_counted_by_the_row_they_were_filled_on_and_pay_their_impact(run):
    """A book that is rebalanced daily has many fills in one window: here all of them are of one."""
    trades = pl.read_parquet(run / "results" / "trades.parquet").filter(pl.col("cell") == HEADLINE)
    edit(run, "trades", pl.lit(1e-3).alias("impact"), (pl.col("window") * 0).alias("window"))
    facts, data = drawn_of(run, TRADES)[:2]
    fills = len(set(trades.drop_nulls("window")["time"]))
    assert dict(facts.pairs)["Trades"].endswith(f" at {fills} fills")
    paid = trades["slippage"] + trades["commission"] + 1e-3
    assert data.frame["cost"].to_list() == pytest.approx(paid.to_list(), abs=1e-15)


def test_reasons_for_cash_are_told_apart_by_their_colours(run):
    reasons = ("forced_cash", "reference_cash", "gate_cash", "moved")
    edit(run, "windows", *(pl.lit(0.05).alias(name) for name in reasons), pl.lit(0.5).alias("cash"))
    bars = next(block for block in of(Figure, drawn_of(run, EXPOSURE)) if block.key == "cash").spec["data"]
    assert len({bar["marker"]["color"] for bar in bars}) == len(bars) == 5
