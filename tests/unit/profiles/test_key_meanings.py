from tvquant.profiles.key_meanings import meaning
from tvquant.profiles.schema import LEAVES


def test_every_key_has_a_meaning() -> None:
    said = {key: meaning(key) for key in LEAVES}
    assert all("\n" not in text and text.endswith(".") for text in said.values())
    assert said["data.quorum"].startswith("share of the names alive in the last five sessions that must have a bar")
    assert said["selection.min_roc"] == said["selection.max_roc"]
