"""Names of a meta-profile: known, installed, and of use where there are sleeves and no candidates."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from tvquant.app.vocabulary import vocabulary as app_vocabulary
from tvquant.core.errors import ProfileError
from tvquant.profiles import load, resolve_meta
from tvquant.profiles.meta_vocabulary import named
from tvquant.profiles.options import Options

WORDS = app_vocabulary()


def resolved(**keys: Any) -> Any:
    arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in keys.items()}
    return resolve_meta(load("meta_benchmark"), WORDS, arguments=arguments).profile


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"allocation__profiles": ["barbell"]}, "barbell cannot weigh sleeves: its leaders are chosen by scores"),
        ({"allocation__profiles": ["market_neutral"]}, "market_neutral cannot weigh sleeves: it bounds the beta of"),
        ({"allocation__profiles": ["fixed"]}, "fixed cannot weigh sleeves: .* allocation.mixes has fixed weights"),
        (
            {"allocation__fallbacks": ["adaptive"]},
            "fallbacks: adaptive cannot weigh sleeves: the regime that it follows",
        ),
        ({"allocation__fallbacks": ["equal_names"]}, "equal_names cannot weigh sleeves: it counts names"),
        ({"allocation__profiles": ["hrpp"]}, "allocation.profiles: unknown risk profile 'hrpp' - did you mean hrp"),
        ({"allocation__engine": "custm"}, "allocation.engine: unknown engine 'custm' - did you mean custom"),
        ({"streams__simulator": "custm"}, "streams.simulator: unknown simulator 'custm' - did you mean custom"),
        (
            {"allocation__means__estimator": "zero", "allocation__profiles": ["max_sharpe"]},
            "'max_sharpe' goes by means",
        ),
        ({"allocation__covariance__half_life": 0.0}, "allocation.covariance.half_life: "),
        ({"allocation__barbell__aggressors": 3}, "allocation.barbell: unknown key"),
    ],
)
def test_a_name_of_no_use_is_refused_with_the_reason(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        resolved(**keys)


def test_what_an_engine_does_not_solve_is_refused_with_both_names() -> None:
    narrow = min(WORDS.engines, key=lambda name: len(WORDS.engines[name]))
    unsolved = sorted(WORDS.risk_profiles - WORDS.unsuited.keys() - WORDS.engines[narrow])[0]
    with pytest.raises(ProfileError, match=f"engine {narrow} does not solve {unsolved}; name another"):
        resolved(allocation__engine=narrow, allocation__profiles=[unsolved])


def test_risk_profiles_that_go_by_streams_alone_may_weigh_sleeves() -> None:
    suited = named(WORDS)["allocation.profiles"][1]
    assert {"hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight"} <= set(suited)
    assert not set(suited) & {"barbell", "adaptive", "market_neutral", "fixed", "equal_names"}


class Picky(Options):
    """Options of the member `custom` that never fit.

    Parameters
    ----------
    depth : rows.
    """

    under: ClassVar[str] = "custom"
    depth: int = 3

    def complaints(self, profile: Any) -> Iterator[tuple[str, str]]:
        yield "depth", f"is {self.depth} of {profile.name}"


def test_members_that_are_not_installed_and_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ProfileError, match=r"engine 'custom' is not installed; install tvquant\[engines\]"):
        resolve_meta(load("meta_benchmark"), replace(WORDS, missing={"custom": "engines"}))
    words = replace(WORDS, meta_options={**WORDS.meta_options, "execution": (Picky,)})
    with pytest.raises(ProfileError, match=r"execution\.custom\.depth: is 3 of meta_benchmark"):
        resolve_meta(load("meta_benchmark"), words)
