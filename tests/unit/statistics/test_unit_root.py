"""The augmented Dickey-Fuller regression against arch's, and where it has no answer."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics.unit_root import unit_root_p_values


@pytest.mark.xdist_group("arch")
@pytest.mark.requirement("R-REG-02")
@pytest.mark.parametrize(("rows", "lags"), [(12, 2), (60, 3), (64, 3), (65, 4), (252, 6)])
def test_p_values_equal_those_of_arch(rows: int, lags: int) -> None:
    from arch.unitroot import ADF

    draw = np.random.default_rng(rows)
    steps = draw.standard_t(4, (rows, 9)) * 0.01
    persistent = np.empty_like(steps[:, :3])
    for j, memory in enumerate((0.5, 0.9, 0.99)):
        persistent[0, j] = 0.0
        for t in range(1, rows):
            persistent[t, j] = memory * persistent[t - 1, j] + steps[t, 3 + j]
    series = np.column_stack(
        [steps[:, :3], persistent, steps[:, 6:].cumsum(axis=0), 1.03 ** np.arange(rows) + steps[:, 0]]
    )
    found = unit_root_p_values(series)
    assert found == pytest.approx([ADF(column, lags=lags, trend="c").pvalue for column in series.T], abs=1e-9)


def test_the_ends_of_the_scale() -> None:
    noise = np.random.default_rng(3).standard_normal(60)
    explodes = 1.1 ** np.arange(60) + 0.01 * noise
    found = unit_root_p_values(np.column_stack([explodes, np.diff(noise, append=0.0), noise.cumsum()]))
    assert found[0] == 1.0
    assert found[1] < 1e-4 < 0.05 < found[2] < 1.0


def test_a_column_does_not_depend_on_its_neighbours_nor_on_its_scale_and_level() -> None:
    series = np.random.default_rng(0).standard_normal((60, 4)).cumsum(axis=0)
    alone = np.concatenate([unit_root_p_values(series[:, [j]]) for j in range(4)])
    assert unit_root_p_values(series) == pytest.approx(alone, abs=1e-12)
    assert unit_root_p_values(1e-4 * series + 3.0) == pytest.approx(alone, abs=1e-6)


def test_no_answer_for_few_rows_constants_and_collinear_regressors() -> None:
    draw = np.random.default_rng(1).standard_normal((60, 1))
    odd = np.column_stack([np.full(60, 0.1), np.tile([1.0, -1.0], 30), np.arange(60.0), draw[:, 0]])
    assert np.isnan(unit_root_p_values(odd)).tolist() == [True, True, True, False]
    assert np.isnan(unit_root_p_values(draw[:11])).all()
    with pytest.raises(ModelError, match="finite"):
        unit_root_p_values(np.full((60, 1), np.nan))
