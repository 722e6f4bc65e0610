"""A source with terms is opened only after the user agreed to exactly this text, in this workspace."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import NOON, ManualClock
from tvquant.app import consents, deliveries, syncing
from tvquant.app.deliveries import Source
from tvquant.app.progress import Watcher
from tvquant.app.syncing import Asked
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.market.providers.contract import ProviderFactory
from tvquant.profiles import Options

NAME, TERMS = "told", "Use it for your own research only.\nPass nothing on."


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    return made


@pytest.fixture
def file(home: Workspace) -> Path:
    """The file with agreements to the terms of one source, of another, and of one with the same terms."""
    consents.agree(home, NAME, TERMS, clock=ManualClock(NOON))
    consents.agree(home, "other", "Other terms.", clock=ManualClock(NOON + timedelta(days=1)))
    consents.agree(home, "twin", TERMS, clock=ManualClock(NOON))
    return home.root / "data" / consents.FILE


def test_terms_are_said_with_the_command_until_they_are_agreed_to(home: Workspace) -> None:
    with pytest.raises(ProfileError) as said:
        consents.require(home, NAME, TERMS)
    assert str(said.value).count(TERMS) == 1
    assert "nothing was sent" in str(said.value)
    assert str(said.value).endswith("`tvquant data terms told --agree`")
    consents.require(home, "files", "")
    consents.agree(home, NAME, TERMS, clock=ManualClock(NOON))
    consents.require(home, NAME, TERMS)
    assert consents.agreed(home, NAME, TERMS) == NOON


@pytest.mark.parametrize(("name", "terms"), [(NAME, f"{TERMS} "), ("another", TERMS), (NAME, "Other terms.")])
def test_an_agreement_is_to_one_text_of_one_source(home: Workspace, file: Path, name: str, terms: str) -> None:
    assert consents.agreed(home, name, terms) is None
    with pytest.raises(ProfileError):
        consents.require(home, name, terms)
    assert consents.agreed(home, NAME, TERMS)
    assert file.is_file()


def test_an_agreement_that_is_withdrawn_is_gone_and_others_stay(home: Workspace, file: Path) -> None:
    assert consents.withdraw(home, NAME)
    assert consents.agreed(home, NAME, TERMS) is None
    assert consents.agreed(home, "other", "Other terms.") == NOON + timedelta(days=1)
    before = file.read_bytes()
    assert not consents.withdraw(home, NAME)
    assert file.read_bytes() == before


def moved(found: Any) -> Any:
    return found | {NAME: found["other"]}


def lent(found: Any) -> Any:
    return found | {NAME: found["twin"]}


def dated(found: Any) -> Any:
    return found | {NAME: found[NAME] | {"at": "2026-06-02T12:00:00+00:00"}}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 3],
        lambda _: "",
        lambda _: "[]",
        lambda _: "[" * 100_000,
        lambda _: '{"told": true}',
        lambda _: '{"told": {"at": 5, "text": ""}}',
        lambda text: json.dumps(moved(json.loads(text))),
        lambda text: json.dumps(lent(json.loads(text))),
        lambda text: json.dumps(dated(json.loads(text))),
        lambda text: text.replace('"text": "', '"text": "0'),
    ],
)
def test_a_torn_or_edited_file_holds_no_agreement_and_can_be_written_anew(
    home: Workspace, file: Path, spoil: Callable[[str], str]
) -> None:
    file.write_text(spoil(file.read_text()))
    assert consents.agreed(home, NAME, TERMS) is None
    consents.agree(home, NAME, TERMS, clock=ManualClock(NOON))
    assert consents.agreed(home, NAME, TERMS) == NOON


def test_who_agrees_waits_for_another_writer(home: Workspace) -> None:
    with home.writing(), pytest.raises(DataError, match="is writing"):
        consents.agree(Workspace(home.root), NAME, TERMS, clock=ManualClock(NOON))


def test_a_source_with_terms_is_not_opened_before(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a sync nor a repair gets as far as making the client."""
    opened: list[Options] = []

    def opening(options: Options, _: object) -> Any:
        opened.append(options)
        raise DataError("opened")

    factory = ProviderFactory(name=NAME, options=Options, open=opening, terms=TERMS)
    monkeypatch.setattr(deliveries, "PROVIDERS", {NAME: factory})
    source, clock = Source(name=NAME), ManualClock(NOON)
    with pytest.raises(ProfileError, match="terms told --agree"):
        syncing.sync(home, source, Asked(command="tvquant data sync"), clock=clock, watcher=Watcher())
    with pytest.raises(ProfileError, match="terms told --agree"):
        syncing.repair(home, source, clock=clock, watcher=Watcher())
    assert opened == []
    consents.agree(home, NAME, TERMS, clock=clock)
    with pytest.raises(DataError, match="opened"):
        syncing.repair(home, source, clock=clock, watcher=Watcher())
    assert len(opened) == 1
