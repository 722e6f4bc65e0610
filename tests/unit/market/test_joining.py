"""Nothing of any part is lost or counted twice, in whatever order the parts come."""

from datetime import timedelta

import pytest

from builders.clocks import NOON
from tvquant.market.account import Account, Left
from tvquant.market.healing import AssetHeal, HealReport
from tvquant.market.joining import account_of, heal_report_of, summary_of
from tvquant.market.orchestrator import Summary
from tvquant.market.registry import AssetState
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result, TaskOutcome

A, B, C = "BINANCE:AUSDT", "BINANCE:BUSDT", "NASDAQ:C"


def outcome(name: str, requests: int) -> TaskOutcome:
    task = DataTask(physical_symbol=name)
    return TaskOutcome(task=task, result=Result.FETCHED, state=AssetState.STABLE, requests=requests, inserted=requests)


def summary(begun: int, *outcomes: TaskOutcome) -> Summary:
    return Summary(outcomes=outcomes, started=NOON + timedelta(hours=begun), ended=NOON + timedelta(hours=begun + 1))


@pytest.mark.parametrize("step", [1, -1])
def test_parts_are_one_whole(step: int) -> None:
    done = summary_of([summary(0, outcome(C, 2)), summary(1, outcome(A, 3), outcome(B, 5))][::step])
    assert [one.task.physical_symbol for one in done.outcomes] == [A, B, C]
    assert (done.requests, done.inserted, done.ended - done.started) == (10, 10, timedelta(hours=2))

    mended = [
        AssetHeal(
            physical_symbol=name,
            before="",
            state=AssetState.DEGRADED,
            reason="",
            passes=1,
            inserted=1,
            changed=0,
            notes=(),
        )
        for name in (C, A)
    ]
    parts = [
        HealReport(assets=(mended[0],), checked=3, unhealthy={C: "gaps"}, excluded=(C,), requests=2),
        HealReport(assets=(mended[1],), checked=4, unhealthy={A: "short"}, excluded=(A,), requests=5),
    ]
    healed = heal_report_of(parts[::step])
    assert [one.physical_symbol for one in healed.assets] == [A, C]
    assert (healed.checked, healed.requests, healed.excluded) == (7, 7, (A, C))
    assert list(healed.unhealthy.items()) == [(A, "short"), (C, "gaps")]


@pytest.mark.parametrize("step", [1, -1])
def test_accounts_are_one_account(step: int) -> None:
    first = Left(rows=5, total=9, deeper=(C,), depth=40, unread=2, example="x.csv: row 7")
    second = Left(rows=1, total=7, deeper=(A,), depth=90)
    parts = [
        Account(asked=2, stable=(C,), degraded={"NASDAQ:D": "gaps"}, failed={}, missing={}, left=first),
        Account(asked=3, stable=(B,), degraded={A: "short"}, failed={"X:F": "no"}, missing={}, left=second),
    ]
    whole = account_of(parts[::step])
    assert (whole.asked, whole.stable, whole.failed, whole.missing) == (5, (B, C), {"X:F": "no"}, {})
    assert list(whole.degraded) == [A, "NASDAQ:D"]
    assert whole.left == Left(rows=6, total=16, deeper=(A, C), depth=90, unread=2, example="x.csv: row 7")
    untold = Account(asked=1, stable=(A,), degraded={}, failed={}, missing={}, left=Left(deeper=(A,)))
    assert account_of([untold, untold]).left.depth is None
