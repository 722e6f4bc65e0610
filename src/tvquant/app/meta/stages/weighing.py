"""Stage 14: what each sleeve is given, walk-forward, and what one account holds of all of them."""

from collections.abc import Iterator

from tvquant.app.meta.context import Held, MetaContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.records import DECISION, WEIGHING, Entry, chain_of
from tvquant.core.stages import Stage
from tvquant.tournament.sleeves.groups import mixes_in, netted_in, weighed_in


def run(context: MetaContext, outcome: Outcome) -> None:
    """Weigh the sleeves of every risk profile and net what they hold; record each decision once.

    Raises
    ------
    ModelError : nothing can be held.
    """
    profile = context.plan.profile
    held: list[Held] = []
    for number, group in enumerate(context.groups):
        paths = (weighed_in(group, profile), *(mixes_in(group, profile) if number == 0 else ()))
        held += [Held(group=group, path=path, book=netted_in(group, path, profile)) for path in paths]
    context.held = tuple(held)
    for done, one in enumerate(held, 1):
        for entry in (*weighings(one), *decisions(one)):
            context.recorder.record(entry)
        context.progress.steps(done, len(held))
    outcome.metrics |= {"paths": len(held), "decisions": sum(len(one.book.rebalances) for one in held)}
    outcome.data["waited"] = {one.path.key: dict(one.book.waited) for one in held}


def weighings(held: Held) -> Iterator[Entry]:
    """Yield the record of each meta decision: shares, and how an allocation was found."""
    for number, one in enumerate(held.path.decisions):
        made = one.allocation
        yield Entry(
            chain=f"{WEIGHING}/{held.path.key}",
            stage=Stage.OPTIMISATION,
            pillar=4,
            kind=WEIGHING,
            metrics={"number": number, "status": one.status, "cash": one.cash, "moving": one.moving},
            data={
                "at": str(one.at),
                "shares": dict(one.shares),
                "allocation": None if made is None else made.payload(),
            },
        )


def decisions(held: Held) -> Iterator[Entry]:
    """Yield the record of what a path holds from each date on; its digest is that of the rebalance."""
    for one, payload in zip(held.book.rebalances, held.book.payloads, strict=True):
        yield Entry(
            chain=chain_of(DECISION, held.path.key),
            stage=Stage.OPTIMISATION,
            pillar=4,
            kind=DECISION,
            inputs={"view": one.inputs},
            outputs={DECISION: one.digest},
            metrics={"window": one.window, "row": one.row, "status": one.status},
            data=payload,
        )


ALLOCATION = RunStage(
    number=Stage.OPTIMISATION,
    pillar=4,
    what="weigh the sleeves walk-forward and net what they hold",
    inputs=("snapshot",),
    run=run,
)
