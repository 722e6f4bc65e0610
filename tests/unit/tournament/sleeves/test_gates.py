"""Gates of sleeves: each by hand, and what becomes of a run by them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.held_sleeves import held_sleeve, moving_market
from builders.sleeves import BEGINNING, sleeve
from tvquant.core.atoms import Direction
from tvquant.core.sleeves import HeldAtom, Sleeve, SleeveDecision, Solves
from tvquant.tournament.sleeves.gates import Gate, Gated, GateRules, alike, directed, earned, gated, solved, survived

PANEL = moving_market(4, 90)
LIKE: dict[str, Any] = {"windows.step": 20, "execution.convention": "next_open"}
RULES = GateRules(solved=0.75, drop=False, exceptions=(), mirror=0.99)
DROP = replace(RULES, drop=True)


def one(name: str, **changed: Any) -> Sleeve:
    """Return a sleeve that passes: two coins short, from row 20 on."""
    return held_sleeve(name, PANEL, {20: {"X:N0 SHORT": 0.3, "X:N1 SHORT": 0.2}}, **{"conventions": LIKE} | changed)


def through(*sleeves: Sleeve, rules: GateRules = RULES, listed: tuple[str, ...] = ()) -> Gated:
    names = listed or tuple(some.name for some in sleeves)
    return gated(names, sleeves, dict.fromkeys(names, PANEL), rules)


def failed(found: Gated) -> list[tuple[str, tuple[str, ...]]]:
    return [(gate.name, gate.sleeves) for gate in found.gates if not gate.passed]


def test_sleeves_that_pass_are_kept_and_every_gate_is_on_record() -> None:
    found = through(one("a"), one("b"))
    assert ([some.name for some in found.kept], found.dropped, found.refusal) == (["a", "b"], (), None)
    assert [(gate.name, gate.sleeves) for gate in found.gates] == [
        *((name, (who,)) for who in "ab" for name in ("completeness", "solver", "direction", "survival", "sign")),
        ("conventions", ("a", "b")),
    ]
    assert found.gates[1].entry() == {
        "gate": "solver", "sleeves": ["a"], "passed": True, "found": 1.0, "limit": 0.75, "stops": "run",
        "why": "1 of 1 optimisations solved, 75 % asked for",
    }  # fmt: skip


@pytest.mark.requirement("R-META-04")
@pytest.mark.parametrize(("count", "asked", "passes"), [(3, 4, True), (2, 4, False), (0, 0, False), (74, 99, False)])
def test_three_of_four_solved_pass_and_no_record_fails(count: int, asked: int, passes: bool) -> None:
    bad = replace(one("a"), solves=Solves(solved=count, asked=asked))
    gate = solved(bad, 0.75)
    assert gate.passed is passes
    assert ("no optimisation is on record" in gate.why) == (asked == 0)
    found = through(bad, one("b"), one("c"))
    assert (found.refusal is None) is passes
    if not passes:
        assert found.refusal is not None
        assert found.refusal.startswith("a: ")
        left = through(bad, one("b"), one("c"), rules=DROP)
        assert ([some.name for some in left.kept], left.dropped, left.refusal) == (["b", "c"], ("a",), None)
        assert failed(left) == [("solver", ("a",))]


@pytest.mark.requirement("R-META-05")
def test_a_sleeve_that_is_missing_or_empty_ends_the_run_by_name() -> None:
    absent = gated(
        ("a", "gone"), [one("a")], {"a": PANEL}, RULES, absent={"gone": "its run 2024-x was ruined"}
    )  # fmt: skip
    assert absent.refusal is not None
    assert "gone: its run 2024-x was ruined. Mend" in absent.refusal
    assert "gone: it has no finished run" in str(through(one("a"), listed=("a", "gone")).refusal)
    for empty, why in (
        (sleeve("e", [1.0], decided=()), "it is empty: 0 returns, 0 decisions"),
        (sleeve("e", [], decided=()), "it is empty: 0 returns, 0 decisions"),
        (sleeve("e", [1.0, 1.1], decided=()), "it is empty: 1 returns, 0 decisions"),
    ):
        found = through(one("a"), empty)
        assert failed(found) == [("completeness", ("e",))]
        assert f"e: {why}" in str(found.refusal)


@pytest.mark.requirement("R-META-05")
def test_one_sleeve_alone_is_a_result_only_where_the_profile_lists_one() -> None:
    assert through(one("a")).refusal is None
    bad = replace(one("b"), solves=Solves(solved=0, asked=4))
    assert "a alone passes its gates" in str(through(one("a"), bad, rules=DROP).refusal)
    assert "no sleeve passes its gates: b: 0 of 4" in str(through(bad, rules=DROP).refusal)


def holding(*rows: tuple[HeldAtom, ...]) -> Sleeve:
    decisions = tuple(
        SleeveDecision(at=BEGINNING + np.timedelta64(k, "D"), atoms=atoms) for k, atoms in enumerate(rows)
    )
    return sleeve("s", [1.0, 1.0, 1.0], decisions=decisions)


@pytest.mark.requirement("R-META-06")
def test_a_short_is_turned_over_once_by_its_direction_alone() -> None:
    short = HeldAtom("X:A_t_SHORT", "X:A", Direction.SHORT, 0.4)
    right = directed(holding((short,), (), (short._replace(size=0.0),)))
    assert (right.passed, right.found) == (True, {"SHORT": 2})
    for wrong, why in (
        (short._replace(size=-0.4), "X:A_t_SHORT has size -0.4 on 2024-01-02: turned over by its direction and again"),
        (short._replace(size=float("nan")), "X:A_t_SHORT has size nan"),
        (short._replace(direction=Direction.LONG), "X:A_t_SHORT is LONG X:A on 2024-01-02, and was not before"),
        (short._replace(symbol="X:B"), "X:A_t_SHORT is SHORT X:B on 2024-01-02"),
    ):
        gate = directed(holding((short,), (wrong,)))
        assert not gate.passed
        assert gate.why.startswith(why)


@pytest.mark.requirement("R-META-06")
def test_a_stream_that_was_turned_over_twice_ends_the_run() -> None:
    twice = one("twice", turned=frozenset({"X:N0 SHORT", "X:N1 SHORT"}))
    found = through(one("a"), twice)
    assert failed(found) == [("sign", ("twice",))]
    assert "twice: its shorts earn -0.9" in str(found.refusal)
    assert "turned over twice, or not at all" in str(found.refusal)
    name = earned(one("n", turned=frozenset({"X:N1 SHORT"})), PANEL)
    assert not name.passed


def test_a_name_on_the_wrong_side_is_told_where_its_side_is_near_one() -> None:
    wide = moving_market(12, 260, common=0.1)
    held = {row: {f"X:N{j} SHORT": 0.08 for j in range(12)} for row in range(20, 260, 20)}
    assert earned(held_sleeve("s", wide, held), wide).passed
    gate = earned(held_sleeve("s", wide, held, turned=frozenset({"X:N5 SHORT"})), wide)
    assert not gate.passed
    assert "1 of its names earn the opposite of what it holds, X:N5 short -1.0" in gate.why


def test_half_of_what_was_decided_is_another_stream_unless_orders_may_lapse() -> None:
    mine = one("s")
    returns = mine.levels[1:] / mine.levels[:-1] - 1.0
    for share, passes in ((0.4, False), (0.6, True), (1.4, True), (1.6, False)):
        made = replace(mine, levels=np.cumprod(np.concatenate([[1.0], 1.0 + share * returns])))
        assert earned(made, PANEL).passed is passes
        lapsing = replace(made, conventions={"execution.participation": 0.1})
        assert earned(lapsing, PANEL).passed is (passes or share < 1.0)
    pursued = {"execution.partial": 0.5, "execution.rebalancing": "daily"}
    assert earned(replace(mine, conventions=pursued), PANEL).limit == [0.1, 1.5]
    assert earned(replace(mine, conventions={"execution.rebalancing": "daily"}), PANEL).limit == [0.5, 1.5]


def test_no_evidence_of_signs_is_none_but_cash_has_no_sign() -> None:
    few = moving_market(4, 35)
    gate = earned(held_sleeve("few", few, {20: {"X:N0 SHORT": 0.5}}), few)
    assert not gate.passed
    assert gate.why == "its shorts cannot be told from their opposite by the prices: too few rows, or no moves"
    cash = earned(held_sleeve("cash", PANEL, {20: {}}), PANEL)
    other = earned(one("a"), few)
    assert (other.passed, other.found, other.why[:34]) == (False, None, "sleeve a: there are no prices at 2")
    assert (cash.passed, cash.found, cash.why) == (True, {}, "it held nothing that could be turned")


def test_a_sleeve_that_is_ruined_before_the_others_end_does_not_pass() -> None:
    lost = sleeve("lost", [1.0, 0.5, 0.0, 0.0])
    day = BEGINNING + 2 * np.timedelta64(1, "D")
    assert [survived(lost, end).passed for end in (day - np.timedelta64(1, "D"), day, None)] == [True, False, False]
    assert survived(lost, day).why == "it lost everything on 2024-01-03"
    found = through(one("a"), lost)
    assert failed(found) == [("survival", ("lost",))]


@pytest.mark.requirement("R-META-15")
def test_what_sleeves_have_not_alike_is_listed_with_both_values() -> None:
    odd = one("c", conventions={**LIKE, "windows.step": 5, "costs.slippage_bps": 1.0})
    found = through(one("a"), one("b"), odd)
    assert failed(found) == [("conventions", ("c",)), ("conventions", ("c",))]
    whys = [gate.why for gate in found.gates if not gate.passed]
    assert whys == ["costs.slippage_bps is 1.0, that of a, b is '(not there)'", "windows.step is 5, that of a, b is 20"]
    assert (found.gates[-1].found, found.gates[-1].limit) == (5, 20)
    assert "name keys that may differ in gates.exceptions" in str(found.refusal)
    assert "gates.exceptions" not in str(through(one("a"), sleeve("lost", [1.0, 0.0, 0.0, 0.0])).refusal)
    declared = replace(RULES, exceptions=("windows.step", "costs.slippage_bps", "execution.convention"))
    allowed = through(one("a"), one("b"), odd, rules=declared)
    assert allowed.refusal is None
    assert [gate.why for gate in allowed.gates[-3:]] == [
        f"{whys[0]}; declared in gates.exceptions",
        "execution.convention is declared in gates.exceptions, and all are alike",
        f"{whys[1]}; declared in gates.exceptions",
    ]
    assert [some.name for some in through(odd, one("a"), one("b"), rules=DROP).kept] == ["a", "b"]


@pytest.mark.requirement("R-META-15")
def test_of_two_that_differ_the_first_is_kept_and_who_says_nothing_fails() -> None:
    def of(*sleeves: Sleeve) -> list[Gate]:
        return alike(sleeves, ())

    five = one("five", conventions={**LIKE, "windows.step": 5})
    assert [gate.sleeves for gate in of(five, one("a"))] == [("a",)]
    assert [gate.sleeves for gate in of(one("a"), five)] == [("five",)]
    silent = one("silent", conventions={})
    assert [(gate.sleeves, gate.passed) for gate in of(one("a"), silent)] == [(("silent",), False)]
    assert [(gate.sleeves, gate.passed) for gate in of(silent, replace(silent, name="too"))] == [
        (("silent",), False),
        (("too",), False),
    ]
    assert of(silent) == []
    # What failed a gate of its own is no measure of the others.
    bad = replace(five, solves=Solves(solved=0, asked=1))
    assert failed(through(bad, replace(bad, name="bad2"), one("a"), one("b"), rules=DROP)) == [
        ("solver", ("five",)),
        ("solver", ("bad2",)),
    ]
