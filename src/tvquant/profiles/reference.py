"""The reference of keys: what may stand in a profile or a scanner file, read off the schema and its docstrings.

Types, ranges and choices are those that validation applies, taken from the JSON schema of the model that declares a
key; choices of members are the vocabulary's. Units and examples stand here, as the schema has none.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tvquant.core.errors import ProfileError
from tvquant.profiles.files import packaged_defaults, packaged_meta_defaults
from tvquant.profiles.keys import meaning
from tvquant.profiles.messages import unknown
from tvquant.profiles.meta_vocabulary import named
from tvquant.profiles.options import defaults_of
from tvquant.profiles.scanners import ScannerFile
from tvquant.profiles.vocabulary import Vocabulary

REQUIRED = "required"
"""Stands for the default of a key that every profile must set."""
NAMES: Mapping[str, str] = {
    "scanners": "names of scanners",
    "strategies": "mapping of a strategy to names of scanners",
    "net": "pair of numbers [lowest, highest]",
    "names": "mapping of a symbol to a number, or to [least, most]",
    "groups": "mapping of a name to its symbols and their max",
    "market": "list of symbols, or mapping of a symbol (or cash) to its weight",
    "challengers": "mapping of a name to keys of selection",
    "selections": "mapping of a name to keys of selection",
    "grid.costs": "mapping of a name to keys of costs",
    "fixed.weights": "mapping of a symbol to its weight, the same by date, or the name of a file",
    "filters": "list of filters",
    "largest": "mapping of field and count",
    "sleeves": "mapping of a name to profile and run",
    "bounds": "pair of numbers [least, most]",
    "mixes": "mapping of a name to the weights of sleeves",
    "providers": "mapping of an exchange, or EXCHANGE/kind, to the name of a provider, or to its name and options",
}
"""Keys whose type says more in words than the schema does."""
UNITS: Mapping[str, str] = {
    **dict.fromkeys(("lookback", "min_history", "rating_min_bars"), "bars"),
    **dict.fromkeys(("skip", "averages", "mean", "entry", "exit", "bars"), "bars"),
    "width": "standard deviations",
    **dict.fromkeys(
        ("span", "train", "step", "test", "lag", "halt_limit", "cluster_lookbacks", "block", "half_life", "horizon"),
        "rows (one bar each)",
    ),
    **dict.fromkeys(
        ("gross", "net", "position", "cluster", "long", "short", "names", "groups", "fixed.weights"),
        "fraction of equity",
    ),
    "tolerances": "beta of the book, per unit of equity",
    **dict.fromkeys(("quiet", "normal", "turbulent", "crisis"), "fraction of equity"),
    **dict.fromkeys(("max_missing", "quorum", "null_share", "min_survival", "delisting_haircut"), "fraction"),
    **dict.fromkeys(("band", "buffer"), "fraction of equity"),
    **dict.fromkeys(("partial", "maker_share", "maintenance_margin", "participation"), "fraction"),
    "nav": "base currency",
    "impact": "multiple of volatility",
    "tiers": "base currency and basis points",
    **dict.fromkeys(("min_roc", "max_roc", "max_volatility_d"), "percent"),
    **dict.fromkeys(("borrow_rate", "borrow_rates", "cash_yield", "risk_free", "hurdle"), "fraction per year"),
    **dict.fromkeys(("expansion", "inflationary_trend", "stagnation", "l2.normal", "l2.crisis"), "mean variances"),
    "level": "share of rows",
    "reference": "multiple of a weight",
    "risk_aversion": "costs per half a unit of variance",
    "limits.turnover": "fraction of equity",
    "margin": "Sharpe ratio, or fraction per year",
    **dict.fromkeys(("sharpe", "annual_return", "turnover", "parity.costs"), "fraction"),
    "near_zero": "Sharpe ratio",
    "confidence": "probability",
    "impact_notional": "USD",
    "min_momentum": "simple return of 60 rows",
    "oscillator_weight": "exponent in the product",
    "max_abs_return": "simple return of one bar (5 is 500 %)",
    "max_volatility": "fraction per year",
    "max_kurtosis": "excess kurtosis",
    "rating_band": "rating, from 0 to 1",
    "cluster_distance": "sqrt((1 - correlation) / 2)",
    **dict.fromkeys(("slippage_bps", "commission_bps", "equity_bps", "holdings_bps"), "basis points"),
    **dict.fromkeys(("max_atoms", "top_n", "min_winners", "max_winners", "max_clusters", "windows"), "count"),
    **dict.fromkeys(("factors", "aggressors", "phases"), "count"),
    "first_stage": "number of the stage",
    "solved": "share of optimisations",
    "dropped": "share of rows",
    "mirror": "correlation, without its sign",
    **dict.fromkeys(("bounds", "mixes"), "fraction of equity"),
    "clusters.distance": "sqrt((1 - correlation) / 2)",
    "clusters.max": "count",
    "lookbacks": "rows (one bar each)",
}
"""Last part of a key that takes numbers, or the last two where sections share it -> their unit."""
EXAMPLES: Mapping[str, Any] = {
    "description": "Ten shares that I know, weighed every month.",
    "universe.kinds": ["stock", "etf"],
    "universe.exclude_kinds": ["leveraged_token"],
    "universe.symbols": ["NASDAQ:AAPL", "NASDAQ:MSFT", "AMEX:SPY"],
    "universe.exclude_symbols": ["NASDAQ:TSLA"],
    "universe.rating_band": 0.2,
    "universe.scanners": ["sp500_trend"],
    "universe.strategies": {"trend": ["sp500_trend"]},
    "data.span": 500,
    "data.start": "2020-01-01",
    "data.end": "2024-06-28",
    "data.rating_adx": "cross",
    "data.providers": {"NASDAQ": {"name": "files", "path": "prices", "basis": "split"}},
    "windows.test": 20,
    "allocation.profiles": ["hrp", "equal_weight"],
    "allocation.limits.names": {"NASDAQ:AAPL": [0.05, 0.1]},
    "allocation.limits.groups": {"chips": {"symbols": ["NASDAQ:NVDA", "NASDAQ:AVGO"], "max": 0.3}},
    "allocation.covariance.factors": 3,
    "allocation.fixed.weights": {"AMEX:SPY": 0.2, "NASDAQ:TLT": 0.2},
    "selection.hurdle": 0.02,
    "selection.unborrowable": ["NYSE:GME"],
    "selection.min_momentum": 0.05,
    "selection.dominant_signal": "rating_ma",
    "selection.ranking": "both",
    "risk.primary": "hrp",
    "risk.anchors": ["equal_weight"],
    "challengers": {"v3.4": {"model": "v3.4"}},
    "grid.selections": {"v3.4": {"model": "v3.4"}},
    "grid.costs": {"stressed": {"slippage_bps": 15.0}},
    "grid.train": [120, 252],
    "grid.test": [20],
    "grid.step": [5, "month_end"],
    "grid.starts": ["2019-01-01", "2020-01-01"],
    "promotion.statistic": "sharpe_difference",
    "promotion.margin": 0.2,
    "promotion.windows": 36,
    "benchmark.market": ["AMEX:SPY"],
    "benchmark.risk_free": 0.02,
    "meta.description": "Long and short sleeves of one rating.",
    "meta.sleeves": {"long": {"profile": "binance_spot_rating_all_long", "run": None}},
    "meta.join.span": 500,
    "meta.gates.exceptions": ["windows.step"],
    "meta.allocation.fallbacks": ["equal_weight"],
    "meta.allocation.mixes": {"cautious": {"long": 0.3}},
    "meta.allocation.covariance.factors": 3,
    "meta.benchmark.market": ["AMEX:SPY"],
    "meta.benchmark.risk_free": 0.02,
    "scanner.template": "us_session",
    "scanner.strategy": "trend",
    "scanner.exchange": "BINANCE",
    "scanner.kinds": ["stock"],
    "scanner.exclude_kinds": ["stablecoin"],
    "scanner.currency": "USD",
    "scanner.calendar": "XNYS",
    "scanner.quotes": ["USDT", "USDC"],
    "scanner.members": "sp500",
    "scanner.largest": {"field": "value_traded_last", "count": 100},
    "scanner.logic": "trend",
    "scanner.direction": "LONG",
    "scanner.filters": [{"field": "rsi_14", "below": 70}],
    "scanner.description": "Members of the S&P 500 in an upward trend.",
}
"""Key -> a value that it may have, where the default is none that shows how it is written."""
OF_THE_GRID = ("risk.primary", "risk.anchors")
"""Keys that name some of allocation.profiles."""
SCANNER = "scanner"
META = "meta"
"""Stand before keys that are none of a profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """One key: its dotted name, type, default, unit, range, choices, meaning, and a value as an example.

    `default` is a plain value, or `REQUIRED`; `unit` and `range` are empty where there is none.
    """

    key: str
    type: str
    default: Any
    unit: str
    range: str
    choices: tuple[str, ...]
    meaning: str
    example: Any

    @property
    def sort(self) -> str:
        """What may stand there: type, unit, range and choices, those that there are."""
        return "; ".join(part for part in (self.type, self.unit, self.range, ", ".join(self.choices)) if part)

    @property
    def shown_default(self) -> str:
        """The default as it is written in a file; nothing where it is an empty text."""
        return REQUIRED if self.default == REQUIRED else written(self.default)

    @property
    def line(self) -> str:
        """The example as it is written in a file: the last part of the key and the value."""
        return f"{self.key.rpartition('.')[2]}: {written(self.example)}"


