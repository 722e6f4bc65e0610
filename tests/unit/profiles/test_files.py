from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles import available, load
from tvquant.profiles.files import LARGEST_YAML, parse_value

type Write = Callable[..., Path]


def test_layers_go_from_defaults_over_parents_to_the_file(folder: Path, write: Write) -> None:
    write("base", "extends: us_equities\ndescription: the base\nseed: 1\n")
    write("demo", "extends: base\nseed: 2\n")
    raw = load("demo", search=[folder])
    assert raw.name == "demo"
    assert [layer.label for layer in raw.layers] == [
        "defaults",
        "preset us_equities",
        "profile base (profiles/base.yaml)",
        "profile demo (profiles/demo.yaml)",
    ]
    assert raw.layers[-1].values == {"seed": 2, "description": ""}, "a description is not inherited"


def test_a_users_file_hides_a_preset_of_its_name(folder: Path, write: Write) -> None:
    path = write("us_equities", "seed: 3\n")
    assert load("us_equities", search=[folder]).layers[-1].values["seed"] == 3
    assert available([folder])["us_equities"] == path
    sleeves = {
        f"binance_{venue}_rating_{rating}_{side}"
        for venue in ("spot", "perp")
        for rating in ("all", "ma", "osc")
        for side in ("long", "short")
    }
    metas = {"development", "meta_benchmark", "meta_ma_benchmark", "meta_production", "production"}
    assert set(available()) == sleeves | metas | {
        "binance_spot_trend",
        "crypto_momentum_ensemble",
        "crypto_production",
        "crypto_rating_all",
        "crypto_rating_alpha",
        "crypto_rating_ma",
        "crypto_rating_osc",
        "crypto_rating_sleeve",
        "crypto_spot",
        "crypto_spot_as_specified",
        "demo_sp500",
        "development_coins",
        "development_stocks",
        "institutional_etf",
        "sp500_trend",
        "us_equities",
        "us_equities_as_specified",
    }


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.yaml").write_text(f"version: 1\nseed: {number}\n")
    assert load("p", search=[tmp_path / "two", tmp_path / "one"]).layers[-1].values["seed"] == 1


def test_a_path_is_read_and_its_folder_searched(write: Write) -> None:
    write("base", "seed: 1\n")
    raw = load(write("child", "extends: base\n"))
    assert [layer.values.get("seed") for layer in raw.layers[1:]] == [1, None]


@pytest.mark.parametrize("name", ["", "../demo", "/etc/passwd", "Demo", "a b", "a.yaml", "x" * 65, "demo\n", "ä"])
def test_names_that_are_no_names_are_refused(name: str, folder: Path) -> None:
    with pytest.raises(ProfileError, match="expected 1 to 64 of a-z, 0-9 and _"):
        load(name, search=[folder])


def test_unknown_profile_names_the_nearest_and_all(folder: Path) -> None:
    with pytest.raises(ProfileError, match=r"no profile 'demo_sp50' - did you mean demo_sp500\? \(known: binance_"):
        load("demo_sp50", search=[folder])


def test_missing_path_and_defaults_are_no_profiles(folder: Path) -> None:
    with pytest.raises(ProfileError, match="expected an existing file"):
        load(folder / "nothing.yaml")
    with pytest.raises(ProfileError, match="packaged defaults"):
        load("defaults")


def test_a_circle_of_parents_is_shown(folder: Path, write: Write) -> None:
    write("a", "extends: b\n")
    write("b", "extends: a\n")
    with pytest.raises(ProfileError, match=r"profiles/b.yaml\), line 2: extends: circle a -> b -> a"):
        load("a", search=[folder])
    write("us_equities", "extends: us_equities\n")
    with pytest.raises(ProfileError, match="circle us_equities -> us_equities; give one of these files another name"):
        load("us_equities", search=[folder])


def test_ten_files_make_a_chain_and_eleven_do_not(folder: Path, write: Write) -> None:
    write("p0", "seed: 0\n")
    for number in range(1, 11):
        write(f"p{number}", f"extends: p{number - 1}\n")
    assert len(load("p9", search=[folder]).layers) == 11
    with pytest.raises(ProfileError, match="at most 10 files"):
        load("p10", search=[folder])


def test_a_parent_that_is_not_there_names_the_child(folder: Path, write: Write) -> None:
    write("a", "extends: nobody\n")
    with pytest.raises(ProfileError, match=r"profile a \(profiles/a.yaml\), line 2: extends: no profile 'nobody'"):
        load("a", search=[folder])


