"""Text that is put together of its parts: the same bytes as of the whole, and who asks for a value reads them."""

import pickle
from math import nan
from typing import Any

import numpy as np
import pytest

from tvquant.core.digests import canonical_json
from tvquant.core.written import Writer, Written, joined

OBJECT = {"b": {"z": 0.1, "a": [1, None, -0.0]}, "a": 'é "quoted"', "c": None, "ab": True}


def test_an_object_is_the_same_text_from_its_parts() -> None:
    assert joined(Writer().texts(OBJECT)) == canonical_json(OBJECT)
    assert joined({}) == canonical_json({}) == b"{}"
    with pytest.raises(ValueError, match="not JSON compliant"):
        Writer().texts({"a": nan})


def test_what_is_written_is_read_as_it_was_and_sent_as_its_text() -> None:
    writer = Writer()
    made = writer.record(OBJECT, joined(writer.texts(OBJECT)))
    assert isinstance(made, Written)
    assert made == OBJECT
    assert (list(made), len(made), made["b"]["a"]) == (sorted(OBJECT), 4, [1, None, -0.0])
    again = pickle.loads(pickle.dumps(made))
    assert (type(again), again.text, again) == (Written, made.text, OBJECT)


@pytest.mark.parametrize("value", [{"a": np.float64(1)}, {"a": {3: 1}}, {"a": [{"$b": 1}]}])
def test_what_a_record_would_have_in_another_form_stays_as_it_is(value: dict[str, Any]) -> None:
    """The ledger gives it its form, or refuses it; JSON alone would write it without a word."""
    writer = Writer()
    made = writer.texts(value | {"b": 1})
    assert joined(made) == canonical_json(value | {"b": 1})
    assert writer.record(value, joined(made)) is value
