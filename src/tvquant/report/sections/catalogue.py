"""All sections, in the order of the page."""

from tvquant.report.run import RunData
from tvquant.report.sections.assumptions import ASSUMPTIONS
from tvquant.report.sections.atoms import ATOMS
from tvquant.report.sections.benchmarks import BENCHMARKS
from tvquant.report.sections.books import BOOKS
from tvquant.report.sections.challengers import CHALLENGERS
from tvquant.report.sections.clusters import CLUSTERS
from tvquant.report.sections.contract import Section
from tvquant.report.sections.contribution import CONTRIBUTION
from tvquant.report.sections.costs import COSTS
from tvquant.report.sections.current import CURRENT
from tvquant.report.sections.drawdowns import DRAWDOWNS
from tvquant.report.sections.engines import ENGINES
from tvquant.report.sections.equity import EQUITY
from tvquant.report.sections.events import EVENTS
from tvquant.report.sections.exposure import EXPOSURE
from tvquant.report.sections.friction import FRICTION
from tvquant.report.sections.funnel import FUNNEL
from tvquant.report.sections.grid import GRID
from tvquant.report.sections.headline import HEADLINE
from tvquant.report.sections.health import HEALTH
from tvquant.report.sections.months import MONTHS
from tvquant.report.sections.regime import REGIME
from tvquant.report.sections.rolling import ROLLING
from tvquant.report.sections.simulators import SIMULATORS
from tvquant.report.sections.standings import STANDINGS
from tvquant.report.sections.steadiness import STEADINESS
from tvquant.report.sections.surface import SURFACE
from tvquant.report.sections.tails import TAILS
from tvquant.report.sections.timing import TIMING
from tvquant.report.sections.trades import TRADES
from tvquant.report.sections.vetoes import VETOES_BY_REASON
from tvquant.report.sections.weights import WEIGHTS
from tvquant.report.sections.why import WHY

SECTIONS: tuple[Section[RunData], ...] = (
    HEADLINE,
    STANDINGS,
    EQUITY,
    CHALLENGERS,
    BENCHMARKS,
    MONTHS,
    ROLLING,
    DRAWDOWNS,
    REGIME,
    TAILS,
    CONTRIBUTION,
    EXPOSURE,
    ATOMS,
    WEIGHTS,
    COSTS,
    FRICTION,
    TRADES,
    FUNNEL,
    VETOES_BY_REASON,
    WHY,
    STEADINESS,
    BOOKS,
    ENGINES,
    SIMULATORS,
    GRID,
    SURFACE,
    TIMING,
    CURRENT,
    CLUSTERS,
    HEALTH,
    EVENTS,
    ASSUMPTIONS,
)