def written(value: Any) -> str:
    """Return a plain value as YAML writes it on one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def profile_keys(vocabulary: Vocabulary) -> tuple[KeyReference, ...]:
    """Return every key that a profile may set, in the order of the schema."""
    defaults = {"description": ""} | _flat(packaged_defaults().values) | _flat(vocabulary.option_defaults())
    declared = vocabulary.keys.declared
    members = {key: names for key, (_, names) in vocabulary.named.items()}
    members |= dict.fromkeys(OF_THE_GRID, vocabulary.risk_profiles)
    return tuple(_reference(key, model, defaults.get(key, REQUIRED), members) for key, model in declared.items())


def meta_keys(vocabulary: Vocabulary) -> tuple[KeyReference, ...]:
    """Return every key that a meta-profile may set, in the order of its schema, each below `meta.`."""
    defaults = (
        {"description": ""} | _flat(packaged_meta_defaults().values) | _flat(defaults_of(vocabulary.meta_options))
    )
    members = {f"{META}.{key}": names for key, (_, names) in named(vocabulary).items()}
    return tuple(
        _reference(f"{META}.{key}", model, defaults.get(key, REQUIRED), members)
        for key, model in vocabulary.meta_keys.declared.items()
    )


def scanner_keys() -> tuple[KeyReference, ...]:
    """Return every key that a scanner file may set, each below `scanner.`."""
    fields = ScannerFile.model_construct().model_dump(mode="json")
    return tuple(_reference(f"{SCANNER}.{name}", ScannerFile, value, {}) for name, value in fields.items())


def among(every: tuple[KeyReference, ...], chosen: str | None) -> tuple[KeyReference, ...]:
    """Return the keys of a section, or one key; all where none is chosen.

    Raises
    ------
    ProfileError : there is no such section or key; with the nearest.
    """
    found = tuple(one for one in every if chosen is None or one.key == chosen or one.key.startswith(f"{chosen}."))
    if not found:
        raise ProfileError(unknown("section or key", chosen, {one.key.partition(".")[0] for one in every}))
    return found


def _flat(values: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return values by dotted key; a mapping without entries is a value."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        out |= _flat(value, f"{place}{name}.") if isinstance(value, Mapping) and value else {f"{place}{name}": value}
    return out


def _reference(key: str, model: type[BaseModel], default: Any, named: Mapping[str, Collection[str]]) -> KeyReference:
    name = key.rpartition(".")[2]
    pair = ".".join(key.split(".")[-2:])
    word = pair if pair in NAMES or pair in UNITS else name
    whole = model.model_json_schema()
    schema = _resolved(whole["properties"][name], whole.get("$defs", {}))
    members = named.get(key, ())
    choices = tuple(sorted(members)) or tuple(_choices(schema))
    return KeyReference(
        key=key,
        type=NAMES.get(word) or _type(schema, choices, default),
        default=default,
        unit="" if members else UNITS.get(word, ""),  # a regime has a figure in one section, a name in another
        range=", ".join(_ranges(schema)),
        choices=choices,
        meaning=meaning(model, name),
        example=EXAMPLES.get(key, default),
    )


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without references: what stands beside a reference comes on top of what it refers to."""
    out = {name: value for name, value in schema.items() if name != "$ref"}
    if "$ref" in schema:
        out = _resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions) | out
    if isinstance(out.get("items"), Mapping):
        out["items"] = _resolved(out["items"], definitions)
    if isinstance(out.get("additionalProperties"), Mapping):
        out["additionalProperties"] = _resolved(out["additionalProperties"], definitions)
    for name in ("anyOf", "prefixItems"):
        if name in out:
            out[name] = [_resolved(one, definitions) for one in out[name]]
    return out


WORDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "string": "text",
    "date": "date",
}
PLURAL = {"whole number": "whole numbers", "number": "numbers", "text": "text", "choice": "choices"}
"""A type of JSON schema in words, and the words for many of it."""


def _type(schema: Mapping[str, Any], choices: tuple[str, ...], default: Any) -> str:
    """Return the type in words; null is one where it is the default, which stands for another key's value."""
    found = [*_types(schema), *(["null"] if default is None else [])]
    words = " or ".join(dict.fromkeys(found))
    return words.replace("list of text", "list of choices").replace("text", "choice") if choices else words


def _types(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types that a value may have, in words."""
    for one in schema.get("anyOf", (schema,)):
        kind = one.get("type")
        if kind == "array" and "prefixItems" in one["items"]:
            yield _mapping({"additionalProperties": one["items"]["prefixItems"][1]})  # pairs of a name and a value
        elif kind == "array":
            item = next(_types(one["items"]))
            yield f"list of {PLURAL.get(item) or item.replace('mapping', 'mappings', 1)}"
        elif "const" in one:
            yield f"`{one['const']}`"
        else:
            yield "choice" if "enum" in one else _mapping(one) if kind == "object" else WORDS[one.get("format", kind)]


def _mapping(schema: Mapping[str, Any]) -> str:
    """Return a mapping in words: by its own keys where it has some, else by what it maps to."""
    if "properties" in schema:
        return f"mapping with {', '.join(schema['properties'])}"
    return f"mapping of names to {PLURAL[next(_types(schema['additionalProperties']))]}"


def _choices(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the only values that it may have, or that the items of a list may have."""
    for one in schema.get("anyOf", (schema,)):
        yield from map(str, one.get("enum", one.get("items", {}).get("enum", ())))


BOUNDS = {
    "minimum": "at least", "ge": "at least", "exclusiveMinimum": "above", "gt": "above",
    "maximum": "at most", "le": "at most", "exclusiveMaximum": "below", "lt": "below",
}  # fmt: skip
"""Keyword of a bound -> what it says of a value."""


def _ranges(schema: Mapping[str, Any], each: str = "") -> Iterator[str]:
    """Yield the bounds of a value, or of each item of a list."""
    for one in schema.get("anyOf", (schema,)):
        for keyword, words in BOUNDS.items():
            if keyword in one:
                yield f"{each}{words} {one[keyword]:,}".replace(",", "_" if one[keyword] >= 10**6 else "")
        if one.get("minLength", one.get("minItems")) == 1:
            yield "not empty"
        if "items" in one:
            yield from _ranges(one["items"], "each ")
