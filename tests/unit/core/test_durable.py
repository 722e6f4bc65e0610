import errno
import os

import pytest

from tvquant.core import durable


def test_a_replaced_file_and_its_folder_are_waited_for(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(os, "fsync", lambda handle: waited.append(os.readlink(f"/proc/self/fd/{handle}")))
    durable.replace(tmp_path / "head", b"new")
    assert (tmp_path / "head").read_bytes() == b"new"
    assert [os.path.basename(path).startswith("head.") for path in waited] == [True, False]
    assert waited[1] == str(tmp_path)


def test_a_disk_that_does_not_take_it_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    (tmp_path / "head").write_bytes(b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.replace(tmp_path / "head", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["head"]
    assert (tmp_path / "head").read_bytes() == b"old"


def test_a_text_is_replaced_whole_in_a_folder_that_is_made(tmp_path):
    path = tmp_path / "new" / "a.txt"
    durable.write_text(path, "one")
    durable.write_text(path, "zwei é")
    assert {p.name: p.read_text("utf-8") for p in path.parent.iterdir()} == {"a.txt": "zwei é"}


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_write_that_stops_half_way_leaves_the_old_file_and_no_other(stop, tmp_path):
    """Whatever stops it: a library reports a full disk in errors of its own, and a person presses Ctrl-C."""

    def write():
        with durable.replacing(tmp_path / "head") as aside:
            aside.write_bytes(b"half")
            assert (tmp_path / "head").read_bytes() == b"old"
            raise stop

    durable.replace(tmp_path / "head", b"old")
    with pytest.raises(stop):
        write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"head": b"old"}
