"""What a user has agreed to, by source: an unofficial one is sent nothing before.

1. An agreement is to one text exactly: where the terms change, it is asked for anew.
2. It stands in `data/consents.json` of the workspace with its moment and a digest over source, moment and text; a file
   that is torn or was edited holds no agreement.
3. It is given by a command and taken back by one; no question is ever asked in the middle of another command.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_json
from tvquant.core.durable import write_text
from tvquant.core.errors import ProfileError

FILE = "consents.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """That a user agreed to a source's terms: when, and the digest of what to.

    `text` : digest over source, moment and terms.
    """

    at: datetime
    text: str


def require(home: Workspace, name: str, terms: str) -> None:
    """Refuse to go on with a source whose terms the user has not agreed to; one without terms needs nothing.

    Raises
    ------
    ProfileError : with the terms, and the command that agrees.
    """
    if terms and agreed(home, name, terms) is None:
        raise ProfileError(
            f"{name}: its terms are not agreed to in this workspace, so nothing was sent. The terms: {terms} "
            f"To agree: `tvquant data terms {name} --agree`"
        )


def agreed(home: Workspace, name: str, terms: str) -> datetime | None:
    """Return when the user agreed to exactly these terms of the source; None where they did not."""
    found = _stored(home).get(name)
    return found.at if found is not None and found.text == _digest(name, found.at, terms) else None


def agree(home: Workspace, name: str, terms: str, *, clock: Clock) -> None:
    """Store the user's agreement to a source's terms.

    Raises
    ------
    DataError : another command is writing in the workspace, or the disk refuses.
    """
    with home.writing():
        at = clock.now()
        _store(home, {**_stored(home), name: Agreement(at=at, text=_digest(name, at, terms))})


def withdraw(home: Workspace, name: str) -> bool:
    """Take the agreement to a source's terms back, and return whether there was one.

    Raises
    ------
    DataError : another command is writing in the workspace, or the disk refuses.
    """
    with home.writing():
        stored = _stored(home)
        if name not in stored:
            return False
        _store(home, {other: one for other, one in stored.items() if other != name})
    return True


def _digest(name: str, at: datetime, terms: str) -> str:
    return digest_json([name, at.isoformat(), terms])


def _stored(home: Workspace) -> dict[str, Agreement]:
    """Return what the file holds that can be read; a missing, torn or strange one holds nothing."""
    try:
        found = json.loads((home.root / "data" / FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    items: Mapping[str, Any] = found if isinstance(found, dict) else {}
    read = {name: _agreement(one) for name, one in items.items()}
    return {name: one for name, one in read.items() if one is not None}


def _agreement(found: Any) -> Agreement | None:
    try:
        return Agreement(at=datetime.fromisoformat(found["at"]), text=str(found["text"]))
    except (LookupError, TypeError, ValueError):
        return None


def _store(home: Workspace, agreements: Mapping[str, Agreement]) -> None:
    content = {name: {"at": one.at.isoformat(), "text": one.text} for name, one in sorted(agreements.items())}
    write_text(home.root / "data" / FILE, json.dumps(content, indent=2) + "\n")
