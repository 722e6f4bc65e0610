"""Betas of a decision's streams to the profile's benchmark, on the training rows (R-RSK-16).

The rows are those on which all names and all parts of the benchmark have a bar. A benchmark of several symbols has
their returns in its own weights, or in equal parts.
"""

import numpy as np

from tvquant.core.atoms import Atom
from tvquant.core.errors import ModelError
from tvquant.core.neutrality import Beta
from tvquant.core.panel import Floats
from tvquant.statistics.alignment import common_returns
from tvquant.statistics.betas import shrunk_betas
from tvquant.tournament.candidates import held_units
from tvquant.tournament.specs import Neutral, Rules, StrategySpec
from tvquant.tournament.views import View


def beta_of(view: View, spec: StrategySpec, winners: tuple[Atom, ...], ids: tuple[str, ...]) -> Beta | None:
    """Return shrunk betas of the winners `ids`, of what each holds per unit of weight; None where nobody is neutral.

    They are found once for all who ask at the view.

    Raises
    ------
    ModelError : the profile names no benchmark, the data lack one, or too few rows are common with it.
    """
    neutral, rules = spec.neutral, spec.rules
    if neutral is None:
        return None
    if not neutral.symbols:
        raise ModelError("benchmark.market names no symbol to be neutral to")
    atoms = {atom.symbol: atom for atom in winners}
    held = tuple(atoms[name] for name in ids)
    values = view.once(("betas", rules, neutral, held), lambda: _betas(view, rules, neutral, held))
    return Beta(
        values=values,
        benchmark=" + ".join(neutral.symbols),
        tolerances=neutral.tolerances,
        profiles=neutral.profiles,
    )


def _betas(view: View, rules: Rules, neutral: Neutral, atoms: tuple[Atom, ...]) -> Floats:
    panel, tail, n = view.panel, slice(-rules.train - 1, None), len(atoms)
    parts = [_column(view, rules, symbol) for symbol in neutral.symbols]
    columns = [*panel.columns(tuple(atom.physical_symbol for atom in atoms)), *parts]
    common = common_returns(panel.tradable[tail][:, columns], panel.fields["total_return"][tail][:, columns])
    weights = np.full(len(parts), 1.0 / len(parts)) if neutral.weights is None else np.array(neutral.weights)
    signs = np.array([float(atom.direction.sign) for atom in atoms])
    found: Floats = shrunk_betas(common[:, :n] * signs, common[:, n:] @ weights, signs)
    return found * held_units(view, rules, atoms)


def _column(view: View, rules: Rules, symbol: str) -> int:
    """Return the panel's column of a benchmark symbol, of its last generation that has a bar on the training rows."""
    panel = view.panel
    held = [j for j, one in enumerate(panel.instruments) if one.symbol == symbol]
    if not held:
        raise ModelError(f"the data have no {symbol}, which benchmark.market names; import it")
    there = [j for j in held if panel.tradable[-rules.train - 1 :, j].any()]
    if not there:
        raise ModelError(f"{symbol}, which benchmark.market names, has no bar on the training rows")
    return there[-1]
