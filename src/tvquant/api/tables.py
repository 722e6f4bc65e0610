"""Every frame of a `Run`: its columns, their units and what they mean. `docs/results.md` is written from this."""

from collections.abc import Mapping

from tvquant.api.meta_tables import META_TABLES
from tvquant.api.table_columns import (
    AT_FILL,
    CELL,
    DECIDED,
    FRACTION,
    OF_EQUITY,
    OF_START,
    STAMP,
    TIME,
    WINDOW,
    Column,
    Table,
)
from tvquant.core.books import COST_KINDS

_PERFORMANCE = (
    Column("n", "rows", "returns measured"),
    Column("periods_per_year", "rows per year", "of the calendar: 365 round the clock, 252 sessions"),
    Column("total_return", FRACTION, "growth from first to last"),
    Column("cagr", "fraction per year", "compound growth; null below 60 days"),
    Column("volatility", "fraction per year", "standard deviation of returns, annualised"),
    Column("sharpe", "per year", "Sharpe ratio over the risk-free rate, annualised"),
    Column("sharpe_se", "per year", "its standard error"),
    Column("psr", "probability", "that the true Sharpe ratio is above 0"),
    Column("sortino", "per year", "mean excess over downside deviation, annualised"),
    Column("calmar", "ratio", "cagr over the deepest drawdown"),
    Column("omega", "ratio", "sum of gains over sum of losses"),
    Column("max_drawdown", FRACTION, "deepest fall from a peak, at most 0"),
    Column("drawdown_start", "row", "its first loss; rows count from 0 in `returns`"),
    Column("drawdown_trough", "row", "its lowest close"),
    Column("drawdown_recovery", "row", "first close back at the peak; null where there is none"),
    Column("var95", FRACTION, "5 % quantile of returns"),
    Column("cvar95", FRACTION, "mean of the returns up to it"),
    Column("cvar95_n", "rows", "whose tail that is: all, or those that are not 0 where most are"),
    Column("skew", "", "skewness of returns"),
    Column("excess_kurtosis", "", "kurtosis of returns less 3"),
    Column("best", FRACTION, "highest return of a row"),
    Column("worst", FRACTION, "lowest return of a row"),
    Column("positive", FRACTION, "share of returns above 0"),
)
_TRADING = (
    Column("windows", "decisions", "made"),
    Column("fills", "decisions", "that were traded"),
    Column("windows_without_candidate", "decisions", "without a name to hold"),
    Column("windows_fell_back", "decisions", "solved by a later attempt than the first"),
    Column("windows_failed", "decisions", "that no attempt solved: cash"),
    Column("windows_earlier_bar", "decisions", "made on an earlier bar, for the last had no quorum"),
    Column("windows_without_quorum", "decisions", "made although no bar had a quorum"),
    Column("mean_cash", OF_EQUITY, "cash over the decisions"),
    Column("mean_forced_cash", OF_EQUITY, "cash that caps forced"),
    Column("mean_turnover", OF_EQUITY, "one-way, per decision that was traded"),
    Column("traded", "multiple of equity", "two-way value of all fills"),
    Column("cost_slippage", OF_START, "sum"),
    Column("cost_commission", OF_START, "sum"),
    Column("cost_borrow", OF_START, "sum, on shorts"),
    Column("cost_overdraft", OF_START, "sum, on borrowed cash"),
    Column("closed_out", "events", "holdings closed after a halt or at delisting"),
    Column("unfilled", "events", "orders without a bar to fill them"),
)
METRICS = (
    CELL,
    Column("entrant", "", "selection of the grid that it is of; empty for the profile's own"),
    Column("schedule", "", "windows of the grid that it is walked over; empty for the profile's own"),
    Column("scenario", "", "costs of the grid that it is kept at; empty for the profile's own"),
    Column("variant", "", "whether it is the headline in another phase or from another start: luck, and no trial"),
    Column("baseline", "", "whether it chooses nothing: it is what strategies are compared with"),
    Column("status", "", "`played`, `liquidated`, `failed`"),
    *_PERFORMANCE,
    *_TRADING,
    Column("stamps", "", "caveats, by name"),
    Column("why", "", "why it failed; null where it did not"),
)

