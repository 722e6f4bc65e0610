"""`data.providers`: read with all that is wrong in it, and written down as it was given."""

import json
from typing import Any

import pytest

from builders.profiles import resolved_of
from tvquant.core.errors import ProfileError
from tvquant.profiles import from_manifest, to_manifest

GIVEN: dict[str, Any] = {
    "BINANCE": "simulated",
    "BINANCE/swap": {"name": "simulated", "seed": 7},
    "NASDAQ": {"name": "files", "path": "prices", "basis": "split"},
}


def test_providers_are_read_and_written_down_as_given() -> None:
    resolved = resolved_of(data__providers=GIVEN)
    assert dict(resolved.profile.data.deliveries) == {
        "BINANCE": ("simulated", {}),
        "BINANCE/swap": ("simulated", {"seed": 7}),
        "NASDAQ": ("files", {"path": "prices", "basis": "split"}),
    }
    manifest = json.loads(json.dumps(to_manifest(resolved)))
    assert manifest["profile"]["data"]["providers"] == GIVEN
    assert from_manifest(manifest) == resolved
    hash(resolved.profile.data)
    assert resolved_of().profile.data.providers == ()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("binance", "expected a mapping of an exchange to its provider, found 'binance'"),
        ({"BINANSE": "simulated"}, "unknown exchange 'BINANSE' - did you mean BINANCE"),
        ({"binance": "simulated"}, "unknown exchange 'binance' - did you mean BINANCE"),
        ({"BINANCE/swaps": "simulated"}, "BINANCE/swaps: unknown kind 'swaps' - did you mean swap"),
        ({"BINANCE": 5}, "BINANCE: expected the name of a provider, or its name and options"),
        ({"BINANCE": {"seed": 5}}, "BINANCE: expected the name of a provider, or its name and options"),
        ({"BINANCE": {"name": "simulated", "seed": [5]}}, "BINANCE: expected options with plain values"),
        ({"BINANCE": "simulatd"}, "BINANCE: unknown provider 'simulatd' - did you mean simulated"),
        ({"BINANCE": {"name": "simulated", "sed": 5}}, "unknown option 'sed' - did you mean seed"),
        ({"BINANCE": {"name": "simulated", "seed": -5}}, "option seed: expected greater than or equal to 0"),
    ],
)
def test_what_no_provider_is_or_takes_is_refused(given: Any, why: str) -> None:
    with pytest.raises(ProfileError) as said:
        resolved_of(data__providers=given)
    assert "data.providers" in str(said.value)
    assert why in str(said.value)
