"""What one scanner says, step by step."""

from typing import Any

import numpy as np
import pytest

from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.profiles.scanners import Scanner, load_scanner
from tvquant.universe import Screen

DAY = np.datetime64("2022-03-03", "us")
TRADED = "value_traded_last"


def coins(*names: str, kind: Kind = Kind.SPOT) -> list[Instrument]:
    return [Instrument(symbol=f"BINANCE:{n}", kinds=frozenset({kind}), currency="USD", calendar="24x7") for n in names]


def known(instruments: list[Instrument], **rows: list[float]) -> FeatureSet:
    return FeatureSet(
        names=tuple(rows), keys=tuple(one.key for one in instruments), values=np.array(list(rows.values())),
        known_at=DAY,
    )  # fmt: skip


def scanner(**changes: Any) -> Scanner:
    base = load_scanner("crypto_24x7").model_dump(mode="json")
    return Scanner.model_validate(base | {"name": "s", "exclude_kinds": [], "kinds": ["spot"]} | changes)


def reasons(made: Scanner, instruments: list[Instrument], features: FeatureSet, day: Any = DAY) -> list[str]:
    return Screen(made, instruments).ask(np.arange(len(instruments)), day, features).reasons()


@pytest.mark.requirement("R-UNI-07")
def test_the_ceiling_keeps_the_most_traded_and_names_the_rest() -> None:
    found = coins("AUSDT", "BUSDT", "CUSDT", "DUSDT")
    made = scanner(largest={"field": TRADED, "count": 2})
    features = known(found, value_traded_last=[1.0, 3.0, np.nan, 2.0])
    cut = f"s: largest 2 by {TRADED}"
    assert reasons(made, found, features) == [cut, "", f"{cut} is unknown", ""]


@pytest.mark.requirement("R-UNI-07")
def test_spot_and_perpetuals_have_a_ceiling_each() -> None:
    found = coins("AUSDT", "BUSDT") + coins("AUSDT.P", "BUSDT.P", kind=Kind.SWAP)
    made = scanner(kinds=["spot", "swap"], largest={"field": TRADED, "count": 1})
    features = known(found, value_traded_last=[1.0, 2.0, 30.0, 20.0])
    assert [not why for why in reasons(made, found, features)] == [False, True, True, False]


@pytest.mark.requirement("R-UNI-07")
def test_what_structure_excludes_takes_no_place_under_the_ceiling() -> None:
    found = coins("AUSDT", "BUSDT")
    stable = Instrument(
        symbol="BINANCE:USDCUSDT", kinds=frozenset({Kind.SPOT, Kind.STABLECOIN}), currency="USD", calendar="24x7"
    )
    made = scanner(exclude_kinds=["stablecoin"], largest={"field": TRADED, "count": 2})
    features = known([*found, stable], value_traded_last=[1.0, 2.0, 900.0])
    assert reasons(made, [*found, stable], features) == ["", "", "kind:stablecoin"]


@pytest.mark.requirement("R-UNI-03")
def test_members_are_those_of_the_day() -> None:
    found = coins("A", "B")
    members = {
        "list": "two", "as_of": "2023-01-01", "source": "s", "licence": "l", "dated": True,
        "names": ["A 2020-01-01/2021-12-31", "B 2022-03-03/"],
    }  # fmt: skip
    made, features = scanner(members=members), known(found, value_traded_last=[1.0, 1.0])
    assert reasons(made, found, features) == ["s: members", ""]
    assert reasons(made, found, features, np.datetime64("2021-12-31", "us")) == ["", "s: members"]


@pytest.mark.requirement("R-UNI-16")
def test_any_of_two_comparisons_is_enough_and_bounds_are_strict_or_not() -> None:
    found = coins("A", "B", "C", "D", "E")
    either = {"any": [{"field": "rsi_14", "below": 30.0}, {"field": "bollinger_b_20", "at_most": 0.0}]}
    features = known(found, rsi_14=[30.0, 29.0, 50.0, np.nan, np.nan], bollinger_b_20=[0.1, 0.5, 0.0, -1.0, np.nan])
    why = "s: rsi_14 or bollinger_b_20"
    assert reasons(scanner(signal=[either]), found, features) == [why, "", "", "", f"{why} is unknown"]


def test_the_pool_is_what_the_signal_starts_from() -> None:
    found = coins("A", "B", "C")
    made = scanner(pool=[{"field": TRADED, "above": 1.0}], signal=[{"field": "recommend_all", "above": 0.1}])
    features = known(found, value_traded_last=[2.0, 2.0, 1.0], recommend_all=[0.2, 0.1, 0.9])
    answer = Screen(made, found).ask(np.arange(3), DAY, features)
    assert answer.pooled.tolist() == [True, True, False]
    assert answer.recruited.tolist() == [True, False, False]


@pytest.mark.requirement("R-UNI-22")
def test_hygiene_goes_by_the_kinds_that_were_known_that_day() -> None:
    """A swap told on the third day to be on a metal, and a coin that had lost its peg by then."""
    told, lost = DAY + np.timedelta64(2, "D"), DAY
    metal = Instrument(
        symbol="BINANCE:GOLDUSDT.P", kinds=frozenset({Kind.SWAP}), currency="USD", calendar="24x7",
        facts=(Fact(field="tradfi", value=1.0, known_at=told),),
    )  # fmt: skip
    coin = Instrument(
        symbol="BINANCE:FRAXUSDT.P", kinds=frozenset({Kind.SWAP, Kind.STABLECOIN}), currency="USD", calendar="24x7",
        facts=(Fact(field="unpegged_at", value=lost, known_at=told),),
    )  # fmt: skip
    share = Instrument(
        symbol="BINANCE:METAUSDT.P", kinds=frozenset({Kind.SWAP, Kind.TRADFI}), currency="USD", calendar="24x7",
        facts=(Fact(field="tradfi", value=0.0, known_at=told),),
    )  # fmt: skip
    found = [metal, coin, share]
    made = scanner(exclude_kinds=["stablecoin", "tradfi"], kinds=["swap"])
    screen = Screen(made, found)
    for late, expected in ((0, ["", "kind:stablecoin", "kind:tradfi"]), (1, ["kind:tradfi", "", ""])):
        at = told - np.timedelta64(1 - late, "us")
        features = FeatureSet(names=(), keys=tuple(one.key for one in found), values=np.empty((0, 3)), known_at=at)
        assert screen.ask(np.arange(3), DAY, features).reasons() == expected
