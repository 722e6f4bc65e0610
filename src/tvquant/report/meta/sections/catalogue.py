"""All sections of the page of a meta-portfolio, in its order: its own, and those that any book has."""

from dataclasses import replace

from tvquant.report.meta.run import MetaRun
from tvquant.report.meta.sections.assumptions import ASSUMPTIONS
from tvquant.report.meta.sections.correlations import CORRELATIONS
from tvquant.report.meta.sections.equity import EQUITY
from tvquant.report.meta.sections.figures import FIGURES
from tvquant.report.meta.sections.gap import GAP
from tvquant.report.meta.sections.headline import HEADLINE
from tvquant.report.meta.sections.shares import SHARES
from tvquant.report.meta.sections.sleeves import SLEEVES
from tvquant.report.meta.sections.tree import TREE
from tvquant.report.sections.benchmarks import BENCHMARKS
from tvquant.report.sections.contract import Section
from tvquant.report.sections.contribution import CONTRIBUTION
from tvquant.report.sections.costs import COSTS
from tvquant.report.sections.drawdowns import DRAWDOWNS
from tvquant.report.sections.events import EVENTS
from tvquant.report.sections.exposure import EXPOSURE
from tvquant.report.sections.months import MONTHS
from tvquant.report.sections.rolling import ROLLING
from tvquant.report.sections.tails import TAILS
from tvquant.report.sections.trades import TRADES
from tvquant.report.sections.weights import WEIGHTS

SECTIONS: tuple[Section[MetaRun], ...] = (
    HEADLINE,
    EQUITY,
    FIGURES,
    SLEEVES,
    SHARES,
    CORRELATIONS,
    GAP,
    TREE,
    EXPOSURE,
    replace(CONTRIBUTION, title="Contribution: long, short, by sleeve and by name"),
    BENCHMARKS,
    MONTHS,
    ROLLING,
    DRAWDOWNS,
    TAILS,
    WEIGHTS,
    COSTS,
    TRADES,
    EVENTS,
    ASSUMPTIONS,
)
