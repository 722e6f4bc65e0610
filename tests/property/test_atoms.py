"""Atoms under generated books: nothing is lost in flattening, and caps hold on what is really held."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvquant.atoms import flatten, keep_caps, synthesise
from tvquant.core.atoms import Atom, Direction
from tvquant.core.problems import Limits

ASSETS = tuple(f"X:{name}" for name in "ABCDEFG")
TOLERANCE = 1e-9

atoms = st.lists(
    st.builds(
        Atom,
        physical_symbol=st.sampled_from(ASSETS),
        logic=st.sampled_from(["hold", "rating_ma"]),
        direction=st.sampled_from(list(Direction)),
    ),
    unique_by=lambda atom: atom.symbol,
    max_size=14,
)


@st.composite
def books(draw: st.DrawFn) -> tuple[dict[str, float], Mapping[str, Mapping[str, float]], dict[str, int]]:
    """Weights of atoms, their composition by the synthesis itself, and clusters of the assets."""
    pool = draw(atoms)
    times = np.zeros(0, dtype="datetime64[us]")
    composition = synthesise(np.empty((0, len(ASSETS))), times, ASSETS, pool).streams.composition
    weights = {atom.symbol: draw(st.floats(0.0, 1.0)) for atom in pool}
    return weights, composition, {asset: draw(st.integers(1, 3)) for asset in ASSETS}


@pytest.mark.requirement("R-SYN-10")
@given(book=books(), seed=st.integers(0, 99))
def test_flattening_conserves_what_gates_leave_of_every_weight(book: Any, seed: int) -> None:
    """Weight by weight in plain Python: an asset has the sum of weight x side x gate of its atoms, and no more."""
    weights, composition, _ = book
    draw = np.random.default_rng(seed)
    gates = {atom: float(draw.choice([1.0, 1.0 - draw.random()])) for atom in weights}
    gated = {atom: {asset: gates[atom] * units for asset, units in held.items()} for atom, held in composition.items()}
    net, gross = dict.fromkeys(ASSETS, 0.0), dict.fromkeys(ASSETS, 0.0)
    for atom, weight in weights.items():
        (asset,) = composition[atom]
        net[asset] += weight * gates[atom] * (-1.0 if atom.endswith("SHORT") else 1.0)
        gross[asset] += weight * gates[atom]
    found = flatten(weights, gated)
    for asset in ASSETS:
        assert abs(found.net.get(asset, 0.0) - net[asset]) <= 1e-10
        assert abs(found.gross.get(asset, 0.0) - gross[asset]) <= 1e-10


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    low, high = sorted(draw(st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))))
    share = st.floats(0.01, 1.0)
    return Limits(gross=draw(st.floats(0.1, 5.0)), net=(low, high), position=draw(share), cluster=draw(share))


@pytest.mark.requirement("R-SYN-10")
@given(book=books())
def test_flattening_conserves_every_weight(book: Any) -> None:
    weights, composition, _ = book
    found = flatten(weights, composition)
    signed = {atom: sum(composition[atom].values()) * weight for atom, weight in weights.items()}
    assert abs(math.fsum(found.net.values()) - math.fsum(signed.values())) <= 1e-12
    assert abs(math.fsum(found.gross.values()) - math.fsum(weights.values())) <= 1e-12
    assert all(abs(found.net[asset]) <= found.gross[asset] + 1e-15 for asset in found.net)


@pytest.mark.requirement("R-RSK-12")
@given(book=books(), these=limits())
def test_caps_hold_after_netting_and_no_weight_grows(book: Any, these: Limits) -> None:
    weights, composition, clusters = book
    found = keep_caps(weights, composition, clusters, these)
    assert found.weights.keys() == weights.keys()
    assert all(0.0 <= found.weights[atom] <= weights[atom] for atom in weights)
    assert abs(found.moved - sum(weights[atom] - found.weights[atom] for atom in weights)) <= 1e-12

    held = flatten(found.weights, composition)
    assert (held.net, held.gross) == (found.net, found.gross)
    for sizes in (held.gross, {asset: abs(weight) for asset, weight in held.net.items()}):
        assert max(sizes.values(), default=0.0) <= these.position + TOLERANCE
        for cluster in set(clusters.values()):
            inside = sum(size for asset, size in sizes.items() if clusters[asset] == cluster)
            assert inside <= these.cluster + TOLERANCE
    assert sum(held.gross.values()) <= these.gross + TOLERANCE

    broken = {row.name for row in found.constraints if row.value > row.limit + TOLERANCE}
    net = sum(held.net.values())
    assert broken <= {"net_high", "net_low"}
    if "net_high" in broken:  # only growth of the other side could mend it
        assert net > these.net[1] + TOLERANCE
        assert -sum(w for atom, w in found.weights.items() if atom.endswith("SHORT")) > these.net[1]
    if "net_low" in broken:
        assert net < these.net[0] - TOLERANCE
        assert sum(w for atom, w in found.weights.items() if atom.endswith("LONG")) < these.net[0]


@pytest.mark.requirement("R-RSK-12")
@given(book=books(), these=limits())
def test_keeping_caps_twice_is_keeping_them_once(book: Any, these: Limits) -> None:
    weights, composition, clusters = book
    once = keep_caps(weights, composition, clusters, these)
    again = keep_caps(once.weights, composition, clusters, these)
    assert again.weights == once.weights
    assert again.moved == 0.0


@pytest.mark.requirement("R-RSK-12")
@given(book=books())
def test_nothing_moves_where_every_limit_is_slack(book: Any) -> None:
    weights, composition, clusters = book
    found = keep_caps(weights, composition, clusters, Limits(gross=20, net=(-20, 20), position=20, cluster=20))
    assert found.weights == weights
    assert found.moved == 0.0
