"""A hidden Markov model of two states on the sizes of returns: whether the latest one is the rougher (R-REG-04)."""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.precision import without_variance

SEED = 0
ITERATIONS = 200


def is_rough(returns: Floats) -> bool:
    """Return whether the last of T returns is in the state with the larger returns.

    Two normal states are fitted to abs(r) over its standard deviation by expectation maximisation from a fixed seed,
    and the most probable path through them is found (Viterbi); of that path the last state is used, which no later
    return can change. Sizes that do not vary have no rougher state. On raw returns five seeds disagree on one date in
    seven: their scale is far from the priors.

    Source: Hamilton (1989), A new approach to the economic analysis of nonstationary time series and the business
    cycle, Econometrica 57, 357-384; by hmmlearn.
    """
    from hmmlearn.hmm import GaussianHMM

    sizes = np.abs(returns)
    if without_variance(sizes[:, None])[0]:
        return False
    column = (sizes / sizes.std())[:, None]
    model = GaussianHMM(n_components=2, covariance_type="diag", random_state=SEED, n_iter=ITERATIONS)
    model.fit(column)
    never_left = (
        model.transmat_.sum(axis=1) == 0.0
    )  # the last row alone is in it: a crash, say; nobody saw what follows
    model.transmat_[never_left] = 0.5
    states = model.predict(column)
    return bool(states[-1] == int(np.argmax(model.means_[:, 0])))
