"""The response as a record: canonical order, winners' components only, and nothing that JSON cannot hold."""

import json
import pickle

import numpy as np
import pytest

from tvquant.core.atoms import Atom, Direction
from tvquant.core.selection import ByAtom, SelectionResponse, Veto

LONG = Atom(physical_symbol="X:B", logic="hold", direction=Direction.LONG, scan="one")
SHORT = Atom(physical_symbol="X:A", logic="hold", direction=Direction.SHORT)


def response(**changes):
    given = {
        "decided_at": np.datetime64("2024-05-01T00:00:00", "us"),
        "model": "v4",
        "version": "4.0-mlops",
        "winners": (LONG, SHORT),
        "scores": {"X:C_hold_LONG": -9.0, LONG.symbol: -1.0, SHORT.symbol: -2.0},
        "components": {name: {"momentum": 0.5} for name in ("X:C_hold_LONG", LONG.symbol, SHORT.symbol)},
        "parts": {
            "X:C_hold_LONG": {"momentum": -9.0},
            LONG.symbol: {"momentum": -1.0},
            SHORT.symbol: {"momentum": -2.0},
        },
        "vetoes": {
            "X:C_hold_LONG": Veto(rule="kurtosis", value=21.0, limit=20.0, hard=True),
            SHORT.symbol: Veto(rule="adx", value=9.0, limit=12.0, hard=False, overridden=True),
        },
        "clusters": {"X:C_hold_LONG": 2, LONG.symbol: 1, SHORT.symbol: 1},
        "stage": 3,
        "recruited": {LONG.symbol: "ranked", SHORT.symbol: "cluster_floor"},
        "thresholds": {"volatility": {"limit": 2.5}, "kurtosis": {"limit": 20.0}},
        "absent": {"liquidity": "the data have no volume"},
        "missing": {"hurst": (SHORT.symbol,)},
        "flags": frozenset({"sparse", "few_assets"}),
        "shares": {"momentum": 0.75, "adx": 0.25},
        "effective_bets": 1.5,
        "trace": ("ingestion", "policy"),
    }
    return SelectionResponse(**{**given, **changes})


@pytest.mark.requirement("R-SEL-31")
def test_the_payload_persists_winners_scores_components_clusters_vetoes_and_thresholds():
    assert response().payload() == {
        "decided_at": "2024-05-01T00:00:00.000000",
        "model": "v4",
        "version": "4.0-mlops",
        "winners": [
            {"physical_symbol": "X:B", "logic": "hold", "direction": "LONG", "scan": "one", "how": "ranked"},
            {"physical_symbol": "X:A", "logic": "hold", "direction": "SHORT", "scan": "", "how": "cluster_floor"},
        ],
        "scores": {"X:A_hold_SHORT": -2.0, "X:B_hold_LONG": -1.0, "X:C_hold_LONG": -9.0},
        "components": {"X:B_hold_LONG": {"momentum": 0.5}, "X:A_hold_SHORT": {"momentum": 0.5}},
        "parts": {"X:B_hold_LONG": {"momentum": -1.0}, "X:A_hold_SHORT": {"momentum": -2.0}},
        "vetoes": {
            "X:A_hold_SHORT": {"rule": "adx", "value": 9.0, "limit": 12.0, "hard": False, "overridden": True},
            "X:C_hold_LONG": {"rule": "kurtosis", "value": 21.0, "limit": 20.0, "hard": True, "overridden": False},
        },
        "clusters": {"X:A_hold_SHORT": 1, "X:B_hold_LONG": 1, "X:C_hold_LONG": 2},
        "stage": 3,
        "thresholds": {"kurtosis": {"limit": 20.0}, "volatility": {"limit": 2.5}},
        "absent": {"liquidity": "the data have no volume"},
        "missing": {"hurst": ["X:A_hold_SHORT"]},
        "flags": ["few_assets", "sparse"],
        "shares": {"adx": 0.25, "momentum": 0.75},
        "effective_bets": 1.5,
        "trace": ["ingestion", "policy"],
    }


def test_maps_are_written_in_order_of_their_keys_and_winners_in_their_own():
    payload = json.loads(json.dumps(response().payload(), allow_nan=False))
    assert list(payload["scores"]) == sorted(payload["scores"])
    assert list(payload["thresholds"]) == ["kurtosis", "volatility"]
    assert [winner["physical_symbol"] for winner in payload["winners"]] == ["X:B", "X:A"]


def test_a_model_without_components_has_none_in_its_record():
    assert response(components={}).payload()["components"] == {}


def test_winners_of_a_record_are_the_atoms_again():
    assert tuple(Atom.of(winner) for winner in response().payload()["winners"]) == (LONG, SHORT)


def test_a_record_of_before_there_were_shares_and_bets_can_be_read():
    older = {
        key: value for key, value in response().payload().items() if key not in ("shares", "effective_bets", "parts")
    }
    assert SelectionResponse.of(older).parts == {}
    assert SelectionResponse.of(response().payload()).parts == response().payload()["parts"]
    assert SelectionResponse.of(older).effective_bets is None
    assert SelectionResponse.of(older).shares == {}
    assert SelectionResponse.of(response().payload()).shares == {"adx": 0.25, "momentum": 0.75}
    assert SelectionResponse.of(response().payload()).effective_bets == 1.5


@pytest.mark.requirement("R-SEL-31")
def test_an_overridden_veto_stays_on_record_but_keeps_nobody_out():
    again = SelectionResponse.of(json.loads(json.dumps(response().payload())))
    assert again.vetoes[SHORT.symbol].overridden
    assert set(again.standing_vetoes) == {"X:C_hold_LONG"}


def test_a_record_from_before_vetoes_were_overridden_on_record_is_read():
    old = response().payload()
    old["vetoes"] = {"X:C_hold_LONG": {"rule": "kurtosis", "value": 21.0, "limit": 20.0, "hard": True}}
    assert not SelectionResponse.of(old).vetoes["X:C_hold_LONG"].overridden


def test_figures_by_atom_are_a_mapping_of_rows_that_travels_and_is_written_as_one():
    rows = {"X:A": {"momentum": 0.5, "adx": 0.25}, "X:B": {"momentum": 1.0, "adx": 0.125}}
    found = ByAtom(ids=("X:A", "X:B"), columns={"momentum": np.array([0.5, 1.0]), "adx": np.array([0.25, 0.125])})
    assert found == rows
    assert pickle.loads(pickle.dumps(found)) == rows
    assert [(symbol, json.dumps(row)) for symbol, row in found.items()] == [
        (symbol, json.dumps(row)) for symbol, row in rows.items()
    ]
    assert found.get("X:C") is None
    assert ByAtom(ids=("X:A",), columns={}) == {"X:A": {}}


@pytest.mark.parametrize("names", [("momentum", "adx"), ()])
@pytest.mark.parametrize("known", [("X:C_hold_LONG", SHORT.symbol, LONG.symbol), ("X:C_hold_LONG", LONG.symbol), ()])
def test_a_response_is_written_alike_whether_it_keeps_rows_or_columns(known, names):
    """Also where an atom has no figures, or there are none at all."""
    columns = {name: 0.1 * k + np.arange(len(known)) / 3 for k, name in enumerate(names)}
    of = ByAtom(ids=known, columns=columns)
    rows = {one: dict(of[one]) for one in known}
    columned, plain = response(components=of, parts=of), response(components=rows, parts=rows)
    assert json.dumps(columned.payload()) == json.dumps(plain.payload())
    for whole in (False, True):
        assert json.dumps(columned.record(whole=whole)) == json.dumps(plain.record(whole=whole))
