from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tvquant as tv
from tvquant.core.atoms import Atom, Direction

SCANNER = "version: 1\nkinds: [spot]\nlogic: rating_ma\ndirection: LONG\nfilters: [{field: recommend_ma, above: 0.1}]\n"
DAYS = pd.bdate_range("2023-01-02", periods=240)
RETURNS = pd.DataFrame(
    np.random.default_rng(1).normal(0.001, 0.02, (240, 10)), index=DAYS, columns=[f"N{j}" for j in range(10)]
)
FEW = {"extends": "us_equities", "selection.min_winners": 4}


def test_a_scan_is_what_the_scanner_saw_that_day(workspace: tv.Workspace, closes: pd.DataFrame) -> None:
    folder = workspace.root / "profiles" / "scanners"
    folder.mkdir(exist_ok=True)
    (folder / "risers.yaml").write_text(SCANNER, encoding="utf-8")
    found = tv.scan(workspace, "risers", as_of="2023-06-01", min_bars=50)
    assert found.bar == datetime(2023, 6, 1)
    rated = {
        name: tv.ratings(closes[[name]].set_axis(["close"], axis=1)[:"2023-06-01"])["recommend_ma"][-1]
        for name in closes
    }
    assert dict(found.table.select("symbol", "recommend_ma").iter_rows()) == rated
    assert set(found.symbols) == {name for name, rating in rated.items() if rating > 0.1}
    atoms = found.table.filter(pl.col("atom").is_not_null())
    assert set(atoms["symbol"]) == set(found.symbols)
    assert atoms["atom"][0].endswith("_rating_ma_LONG")
    assert tv.scan(workspace, "risers", min_bars=500).symbols == ()
    for bad, message in (("risrs", "no scanner 'risrs'"), ("crypto_24x7", "names no kinds")):
        with pytest.raises(tv.ProfileError, match=message):
            tv.scan(workspace, bad)


def test_a_selection_of_a_workspace_is_the_decision_of_a_run(
    workspace: tv.Workspace, profile: dict[str, Any], run: tv.Run
) -> None:
    decided = run.decisions().row(-1, named=True)
    made = tv.select(workspace, profile, as_of=decided["decided_at"])
    assert made.bar == decided["bar"]
    assert list(made.winners) == decided["chosen"]
    assert made.weights.to_dicts() == pytest.approx(decided["weights"])
    judged = run.candidates().filter(window=decided["window"]).drop("window", "decided_at")
    assert made.table.select("atom", "won", "veto").equals(judged.select("atom", "won", "veto"))
    with pytest.raises(tv.ProfileError, match="calendar: it is of a frame of returns"):
        tv.select(workspace, profile, calendar="24x7")


def test_returns_alone_are_judged_by_the_profiles_model_and_by_nothing_later() -> None:
    given = RETURNS.copy()
    given.iloc[:-50, 0] = np.nan
    given.iloc[199, 1] = np.nan
    made = tv.select(given, FEW, as_of=DAYS[199])
    assert made.bar == DAYS[199].to_pydatetime()
    assert dict(made.excluded.iter_rows()) == {"N0": "10 returns of 90", "N1": "no_bar"}
    assert set(made.table["atom"]) == {f"N{j}_hold_LONG" for j in range(2, 10)}
    assert made.winners == tuple(made.table.filter(pl.col("won"))["atom"])[: len(made.winners)]
    assert made.symbols == tuple(name.removesuffix("_hold_LONG") for name in made.winners)
    assert made.weights.is_empty()
    enough = {**FEW, "data.min_history": 190}
    assert dict(tv.select(given.iloc[:190, 2:], enough).excluded.iter_rows()) == {}
    assert "adx" in made.absent
    scrambled = given.copy()
    scrambled.iloc[200:] = 0.5
    for other in (given.iloc[:200], scrambled):
        assert tv.select(other, FEW, as_of=date(2030, 1, 1) if len(other) == 200 else DAYS[199]).table.equals(
            made.table
        )
    assert not tv.select(given.iloc[:199], FEW).table.equals(made.table)


def test_the_pool_is_that_of_the_profile() -> None:
    """The context by hand: the last `lookback` rows, `train` of them for momentum, 252 periods."""
    from builders.profiles import profile_of
    from tvquant.atoms import synthesise
    from tvquant.core.features import FeatureSet
    from tvquant.selection import SELECTION_MODELS, SelectionContext

    profile = profile_of("us_equities", data__lookback=150, windows__train=40, selection__min_winners=4)
    names = tuple(RETURNS.columns)
    times = DAYS.to_numpy().astype("datetime64[us]")
    atoms = [Atom(physical_symbol=name, logic="hold", direction=Direction.LONG) for name in names]
    context = SelectionContext(
        decided_at=times[-1], pool=synthesise(RETURNS.to_numpy()[-150:], times[-150:], names, atoms),
        features=FeatureSet(names=(), keys=names, values=np.empty((0, 10)), known_at=times[-1]),
        parameters=profile.selection, train=40, periods_per_year=252,
    )  # fmt: skip
    wanted = SELECTION_MODELS["v4"].select(context)
    made = tv.select(RETURNS, {**FEW, "data.lookback": 150, "windows.train": 40})
    assert dict(made.table.select("atom", "score").iter_rows()) == pytest.approx(dict(wanted.scores))
    assert made.winners == tuple(atom.symbol for atom in wanted.winners)
    assert made.model == "v4 4.0-mlops"


@pytest.mark.parametrize(
    ("returns", "more", "message"),
    [
        (RETURNS, {"as_of": "last"}, "as_of: expected a date such as 2024-05-31, found 'last'"),
        (RETURNS, {"as_of": "2020-01-01"}, "returns: no row on or before 2020-01-01; the first is of 2023-01-02"),
        (RETURNS * 100, {}, "loses everything or more; returns are fractions"),
        (RETURNS.iloc[::3], {}, "do not say how many make a year"),
        (RETURNS, {"profile": {"extends": "us_equities", "selection.model": "v5"}}, "unknown selection model 'v5'"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(returns: pd.DataFrame, more: dict, message: str) -> None:
    with pytest.raises(tv.TvquantError) as caught:
        tv.select(returns, **more)
    assert message in str(caught.value)
