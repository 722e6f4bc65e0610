"""From a view to features: every asked term for every instrument, at the view's last row."""

from collections.abc import Collection

import numpy as np

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.features import NOTHING_KNOWN, FeatureSet
from tvquant.core.panel import Floats, Panel, frozen
from tvquant.features.rating_rules import LIBRARY_V3, RatingRules
from tvquant.features.terms.catalogue import TERMS
from tvquant.features.terms.contract import Settings, Term, evaluate
from tvquant.profiles.messages import unknown


def compute(
    view: Panel, names: Collection[str], *, rating_min_bars: int, rating_rules: RatingRules = LIBRARY_V3
) -> FeatureSet:
    """Return the named terms of all instruments of `view` (a panel until a moment), in the order of the catalogue.

    A term whose fields hold nothing in the view is NaN throughout and named in `absent`.

    Raises
    ------
    ProfileError : a name that is no term.
    DataError : the view has no row.
    """
    terms = asked(names)
    if not len(view.times):
        raise DataError(NOTHING_KNOWN)
    absent = {term.name: words for term in terms if (words := lacks(view, term))}
    values = np.full((len(terms), len(view.instruments)), np.nan)
    settings = Settings(rating_min_bars=rating_min_bars, rating_rules=rating_rules)
    there = [k for k, term in enumerate(terms) if term.name not in absent]
    for k, found in zip(there, evaluate([terms[k] for k in there], view, settings), strict=True):
        values[k] = found[0]
    return FeatureSet(
        names=tuple(term.name for term in terms),
        keys=view.keys,
        values=frozen(values),
        # Of bars only: a row that reaches some names late is known in part, and its other cells are not in the view.
        known_at=np.max(view.known_at, where=view.tradable, initial=view.known_at[0].min()),
        absent=absent,
    )


def asked(names: Collection[str]) -> list[Term]:
    """Return the named terms in the order of the catalogue.

    Raises
    ------
    ProfileError : a name that is no term.
    """
    for name in sorted(set(names) - set(TERMS)):
        raise ProfileError(unknown("feature", name, TERMS))
    return [term for name, term in TERMS.items() if name in names]


def lacks(view: Panel, term: Term) -> str:
    """Return a message naming the fields that the term needs and the view has no value of; empty if it has one."""
    if not term.needs or any(name in view.fields and _known(view.fields[name]) for name in term.needs):
        return ""
    return term.lack


def _known(field: Floats) -> bool:
    """Return whether the field has any value; mostly the last row shows it."""
    return not np.isnan(field[-1]).all() or not np.isnan(field).all()
