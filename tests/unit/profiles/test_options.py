"""A member's options in a profile: explained, set from every layer, refused with what would have been right."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from tvquant.core.errors import ProfileError
from tvquant.profiles import Options, ResolvedProfile, Vocabulary, explain, from_manifest, load, resolve, to_manifest
from tvquant.profiles.fields import Real
from tvquant.profiles.options import FamilySection


class Crowding(Options):
    """Options of the toy veto `crowding`.

    Parameters
    ----------
    limit : largest share of one side.
    rows : bars it looks at.
    """

    under = "crowding"
    limit: Real = Field(default=0.8, gt=0, le=1)
    rows: int = Field(default=20, strict=True, ge=2)


class Tolerance(Options):
    """Option of several toys.

    Parameters
    ----------
    tolerance : what counts as equal.
    """

    tolerance: Real = Field(default=0.5, ge=0)


SECTIONS = ("selection", "allocation", "execution")


@pytest.fixture(params=SECTIONS)
def section(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def words(vocabulary: Vocabulary, section: str) -> Vocabulary:
    known = vocabulary.options.get(section, ())
    return replace(vocabulary, options={**vocabulary.options, section: (*known, Crowding, Tolerance)})


def made(words: Vocabulary, environment: dict[str, str] | None = None, **arguments: Any) -> ResolvedProfile:
    named = {"--" + key: (key.replace("__", "."), value) for key, value in arguments.items()}
    return resolve(load("us_equities"), words, environment=environment, arguments=named)


def held(resolved: ResolvedProfile, section: str) -> FamilySection:
    found: FamilySection = getattr(resolved.profile, section)
    return found


def test_a_default_is_explained_with_its_layer_and_reaches_the_member(words: Vocabulary, section: str) -> None:
    resolved = made(words)
    rows = {row.key: (row.value, row.layer) for row in explain(resolved)}
    assert rows[f"{section}.crowding.limit"] == (0.8, "defaults")
    assert rows[f"{section}.tolerance"] == (0.5, "defaults")
    assert words.keys.meaning(f"{section}.crowding.limit") == "largest share of one side."
    assert held(resolved, section).options(Crowding) == Crowding()
    assert not resolved.is_own(f"{section}.crowding.limit")


def test_every_layer_may_set_an_option(words: Vocabulary, section: str) -> None:
    variable = f"TVQUANT_{section.upper()}__CROWDING__ROWS"
    resolved = made(words, {variable: "7"}, **{f"{section}__crowding": {"limit": 1}, f"{section}__tolerance": 0.0})
    assert held(resolved, section).options(Crowding) == Crowding(limit=1.0, rows=7)
    assert held(resolved, section).options(Tolerance).tolerance == 0.0
    assert resolved.layers[f"{section}.crowding.rows"] == f"environment {variable}"
    assert resolved.is_own(f"{section}.tolerance")


def test_a_file_is_over_the_default_of_a_member(
    folder: Path, write: Callable[..., Path], words: Vocabulary, section: str
) -> None:
    write("p", f"extends: us_equities\n{section}:\n  tolerance: 0.25\n  crowding: {{rows: 9}}\n")
    resolved = resolve(load("p", search=[folder]), words)
    assert held(resolved, section).options(Tolerance).tolerance == 0.25
    assert held(resolved, section).options(Crowding) == Crowding(rows=9)
    assert resolved.layers[f"{section}.crowding.rows"] == "profile p (profiles/p.yaml)"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("crowding__limt", 0.5, "{}.crowding.limt: unknown key - did you mean {}.crowding.limit?"),
        ("crowdin__limit", 0.5, "{}.crowdin: unknown key - did you mean {}.crowding?"),
        ("tolerence", 0.5, "{}.tolerence: unknown key - did you mean {}.tolerance?"),
        ("crowding__limit", 1.5, "{}.crowding.limit: expected less than or equal to 1, found 1.5"),
        ("crowding__rows", 2.0, "{}.crowding.rows: expected a valid integer, found 2.0"),
        ("crowding", 3, "{}.crowding: expected a mapping of its keys, found 3"),
        ("tolerance", -1, "{}.tolerance: expected greater than or equal to 0, found -1"),
        ("tolerance", None, "{}.tolerance: expected a valid number, found nothing (null)"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(words: Vocabulary, section: str, key: str, value: Any, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        made(words, **{f"{section}__{key}": value})
    assert str(caught.value) == f"profile us_equities: {said.replace('{}', section)} (argument --{section}__{key})"


def test_what_nobody_declares_is_unknown(vocabulary: Vocabulary, section: str) -> None:
    with pytest.raises(ProfileError, match=rf"{section}.crowding: unknown key"):
        made(vocabulary, **{f"{section}__crowding": {"limit": 0.5}})


def test_options_are_part_of_the_profile(words: Vocabulary, section: str) -> None:
    plain, other = made(words), made(words, **{f"{section}__crowding__limit": 0.7})
    assert held(plain, section) != held(other, section)
    assert plain.digest != other.digest
    assert plain.digest == made(words, **{f"{section}__crowding__limit": 0.8}).digest
    assert from_manifest(to_manifest(other)) == other


def test_a_section_without_the_member_says_so(vocabulary: Vocabulary, section: str) -> None:
    with pytest.raises(ProfileError, match="no value of limit, rows; was the profile resolved by another version"):
        held(made(vocabulary), section).options(Crowding)
