import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tvquant.app import consents
from tvquant.app.cli.data import commands
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.terms import TRADINGVIEW


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    return made


def said(home: Workspace, *words: str) -> str:
    done = CliRunner().invoke(commands, ["terms", *words, "-w", str(home.root)])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_terms_are_shown_agreed_to_and_withdrawn(home: Workspace) -> None:
    text = said(home, "tradingview")
    assert TRADINGVIEW in text
    assert "not agreed" in text
    assert "agreed on 2" in said(home, "tradingview", "--agree")
    assert consents.agreed(home, "tradingview", TRADINGVIEW)
    every = {one["name"]: one for one in json.loads(said(home, "--json"))}
    assert set(every) == {"tradingview", *(name for name, one in PROVIDERS.items() if one.terms)}
    assert every["tradingview"]["agreed_at"]
    assert "not agreed" in said(home, "tradingview", "--withdraw")
    assert consents.agreed(home, "tradingview", TRADINGVIEW) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--agree",), "name whose terms"),
        (("tradingview", "--agree", "--withdraw"), "exclude"),
        (("tradingvew",), "tradingview"),
        (("files", "--agree"), "has no terms"),
    ],
)
def test_what_cannot_be_meant_is_refused(home: Workspace, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        said(home, *words)
    assert not (home.root / "data" / consents.FILE).exists()
