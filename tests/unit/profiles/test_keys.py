import pytest

from tvquant.profiles import Options, Vocabulary
from tvquant.profiles.keys import Keys


class Shared(Options):
    """Of several members.

    Parameters
    ----------
    depth : rows it looks back.
    """

    depth: int = 3


class Own(Shared):
    """Of the member `toy` alone."""

    under = "toy"


def test_every_key_has_a_meaning_of_its_own(vocabulary: Vocabulary) -> None:
    for keys in (vocabulary.meta_keys, vocabulary.keys):
        said = {key: keys.meaning(key) for key in keys.leaves}
        assert all("\n" not in text and text.endswith(".") for text in said.values())
        assert len(set(said.values())) == len(said)
    assert said["data.quorum"].startswith("share of the names alive in the last five sessions that must have a bar")


def test_options_follow_the_keys_of_their_section() -> None:
    plain, keys = Keys.of({}), Keys.of({"selection": (Shared, Own)})
    assert plain.leaves[-1] == "seed"
    assert "version" not in plain.declared
    assert [key for key in keys.leaves if key not in plain.leaves] == ["selection.depth", "selection.toy.depth"]
    assert keys.leaves.index("selection.toy.depth") == keys.leaves.index("selection.vetoes") + 2
    assert set(keys.branches) - set(plain.branches) == {"selection.toy"}
    assert keys.meaning("selection.depth") == "rows it looks back."


def test_a_key_that_two_members_declare_is_refused() -> None:
    class Other(Options):
        depth: int = 4

    class Taken(Options):
        top_n: int = 4

    class Named(Options):
        under = "depth"
        rows: int = 1

    for second in (Other, Taken, Named):
        with pytest.raises(ValueError, match=r"selection\.(depth|top_n) is declared twice"):
            Keys.of({"selection": (Shared, second)})
    with pytest.raises(ValueError, match=r"selection\.depth is declared twice"):
        Keys.of({"selection": (Named, Shared)})


def test_the_key_of_a_place_leaves_out_positions_and_unions(vocabulary: Vocabulary) -> None:
    assert vocabulary.keys.at(("universe", "kinds", 0)) == "universe.kinds"
    assert vocabulary.keys.at(("data", "span", "constrained-int")) == "data.span"
    assert vocabulary.keys.at(("selection", "max_roc")) == "selection.max_roc"
