"""Tables of evidence: every question is counted once, and floors are kept apart."""

import numpy as np
import pytest

from builders.selections import after_of, response_of
from tvquant.statistics.significance import holm
from tvquant.tournament.selection_evidence import measured
from tvquant.tournament.selection_findings import Finding, finding
from tvquant.tournament.selection_tables import alpha, choices, features, information, vetoes


def findings() -> list[Finding]:
    """A model with and without its floor, and its twin that scores alike and chooses another."""
    rng = np.random.default_rng(8)
    windows: dict[tuple[str, bool], list[object]] = {("a", True): [], ("a", False): [], ("b", True): []}
    for _ in range(30):
        parts, returns = {"one": rng.normal(size=10), "two": rng.normal(size=10)}, rng.normal(size=(2, 10))
        for (name, floor), winners in zip(windows, ([0, 1, 2], [0], [4, 5]), strict=True):
            response = response_of(parts, winners, vetoes={9: ("adx", False), 8: ("kurtosis", False)})
            windows[name, floor].append(measured(response, after_of(returns), rows=5))
    return [finding(name, found, floor=floor) for (name, floor), found in windows.items()]  # type: ignore[arg-type]


def test_what_models_share_is_one_question() -> None:
    found = findings()
    ic = information(found, ("1", "window"))
    assert [(row["model"], row["horizon"]) for row in ic] == [
        ("a", "1"), ("a", "window"), ("b", "1"), ("b", "window"),
    ]  # fmt: skip
    assert [row["p_holm"] for row in ic[:2]] == list(holm([row["p"] for row in ic[:2]]))
    assert [row["p_holm"] for row in ic[2:]] == [row["p_holm"] for row in ic[:2]]
    parts = features(found, ("1", "window"))
    assert len(parts) == 8
    mine = [row for row in parts if row["model"] == "a"]
    assert [row["p_holm"] for row in mine] == list(holm([row["p"] for row in mine]))
    assert {row["feature"] for row in parts} == {"one", "two"}


def test_alphas_and_regrets_of_each_floor_are_questions_of_their_own() -> None:
    found = findings()
    rows = alpha(found, 365)
    assert [(row["model"], row["floor"]) for row in rows] == [("a", True), ("a", False), ("b", True)]
    assert [row["p_holm"] for row in rows] == list(holm([row["p"] for row in rows]))
    assert rows[0]["annual"] == pytest.approx(rows[0]["mean"] * 73)
    assert rows[0]["annual_se"] == pytest.approx(rows[0]["se"] * 73)
    regrets = vetoes(found)
    assert [(row["rule"], row["vetoed"], row["n"]) for row in regrets[:2]] == [("adx", 30, 30), ("kurtosis", 30, 30)]
    assert [row["p_holm"] for row in regrets] == list(holm([row["p"] for row in regrets]))


def test_numbers_of_a_row_are_those_of_the_estimate_and_of_the_finding() -> None:
    found = findings()
    row, estimate = alpha(found, 365)[0], found[0].alpha
    assert [row[name] for name in ("n", "mean", "se", "t", "p", "detectable")] == [
        estimate.n, estimate.mean, estimate.se, estimate.t, estimate.p, estimate.detectable,
    ]  # fmt: skip
    chosen = choices(found[0])
    assert (chosen["stage_1"], chosen["winners"], chosen["sparse"]) == (30, 3.0, 0.0)
    assert choices(found[1])["sparse"] is None
