"""What several providers' parts of one sync came to, as one; no asset is in two of them."""

from collections.abc import Mapping, Sequence

from tvquant.market.account import Account, Left
from tvquant.market.healing import HealReport
from tvquant.market.orchestrator import Summary


def summary_of(parts: Sequence[Summary]) -> Summary:
    """Return one summary, outcomes in order of symbol and interval."""
    return Summary(
        outcomes=tuple(sorted((one for part in parts for one in part.outcomes), key=lambda one: one.task.key)),
        started=min(part.started for part in parts),
        ended=max(part.ended for part in parts),
    )


def heal_report_of(parts: Sequence[HealReport]) -> HealReport:
    """Return one report of repairs."""
    return HealReport(
        assets=tuple(sorted((one for part in parts for one in part.assets), key=lambda one: one.physical_symbol)),
        checked=sum(part.checked for part in parts),
        unhealthy=_together([part.unhealthy for part in parts]),
        excluded=tuple(sorted(name for part in parts for name in part.excluded)),
        requests=sum(part.requests for part in parts),
    )


def account_of(parts: Sequence[Account]) -> Account:
    """Return one account; what is left is summed, and asking for `depth` bars would bring all of it."""
    left = [part.left for part in parts]
    return Account(
        asked=sum(part.asked for part in parts),
        stable=tuple(sorted(name for part in parts for name in part.stable)),
        degraded=_together([part.degraded for part in parts]),
        failed=_together([part.failed for part in parts]),
        missing=_together([part.missing for part in parts]),
        left=Left(
            rows=sum(one.rows for one in left),
            total=sum(one.total for one in left),
            deeper=tuple(sorted(name for one in left for name in one.deeper)),
            depth=max((one.depth for one in left if one.depth is not None), default=None),
            unread=sum(one.unread for one in left),
            example=next((one.example for one in left if one.example), ""),
        ),
    )


def _together(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return dict(sorted((name, why) for part in parts for name, why in part.items()))
