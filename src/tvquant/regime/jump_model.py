"""A jump model of two states on the sizes of returns: whether the latest one is the rougher."""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.precision import without_variance

PENALTY = 20.0
"""Price of a change of state, in squared standard deviations of the features: some twenty rows must speak for it."""
HALF_LIVES = (5.0, 20.0)
"""Rows after which a size counts half in the exponentially weighted means that are the features."""
SEED = 0


def is_rough(returns: Floats) -> bool:
    """Return whether the last of T returns is in the state with the larger returns, told row by row as it came.

    The features are exponentially weighted means of the sizes of returns, in standard deviations: each row's look back
    only. Two states are fitted to them where a change costs `PENALTY`; then the states are told online, each by the
    rows up to it, and the last one is used. Sizes that do not vary have no rougher state.

    Source: Bemporad, Breschi, Piga & Boyd (2018), Fitting jump models, Automatica 96, 11-21; online as Shu, Yu & Mulvey
    (2024), Downside risk reduction using regime-switching signals: a statistical jump model approach; by jumpmodels.
    """
    from jumpmodels.jump import JumpModel

    if without_variance(np.abs(returns)[:, None])[0]:
        return False
    features = _features(returns)
    model = JumpModel(n_components=2, jump_penalty=PENALTY, random_state=SEED)
    model.fit(features, sort_by="freq")
    states = np.asarray(model.predict_online(features))
    return bool(states[-1] == int(np.argmax(np.asarray(model.centers_)[:, 0])))


def _features(returns: Floats) -> Floats:
    """Return the features (T x 2), each of mean 0 and standard deviation 1."""
    from scipy.signal import lfilter

    sizes = np.abs(returns)
    columns = []
    for half_life in HALF_LIVES:
        kept = 0.5 ** (1.0 / half_life)
        # Sums over weights so far, so that the first rows are means as well.
        total, weight = (lfilter([1.0], [1.0, -kept], one) for one in (sizes, np.ones_like(sizes)))
        mean = total / weight
        columns.append((mean - mean.mean()) / mean.std())
    return np.column_stack(columns)
