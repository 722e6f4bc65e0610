"""What a reader must know before believing a number of a meta-portfolio: stamps of all sleeves, rules, and digests."""

from tvquant.ledger.recorded_parts import Absent
from tvquant.profiles import MetaProfile
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import count, percent
from tvquant.report.meta.run import MetaRun
from tvquant.report.sections.assumptions import FILLED, stamped
from tvquant.report.sections.contract import Section


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return every stamp with its meaning and cells, the rules of the meta-profile, and each sleeve by its digest."""
    names = tuple(
        (f"{name} digest", run.digests.get(name, "not recorded")) for name in ("code", "plan", "snapshot", "result")
    )
    return (
        stamped(run),
        Text(text="Accounts carry the stamps of all sleeves that are weighed in them.", tone="note"),
        *(Text(text=notice, tone="warning") for notice in run.meta.notices),
        Facts(pairs=_rules(run.profile)),
        *_sleeves(run),
        Facts(pairs=names),
    )


def _rules(profile: MetaProfile) -> tuple[tuple[str, str], ...]:
    rules, limits, costs, of = profile.execution, profile.limits, profile.costs, profile.allocation
    windows, (low, high) = profile.windows, of.bounds
    step = f"every {windows.step} of them" if isinstance(windows.step, int) else f"by the calendar ({windows.rule})"
    charged = f"{costs.slippage_bps:g} bps slippage + {costs.commission_bps:g} bps commission on traded value"
    return (
        ("Weighed by", f"{', '.join(of.profiles)} of {of.engine}, {percent(low)} to {percent(high)} of a sleeve; "
                       f"covariance by {of.covariance.estimator}"),
        ("Windows", f"train {count(windows.train)} common rows, decided {step}"),
        ("Netted anew", "at these dates, and where any sleeve decides: one that does not stands as it has drifted"),
        ("Limits of the book", f"gross {percent(limits.gross)}, net {percent(limits.net[0])} to "
                               f"{percent(limits.net[1])}, position {percent(limits.position)}, cluster "
                               f"{percent(limits.cluster)} of equity; what they take is cash"),
        ("Execution", FILLED[rules.convention]),
        ("Costs", f"{charged}; borrow {percent(costs.borrow_rate)} per year"),
        ("Sharpe ratios", f"against {profile.benchmark.rate}"),
        ("Simulators", ", ".join(rules.simulators)),
        ("Random seed", str(profile.seed)),
    )  # fmt: skip


def _sleeves(run: MetaRun) -> tuple[Block, ...]:
    try:
        rows = tuple((one.name, one.profile, one.run, one.result, one.snapshot) for one in run.sleeves)
    except Absent as error:
        return (Text(text=f"The sleeves are not shown: {error}.", tone="missing"),)
    return (Table(head=("sleeve", "profile", "run", "result digest", "snapshot digest"), rows=rows, texts=5),)


ASSUMPTIONS = Section(key="assumptions", title="Stamps and assumptions", draw=draw, of_run=True)