TABLES: Mapping[str, Table] = {
    "metrics": Table(
        "run.metrics", "a cell: strategies by Sharpe ratio, then baselines, then variants and other costs", METRICS
    ),
    "weights": Table(
        "run.weights(cell=None)",
        "a decision",
        (DECIDED, Column("EXCHANGE:TICKER ...", OF_EQUITY, "net weight, negative for shorts; the rest to 1 is cash")),
    ),
    "returns": Table(
        "run.returns(cell=None)", "a bar", (CELL, TIME, Column("return", FRACTION, "simple, net of costs"))
    ),
    "equity": Table(
        "run.equity(cell=None)",
        "a bar",
        (
            CELL,
            TIME,
            Column("equity", "1 at start", "at the close"),
            Column("drawdown", FRACTION, "fall from the highest equity so far, the start included; at most 0"),
            Column("cash", "1 at start", "equity less the value of all that is held"),
            Column("gross", OF_EQUITY, "value held, without signs"),
            Column("net", OF_EQUITY, "value of longs less shorts"),
        ),
    ),
    "costs": Table(
        "run.costs(cell=None)",
        "a bar",
        (
            CELL,
            TIME,
            Column("slippage", OF_START, "of fills"),
            Column("commission", OF_START, "of fills"),
            Column("borrow", OF_START, "accrued on shorts"),
            Column("overdraft", OF_START, "accrued on borrowed cash"),
            Column("funding", OF_START, "of swaps; below 0 where it was received"),
            Column("cash_yield", OF_START, "earned on idle cash, so below 0"),
            Column("impact", OF_START, "of fills, by the square-root law"),
        ),
    ),
    "decisions": Table(
        "run.decisions(cell=None)",
        "a decision",
        (
            CELL,
            WINDOW,
            DECIDED,
            Column("bar", STAMP, "the bar that was decided on: the last with a quorum"),
            Column("filled_at", STAMP, "bar of the fill; null where it lies behind the data"),
            Column("status", "", "`solved`, `fell_back`, `failed`, `no_candidate`, `baseline`"),
            Column("stage", "", "stage of relaxation that selection reached, 1 to 4; 0 where nothing was selected"),
            Column("universe", "names", "listed by then that the profile asks for"),
            Column("discovery", "names", "recruited"),
            Column("refined", "names", "left after health and vetoes"),
            Column("selected", "names", "that won"),
            Column("chosen", "", "list of the winning atoms, best first"),
            Column("vetoed", "atoms", "list of {reason, atoms}: what fell out between discovery and refined"),
            Column("weights", OF_EQUITY, "list of {symbol, weight}, net"),
            Column("gross", OF_EQUITY, "sum of weights without signs"),
            Column("net", OF_EQUITY, "sum of weights"),
            Column("cash", OF_EQUITY, "capital without a use: the four that follow"),
            Column("cash_caps", OF_EQUITY, "caps and limits by name leave no room, or cut equal or declared weights"),
            Column("cash_reference", OF_EQUITY, "no atom far above the method's own weight without limits"),
            Column("cash_netting", OF_EQUITY, "taken away because a cap would break after netting"),
            Column(
                "cash_other", OF_EQUITY, "left out by gates, gross and net limits, the method's own, or nothing to hold"
            ),
            Column("return", FRACTION, "from its fill to the next one"),
            Column("traded", OF_EQUITY, "two-way value of its fills"),
            Column("turnover", OF_EQUITY, "one-way, of its fills: a full switch is 1"),
        ),
    ),
    "candidates": Table(
        "run.candidates(cell=None)",
        "an atom that a decision of one cell judged, best score first",
        (
            WINDOW,
            DECIDED,
            Column("atom", "", "Symbol_Logic_Direction"),
            Column("score", "sum of logarithms", "higher is better"),
            Column("cluster", "", "number of its selection cluster"),
            Column("won", "", "whether it was chosen"),
            Column("how", "", "`ranked`, `cluster_floor`, `alpha_fallback`, `passed_through`, `healthy`; null for no"),
            Column("weight", OF_EQUITY, "as finally held, before its gate"),
            Column("veto", "", "the first rule that it broke; null where it broke none"),
            Column("value", "of the rule", "what broke it"),
            Column("limit", "of the rule", "what it broke"),
            Column("hard", "", "whether the veto holds at every stage"),
            Column("overridden", "", "whether it won in spite of the veto, which is then a soft one"),
        ),
    ),
    "current": Table(
        "run.current()",
        "a name that the headline would hold from the last bar on",
        (Column("symbol", "", "EXCHANGE:TICKER"), Column("weight", OF_EQUITY, "net")),
    ),
    "trades": Table(
        "run.trades(cell=None)",
        "a name changing hands",
        (
            CELL,
            Column("window", "row", "number of the decision that ordered it; null for what nobody ordered"),
            TIME,
            Column("symbol", "", "EXCHANGE:TICKER"),
            Column("kind", "", "`fill`, `closed_out`, `collateral_lost`, `margin_call`"),
            Column("quantity", "units", "bought, below 0 sold, of a book that starts with a capital of 1"),
            Column("price", "quote currency", "of one unit"),
            Column("value", OF_START, "quantity x price"),
            Column("share", OF_EQUITY, "the same at the fill, or before the row"),
            Column("slippage", OF_START, "paid"),
            Column("commission", OF_START, "paid; below 0 where makers are"),
            Column("impact", OF_START, "paid"),
        ),
    ),
    "contributions": Table(
        "run.contributions(cell=None)",
        "a name between one fill and the next; sums of fractions of the equity before each row",
        (
            CELL,
            WINDOW,
            Column("symbol", "", "EXCHANGE:TICKER"),
            Column("long", OF_EQUITY, "earned while held long"),
            Column("short", OF_EQUITY, "earned while held short"),
            Column("costs", OF_EQUITY, "slippage, commission and impact of its trades"),
        ),
    ),
    "attribution": Table(
        "run.attribution(cell=None)",
        "a part of a window's return, from its fill to the next; of one window the parts add up to it",
        (
            CELL,
            WINDOW,
            Column("part", "", "`atom`, `execution` (held else than ordered), `cash` (interest and yield)"),
            Column("atom", "", "Symbol_Logic_Direction; empty where the part is no atom's"),
            Column("symbol", "", "EXCHANGE:TICKER; empty where it is of no name"),
            Column("logic", "", "of the atom"),
            Column("direction", "", "`LONG` or `SHORT`"),
            Column("gross", AT_FILL, "weight x sign x gate of the asset, before opposite atoms cancel"),
            *(Column(kind, AT_FILL, "its share of that cost; below 0 where received") for kind in COST_KINDS),
            Column("net", AT_FILL, "gross less all costs"),
            Column("level", "1 at start", "equity at the window's fill; net x level add up to the total return"),
        ),
    ),
    "friction": Table(
        "run.friction(cell=None)",
        "a book of the friction audit: the same weights under other terms (headline; of baselines the ladder)",
        (
            CELL,
            Column("group", "", "`as_is`, `slippage`, `stress`, `lag`, `convention`, `nav`"),
            Column("value", "", "its place in the group"),
            Column("slippage_bps", "bps", "of a fill"),
            Column("commission_bps", "bps", "of a fill"),
            Column("lag", "rows", "between decision and fill, beyond the convention"),
            Column("convention", "", "`next_open`, `next_close`, `same_close`"),
            Column("nav", "base currency", "equity at the start; null where it does not matter"),
            Column("impact", "", "k of the square-root law; 0 is none"),
            Column("rows", "rows", "returns measured; null where the book was not played"),
            Column("total_return", FRACTION, "growth from first to last"),
            Column("cagr", "fraction per year", "compound growth; null below 60 days"),
            Column("log_growth", "per year", "logarithm of the growth; null at ruin"),
            Column("sharpe", "per year", "Sharpe ratio over the risk-free rate, annualised"),
            Column("sharpe_se", "per year", "its standard error"),
            Column("max_drawdown", FRACTION, "deepest fall from a peak, at most 0"),
            Column("turnover", "of equity per year", "one-way"),
            Column("traded", "of equity per year", "two-way"),
            Column("cost", "of equity per year", "all costs"),
            Column("difference", "fraction per year", "compound growth less that of the book as it is, on common rows"),
            Column("mean_difference", "fraction per year", "of arithmetic means; of other timing only"),
            Column("mean_difference_se", "fraction per year", "its standard error"),
            Column("low", "fraction per year", "its interval at 95 %"),
            Column("high", "fraction per year", "its interval at 95 %"),
            Column("status", "", "`played`, `liquidated`; null where it was not played"),
            Column("why", "", "why it was not played"),
        ),
    ),
    "events": Table(
        "run.events(cell=None)",
        "something that nobody ordered, or an order that could not be filled",
        (
            CELL,
            TIME,
            Column("symbol", "", "empty where the whole book is meant"),
            Column(
                "kind", "", "`closed_out`, `collateral_lost`, `margin_call`, `unfilled`, `partly_filled`, `liquidated`"
            ),
            Column("value", OF_EQUITY, "signed value at the price used"),
        ),
    ),
    "ledger": Table(
        "run.ledger(kind=None, chain=None)",
        "a record",
        (
            Column("n", "line", "in `audit.jsonl`, from 1"),
            Column("chain", "", "`run`, the key of a cell, or `selection/...`"),
            Column("seq", "", "number in its chain, from 1"),
            Column("at", STAMP, "when it was recorded, with its zone"),
            Column("stage", "", "of the sixteen"),
            Column("pillar", "", "1 selection, 2 synthesis, 3 allocation; null for others"),
            Column("kind", "", "`genesis`, `plan`, `intent`, `outcome`, `selection`, `snapshot`, `seal` ..."),
            Column("previous", "", "digest of the record before it in its chain"),
            Column("digest", "", "SHA-256 of the record"),
            Column("inputs", "", "JSON: name -> digest"),
            Column("outputs", "", "JSON: name -> digest"),
            Column("metrics", "", "JSON: scalars"),
            Column("data", "", "JSON: the payload"),
        ),
    ),
}


