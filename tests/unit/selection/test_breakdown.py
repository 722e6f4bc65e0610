"""The breakdown: what every column of every score is in, and how an atom was judged, against the response."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tvquant.selection import SELECTION_MODELS, SelectionContext, SelectionPipelineAdapter
from tvquant.selection.breakdown import SPECIFIED_LIQUIDITY, UNITS, Breakdown
from tvquant.selection.models.v4 import V4

SCORING = {name: model for name, model in SELECTION_MODELS.items() if isinstance(model, SelectionPipelineAdapter)}


@pytest.fixture
def given(context: Callable[..., SelectionContext]) -> Callable[..., SelectionContext]:
    """Twelve streams, three of them short, in pairs that move together."""

    def make(**settings: Any) -> SelectionContext:
        rng = np.random.default_rng(3)
        pairs = np.repeat(rng.normal(0.0005, 0.01, (220, 6)), 2, axis=1)
        streams = pairs + rng.normal(0.0, 0.004, (220, 12)) * np.arange(1, 13)
        return context(streams, directions="LLLLLLLLLSSS", **settings)

    return make


@pytest.mark.parametrize("name", SCORING)
def test_every_feature_is_told_in_its_unit_and_the_judgement_is_that_of_the_response(
    name: str, given: Callable[..., SelectionContext]
) -> None:
    model, context = SCORING[name], given(top_n=1, min_winners=8)
    found, response = Breakdown.of(model, context), model.select(context)
    assert {one.column for one in found.components} <= UNITS.keys()
    assert dict(found.done.recruited) == dict(response.recruited)
    for atom, score in response.scores.items():
        features = list(found.features(atom))
        assert sum(one.part for one in features) == pytest.approx(score, abs=1e-12)
        assert {one.feature: one.probability for one in features} == response.components[atom]
        for one in features:
            by = np.log(one.probability) if found.formula == "weight x ln p" else one.probability
            assert one.part == pytest.approx(one.weight * by, abs=1e-12)
        broken, standing = found.broken(atom), found.standing(atom)
        recorded = response.vetoes.get(atom)
        assert bool(broken) == (recorded is not None)
        assert recorded is None or (broken[0].rule, broken[0].value) == (recorded.rule, recorded.value)
        assert (standing.rank == 0) == bool(broken)
        ranked = 1 <= standing.rank <= standing.places
        assert ranked == (response.recruited.get(atom) == "ranked")


def test_the_place_is_counted_within_cluster_and_direction(given: Callable[..., SelectionContext]) -> None:
    context = given(vetoes=(), cluster_distance=0.9, top_n=1)
    found, scores = Breakdown.of(V4, context), V4.select(context).scores
    groups: dict[tuple[int, str], list[str]] = {}
    for atom, cluster in zip(context.pool.atoms, found.done.clusters, strict=True):
        groups.setdefault((cluster, atom.direction.value), []).append(atom.symbol)
    assert any(len(group) > 1 for group in groups.values())
    for group in groups.values():
        ranks = [found.standing(atom).rank for atom in sorted(group, key=lambda one: -scores[one])]
        assert ranks == list(range(1, len(group) + 1))
        assert {(found.standing(atom).of, found.standing(atom).places) for atom in group} == {(len(group), 1)}


def test_liquidity_as_specified_has_another_unit(given: Callable[..., SelectionContext]) -> None:
    terms = {"value_traded_last": np.arange(1, 13) * 1e6, "adv_median_30": np.arange(1, 13) * 1e6}
    units = {
        thresholds: next(
            one.unit
            for one in Breakdown.of(V4, given(thresholds=thresholds, terms=terms)).features("X:N000_hold_LONG")
            if one.feature == "liquidity"
        )
        for thresholds in ("calibrated", "as_specified")
    }
    assert units == {"calibrated": "ln USD a day", "as_specified": SPECIFIED_LIQUIDITY}
