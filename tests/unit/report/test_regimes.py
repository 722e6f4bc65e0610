"""The section on the regime: what a book did by label, and whether the score foretold anything."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tvquant.report.blocks import Data, Figure, Table, Text
from tvquant.report.regimes import AHEAD, by_label, confusion, foretelling
from tvquant.report.run import read_run
from tvquant.report.sections.regime import REGIME, said
from tvquant.statistics.rank_correlation import RankCorrelation

START = datetime(2020, 1, 1)


def days(count: int) -> list[datetime]:
    return [START + timedelta(days=k) for k in range(count)]


def book(returns) -> pl.DataFrame:
    return pl.DataFrame({"time": days(len(returns)), "return": list(returns)})


def windows_of(known: list[str | None], came: list[str], *, step: int = 2, scores=None) -> pl.DataFrame:
    times = days(step * len(known) + 1)
    return pl.DataFrame(
        {
            "decided_at": [times[step * k] for k in range(len(known))],
            "filled_at": [times[step * k + 1] for k in range(len(known))],
            "regime": known,
            "realised_regime": came,
            "regime_score": scores or [0.5] * len(known),
            "cash": [0.1 * k for k in range(len(known))],
        }
    )


@pytest.mark.requirement("R-REG-08")
def test_a_window_owns_the_rows_from_its_fill_to_the_next_and_counts_under_what_it_became() -> None:
    """Rows 1 and 2 are of the first window, 3 and 4 of the second, 5 and 6 of the third; row 0 is of nobody."""
    windows = windows_of(["crisis", "normal", "normal"], ["normal", "crisis", "normal"])
    found = by_label(
        windows, book([0.9, 0.1, -0.1, -0.2, 0.25, 0.02, 0.03]), label="realised_regime", periods_per_year=4
    )
    assert found["regime"].to_list() == ["normal", "crisis"]
    assert found["windows"].to_list() == [2, 1]
    assert found["share"].to_list() == pytest.approx([2 / 3, 1 / 3])
    assert found["mean_return"].to_list() == pytest.approx([(1.1 * 0.9 + 1.02 * 1.03) / 2 - 1.0, 0.8 * 1.25 - 1.0])
    assert found["volatility"].to_list() == pytest.approx(
        [2 * np.std([0.1, -0.1, 0.02, 0.03], ddof=1), 2 * np.std([-0.2, 0.25], ddof=1)]
    )
    assert found["worst_drawdown"].to_list() == pytest.approx([-0.1, -0.2])
    assert found["mean_cash"].to_list() == pytest.approx([0.1, 0.1])
    assert confusion(windows) == [
        ("quiet", [0, 0, 0, 0]), ("normal", [0, 1, 0, 1]), ("turbulent", [0, 0, 0, 0]), ("crisis", [0, 1, 0, 0]),
    ]  # fmt: skip


def test_the_score_is_held_against_rows_behind_the_decision_alone_and_none_twice() -> None:
    returns = np.random.default_rng(0).standard_normal(101)
    windows = windows_of(["normal"] * 10, ["normal"] * 10, step=10, scores=[0.1 * k for k in range(10)])
    frame, _ = foretelling(windows, book(returns))
    assert frame["decided_at"].to_list() == [START + timedelta(days=k) for k in (0, 20, 40, 60, 80)]
    expected = [np.std(returns[k + 1 : k + 1 + AHEAD], ddof=1) for k in (0, 20, 40, 60, 80)]
    assert frame["volatility"].to_list() == pytest.approx(expected)
    shorter, _ = foretelling(windows, book(returns[:100]))
    assert len(shorter) == 4, "the last decision has 19 rows behind it"


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.4, "Yes, to that extent"), (-0.2, 0.4, "That is not shown"), (-0.5, -0.1, "No,")]
)
def test_what_it_foretold_is_said_in_words_with_its_interval(low: float, high: float, word: str) -> None:
    text = said(RankCorrelation(rho=0.1, low=low, high=high, n=40, effective=31.4))
    assert word in text
    assert f"between {low:.2f} and {high:.2f} at 95 % (40 decisions, which count as 31 independent ones)" in text
    assert "Too few decisions" in said(None)


def test_the_section_shows_every_window_of_the_headline(run) -> None:
    data = read_run(run)
    blocks = REGIME.draw(data)
    windows = data.table("windows", data.headline.key)
    (figure,) = (one for one in blocks if isinstance(one, Figure))
    known = next(one for one in figure.spec["data"] if one["name"] == "known at the decision")
    assert known["y"] == [["quiet", "normal", "turbulent", "crisis"].index(one) for one in windows["regime"]]
    labels, confused = (one for one in blocks if isinstance(one, Table))
    assert sum(int(row[1]) for row in labels.rows) == len(windows)
    assert sum(int(cell) for row in confused.rows for cell in row[1:]) == len(windows)
    (kept,) = (one for one in blocks if isinstance(one, Data))
    assert kept.frame["realised_regime"].to_list() == windows["realised_regime"].to_list()
    assert any("Did the score foretell" in one.text for one in blocks if isinstance(one, Text))
