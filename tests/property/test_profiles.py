"""Profiles under generated values: written down and read back they are the same, however they were layered."""

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tvquant.app.vocabulary import vocabulary
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles import Vocabulary, dump, from_manifest, load, resolve, to_manifest
from tvquant.profiles.files import Layer, RawProfile, parse_value
from tvquant.selection import VETOES

RISK_PROFILES = ("equal_weight", "hrp", "min_variance", "risk_parity")
WORDS = Vocabulary(
    selection_models=frozenset({"baseline", "v4"}),
    engines={"custom": frozenset(RISK_PROFILES)},
    risk_profiles=frozenset(RISK_PROFILES),
    covariances=frozenset({"exponential", "ledoit_wolf"}),
    means=frozenset({"shrunk", "zero"}),
    simulators=frozenset({"custom"}),
    features=frozenset({"value_traded_last", "recommend_ma"}),
    logics=frozenset({"hold", "rating_ma", "trend"}),
    vetoes=frozenset(VETOES),
    options=vocabulary().options,
)
BASE = load("us_equities")


def subset(values: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, min_size=least)


FILTERS = st.lists(
    st.tuples(st.sampled_from(sorted(WORDS.features)), st.sampled_from(["above", "below"])), unique=True, max_size=3
)


@st.composite
def scanners(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Whole definitions, such as a resolved profile holds."""
    made = []
    for name in draw(st.lists(st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True), unique=True, max_size=3)):
        filters = [{"field": field, sense: draw(st.floats(-1e9, 1e9))} for field, sense in draw(FILTERS)]
        cut = draw(st.integers(0, len(filters)))
        made.append(
            {
                "name": name,
                "exchange": draw(st.sampled_from([None, "BINANCE"])),
                "kinds": draw(subset(tuple(Kind))),
                "exclude_kinds": draw(subset(tuple(Kind))),
                "currency": draw(st.sampled_from([None, "USD"])),
                "logic": draw(st.sampled_from(sorted(WORDS.logics))),
                "direction": draw(st.sampled_from(["LONG", "SHORT"])),
                "pool": filters[:cut],
                "signal": filters[cut:],
            }
        )
    return made


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """Dotted keys with values that satisfy the schema and its rules."""
    kinds = draw(subset(tuple(Kind), least=1))
    train, step = draw(st.integers(2, 500)), draw(st.integers(1, 300))
    named = draw(subset(RISK_PROFILES, least=1))
    fraction = st.floats(0, 1, exclude_max=True)
    symbols = st.lists(st.from_regex(r"[A-Z]{1,8}:[A-Z0-9._!&-]{1,12}", fullmatch=True), unique=True)
    return {
        "universe.kinds": kinds,
        "universe.exclude_kinds": [kind for kind in draw(subset(tuple(Kind))) if kind not in kinds],
        "universe.symbols": draw(st.none() | symbols.filter(bool)),
        "universe.scanners": draw(scanners()),
        "universe.membership": draw(st.sampled_from(["current", "dated"])),
        "data.span": draw(st.just("all") | st.integers(train + 1, 10**6)),
        "data.lookback": draw(st.integers(train, 10**6)),
        "data.max_missing": draw(fraction),
        "windows.train": train,
        "windows.step": step,
        "windows.test": draw(st.none() | st.integers(step, 10**6)),
        "allocation.profiles": named,
        "allocation.limits.net": sorted(draw(st.tuples(st.floats(-9, 9), st.floats(-9, 9)))),
        "risk.primary": draw(st.sampled_from(named)),
        "risk.anchors": draw(subset(tuple(named))),
        "execution.convention": draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        "costs.borrow_rate": draw(fraction),
        "benchmark.market": draw(symbols),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "description": draw(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=99)),
    }


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, last = key.split(".")
        at = out
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = value
    return out


def layered(*parts: dict[str, Any]) -> RawProfile:
    layers = tuple(Layer(label=f"layer {i}", values=nested(part)) for i, part in enumerate(parts))
    return RawProfile(name="p", layers=(*BASE.layers, *layers))


@given(flat=values())
@settings(max_examples=settings().max_examples // 2, deadline=None)
def test_manifest_and_dump_are_exact_inverses(flat: dict[str, Any]) -> None:
    resolved = resolve(layered(flat), WORDS)
    assert from_manifest(json.loads(json.dumps(to_manifest(resolved)))) == resolved
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.yaml")
        path.write_text(dump(resolved), encoding="utf-8")
        again = resolve(load(path), WORDS)
    assert again.profile == resolved.profile
    assert again.digest == resolved.digest


@given(flat=values(), data=st.data())
@settings(max_examples=settings().max_examples // 2, deadline=None)
def test_digest_knows_neither_key_order_nor_layers(flat: dict[str, Any], data: st.DataObject) -> None:
    whole = resolve(layered(flat), WORDS)
    order = data.draw(st.permutations(list(flat)))
    cut = data.draw(st.integers(0, len(order)))
    low, high = ({key: flat[key] for key in part} for part in (order[:cut], order[cut:]))
    overridden = {**low, **dict.fromkeys(order[cut:], "overridden")}
    split = resolve(layered(overridden, high), WORDS)
    assert split.profile == whole.profile
    assert split.digest == whole.digest
    assert all(split.layers[key] == "layer 1" for key in high if flat[key] is not None or key != "windows.test")


@given(text=st.text(max_size=60) | st.text("[]{}&*!:-#'\"|>%@` \n\t0a,?", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_plain_value_or_one_clear_line(text: str) -> None:
    value, said = None, ""
    try:
        value = parse_value(text, "environment X")
    except ProfileError as error:
        said = str(error)
    assert said.startswith("environment X") if said else (value == yaml.safe_load(text) or value != value)
    assert "\n" not in said
