"""Selection: how a pool of atoms became winners, and how many fell where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from tvquant.core.atoms import Atom
from tvquant.core.flat import flat
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats

POOL = "pool"
"""Components of the whole pool, where a record has them in place of those of winners (R-SEL-31)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFunnel:
    """Attrition of one decision; counts never grow from `universe` to `selected`, in either unit (R-LED-06).

    Parameters
    ----------
    universe : instruments listed by then that the profile asks for.
    discovery : those that were recruited: of a wanted kind, with a bar, past every filter of a scanner.
    refined : those left after health and vetoes.
    selected : winners.
    atoms_discovery, atoms_refined, atoms_selected : the same in atoms: one coin under two logics is two.
    vetoed : reason -> number of atoms that fell out between `discovery` and `refined`.
    """

    universe: int
    discovery: int
    refined: int
    selected: int
    atoms_discovery: int
    atoms_refined: int
    atoms_selected: int
    vetoed: Mapping[str, int]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the funnel that a payload describes."""
        return cls(**payload)

    def payload(self) -> dict[str, Any]:
        """Return the counts as JSON can hold them."""
        return {**flat(self), "vetoed": dict(self.vetoed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """Why an atom may not win: `value` broke `limit` of `rule`; a hard veto holds at every stage of relaxation.

    A soft one that relaxation set aside is `overridden`: its atom won all the same (R-SEL-31).
    """

    rule: str
    value: float
    limit: float
    hard: bool
    overridden: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class ByAtom(Mapping[str, dict[str, float]]):
    """Atom id -> name -> figure of K atoms, kept as columns: a row is made when it is asked for.

    Parameters
    ----------
    ids : K atom ids, distinct.
    columns : name -> K figures.
    """

    ids: tuple[str, ...]
    columns: dict[str, Floats]

    def __getitem__(self, symbol: str) -> dict[str, float]:
        """Return the figures of one atom by name; KeyError names one that is not there."""
        k = self._places[symbol]
        return {name: float(column[k]) for name, column in self.columns.items()}

    def take(self, ids: Sequence[str]) -> "ByAtom":
        """Return the figures of some atoms in their order; an id that is not there is left out."""
        known = tuple([symbol for symbol in ids if symbol in self._places])
        places = [self._places[symbol] for symbol in known]
        return ByAtom(ids=known, columns={name: column[places] for name, column in self.columns.items()})

    def rows(self) -> dict[str, dict[str, float]]:
        """Return the figures of every atom by id and name."""
        if not self.columns:
            return {symbol: {} for symbol in self.ids}
        rows = zip(*[column.tolist() for column in self.columns.values()], strict=True)
        return {symbol: dict(zip(self.columns, row, strict=True)) for symbol, row in zip(self.ids, rows, strict=True)}

    def __contains__(self, symbol: object) -> bool:
        """Return whether an atom is there; no row is made for that."""
        return symbol in self._places

    def __iter__(self) -> Iterator[str]:
        """Return the ids in their order."""
        return iter(self.ids)

    def __len__(self) -> int:
        """Return K."""
        return len(self.ids)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {symbol: k for k, symbol in enumerate(self.ids)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionResponse:
    """The one answer of every selection model.

    Parameters
    ----------
    winners : atoms in order of their score, best first.
    scores : atom id -> score of every atom of the pool; higher is better, also for shorts.
    components : atom id -> feature -> probability that went into the score, in (0, 1], or in [0, 1] where it is a sum;
        of winners only where the response was read from a payload, and not from the record of a headline's selection.
    parts : atom id -> feature -> what it adds to the score: weight x probability, or x its logarithm where the score is
        a product; an atom's sum to its score. Of winners only where the response was read from a payload.
    vetoes : atom id -> the first rule it broke at the stage that was reached; overridden ones are of winners.
    clusters : atom id -> selection cluster (on returns of the asset itself), 1, 2 ...
    stage : relaxation stage that was reached: 1 strict, 2 spectral, 3 cluster floor, 4 alpha fallback.
    recruited : winner id -> how it came in: `ranked`, `cluster_floor`, `alpha_fallback`, `passed_through`,
        `healthy`.
    thresholds : rule -> limits in force, as numbers by name.
    absent : feature -> why it is in no score at all.
    missing : feature -> ids of atoms that lack it alone and are scored 0.5 for it; a penalty takes nothing from them.
    flags : `sparse` (fewer than the winner floor), `few_assets` (fewer distinct assets than the floor), `hardened` (a
        pool as hard to predict as noise: stricter on entropy, and its covariance is shrunk by half as much again).
    shares : feature -> its share of the variance of scores; none where scores are alike, or there are none.
    effective_bets : participation ratio of the eigenvalues of the correlations of the winners' assets; None where the
        response was read from a record that is older.
    trace : names of the stages that ran, in order.
    """

    decided_at: Instant
    model: str
    version: str
    winners: tuple[Atom, ...]
    scores: Mapping[str, float]
    components: Mapping[str, Mapping[str, float]]
    vetoes: Mapping[str, Veto]
    clusters: Mapping[str, int]
    stage: int
    recruited: Mapping[str, str]
    thresholds: Mapping[str, Mapping[str, float]]
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    shares: Mapping[str, float] = field(default_factory=dict)
    effective_bets: float | None = None
    trace: tuple[str, ...] = ()

    @property
    def standing_vetoes(self) -> Mapping[str, Veto]:
        """The vetoes that kept their atoms from winning: all that were not overridden."""
        return {symbol: veto for symbol, veto in self.vetoes.items() if not veto.overridden}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the response that a payload describes: it has components and parts of winners only."""
        winners = tuple(Atom.of(one) for one in payload["winners"])
        as_they_are = ("model", "version", "scores", "components", "clusters", "stage", "thresholds", "absent")
        return cls(
            **{name: payload[name] for name in as_they_are},
            decided_at=np.datetime64(payload["decided_at"], "us"),
            winners=winners,
            parts=payload.get("parts", {}),
            recruited={atom.symbol: one["how"] for atom, one in zip(winners, payload["winners"], strict=True)},
            vetoes={symbol: Veto(**veto) for symbol, veto in payload["vetoes"].items()},
            missing={name: tuple(ids) for name, ids in payload["missing"].items()},
            flags=frozenset(payload["flags"]),
            shares=payload.get("shares", {}),
            effective_bets=payload.get("effective_bets"),
            trace=tuple(payload["trace"]),
        )

    @classmethod
    def recorded(cls, data: Mapping[str, Any]) -> Self:
        """Return the response that a record holds; components are of the whole pool where the record has them.

        Raises
        ------
        LookupError, TypeError, ValueError : the record is not of this version.
        """
        won, pool = [Atom.of(one).symbol for one in data["winners"]], sorted(data["scores"])
        found = by_atom(data[POOL], pool) if POOL in data else by_atom(data["components"], won)
        rest = {name: value for name, value in data.items() if name != POOL}
        return cls.of({**rest, "components": found, "parts": by_atom(data["parts"], won)})

    def record(self, *, whole: bool) -> dict[str, Any]:
        """Return the payload as a record holds it: figures of atoms in columns, in the order of the atoms.

        Where it is to be `whole` it has components of the whole pool, and those of winners are among them.
        """
        return self.record_of(self.payload(), whole=whole)

    def record_of(self, payload: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
        """Return the record of a response whose payload is known."""
        pool = sorted(self.scores)
        won = [atom.symbol for atom in self.winners]
        rest = {name: value for name, value in payload.items() if name != "components"}
        components = (
            {POOL: in_columns(self.components, pool)}
            if whole
            else {"components": in_columns(_of(self.components, won), won)}
        )
        return {**rest, **components, "parts": in_columns(_of(self.parts, won), won)}

    def payload(self) -> dict[str, Any]:
        """Return the response, JSON-able and in canonical order; of winners only what makes up their scores.

        So that records stay small.
        """
        won = [atom.symbol for atom in self.winners]
        return {
            "decided_at": str(self.decided_at),
            "model": self.model,
            "version": self.version,
            "winners": [atom.fields() | {"how": self.recruited[atom.symbol]} for atom in self.winners],
            "scores": dict(sorted(self.scores.items())),
            "components": _rows(_of(self.components, won)),
            "parts": _rows(_of(self.parts, won)),
            "vetoes": {symbol: flat(veto) for symbol, veto in sorted(self.vetoes.items())},
            "clusters": dict(sorted(self.clusters.items())),
            "stage": self.stage,
            "thresholds": {rule: dict(limits) for rule, limits in sorted(self.thresholds.items())},
            "absent": dict(sorted(self.absent.items())),
            "missing": {name: list(ids) for name, ids in sorted(self.missing.items())},
            "flags": sorted(self.flags),
            "shares": dict(sorted(self.shares.items())),
            "effective_bets": self.effective_bets,
            "trace": list(self.trace),
        }


def in_columns(rows: Mapping[str, Mapping[str, float]], ids: Sequence[str]) -> dict[str, Any]:
    """Return atom id -> name -> figure as columns by name, None where an atom has no such figure.

    Rows are in the order of `ids`; where they are not of these very atoms the columns say of which.
    """
    order = [one for one in ids if one in rows] + sorted(rows.keys() - set(ids))
    if order and isinstance(rows, ByAtom):
        columns = {name: column.tolist() for name, column in sorted(rows.take(order).columns.items())}
    else:
        asked = [rows[one] for one in order]
        columns = {name: [row.get(name) for row in asked] for name in sorted({name for row in asked for name in row})}
    return {"columns": columns} | ({} if order == list(ids) else {"of": order})


def _of(rows: Mapping[str, Mapping[str, float]], ids: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    if isinstance(rows, ByAtom):
        return rows.take(ids)
    return {one: rows[one] for one in ids if one in rows}


def _rows(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return rows.rows() if isinstance(rows, ByAtom) else {one: dict(row) for one, row in rows.items()}


def by_atom(columns: Mapping[str, Any], ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return what `in_columns` was given."""
    order = columns.get("of", ids)
    named = {name: list(zip(order, column, strict=True)) for name, column in columns["columns"].items()}
    rows: dict[str, dict[str, float]] = {one: {} for one in order}
    for name, column in named.items():
        for one, value in column:
            if value is not None:
                rows[one][name] = value
    return rows
