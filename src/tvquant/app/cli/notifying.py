"""Notifying a webhook of how `tvquant data sync` and `tvquant run` ended, where the environment names one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tvquant.app.cli.console import note
from tvquant.app.cli.exit_codes import BUG, Answered, ending

FIGURES = ("sharpe", "sharpe_se", "cagr", "volatility", "max_drawdown")
"""Measures of the headline that are told."""


class Notice:
    """What is told of a command; it is filled while that runs."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def tell(self, **facts: Any) -> None:
        """Add facts: plain values, without texts of errors and without paths."""
        self.facts |= facts


@contextmanager
def notified(command: str, profile: str | None) -> Iterator[Notice]:
    """Notify the webhook when the block has ended, well or not; what the block raises goes on.

    `status` : `done`, `partial` (an answer, with something lacking), `failed`; the last two with kind and exit code.
    """
    notice = Notice()
    try:
        yield notice
    except Exception as error:
        end = ending(error)
        status = "partial" if isinstance(error, Answered) else "failed"
        kind, code = (end.kind, end.code) if end else ("Bug", BUG)
        _send({"command": command, "profile": profile, "status": status, "exit_code": code, "error": kind}, notice)
        raise
    _send({"command": command, "profile": profile, "status": "done", "exit_code": 0}, notice)


def _send(head: Mapping[str, Any], notice: Notice) -> None:
    if not os.environ.get("TVQUANT_NOTIFY_URL"):
        return
    from tvquant.app.clock import SystemClock
    from tvquant.app.notification import NOTIFY_URL, notify

    clock = SystemClock()
    message = {**head, "at": clock.now().isoformat(timespec="seconds"), **notice.facts}
    if warning := notify(os.environ[NOTIFY_URL], message, clock=clock):
        note(f"warning: {warning}")


def sync_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a sync, out of its document."""
    assets = document["assets"]
    return {
        "providers": document["providers"],
        "counts": document["counts"],
        "bars": {name: sum(one[name] for one in assets) for name in ("inserted", "changed")},
        "requests": sum(one["requests"] for one in assets) + document["repair"]["requests"],
    }


def run_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a run, out of its document: who it is, the headline, and the caveats of its figures."""
    cell = next((one for one in document["cells"] if one["cell"] == document["headline"]), None)
    return {
        "run": document["run"],
        "result": document["result"],
        "reused": document["reused"],
        "seconds": document["seconds"],
        "headline": {"cell": document["headline"]} | {name: (cell or {}).get(name) for name in FIGURES},
        "cells": len(document["cells"]),
        "cells_failed": sum(bool(one["why"]) for one in document["cells"]),
        "caveats": [one["topic"] for one in document["caveats"] if one["serious"]],
    }
