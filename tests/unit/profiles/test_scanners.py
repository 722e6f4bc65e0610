from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tvquant.core.atoms import Direction
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles.scanners import Filter, Largest, Scanner, load_scanner

type Write = Callable[..., Path]

HYGIENE = (Kind.STABLECOIN, Kind.FIAT, Kind.LEVERAGED_TOKEN, Kind.TRADFI)
FLOOR = Filter(field="value_traded_last", above=20e6)


@pytest.fixture
def scanner(folder: Path, write: Write) -> Callable[..., Scanner]:
    """The last of some scanner files, given as name -> text."""

    def scanner(**files: str) -> Scanner:
        for name, body in files.items():
            write(name, body, below="scanners")
        return load_scanner([*files][-1], search=[folder])

    return scanner


@pytest.mark.requirement("R-UNI-01")
@pytest.mark.requirement("R-UNI-05")
@pytest.mark.parametrize(
    ("name", "logic", "direction", "signal"),
    [
        ("binance_spot_base", None, None, ()),
        ("binance_spot_rating_ma_long", "rating_ma", Direction.LONG, (Filter(field="recommend_ma", above=0.1),)),
        ("binance_spot_rating_ma_short", "rating_ma", Direction.SHORT, (Filter(field="recommend_ma", below=-0.1),)),
    ],
)
def test_presets_as_specified(
    name: str, logic: str | None, direction: Direction | None, signal: tuple[Filter, ...]
) -> None:
    assert load_scanner(name) == Scanner(
        name=name,
        exchange="BINANCE",
        kinds=(Kind.SPOT,),
        exclude_kinds=HYGIENE,
        currency="USD",
        calendar="24x7",
        quotes=("USDT", "USDC", "FDUSD", "USD"),
        members=None,
        largest=Largest(field="value_traded_last", count=200),
        research=False,
        logic=logic,
        direction=direction,
        pool=(FLOOR,),
        signal=signal,
    )


def test_hygiene_is_a_layer_of_its_own() -> None:
    found = load_scanner("crypto_hygiene")
    assert (found.exclude_kinds, found.filters, found.exchange, found.kinds) == (HYGIENE, (), None, ())


@pytest.mark.requirement("R-UNI-02")
@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("", [("a", "above", 1.0), ("b", "below", 2.0)]),
        ("filters: [{field: a, above: 9}]", [("a", "above", 9.0), ("b", "below", 2.0)]),
        ("filters: [{field: b, below: 9}]", [("a", "above", 1.0), ("b", "below", 9.0)]),
        ("filters: [{field: a, below: 9}]", [("a", "above", 1.0), ("b", "below", 2.0), ("a", "below", 9.0)]),
        ("filters: [{field: c, above: 9}]", [("a", "above", 1.0), ("b", "below", 2.0), ("c", "above", 9.0)]),
    ],
)
def test_a_filter_replaces_by_field_and_sense_or_is_appended(
    scanner: Callable[..., Scanner], child: str, expected: list[tuple[str, str, float]]
) -> None:
    found = scanner(
        base="layer: universe\nfilters: [{field: a, above: 1}, {field: b, below: 2}]\n",
        child=f"layer: universe\nextends: base\n{child}\n",
    )
    said = [(*each.sense, each.above if each.below is None else each.below) for each in found.pool]
    assert (said, found.signal) == (expected, ())


@pytest.mark.requirement("R-UNI-02")
def test_values_of_a_child_replace_those_of_its_parent(scanner: Callable[..., Scanner]) -> None:
    found = scanner(
        base="exchange: BINANCE\ncurrency: USD\nkinds: [spot]\nexclude_kinds: [fiat]\nlogic: hold\ndirection: LONG\n",
        child="extends: base\nexchange: null\nkinds: [swap]\nexclude_kinds: [stablecoin]\ndirection: SHORT\n",
    )
    assert (found.name, found.exchange, found.currency) == ("child", None, "USD")
    assert (found.kinds, found.exclude_kinds) == ((Kind.SWAP,), (Kind.STABLECOIN,))
    assert (found.logic, found.direction) == ("hold", Direction.SHORT)


def test_pool_is_what_universes_hygiene_and_templates_filter(scanner: Callable[..., Scanner]) -> None:
    found = scanner(
        base="layer: universe\nfilters: [{field: a, above: 1}]\n",
        strategy="extends: base\nlogic: hold\nfilters: [{field: b, above: 2}]\n",
        entry="extends: strategy\ndirection: LONG\nfilters: [{field: c, above: 3}, {field: a, above: 4}]\n",
    )
    assert found.pool == (Filter(field="a", above=4.0),), "a filter that is replaced stays where it stood"
    assert found.signal == (Filter(field="b", above=2.0), Filter(field="c", above=3.0))
    assert found.filters == found.pool + found.signal


