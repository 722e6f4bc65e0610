"""Legacy selection models are frozen: scores, winners and clusters of one generated pool are written down.

`TVQUANT_RENEW_GOLDEN=1 pytest tests/golden/test_legacy_selection.py` writes the files anew. A formula that is corrected
gets a version of its own instead (R-SEL-02), so do that for a new model only.

The vetoes in force are few: the others judge every model alike, have tests of their own, and may be mended.

The pool is made by `random`, which promises its sequence, and rounded: it is the same everywhere. Scores agree to
1e-9 on other processors; winners and clusters are equal.
"""

import json
import math
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.profiles import selection_of
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.features import FeatureSet
from tvquant.core.streams import Streams
from tvquant.selection import SELECTION_MODELS, SelectionContext, SelectionResponse
from tvquant.selection.stages.feature_engineering import TERMS

FOLDER = Path(__file__).with_name("selection")
RENEW = "TVQUANT_RENEW_GOLDEN"
LEGACY = ("liquid_htr", "v2", "v2.0", "v2.1", "v3", "v3.1", "v3.2", "v3.4")
ROWS, NAMES = 260, 36
LEVELS = {
    "value_traded_last": (2e6, 9e8), "adv_median_30": (2e6, 9e8), "adx_14": (5.0, 60.0), "plus_di_14": (5.0, 40.0),
    "minus_di_14": (5.0, 40.0), "roc_9": (-20.0, 40.0), "volatility_d": (1.0, 12.0),
    "volume_change_24h": (-50.0, 90.0), "metadata_known": (1.0, 1.0),
}  # fmt: skip
"""Lowest and highest of each term; ratings are between -1 and 1."""


def pool() -> SelectionContext:
    """Three groups of names, every third of them short, trends of all strengths, young names and gaps."""
    draw = random.Random(20)

    def bell() -> float:
        return math.fsum(draw.random() for _ in range(12)) - 6.0

    shared = [[bell() for _ in range(3)] for _ in range(ROWS)]
    own = np.array(
        [
            [
                round(0.004 * (k % 7 - 2) / 4 + 0.006 * (1 + k % 4) * (0.8 * row[k % 3] + 0.6 * bell()), 6)
                for k in range(NAMES)
            ]
            for row in shared
        ]
    )
    own[:150, 5::9] = np.nan
    own[40:44, 7] = np.nan
    atoms = tuple(
        Atom(physical_symbol=f"X:N{k:02d}", logic="hold", direction=Direction.SHORT if k % 3 == 1 else Direction.LONG)
        for k in range(NAMES)
    )
    times = np.datetime64("2022-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "D")
    values = []
    for term in sorted(TERMS):
        low, high = LEVELS.get(term, (-1.0, 1.0))
        values.append([round(low + (high - low) * draw.random(), 3) for _ in range(NAMES)])
    table = np.array(values)
    table[:, 11] = np.nan
    return SelectionContext(
        decided_at=times[-1],
        pool=AtomPool(
            atoms=atoms,
            streams=Streams(
                ids=tuple(atom.symbol for atom in atoms),
                times=times,
                returns=own * [atom.direction.sign for atom in atoms],
                composition={a.symbol: {a.physical_symbol: float(a.direction.sign)} for a in atoms},
            ),
            own=own,
        ),
        features=FeatureSet(
            names=tuple(sorted(TERMS)),
            keys=tuple(atom.physical_symbol for atom in atoms),
            values=table,
            known_at=times[-1],
        ),
        parameters=selection_of(vetoes=("no_statistics", "kurtosis", "volatility", "survival", "adx")),
        train=60,
        periods_per_year=365,
    )


def written(response: SelectionResponse) -> dict[str, Any]:
    """What is pinned of a response."""
    payload = response.payload()
    return {name: payload[name] for name in ("version", "scores", "clusters", "stage", "flags", "thresholds")} | {
        "winners": [atom.symbol for atom in response.winners],
        "vetoes": {symbol: veto.rule for symbol, veto in sorted(response.standing_vetoes.items())},
    }


@pytest.fixture(scope="module")
def given() -> SelectionContext:
    return pool()


def _close(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_close(found[key], expected[key]) for key in expected)
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == expected)


@pytest.mark.requirement("R-SEL-02")
@pytest.mark.parametrize("name", LEGACY)
def test_a_legacy_model_chooses_as_it_did(given: SelectionContext, name: str) -> None:
    found = written(SELECTION_MODELS[name].select(given))
    file = FOLDER / f"{name}.json"
    if os.environ.get(RENEW):
        file.write_text(f"{json.dumps(found, indent=1, sort_keys=True)}\n")
    expected = json.loads(file.read_text())
    assert found.keys() == expected.keys()
    assert [key for key in expected if not _close(found[key], expected[key])] == []


def test_the_pool_tells_the_models_apart() -> None:
    """Were two of them to choose alike, the files would pin little."""
    files = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in LEGACY}
    assert len({json.dumps(file["winners"]) for file in files.values()}) >= 6
    assert files["v3.2"]["stage"] == 1 < files["v3.4"]["stage"]
    assert len(files["v3.2"]["winners"]) > 2
    assert {"SHORT", "LONG"} == {symbol.rpartition("_")[2] for symbol in files["v2"]["winners"]}
    assert "friction" in set(files["v3"]["vetoes"].values())
