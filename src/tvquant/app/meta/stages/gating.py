"""Stage 6: the sleeves, and the gates that each must pass before anything is made of it."""

from collections.abc import Iterable

from tvquant.app.meta.context import MetaContext
from tvquant.app.meta.evidence import parity_gates
from tvquant.app.meta.streams import write_streams
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.errors import LedgerError, ModelError
from tvquant.core.records import GATE, RUN, Entry
from tvquant.core.sleeves import Sleeve
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of
from tvquant.profiles import MetaProfile
from tvquant.tournament.sleeves.correlation import correlated
from tvquant.tournament.sleeves.gates import Gate, GateRules, gated, mirrored
from tvquant.tournament.sleeves.groups import Group, group_of


def run(context: MetaContext, outcome: Outcome) -> None:
    """Read the sleeves of every risk profile, record their gates, join those that pass, write their streams.

    Raises
    ------
    LedgerError : a sleeve does not pass, and the profile does not leave such sleeves out.
    DataError, ModelError : those that pass cannot be joined.
    """
    profile = context.plan.profile
    groups = [_group(context, risk_profile) for risk_profile in profile.allocation.profiles]
    context.groups = tuple(groups)
    files = write_streams(context.folder, (one for group in groups for one in group.sleeves))
    outcome.outputs |= outputs_of(context.folder.path, files)
    joined, names = groups[0].joined, groups[0].names
    outcome.metrics |= {"sleeves": len(profile.sleeves), "passed": len(names), "common": len(joined.times)}
    outcome.data |= {
        "sleeves": list(names),
        "first": str(joined.times[0]),
        "last": str(joined.times[-1]),
        "lost": {one.sleeve: {"rows": one.rows, "dropped": one.dropped} for one in joined.lost},
    }
    lost = joined.sparsest
    if lost.share > profile.join.dropped:
        warning = (
            f"the join leaves out {lost.dropped} of {lost.rows} rows of {lost.sleeve}, the sleeve with the fewest: "
            f"{lost.share:.0%}, and join.dropped is {profile.join.dropped:.0%}"
        )
        outcome.data["warning"] = warning
        context.progress.note(warning)


def _group(context: MetaContext, risk_profile: str) -> Group:
    """Return the sleeves of a risk profile that pass their gates, joined.

    Raises
    ------
    LedgerError : the run may not go on.
    """
    profile = context.plan.profile
    sleeves, absent = _read(context, risk_profile)
    panels = {one.name: context.sources.panel(context.runs[one.name], risk_profile) for one in sleeves}
    found = gated(list(profile.sleeves), sleeves, panels, _rules(profile), absent=absent)
    _record(context, found.gates, risk_profile)
    for name in found.dropped:
        context.progress.note(
            f"sleeve {name} does not pass its gates" + (", and is left out" if found.refusal is None else "")
        )
    if found.refusal is not None:
        raise LedgerError(f"meta-portfolio {profile.name}, {risk_profile}: {found.refusal}")
    group = group_of(profile, risk_profile, found.kept, panels)
    context.correlations[risk_profile] = correlated(group.joined, seed=profile.seed)
    _record(context, mirrored(context.correlations[risk_profile], profile.gates.mirror), risk_profile)
    return group


def _read(context: MetaContext, risk_profile: str) -> tuple[list[Sleeve], dict[str, str]]:
    """Return the sleeves that can be read and bring what evidence they must, and why the others are not there."""
    profile = context.plan.profile
    absent, sleeves = dict(context.absent), list[Sleeve]()
    if profile.gates.parity:
        gates = parity_gates(context.runs, profile.streams, risk_profile)
        _record(context, gates, risk_profile)
        absent |= {gate.sleeves[0]: gate.why for gate in gates if not gate.passed}
    for name, run in context.runs.items():
        if name in absent:
            continue
        try:
            sleeves.append(context.sources.sleeve(name, run, profile.streams, risk_profile))
        except ModelError as error:
            absent[name] = str(error).removeprefix(f"sleeve {name}, ").removeprefix(f"sleeve {name}: ")
    return sleeves, absent


def _rules(profile: MetaProfile) -> GateRules:
    gates = profile.gates
    return GateRules(solved=gates.solved, drop=gates.drop, exceptions=gates.exceptions, mirror=gates.mirror)


def _record(context: MetaContext, gates: Iterable[Gate], risk_profile: str) -> None:
    for gate in gates:
        context.recorder.record(
            Entry(
                chain=RUN,
                stage=Stage.NATURAL_SELECTION,
                pillar=4,
                kind=GATE,
                metrics={"gate": gate.name, "passed": gate.passed, "risk_profile": risk_profile},
                data={"risk_profile": risk_profile, **gate.entry()},
            )
        )


SLEEVES = RunStage(
    number=Stage.NATURAL_SELECTION,
    pillar=4,
    what="read the sleeves, pass their gates, join them",
    inputs=("snapshot",),
    run=run,
)
