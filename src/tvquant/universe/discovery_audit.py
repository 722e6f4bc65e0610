"""The discovery audit: what each scanner found and what became of it, in counts that reconcile (R-UNI-21).

Leakage is judged by the symbols themselves, neutrals by the ratings, not by the filters under audit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instant, Instrument, Kind
from tvquant.profiles.scanners import RATINGS, AnyOf, Filter, Scanner
from tvquant.universe.consolidation import Consolidated
from tvquant.universe.screening import Screen, ScreeningOutcome

NEUTRAL = 0.1
"""Ratings within +-0.1 are neutral (TradingView's own band)."""
ROC = "roc_9"
LOWEST_ROC, HIGHEST_ROC = -80.0, 100.0
"""Percent in 9 bars beyond which selection will veto (R-SEL-17)."""
PERPETUAL = (".P", "PERP", "-SWAP", "-PERPETUAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerAudit:
    """One scanner at one moment, in instruments; found = kept + merged + cut.

    Parameters
    ----------
    asked : candidates with a bar; `pooled` : of those, past structure and pool filters.
    found : recruited; a pool recruits nobody.
    neutral : recruited with every rating the scanner asks for inside the neutral band; expected 0.
    leaked : recruited from another exchange or market than the scanner's; expected 0.
    at_neutral_band, at_zero : who would be recruited with ratings beyond +-0.1, and beyond 0.
    roc_outliers : recruited with a rate of change that selection will veto; None where it is not known of anyone.
    merged : recruited, but an earlier scanner had made that atom, or another instrument is the primary of it.
    cut : recruited, but beyond the ceiling of atoms.
    kept : atoms named after this scanner.
    """

    scanner: str
    asked: int
    pooled: int
    found: int
    neutral: int
    leaked: int
    at_neutral_band: int
    at_zero: int
    roc_outliers: int | None
    merged: int
    cut: int
    kept: int


class Auditor:
    """Scanners, prepared to be audited on the N instruments of a panel at many dates."""

    def __init__(self, scanners: Sequence[Scanner], instruments: Sequence[Instrument]) -> None:
        self.scanners = scanners
        self._keys = np.array([one.key for one in instruments], dtype=object)
        self._leaks = [np.array([_leaks(scanner, one) for one in instruments], dtype=bool) for scanner in scanners]
        self._bands = [
            [Screen(at_band(scanner, band), instruments) for band in (NEUTRAL, 0.0)] if _rates(scanner) else []
            for scanner in scanners
        ]

    def audit(
        self,
        columns: NDArray[np.intp],
        answers: Sequence[ScreeningOutcome],
        found: Consolidated,
        features: FeatureSet,
        day: Instant,
    ) -> tuple[ScannerAudit, ...]:
        """Return the audit of each scanner on `day`; `answers` are of the columns, `found` is what they became."""
        kept = Counter(atom.scan for atom in found.atoms)
        cut = Counter(atom.scan for atom in found.cut)
        audits = []
        for scanner, answer, bands, leaks in zip(self.scanners, answers, self._bands, self._leaks, strict=True):
            recruits = scanner.logic is not None and scanner.direction is not None
            won = columns[answer.recruited] if recruits else columns[:0]
            places = features.columns(self._keys[won].tolist())
            roc = features.row(ROC)[places] if ROC not in features.absent else None
            beyond = [int(band.ask(columns, day, features).recruited.sum()) for band in bands] or [len(won)] * 2
            audits.append(
                ScannerAudit(
                    scanner=scanner.name,
                    asked=len(columns),
                    pooled=int(answer.pooled.sum()),
                    found=len(won),
                    neutral=_neutral(scanner, places, features),
                    leaked=int(leaks[won].sum()),
                    at_neutral_band=beyond[0],
                    at_zero=beyond[1],
                    roc_outliers=None if roc is None else int(((roc > HIGHEST_ROC) | (roc < LOWEST_ROC)).sum()),
                    merged=len(won) - kept[scanner.name] - cut[scanner.name],
                    cut=cut[scanner.name],
                    kept=kept[scanner.name],
                )
            )
        return tuple(audits)


def _rates(scanner: Scanner) -> bool:
    """Return whether the scanner filters a rating."""
    return any(name.startswith(RATINGS) for name in scanner.fields)


def _neutral(scanner: Scanner, recruited: NDArray[np.intp], features: FeatureSet) -> int:
    ratings = [name for name in scanner.fields if name.startswith(RATINGS)]
    if not ratings:
        return 0
    return int(np.all([np.abs(features.row(name)[recruited]) <= NEUTRAL for name in ratings], axis=0).sum())


def _leaks(scanner: Scanner, one: Instrument) -> bool:
    exchange, _, ticker = one.symbol.partition(":")
    perpetual = ticker.endswith(PERPETUAL)
    if scanner.exchange is not None and exchange != scanner.exchange:
        return True
    wanted = frozenset(scanner.kinds) & {Kind.SPOT, Kind.SWAP}
    return len(wanted) == 1 and (Kind.SWAP in wanted) != perpetual


def at_band(scanner: Scanner, band: float) -> Scanner:
    """Return the scanner with its ratings compared with +-`band` instead of its own bounds."""

    def moved(each: Filter | AnyOf) -> Filter | AnyOf:
        if isinstance(each, AnyOf) or not each.field.startswith(RATINGS):
            return each
        name = each.comparison[0]
        return Filter.model_validate({"field": each.field, name: band if name in ("above", "at_least") else -band})

    return scanner.model_copy(
        update={part: tuple(moved(each) for each in getattr(scanner, part)) for part in ("pool", "signal")}
    )