@pytest.mark.parametrize(
    ("body", "line", "why"),
    [
        ("seed: 1\nseed: 2\n", 3, "the key 'seed' appears twice"),
        ("data:\n  span: 1\n  span: 2\n", 4, "the key 'span' appears twice"),
        ("data: {span: 1\n", 3, "not readable as YAML"),
        ("data:\n\tspan: 1\n", 3, "not readable as YAML"),
        ("seed: !!python/object/apply:os.getcwd []\n", 2, "tag 'tag:yaml.org,2002:python/object/apply:os.getcwd'"),
        ("seed: !mine 1\n", 2, "not readable as YAML"),
        ("data: &a {span: 1}\nwindows: *a\n", 2, "anchors and aliases"),
        ("data: &a [*a]\n", 2, "anchors and aliases"),
        ("3: x\n", 2, "expected text as a key, found '3'"),
        ("<<: {seed: 1}\n", 2, "expected text as a key"),
        ("seed: 2020-13-45\n", 2, "'2020-13-45' is not readable"),
        ("seed: 1" + ":1" * 200 + ".0\n", 2, "is not readable: int too large"),
        ("--- {}\n", 2, "not readable as YAML"),
        ("name: other\n", 2, "name: expected the file's own, p, found 'other'"),
        ("extends: [a]\n", 2, "extends: expected one profile name"),
        ("seed: \x00\n", 2, "control character"),
        ("seed: 0b" + "1" * 60_000 + "\n", 2, "expected an integer of at most 64 bits"),
        ("seed: 0b" + "1" * 65 + "\n", 2, "expected an integer of at most 64 bits"),
        ("seed: " + "7" * 5_000 + "\n", 2, "expected an integer of at most 64 bits"),
        ("seed: " + "1:" * 30_000 + "1\n", 2, "expected an integer of at most 64 bits"),
    ],
)
def test_refused_yaml_names_file_and_line(folder: Path, write: Write, body: str, line: int, why: str) -> None:
    write("p", body)
    with pytest.raises(ProfileError) as caught:
        load("p", search=[folder])
    message = str(caught.value)
    assert message.startswith(f"profile p (profiles/p.yaml), line {line}: ")
    assert why in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize("body", ["", "# nothing\n", "- a\n", "text\n", "null\n", "3\n"])
def test_a_document_that_is_no_mapping_is_refused(folder: Path, write: Write, body: str) -> None:
    write("p", body, version="")
    with pytest.raises(ProfileError, match="expected a mapping of sections"):
        load("p", search=[folder])


@pytest.mark.parametrize("version", ["", "version: 2\n", "version: '1'\n", "version: true\n", "version: 1.0\n"])
def test_the_schema_version_must_be_there(folder: Path, write: Write, version: str) -> None:
    write("p", "seed: 1\n", version=version)
    with pytest.raises(ProfileError, match="version: expected 1, found"):
        load("p", search=[folder])


def test_size_encoding_and_depth_have_limits(folder: Path, write: Write) -> None:
    write("p", "# " + "x" * LARGEST_YAML)
    with pytest.raises(ProfileError, match=f"at most {LARGEST_YAML} bytes"):
        load("p", search=[folder])
    (folder / "p.yaml").write_bytes(b"version: 1\ndescription: \xff\n")
    with pytest.raises(ProfileError, match="expected UTF-8 text, found byte 24"):
        load("p", search=[folder])
    write("p", "seed: " + "[" * 20_000)
    with pytest.raises(ProfileError, match="nested too deeply"):
        load("p", search=[folder])


def test_a_byte_order_mark_is_no_part_of_the_text(folder: Path) -> None:
    (folder / "p.yaml").write_bytes(b"\xef\xbb\xbfversion: 1\nname: p\nseed: 4\n")
    assert load("p", search=[folder]).layers[-1].values["seed"] == 4


def test_a_file_that_cannot_be_read_is_the_worlds_fault(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("p", "seed: 1\n")

    read = Path.read_bytes

    def denied(self: Path) -> bytes:
        if self.name == "p.yaml":
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read everything, so a file mode would not do
    with pytest.raises(DataError, match=r"profile p \(profiles/p.yaml\): cannot be read: Permission denied"):
        load("p", search=[folder])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("all", "all"),
        ("[a, b]", ["a", "b"]),
        ("", None),
        ("0.5", 0.5),
        ("{week: friday}", {"week": "friday"}),
    ],
)
def test_values_of_the_environment_are_yaml(text: str, value: object) -> None:
    assert parse_value(text, "environment X") == value
