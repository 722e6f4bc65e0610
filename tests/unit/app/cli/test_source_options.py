"""What a command was given of its provider reaches the factory, which alone knows what its options may be."""

from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.app.cli.source_options import Given
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.lake.writing.declared_basis import Doubt


def test_words_and_options_are_one() -> None:
    plain = Given(provider="files", path=Path("in"), basis="split", accept=True).source()
    assert (plain.name, plain.options, plain.basis, plain.doubt) == (
        "files",
        {"path": Path("in"), "basis": "split"},
        Basis.SPLIT,
        Doubt.ACCEPT,
    )
    named = Given(options=("path=in put", "basis=split")).source()
    assert (named.name, named.options, named.basis) == ("files", {"path": "in put", "basis": "split"}, Basis.SPLIT)
    http = Given(provider="simulated", options=("url=http://127.0.0.1:8000/a?b=c",)).source()
    assert (http.options, http.basis, http.doubt) == ({"url": "http://127.0.0.1:8000/a?b=c"}, None, Doubt.REFUSE)
    assert Given(provider="simulated", options=("seed=7",)).source().options == {"seed": 7}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Given(provider="simulated", options=("seed",)), "NAME=VALUE, found 'seed'"),
        (Given(provider="simulated", options=("=7",)), "NAME=VALUE, found '=7'"),
        (Given(provider="simulated", seed=1, options=("seed=7",)), "--option seed is given beside another value"),
        (Given(provider="simulated", options=("seed=7", "seed=7")), "--option seed is given beside"),
        (Given(provider="simulated", options=("seed=[1",)), "--option seed.*not readable"),
        (Given(provider="simulated", options=("basis=rwa",)), "raw, split or total, found 'rwa'"),
        (Given(), "needs --path.*data providers"),
    ],
)
def test_what_is_no_option_is_refused(given: Given, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        given.source()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (
            Given(provider="simulated", options=("sed=7",)),
            "provider simulated: unknown option 'sed' - did you mean seed",
        ),
        (Given(provider="simulated", options=("seed=many",)), "provider simulated: option seed: expected"),
        (Given(provider="simulatd"), "unknown provider 'simulatd' - did you mean simulated"),
    ],
)
def test_the_factory_says_what_its_options_may_be(given: Given, why: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=why):
        given.source().opened(Workspace(tmp_path), ManualClock())
