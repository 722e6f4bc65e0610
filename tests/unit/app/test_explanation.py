"""Explanations: every figure of a score adds up to it, and every broken rule, rank and limit is told."""

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.profiles import resolved_of
from tvquant.app.explanation import Explained, cash_of
from tvquant.app.selection_as_of import selected
from tvquant.core.selection import SelectionResponse
from tvquant.lake import Lake, import_files

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DAY = date(2024, 7, 18)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten coins of different calm on two hundred days, pairs of which move together."""
    folder = tmp_path_factory.mktemp("explaining")
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 7, 18), "1d", time_zone="UTC", eager=True)
    frames = []
    for number in range(10):
        pair, own = (np.random.default_rng([key, 5]).standard_normal(len(days)) for key in (number // 2, 100 + number))
        moves = (0.8 * pair + 0.6 * own) * 0.01 * (1 + number % 4)
        close = 100.0 * np.exp((0.002 * (number % 3 - 0.5) + moves).cumsum())
        frame = pl.DataFrame({"symbol": f"BINANCE:C{number}USDT", "timestamp": days, "close": close})
        frames.append(frame.with_columns(open="close", high="close", low="close", volume=pl.lit(1e6)))
    pl.concat(frames).write_parquet(folder / "coins.parquet")
    made = Lake(folder / "lakehouse")
    import_files(made, [folder / "coins.parquet"], recorded_at=NOW)
    return made


def explained(lake: Lake, **changed: Any) -> Explained:
    return selected(lake, resolved_of(**{"selection__top_n": 1, **changed}), DAY, now=NOW).explained()


def response(found: Explained) -> SelectionResponse:
    assert found.decision.response is not None
    return found.decision.response


@pytest.mark.parametrize(("model", "combined"), [("v4", math.log), ("v3", math.log), ("v2", float), ("v2.0", float)])
def test_parts_are_weight_times_probability_and_add_up_to_the_score(model: str, combined: Any, lake: Lake) -> None:
    found = explained(lake, selection__model=model)
    assert len(response(found).scores) == 10
    for symbol, score in response(found).scores.items():
        (atom,) = found.of(symbol)["atoms"]
        for one in atom["features"]:
            assert one["part"] == pytest.approx(one["weight"] * combined(one["probability"]), abs=1e-12)
            assert one["probability"] == atom["components"][one["feature"]]
        assert math.fsum(one["part"] for one in atom["features"]) == pytest.approx(score, abs=1e-12)
        assert atom["formula"] == ("weight x ln p" if combined is math.log else "weight x p")


def test_values_of_features_are_those_of_the_bars(lake: Lake) -> None:
    """Momentum and stability of one coin worked out from its closes."""
    found = explained(lake)
    view = selected(lake, resolved_of(), DAY, now=NOW).view
    closes = view.panel.fields["close"][:, view.panel.keys.index("BINANCE:C3USDT")]
    returns = closes[1:] / closes[:-1] - 1.0
    values = {one["feature"]: one for one in found.of("BINANCE:C3USDT")["atoms"][0]["features"]}
    assert values["momentum"]["value"] == pytest.approx(returns[-60:].mean() * 365)
    assert values["momentum"]["unit"] == "per year"
    assert values["stability"]["value"] == pytest.approx(1 / (returns.std(ddof=1) * math.sqrt(365)), rel=1e-6)
    assert (values["hurst"]["column"], values["momentum"]["weight"]) == ("randomness", 1.7469)


def test_every_rule_that_an_atom_broke_is_told_the_recorded_one_first(lake: Lake) -> None:
    """A limit of volatility that nobody keeps, and one of kurtosis that some do not: each is told of those it bars."""
    found, both = explained(lake, selection__max_volatility=0.01, selection__max_kurtosis=0.01), 0
    for symbol in response(found).scores:
        (atom,) = found.of(symbol)["atoms"]
        rules = {veto["rule"] for veto in atom["vetoes"]}
        kurtosis = next(one["value"] for one in atom["features"] if one["feature"] == "kurtosis")
        assert "volatility" in rules
        assert ("kurtosis" in rules) == (kurtosis > 0.01)
        both += kurtosis > 0.01
        assert len({veto["rule"] for veto in atom["vetoes"]}) == len(atom["vetoes"])
        assert atom["veto"]["rule"] == atom["vetoes"][0]["rule"] == response(found).vetoes[symbol].rule
        assert not any(veto["overridden"] for veto in atom["vetoes"])
        assert atom["standing"]["rank"] == 0
        assert atom["why"].startswith("vetoed by ")
        assert atom["weight_why"] == []
    assert 0 < both < 10
    (part,) = cash_of(found.decision)["parts"]
    assert (part["cause"], part["share"]) == ("vetoed", 1.0)


def test_a_winner_by_relaxation_breaks_a_rule_that_is_marked_overridden(lake: Lake) -> None:
    found = explained(lake, selection__min_winners=10)
    atoms = [found.of(symbol)["atoms"][0] for symbol in response(found).recruited]
    assert {atom["won"] for atom in atoms} > {"ranked"}
    late = [atom for atom in atoms if atom["won"] != "ranked" and atom["vetoes"]]
    assert late
    assert all(veto["overridden"] and not veto["hard"] for atom in late for veto in atom["vetoes"])
    assert {atom["stage"] for atom in atoms} == {response(found).stage}


def test_the_place_in_a_cluster_decides_who_is_ranked(lake: Lake) -> None:
    found = explained(lake, selection__min_winners=1, selection__cluster_distance=0.9)
    for symbol in response(found).scores:
        (atom,) = found.of(symbol)["atoms"]
        members = [one["atom"] for one in atom["cluster_members"]]
        assert members == sorted(members, key=lambda one: -response(found).scores[one])
        assert {response(found).clusters[one] for one in members} == {atom["cluster"]}
        standing = atom["standing"]
        assert (atom["won"] == "ranked") == (1 <= standing["rank"] <= standing["places"] == 1)
        if standing["rank"] > 1:
            assert (
                atom["why"]
                == f"rank {standing['rank']} of {standing['of']} in its cluster and direction, which has 1 place"
            )


def test_the_weight_names_the_limits_that_it_has_reached(lake: Lake) -> None:
    found = explained(lake, selection__min_winners=10, allocation__limits__position=0.05, risk__primary="hrp")
    why = [found.of(symbol)["atoms"][0]["weight_why"] for symbol in found.decision.atoms]
    assert all(one[0].startswith("hrp by custom (") for one in why)
    assert all("at the position cap 0.05 (allocation.limits.position)" in one for one in why)
    capped = explained(
        lake,
        selection__min_winners=10,
        allocation__limits__cluster=0.1,
        selection__cluster_distance=0.9,
        risk__primary="hrp",
    )
    told = {symbol: capped.of(symbol)["atoms"][0]["weight_why"] for symbol in capped.decision.atoms}
    full = 0
    for symbol, why in told.items():
        for kind, clusters in (("allocation", capped.decision.clusters), ("selection", response(capped).clusters)):
            inside = [one for one in told if clusters[one] == clusters[symbol]]
            held = sum(capped.decision.atoms[one] for one in inside)
            at_cap = len(inside) > 1 and held > 0.1 - 1e-9
            full += at_cap
            assert any(f"its {kind} cluster" in line and "is at the cluster cap 0.1" in line for line in why) == at_cap
    assert full


def test_the_cash_is_the_sum_of_its_parts_the_largest_first(lake: Lake) -> None:
    found = cash_of(explained(lake, selection__min_winners=1, selection__max_winners=2, risk__primary="hrp").decision)
    shares = [part["share"] for part in found["parts"]]
    assert found["cash"] == pytest.approx(0.5)
    assert math.fsum(shares) == pytest.approx(found["cash"], abs=1e-9)
    assert shares == sorted(shares, reverse=True)
    assert all(part["change"] for part in found["parts"] if part["cause"] != "rounding")