def page() -> str:
    """Return the page of all tables as Markdown."""
    lines = [
        "# Result tables", "",
        "Frames of a run (`run = ws.run(...)`, see [Python](python.md)), all polars. Written by `make docs`;",
        "a test holds them equal to what a run gives. Times have no zone unless said; weights, returns and costs are",
        "fractions. `cell` is a key of `run.metrics`: nothing is the headline's, `\"*\"` all (but in `weights`,",
        "`candidates`, which are of one cell).",
    ]  # fmt: skip
    lines += _described(TABLES)
    lines += [
        "", "`metrics` has more columns where a run has them: `cost_funding`, `cost_cash_yield`, `cost_impact`,",
        "`collateral_lost`, `margin_call`, `partly_filled`, `assumed_funding` and `unassumed_*`. `return`, `traded`",
        "and `turnover` of a decision that was not filled are NaN.",
    ]  # fmt: skip
    lines += [
        "", "# Of a meta-portfolio", "",
        "Frames that the run of a [meta-portfolio](meta.md) has beside these (`meta = ws.find(RUN)`). Its accounts are",
        "read as above: `meta.metrics`, `.returns`, `.equity`, `.weights`, `.trades` and the like.",
    ]  # fmt: skip
    return "\n".join([*lines, *_described(META_TABLES)]) + "\n"


def _described(tables: Mapping[str, Table]) -> list[str]:
    lines = []
    for name, table in tables.items():
        lines += ["", f"## {name}", "", f"`{table.call}`: a row is {table.row}.", ""]
        lines += ["| column | unit | meaning |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {one.unit or '-'} | {one.meaning} |" for one in table.columns]
    return lines
