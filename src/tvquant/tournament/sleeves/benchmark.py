"""What the account of a meta-portfolio is measured against, where its profile names one: a series, and no book."""

from collections.abc import Sequence

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.instruments import symbol_of
from tvquant.core.panel import Floats, Times
from tvquant.tournament.sleeves.account import AccountPanel


def benchmark_levels(
    account: AccountPanel, symbols: Sequence[str], weights: Sequence[float] | None = None
) -> tuple[Times, Floats]:
    """Return stamps of the common dates and levels of the symbols' total returns there, 1 at the first.

    `weights` (equal parts where there are none) are restored at every common date, at no cost; what is missing to 1 is
    cash. Generations of a ticker follow each other. A row without a bar is held at the last price.

    Raises
    ------
    ModelError : the account has no such symbol, or it has no bar by the first common date.
    """
    panel, rows = account.panel, account.measured
    parts = [1.0 / len(symbols)] * len(symbols) if weights is None else weights
    earned = np.zeros(len(rows) - 1)
    for symbol, part in zip(symbols, parts, strict=True):
        columns = [column for column, key in enumerate(panel.keys) if symbol_of(key) == symbol]
        if not np.isfinite(panel.fields["close"][: rows[0] + 1, columns]).any():
            raise ModelError(
                f"no sleeve has a bar of {symbol} by {str(panel.times[rows[0]])[:10]}, which benchmark.market names; "
                "import it, or name another"
            )
        returns = panel.fields["total_return"][:, columns]
        growth = np.cumprod(1.0 + np.nansum(returns, axis=1))[rows]
        earned += part * (growth[1:] / growth[:-1] - 1.0)
    return panel.times[rows], np.concatenate([[1.0], np.cumprod(1.0 + earned)])
