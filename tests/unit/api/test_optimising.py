import numpy as np
import pandas as pd
import polars as pl
import pytest

import tvquant as tv
from builders.problems import estimated
from builders.problems import limits as house
from tvquant.allocation import allocate
from tvquant.allocation.risk.tail import Tail

DRAW = np.random.default_rng(5)
DAYS = pd.bdate_range("2024-01-02", periods=120)
RETURNS = pd.DataFrame(DRAW.normal(0.0005, 0.01, (120, 6)) * [1, 2, 3, 1, 2, 3], index=DAYS, columns=list("ABCDEF"))


@pytest.mark.parametrize("profile", ["equal_weight", "min_variance", "risk_parity", "hrp", "max_sharpe", "cvar_min"])
def test_weights_are_those_of_the_engine(profile: str) -> None:
    made = tv.optimise(RETURNS, profile)
    given = estimated(RETURNS.to_numpy(), limits=house(reference=2.0))
    asked = allocate(given, engine="custom", risk_profile=profile, options=(Tail(),))
    assert made.weights["symbol"].to_list() == list("ABCDEF")
    np.testing.assert_allclose(made.weights["weight"], list(asked.weights.values()), atol=1e-9)
    assert (made.status, made.cash, made.profile) == (asked.status.value, pytest.approx(asked.cash), profile)
    assert made.weights["weight"].sum() + made.cash == pytest.approx(1.0)


def test_limits_bind_and_say_so_and_the_rest_is_cash() -> None:
    made = tv.optimise(RETURNS, limits={"position": 0.4, "gross": 0.9})
    wanted = allocate(
        estimated(RETURNS.to_numpy(), limits=house(position=0.4, cluster=0.4, gross=0.9)),
        engine="custom", risk_profile="min_variance",
    )  # fmt: skip
    np.testing.assert_allclose(made.weights["weight"], list(wanted.weights.values()), atol=1e-9)
    binding = dict(made.limits.select("name", "binding").iter_rows())
    assert (binding["gross"], binding["net_low"], binding["position"]) == (True, False, False)
    assert made.cash == pytest.approx(0.1)
    three = tv.optimise(pl.from_pandas(RETURNS[["A", "B", "C"]].reset_index(names="day")))
    assert (three.cash, three.forced_cash) == (0.25, 0.25)
    assert three.limits.row(0, named=True) == {"name": "position", "limit": 0.25, "value": 0.25, "binding": True}
    grouped = tv.optimise(RETURNS, limits={"position": 0.4}, clusters={"A": "tech", "D": "tech"})
    held = dict(grouped.weights.iter_rows())
    assert held["A"] + held["D"] == pytest.approx(0.25)


def test_a_failure_is_cash_with_its_attempts_and_a_fallback_is_named() -> None:
    falling = -RETURNS.abs()
    failed = tv.optimise(falling, "max_sharpe")
    assert (failed.status, failed.cash, failed.weights.height, failed.limits.height) == ("failed", 1.0, 0, 0)
    assert failed.attempts["outcome"].to_list() == ["no name has a positive expected return"]
    rescued = tv.optimise(falling, "max_sharpe", fallbacks=("min_variance",))
    assert (rescued.status, rescued.profile, rescued.attempts.height) == ("fell_back", "min_variance", 2)


@pytest.mark.parametrize(
    ("returns", "more", "message"),
    [
        (RETURNS.shift(1), {}, "returns: A on 2024-01-02 is empty; drop the row, or the name"),
        (RETURNS * 100, {}, "returns are fractions: -2 % is -0.02"),
        (RETURNS.assign(B=0.0), {}, "returns: B does not vary; leave it out"),
        (RETURNS.iloc[:1], {}, "at least 2 rows"),
        (RETURNS, {"profile": "minvar"}, "does not solve risk profile 'minvar'"),
        (RETURNS, {"fallbacks": "hrp"}, "fallbacks: expected risk profiles in order, found 'hrp'; write ('hrp',)"),
        (RETURNS, {"fallbacks": ("fixed",)}, "profile: fixed holds weights of your own"),
        (RETURNS, {"limits": {"positon": 0.2}}, "limits: unknown key 'positon' - did you mean position?"),
        (RETURNS, {"limits": {"position": 2}}, "limits.position: expected"),
        (RETURNS, {"clusters": {"Z": 1}}, "clusters: returns have no column Z"),
        (RETURNS, {"clusters": ["A"]}, "clusters: expected a mapping, key: value, found ['A']"),
        (RETURNS, {"limits": {"turnover": 0.2}}, "limits.turnover: it counts from weights before, and there are none"),
        (RETURNS, {"limits": [0.2]}, "limits: expected a mapping, key: value, found [0.2]"),
        (RETURNS, {"limits": {"names": {"X:Z": 0.1}}}, "limits.names: names X:Z, and returns have no such column"),
        (
            RETURNS,
            {"limits": {"groups": {"g": {"symbols": ["X:Z"], "max": 0.1}}}},
            "limits.groups: group g names X:Z, and returns have no such column",
        ),
        (1.0 + RETURNS, {}, "returns: A is above 0.5 on every row, as prices are; give prices.pct_change()"),
    ],
)
def test_what_cannot_be_weighed_is_refused_in_one_line(returns: object, more: dict, message: str) -> None:
    with pytest.raises(tv.TvquantError) as caught:
        tv.optimise(returns, **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_by_name_and_by_group_are_those_of_profiles() -> None:
    named = RETURNS.rename(columns={"A": "X:A", "B": "X:B", "D": "X:D"})
    groups = {"pair": {"symbols": ["X:A", "X:D"], "max": 0.3}}
    made = tv.optimise(named, limits={"names": {"X:B": 0.1}, "groups": groups})
    held = dict(made.weights.iter_rows())
    assert held["X:B"] == pytest.approx(0.1)
    assert held["X:A"] + held["X:D"] == pytest.approx(0.3)
    assert set(made.limits.filter("binding")["name"]) >= {"name X:B", "group pair"}
    with pytest.raises(tv.ProfileError, match=r"limits.names: X:B: its most, 0.5, never binds"):
        tv.optimise(named, limits={"names": {"X:B": 0.5}})
