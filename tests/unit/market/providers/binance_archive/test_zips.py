"""Zips of one text: what is unpacked, and everything that is refused."""

import io
import struct
import zipfile
import zlib

import pytest

from builders.archive_server import packed
from tvquant.market.providers.binance_archive.zips import LARGEST, NotOneText, unpacked

NAME, TEXT = "BTCUSDT-1d-2021-03.csv", "1614556800000,1,2,3\n" * 500
GOOD = packed(NAME, TEXT)


def several(*names: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), TEXT)
    return into.getvalue()


def with_field(offset: int, form: str, value: int) -> bytes:
    """The good zip with a field of its directory entry changed."""
    at = GOOD.rfind(b"PK\x01\x02") + offset
    return GOOD[:at] + struct.pack(form, value) + GOOD[at + struct.calcsize(form) :]


def test_the_text_comes_out_however_it_was_packed() -> None:
    assert unpacked(GOOD, NAME).decode() == TEXT
    assert unpacked(several(NAME), NAME).decode() == TEXT  # stored, not deflated
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(NAME, "w") as member:
        member.write(TEXT.encode())
    assert unpacked(into.getvalue(), NAME).decode() == TEXT
    assert len(unpacked(packed(NAME, "x" * LARGEST), NAME)) == LARGEST


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "end is missing"),
        (b"<html>moved</html>", "end is missing"),
        (GOOD[:-10], "end is missing"),
        (GOOD[60:], "directory is torn"),
        (several(NAME, "other.csv"), "2 members"),
        (several(), "0 members"),
        (packed("ETHUSDT-1d-2021-03.csv", TEXT), "holds 'ETHUSDT-1d-2021-03.csv', expected 'BTCUSDT-1d-2021-03.csv'"),
        (packed(f"../{NAME}", TEXT), "expected"),
        (packed(NAME, "0" * (LARGEST + 1)), "claims to hold 1,048,577 bytes"),
        (with_field(24, "<I", 7), "is not the one of 7"),
        (with_field(16, "<I", zlib.crc32(b"")), "is not the one"),
        (with_field(20, "<I", 10), "cut off"),
        (with_field(20, "<I", 10**6), "cut off"),
        (with_field(8, "<H", 1), "encrypted"),
        (with_field(10, "<H", 12), "method 12"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_anything_else_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(NotOneText, match=said.replace("(", r"\(")):
        unpacked(content, NAME)


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_grows() -> None:
    body = packed(NAME, "0" * (50 * LARGEST))
    at = body.rfind(b"PK\x01\x02") + 24
    with pytest.raises(NotOneText, match="larger than 1,048,576"):
        unpacked(body[:at] + struct.pack("<I", 1000) + body[at + 4 :], NAME)


def test_a_changed_byte_never_goes_unseen() -> None:
    for at in range(30 + len(NAME), GOOD.rfind(b"PK\x01\x02")):
        torn = GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :]
        with pytest.raises(NotOneText):
            unpacked(torn, NAME)