def test_a_users_scanner_hides_a_preset_and_is_a_parent_of_its_own(scanner: Callable[..., Scanner]) -> None:
    found = scanner(
        binance_spot_base="exchange: BINANCE\n", mine="extends: binance_spot_rating_ma_long\ndescription: mine\n"
    )
    assert (found.exchange, found.pool, found.currency) == ("BINANCE", (), None)


@pytest.mark.requirement("R-UNI-02")
def test_a_circle_of_scanners_is_shown(scanner: Callable[..., Scanner]) -> None:
    with pytest.raises(ProfileError, match=r"scanner a \(scanners/a.yaml\), line 2: extends: circle b -> a -> b"):
        scanner(a="extends: b\n", b="extends: a\n")


def test_an_unknown_scanner_names_the_nearest(folder: Path) -> None:
    with pytest.raises(ProfileError, match=r"no scanner 'crypto_hygeine' - did you mean crypto_hygiene\? \(\d+ are "):
        load_scanner("crypto_hygeine", search=[folder])
    with pytest.raises(ProfileError, match=r"scanner name '\.\./x': expected 1 to 64"):
        load_scanner("../x")


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("logik: hold\n", 2, "unknown key 'logik' - did you mean logic?"),
        (
            "filters: [{field: a}]\n",
            2,
            "above, below, at_least, at_most, found none",
        ),
        (
            "filters: [{field: a, above: 1, below: 2}]\n",
            2,
            "one of above, below, at_least, at_most, found both",
        ),
        ("filters: [{field: a, above: .inf}]\n", 2, "filters.0.above: expected a finite number, found inf"),
        ("filters: [{field: a, above: .nan}]\n", 2, "filters.0.above: expected a finite number, found nan"),
        ("filters: [{field: a, above: '1'}]\n", 2, "filters.0.above: expected a valid number, found '1'"),
        ("filters: [{field: a, above: 1e-3}]\n", 2, "as in 1.0e-3"),
        ("filters: [{above: 1}]\n", 2, "filters.0.field: no value; set it"),
        ("filters: [{field: a, over: 1}]\n", 2, "filters.0: unknown key 'over'"),
        ("\nfilters: [{field: a, above: 1}, {field: a, above: 2}]\n", None, "filters a above more than once"),
        ("filters: null\n", 2, "filters: expected a list, found nothing (null)"),
        ("kinds: [spott]\n", 2, "kinds.0: unknown name 'spott' - did you mean spot?"),
        ("kinds: [spot, spot]\n", 2, "kinds: names 'spot' more than once"),
        ("direction: UP\n", 2, "direction: unknown name 'UP' (known: LONG, SHORT)"),
        ("exchange: 3\n", 2, "exchange: expected a valid string, found 3"),
    ],
)
def test_a_file_that_does_not_fit_names_line_and_key(
    scanner: Callable[..., Scanner], body: str, line: int | None, said: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        scanner(p=body)
    message = str(caught.value)
    assert message.startswith("scanner p (scanners/p.yaml)" + (f", line {line}: " if line else ": "))
    assert said in message
    assert message.isprintable()


@pytest.mark.requirement("R-UNI-15")
@pytest.mark.parametrize("field", ["adx", "roc", "volatility_d", "value_traded_mean"])
def test_a_rating_scanner_filters_liquidity_and_ratings_only(scanner: Callable[..., Scanner], field: str) -> None:
    body = f"extends: binance_spot_rating_ma_long\nfilters: [{{field: {field}, above: 1}}]\n"
    with pytest.raises(ProfileError, match=rf"scanner p has the logic rating_ma and filters {field}; a rating scanner"):
        scanner(p=body)
    pooled = f"extends: binance_spot_base\nfilters: [{{field: {field}, above: 1}}]\n"
    with pytest.raises(ProfileError, match=f"filters {field}; a rating scanner"):
        scanner(base=pooled, p="extends: base\nlogic: rating_all\ndirection: LONG\n")
    assert scanner(base=pooled, p="extends: base\nlogic: trend\ndirection: LONG\n").logic == "trend"


@pytest.mark.requirement("R-UNI-15")
def test_a_rating_scanner_may_filter_several_ratings(scanner: Callable[..., Scanner]) -> None:
    found = scanner(p="extends: binance_spot_rating_ma_long\nfilters: [{field: recommend_other, above: 0}]\n")
    assert [each.field for each in found.signal] == ["recommend_ma", "recommend_other"]


def test_a_definition_is_read_back_as_it_was_written() -> None:
    made = load_scanner("binance_spot_rating_ma_short")
    assert Scanner.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize("change", [{"pool": [{"field": "recommend_ma", "below": 0.0}]}, {"name": "A"}])
def test_a_definition_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    values = load_scanner("binance_spot_rating_ma_short").model_dump(mode="json")
    with pytest.raises(ValidationError):
        Scanner.model_validate(values | change)
