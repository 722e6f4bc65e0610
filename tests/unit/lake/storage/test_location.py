"""Where a lake's tables stand. What a store does with them is proved against one, in `e2e/test_object_store.py`."""

from pathlib import Path

import pytest

from tvquant.core.errors import ProfileError
from tvquant.lake import Lake
from tvquant.lake.storage.location import Place, address, folder, options, size

SECRETS = {"AWS_ACCESS_KEY_ID": "AKIAKEY", "AWS_SECRET_ACCESS_KEY": "hush"}


def test_tables_stand_at_the_uri_and_the_rest_in_the_folder(tmp_path: Path) -> None:
    place = Place(uri="s3://bucket/a/b", folder=tmp_path, options=SECRETS)
    assert address(place, "bars") == "s3://bucket/a/b/bars"
    assert folder(place) == Lake(place).folder == tmp_path
    assert options(place) == SECRETS | {"AWS_CONDITIONAL_PUT": "etag"}


def test_a_folder_is_a_place_of_its_own(tmp_path: Path) -> None:
    assert address(tmp_path, "bars") == str(tmp_path / "bars")
    assert folder(tmp_path) == Lake(tmp_path).folder == tmp_path
    assert options(tmp_path) is None
    (tmp_path / "bars" / "_delta_log").mkdir(parents=True)
    (tmp_path / "bars" / "_delta_log" / "0.json").write_bytes(b"12345")
    (tmp_path / "bars" / "part.parquet").write_bytes(b"123")
    assert size(tmp_path, "bars") == 8


def test_credentials_are_in_no_text(tmp_path: Path) -> None:
    place = Place(uri="s3://bucket", folder=tmp_path, options=SECRETS)
    for text in (str(place), repr(place), f"{place}"):
        assert "s3://bucket" in text
        assert not any(secret in text for secret in SECRETS.values())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "bucket/prefix",
        "gs://bucket",
        "s3://",
        "s3://Bucket",
        "s3://bucket/",
        "s3://bucket//a",
        "s3://bucket/../other",
        "s3://bucket/a b",
        "s3://bucket/a%20b",
        "s3://bucket/[a]",
        "s3://bucket/a?b=c",
        "s3://user:hush@bucket/a",
    ],
)
def test_what_is_no_uri_of_a_bucket_is_refused_without_being_shown(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="s3://BUCKET/PREFIX") as caught:
        Place(uri=uri, folder=tmp_path, options={})
    assert "hush" not in str(caught.value)
