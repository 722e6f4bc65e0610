"""Every frame of a `MetaRun` that other runs do not have, as `tables` has those."""

from collections.abc import Mapping

from tvquant.api.table_columns import CELL, DECIDED, OF_EQUITY, TIME, Column, Table

PATH = Column("cell", "", "key of a way of weighing: a cell without its simulator")
SLEEVE = Column("sleeve", "", "its name in the meta-portfolio")
RISK_PROFILE = Column("risk_profile", "", "whose cells of the sleeves these are")

META_TABLES: Mapping[str, Table] = {
    "sleeves": Table(
        "meta.sleeves",
        "a sleeve",
        (
            SLEEVE,
            Column("profile", "", "that was played"),
            Column("run", "", "id of its run"),
            Column("result", "", "result digest of that run"),
            Column("calendar", "", "that its rows are of"),
            Column("periods_per_year", "rows per year", "of that calendar"),
            Column("health", "", "JSON: state of its data -> assets in it"),
        ),
    ),
    "gates": Table(
        "meta.gates",
        "a gate of the headline's sleeves",
        (
            Column("gate", "", "its name"),
            Column("sleeves", "", "list of those it judged"),
            Column("passed", "", "whether they did"),
            Column("finding", "", "whether failing it stops a promotion, and not the run"),
            Column("found", "", "JSON: what was found; null where there is no figure"),
            Column("limit", "", "JSON: what was asked for"),
            Column("why", "", "in words"),
        ),
    ),
    "streams": Table(
        "meta.streams()",
        "a sleeve at a date that all sleeves have",
        (SLEEVE, RISK_PROFILE, TIME, Column("level", "1 at the sleeve's start", "equity, net of its costs")),
    ),
    "shares": Table(
        "meta.shares(cell=None)",
        "a sleeve at a date at which sleeves are weighed",
        (
            PATH,
            DECIDED,
            SLEEVE,
            Column("share", OF_EQUITY, "that it is given; the rest to 1 is cash"),
            Column("status", "", "how the decision ended"),
        ),
    ),
    "tree": Table(
        "meta.tree(cell=None)",
        "an atom of a sleeve at a date at which the account is decided",
        (
            PATH,
            DECIDED,
            SLEEVE,
            Column("atom", "", "Symbol_Logic_Direction; of a nested sleeve SLEEVE/ATOM"),
            Column("symbol", "", "key of its instrument"),
            Column("share", OF_EQUITY, "of the sleeve then, as drifted, before limits"),
            Column("weight", OF_EQUITY, "what it adds to the net weight of the instrument, after limits"),
        ),
    ),
    "mix": Table(
        "meta.mix(cell=None)",
        "a date that all sleeves have",
        (PATH, TIME, Column("level", "1 at the first decision", "of the streams at the decided shares")),
    ),
    "gap": Table(
        "meta.gap(cell=None)",
        "a part of the way from the mix of streams to the account",
        (
            CELL,
            Column("part", "", "`mix`, `netting`, `costs`, `caps`, `timing`, `rest`; `account` is their sum"),
            Column("value", "total return", "of the part"),
        ),
    ),
    "correlations": Table(
        "meta.correlations()",
        "two sleeves",
        (
            RISK_PROFILE,
            Column("first", "", "a sleeve"),
            Column("second", "", "another one"),
            Column("rows", "rows", "returns that both have"),
            Column("correlation", "", "of these; null where one does not move"),
            Column("low", "", "its interval at 95 %"),
            Column("high", "", "its interval at 95 %"),
        ),
    ),
}
