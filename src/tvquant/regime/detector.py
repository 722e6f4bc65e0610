"""The detector: from a market's returns to label, score and quadrant.

1. Standard deviation and mean are of the last 252 returns, what describes how they follow each other of the last 60
   (`components`). Under 20 returns, or of returns that do not vary, the label is Normal, flagged `regime_unknown`.
2. The score makes the label. Calibrated: below the 10 % point of noise of as many returns it is Quiet, above the 90 %
   point Turbulent, above the 99 % point Crisis. As specified: below .7 Quiet, from 1.8 on Crisis.
3. Triggers, where they are on, make a Normal market Turbulent.
4. Growth and stress make the quadrant. Its name `crisis`, and each second opinion, lift the label to Crisis: calibrated
   a Turbulent one only, as specified any with a score above 1.5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.core.regimes import UNKNOWN, MarketRegime, Quadrant, Regime
from tvquant.profiles.options import Options
from tvquant.profiles.regime_bands import FIRST, Bands, packaged_bands
from tvquant.profiles.sections.regime import RegimeSection
from tvquant.regime import hidden_markov, jump_model
from tvquant.regime.components import LONG, RECENT, SHORT, deviation
from tvquant.regime.options import Detection
from tvquant.regime.score import AS_SPECIFIED, CALIBRATED, TOTAL, measure, score_of, stress_of
from tvquant.statistics.precision import without_variance

TRIGGER_TURBULENCE, TRIGGER_HURST = 0.7, 0.65
"""Above which a trigger makes a normal market turbulent."""
SPECIFIED_QUIET, SPECIFIED_CRISIS, SPECIFIED_LIFT = 0.7, 1.8, 1.5
"""Score below which a market is quiet, from which on it is in a crisis, and above which others may say so."""
SPECIFIED_GROWTH, SPECIFIED_STRESS = 0.05, 1.1
"""Annual mean return that is no growth, in either direction, and the stress above which there is some."""

OPINIONS: Mapping[str, Callable[[Floats], bool]] = MappingProxyType(
    {"hmm": hidden_markov.is_rough, "jump": jump_model.is_rough}
)
"""Second opinion -> whether it takes the latest return for one of the rougher state; asked on 60 returns or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axes:
    """What the quadrants are told by: growth and stress of a market, and where each begins."""

    growth: float
    stress: float
    neutral: float
    calm: float

    @property
    def quadrant(self) -> Quadrant:
        """Growth against stress; Normal where the mean is of neither sign."""
        stressed = self.stress > self.calm
        if self.growth > self.neutral:
            return Quadrant.INFLATIONARY_TREND if stressed else Quadrant.EXPANSION
        if self.growth < -self.neutral:
            return Quadrant.CRISIS if stressed else Quadrant.STAGNATION
        return Quadrant.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRegimeDetector:
    """Reads a market's regime from its returns.

    Parameters
    ----------
    calibrated : whether the score is held against noise; else against the figures of the specification.
    triggers : whether turbulence or memory alone make a normal market turbulent.
    opinions : names of `OPINIONS` that are asked as well.
    bands : what noise has, by number of returns.
    """

    name: ClassVar[str] = "regime"
    options: ClassVar[tuple[type[Options], ...]] = (Detection,)

    calibrated: bool
    triggers: bool
    opinions: tuple[str, ...]
    bands: Bands

    @classmethod
    def of(cls, section: RegimeSection) -> Self:
        """Return the detector of a profile's section."""
        calibrated, beside = section.preset == "calibrated", section.options(Detection)
        return cls(
            calibrated=calibrated,
            triggers=not calibrated if section.triggers is None else section.triggers,
            opinions=tuple(name for name in OPINIONS if getattr(beside, name)),
            bands=beside.bands or packaged_bands(),
        )

    def detect(self, returns: Floats, *, periods_per_year: int) -> MarketRegime:
        """Return the regime of a market at the last of its T simple returns per row.

        Raises
        ------
        ModelError : a return is not finite.
        """
        if not np.isfinite(returns).all():
            raise ModelError("a market regime needs finite returns")
        used = returns[-LONG:, None]
        rows = len(used)
        if rows < FIRST or without_variance(used)[0]:
            return UNKNOWN
        components = CALIBRATED if self.calibrated else AS_SPECIFIED
        values = measure(used, components)
        total = TOTAL if self.calibrated else 1.0
        score = float(score_of(values, deviation(used[-RECENT:]), components, total=total)[0])
        told = {name: float(value[0]) for name, value in values.items() if np.isfinite(value[0])}
        axes = self._axes(used, float(stress_of(values)[0]), periods_per_year)
        rough = tuple(name for name in self.opinions if rows >= SHORT and OPINIONS[name](used[:, 0]))
        return MarketRegime(
            label=self._label(score, told, rows, lifted=bool(rough) or axes.quadrant is Quadrant.CRISIS),
            quadrant=axes.quadrant,
            score=score,
            components=told,
            growth=axes.growth,
            stress=axes.stress,
            rows=rows,
            flags=tuple(f"{name}_rough" for name in rough),
        )

    def _axes(self, used: Floats, stress: float, periods_per_year: int) -> _Axes:
        growth = float(used.mean()) * periods_per_year
        if not self.calibrated:
            return _Axes(growth=growth, stress=stress, neutral=SPECIFIED_GROWTH, calm=SPECIFIED_STRESS)
        neutral = self._band("growth", len(used)) * float(deviation(used)[0]) * periods_per_year
        return _Axes(growth=growth, stress=stress, neutral=neutral, calm=self._band("stress", len(used)))

    def _label(self, score: float, values: Mapping[str, float], rows: int, *, lifted: bool) -> Regime:
        """Return the label of a score; `lifted`: the quadrant or a second opinion says crisis."""
        if self.calibrated:
            label = (
                Regime.CRISIS if score > self._band("crisis", rows)
                else Regime.TURBULENT if score > self._band("turbulent", rows)
                else Regime.QUIET if score < self._band("quiet", rows)
                else Regime.NORMAL
            )  # fmt: skip
        else:
            label = (
                Regime.CRISIS if score >= SPECIFIED_CRISIS
                else Regime.QUIET if score < SPECIFIED_QUIET
                else Regime.NORMAL
            )  # fmt: skip
        if self.triggers and label is Regime.NORMAL and _triggered(values):
            label = Regime.TURBULENT
        may = label is Regime.TURBULENT if self.calibrated else score > SPECIFIED_LIFT
        return Regime.CRISIS if lifted and may else label

    def _band(self, name: str, rows: int) -> float:
        """Return a band at a number of rows: linear in 1 / sqrt(rows) between those of the grid."""
        grid = np.array(self.bands.rows)
        return float(np.interp(-1.0 / np.sqrt(rows), -1.0 / np.sqrt(grid), getattr(self.bands, name)))


def _triggered(values: Mapping[str, float]) -> bool:
    return values.get("turbulence", 0.0) > TRIGGER_TURBULENCE or values.get("hurst", 0.0) > TRIGGER_HURST
