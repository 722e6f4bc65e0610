"""A meta-portfolio's run: runs of its sleeves found or played, then weighed, netted and settled as a run of its own.

1. First the sleeves' runs are named: pinned, finished, going on, or played. Nothing else is on disk yet.
2. A finished run of the same plan (meta-profile, results of the sleeves, code) is returned instead of computed again.
3. Stages record intent and outcome; the seal holds the result digest. What interrupts them leaves an unfinished run,
   which is no evidence of anything, beside the finished runs of the sleeves. Asked for again, these are found, and the
   rest, which takes seconds, is played anew in a run of its own. So there is nothing to resume.
"""

from functools import partial

from tvquant.app.finished_runs import Finished, finished_run
from tvquant.app.identity import environment, source_digest
from tvquant.app.meta.context import MetaContext, MetaPlan
from tvquant.app.meta.sleeve_runs import Player, sleeve_runs
from tvquant.app.meta.sources import Sources
from tvquant.app.meta.stages.catalogue import STAGES
from tvquant.app.pinned_snapshot import restore_snapshots, write_snapshot
from tvquant.app.progress import Logbook
from tvquant.app.run import begun
from tvquant.app.stages.contract import play
from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage
from tvquant.ledger import Ledger, genesis_entry, outputs_of
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import PINNED
from tvquant.profiles import ResolvedMeta


def play_meta(player: Player, resolved: ResolvedMeta, *, again: bool = False) -> Finished:
    """Return the finished run of a meta-portfolio; `again` computes it anew, of the same runs of its sleeves.

    Raises
    ------
    LedgerError : a sleeve does not pass its gates.
    TvquantError : a sleeve cannot be played, or the sleeves cannot be weighed.
    """
    home = player.workspace
    restore_snapshots(home, player.watcher.note)
    found = sleeve_runs(player, resolved, partial(play_meta, again=False))
    sources = Sources(home)
    first = resolved.profile.allocation.profiles[0]
    records = tuple(sources.record(name, run, first) for name, run in found.runs.items())
    plan = MetaPlan(resolved=resolved, records=records)
    if not again and not found.absent and (done := finished_run(home, plan.digest, player.watcher.note)):
        return done
    folder, ledger = begun(home, resolved, player.clock, partial(_genesis, resolved=resolved))
    with ledger:
        context = MetaContext(
            folder=folder, plan=plan, sources=sources, runs=found.runs, absent=found.absent, recorder=ledger,
            progress=Logbook(folder.path, player.clock, player.watcher),
        )  # fmt: skip
        return _played(context, ledger)


def _played(context: MetaContext, ledger: Ledger) -> Finished:
    """Play the stages and seal the run."""
    first, *others = STAGES
    play(first, context)
    _pin(context)
    for stage in others:
        play(stage, context)
    leaves = RecordedRun(context.folder).leaves
    ledger.seal(leaves)
    return Finished(folder=context.folder, result=merkle_root(leaves), reused=False)


def _pin(context: MetaContext) -> None:
    """Record which runs the meta-portfolio is made of, in the place where a profile's run pins its data."""
    plan = context.plan
    write_snapshot(context.folder, plan.digest, plan.text)
    outputs = context.digests | outputs_of(context.folder.path, [PINNED])
    context.recorder.record(
        Entry(
            chain=RUN,
            stage=Stage.NATURAL_SELECTION,
            pillar=4,
            kind="plan",
            outputs=outputs,
            data={"snapshot": plan.text},
        )
    )


def _genesis(run_id: str, resolved: ResolvedMeta) -> Entry:
    profile = resolved.profile
    return genesis_entry(
        run_id=run_id,
        profile=profile.name,
        code=source_digest(),
        manifest=resolved.digest,
        environment=digest_json(environment()),
        train=profile.windows.train,
        test=profile.windows.rule,
        step=profile.windows.rule,
        lookback=profile.windows.train,
        selection="sleeves",
        rebalance="window",
    )
