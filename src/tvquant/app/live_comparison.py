"""The live screener beside the lake's replay of its last closed day: who is where, and whose figures differ.

The two look at different bars: the screener's has mostly not closed, the lake's has. Ratings of the screener are its
own. The names of the lake are asked for by symbol as well, whatever the filters: so figures of all are compared, and
why the screener does not recruit one is a figure and no guess. The screener tells no generations: a ticker is that of
its last holder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvquant.app.live_scanning import LiveScan, Screener, scan_live
from tvquant.app.scanning import Ratings, Scanned, scan_at, view_at
from tvquant.app.workspace import Workspace
from tvquant.core.atoms import Atom
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import symbol_of
from tvquant.core.panel import Panel
from tvquant.features.split_adjustment import in_rows, through_splits
from tvquant.profiles.scanners import Scanner

RATINGS = ("recommend_all", "recommend_ma", "recommend_other")
VOTES: Mapping[str, str] = {
    "Rec.Ichimoku": "Ichimoku",
    "Rec.VWMA": "VWMA20",
    "Rec.HullMA9": "HullMA9",
    "Rec.Stoch.RSI": "StochRSI",
    "Rec.WR": "WilliamsR14",
    "Rec.BBPower": "BBPower13",
    "Rec.UO": "UO",
}
"""Column of the screener -> the vote of ours; it serves no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One figure of one name: as served, and ours; None where there is none."""

    served: float | None
    ours: float | None

    @property
    def difference(self) -> float | None:
        """Served less ours; None where either is missing."""
        return None if self.served is None or self.ours is None else self.served - self.ours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """A scanner in both clocks.

    Parameters
    ----------
    both : atom ids; `only_live`, `only_replay` : atom id -> why the other has it not.
    ratings, votes : symbol -> rating or vote -> both figures, for every name that both know.
    """

    live: LiveScan
    replay: Scanned
    both: tuple[str, ...]
    only_live: Mapping[str, str]
    only_replay: Mapping[str, str]
    ratings: Mapping[str, Mapping[str, Pair]]
    votes: Mapping[str, Mapping[str, Pair]]


def compare(home: Workspace, scanner: Scanner, panel: Panel, screener: Screener, ratings: Ratings) -> Comparison:
    """Return the scanner asked of the screener now, beside the last bar of the panel.

    Raises
    ------
    ProfileError : the terms are not agreed to, or the screener cannot be asked this.
    DataError : the panel has no bar; the screener did not deliver.
    """
    replay = scan_at(panel, [scanner], None, ratings)
    keys = {symbol_of(key): key for key in replay.keys}
    live = scan_live(home, [scanner], screener, extra=tuple(VOTES), beside=tuple(keys))
    (asked,) = live.asked
    now = {_named(atom): atom.physical_symbol for atom in live.scanned.found.atoms}
    then = {_named(atom): symbol_of(atom.physical_symbol) for atom in replay.found.atoms}
    past = {symbol_of(key): why for key, why in replay.outcomes().items()}
    why = _why(live)
    served = (asked.rows.features, asked.beside.features)
    common = {key: keys[key] for one in served for key in one.keys if key in keys}
    return Comparison(
        live=live,
        replay=replay,
        both=tuple(sorted(now.keys() & then.keys())),
        only_live={atom: past.get(now[atom], "no bar in the lake") for atom in sorted(now.keys() - then.keys())},
        only_replay={atom: why.get(then[atom], "not served") for atom in sorted(then.keys() - now.keys())},
        ratings=_ratings(served, replay, common),
        votes=_votes(live, view_at(panel, None)[1], common, ratings),
    )


def _named(atom: Atom) -> str:
    """Return an atom's id without the generation of its ticker."""
    return replace(atom, physical_symbol=symbol_of(atom.physical_symbol)).symbol


def _why(live: LiveScan) -> dict[str, str]:
    """Return key -> what the live scan says of it; of those that its filters kept back, what stops their figures."""
    (asked,) = live.asked
    beside = zip(asked.beside.instruments, asked.beside.outcome.reasons(), strict=True)
    held = {one.key: why or "passes by its figures, and was not served" for one, why in beside}
    dropped = {symbol: why for why, symbols in asked.beside.dropped.items() for symbol in symbols}
    return held | dropped | live.scanned.outcomes()


def _ratings(served: Sequence[FeatureSet], replay: Scanned, keys: Mapping[str, str]) -> dict[str, dict[str, Pair]]:
    theirs = {key: _figures(one, key) for one in served for key in one.keys}
    ours = {key: _figures(replay.features, mine) for key, mine in keys.items()}
    return {key: {name: Pair(served=theirs[key][name], ours=ours[key][name]) for name in RATINGS} for key in keys}


def _figures(features: FeatureSet, key: str) -> dict[str, float | None]:
    (column,) = features.columns([key])
    return {name: _known(float(features.row(name)[column])) for name in RATINGS}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _votes(live: LiveScan, view: Panel, keys: Mapping[str, str], ratings: Ratings) -> dict[str, dict[str, Pair]]:
    """Return each vote that the screener serves beside ours, at the last row of a view."""
    from tvquant.features.oscillator_votes import OSCILLATORS, oscillator_votes
    from tvquant.features.ratings import INDICATORS, moving_average_votes
    from tvquant.features.votes import MISSING

    (asked,) = live.asked
    rows = {**asked.served.rows, **asked.others.rows}
    fields = in_rows(through_splits(view)).fields
    high, low, close, volume = (fields.get(name) for name in ("high", "low", "close", "volume"))
    if close is None:
        return {}
    averages = moving_average_votes(high, low, close, volume, rows=1, rules=ratings.rules)[0]
    oscillators = oscillator_votes(high, low, close, rows=1, rules=ratings.rules)[0]
    cast = np.concatenate([averages, oscillators], axis=1)
    names, places = (*INDICATORS, *OSCILLATORS), {key: j for j, key in enumerate(view.keys)}

    def ours(key: str, name: str) -> float | None:
        vote = int(cast[places[keys[key]], names.index(name)])
        return None if vote == MISSING else float(vote)

    def theirs(key: str, column: str) -> float | None:
        value = rows[key].get(column)
        return value if isinstance(value, float) else None

    return {
        key: {name: Pair(served=theirs(key, column), ours=ours(key, name)) for column, name in VOTES.items()}
        for key in keys
    }
