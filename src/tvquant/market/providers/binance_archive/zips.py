"""Unpacking a file of the archive: a zip of exactly one named text, checked and bounded before it is believed.

Read by hand, because a year of a market is tens of thousands of them and the general reader takes longer than the
inflating. What such a zip need not have is refused: several members, encryption, other methods, the 64-bit form.
Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import struct
import zlib

LARGEST = 2**20
"""Bytes of text in a file; a month of hourly funding has 40 thousand."""
STORED, DEFLATED = 0, 8
_END = struct.Struct("<4s4H2IH")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1


class NotOneText(ValueError):
    """The bytes are no zip of that one text; says why."""


def unpacked(content: bytes, member: str) -> bytes:
    """Return the text of the one member of a zip.

    Raises
    ------
    NotOneText : it is torn, has another member or several, or its text is or claims to be larger than `LARGEST`.
    """
    at = content.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(content):
        raise NotOneText("its end is missing")
    end = _END.unpack_from(content, at)
    count, place = end[4], end[6]
    if count != 1:
        raise NotOneText(f"it has {count} members, one was expected")
    entry = _read(_ENTRY, content, place, b"PK\x01\x02")
    flags, method, crc, packed, size = entry[3], entry[4], entry[7], entry[8], entry[9]
    name = content[place + _ENTRY.size : place + _ENTRY.size + entry[10]].decode("utf-8", "replace")
    if name != member:
        raise NotOneText(f"it holds {name[:80]!r}, expected {member!r}")
    if flags & _ENCRYPTED or method not in (STORED, DEFLATED):
        raise NotOneText(f"it is packed by method {method}, or encrypted; only plain and deflated texts are taken")
    if size > LARGEST:
        raise NotOneText(f"it claims to hold {size:,} bytes of text, more than {LARGEST:,}")
    header = _read(_HEADER, content, entry[16], b"PK\x03\x04")
    begin = entry[16] + _HEADER.size + header[9] + header[10]
    if begin + packed > len(content):
        raise NotOneText("it is cut off")
    body = content[begin : begin + packed]
    text = _inflated(body) if method == DEFLATED else body
    if len(text) != size or zlib.crc32(text) != crc:
        raise NotOneText(f"its text of {len(text):,} bytes is not the one of {size:,} that was packed")
    return text


def _read(form: struct.Struct, content: bytes, place: int, mark: bytes) -> tuple[int, ...]:
    """Return the fields of a record at a place where it should begin with its mark."""
    if place + form.size > len(content) or content[place : place + 4] != mark:
        raise NotOneText("its directory is torn")
    return form.unpack_from(content, place)


def _inflated(body: bytes) -> bytes:
    """Return the text, never more than one byte above the largest."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        text = engine.decompress(body, LARGEST + 1)
    except zlib.error as error:
        raise NotOneText(f"its text cannot be inflated ({error})") from error
    if len(text) > LARGEST:
        raise NotOneText(f"its text is larger than {LARGEST:,} bytes")
    if not engine.eof:
        raise NotOneText("its text is cut off")
    return text
