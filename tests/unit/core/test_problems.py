"""What a problem refuses when it is made, and what nobody can change afterwards."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from builders.problems import covariance_of, problem_of
from tvquant.core.errors import ModelError
from tvquant.core.neutrality import Beta
from tvquant.core.problems import UNLIMITED

GIVEN = problem_of(covariance_of(np.eye(3)))
NAN = float("nan")


def beta(*values: float) -> dict[str, Any]:
    return {"beta": Beta(values=np.array(values), benchmark="X:B")}


def means(*values: float) -> dict[str, Any]:
    return {"covariance": replace(GIVEN.covariance, means=np.array(values))}


def variance(value: float) -> dict[str, Any]:
    return {"covariance": covariance_of(np.diag([1.0, value, 1.0]))}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"keys": ()}, "at least one name and none twice, got 0"),
        ({"keys": ("A",) * 3}, "none twice, got 3 with 1 unique"),
        (beta(1.0, 1.0), "allocation of 3 names needs betas of shape 3, got 2"),
        (beta(1.0, NAN, 1.0), "N001 cannot be weighed: its beta is not finite"),
        ({"keys": ("A", "B")}, "allocation of 2 names needs returns of shape T x 2, got T x 3"),
        ({"returns": np.zeros(3)}, "needs returns of shape T x 3, got 3"),
        ({"covariance": covariance_of(np.eye(2))}, "3 names needs a covariance of shape 3 x 3, got 2 x 2"),
        (means(0.1, 0.1), "needs means of shape 3, got 2"),
        ({"clusters": (0, 1)}, "needs clusters of shape 3, got 2"),
        ({"previous": np.zeros((3, 1))}, "needs previous weights of shape 3, got 3 x 1"),
        ({"returns": np.array([[0.0, 0.0, NAN]])}, "N002 cannot be weighed: its returns are not all finite"),
        (means(0.1, NAN, 0.1), "N001 cannot be weighed: its mean is not finite"),
        (variance(NAN), "N001 cannot be weighed: its covariance is not finite with a positive variance"),
        (variance(0.0), "N001 cannot be weighed: its covariance is not finite with a positive variance"),
        ({"previous": np.array([np.inf, 0.0, 0.0])}, "N000 cannot be weighed: its previous weight is not finite"),
        ({"l2": -0.1}, "expected an L2 coefficient from 0 to inf, found -0.1"),
        ({"budget": 1.1}, "expected a budget from 0 to 1, found 1.1"),
        ({"budget": NAN}, "expected a budget from 0 to 1, found nan"),
        ({"composition": {"N000": {"A": 1.0}}}, "stream N001: it is not in the composition map"),
        (
            {"composition": {key: {"A": NAN} for key in GIVEN.keys}},
            "N000 cannot be weighed: its net exposure is not finite",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        replace(GIVEN, **changed)


def test_the_exposure_of_a_stream_is_the_net_of_what_it_holds() -> None:
    pair = {"A": 0.75, "B": -0.25}
    made = replace(GIVEN, composition={"N000": {"A": 1.0}, "N001": {"A": -1.0}, "N002": pair, "another": {"C": 2.0}})
    assert made.units.net.tolist() == [1.0, -1.0, 0.5]


def test_arrays_are_read_only() -> None:
    arrays = (GIVEN.returns, GIVEN.previous, GIVEN.units.net, GIVEN.covariance.matrix, GIVEN.covariance.means)
    assert not any(array.flags.writeable for array in arrays)


def test_what_is_changed_without_a_check_changes_nothing_else():
    asked = replace(GIVEN, budget=0.5, l2=0.2, selection_clusters=(1, 1, 2), target=np.full(3, 0.1))
    free, loaded = asked.unlimited, asked.with_l2_in(covariance_of(2.0 * np.eye(3)))
    assert (free.limits, free.budget, free.selection_clusters, free.beta) == (UNLIMITED, 1.0, (), None)
    assert (loaded.l2, loaded.covariance.matrix[0, 0], loaded.limits, loaded.budget) == (0.0, 2.0, asked.limits, 0.5)
    changed = {"limits", "budget", "selection_clusters", "beta", "covariance", "l2"}
    for one in fields(asked):
        if one.name not in changed:
            assert getattr(free, one.name) is getattr(loaded, one.name) is getattr(asked, one.name)
    assert (free.covariance, free.l2) == (asked.covariance, 0.2)
