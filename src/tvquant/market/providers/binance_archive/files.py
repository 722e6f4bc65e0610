"""Getting files of the archive: each is checked against its checksum, and kept for whoever asks again soon."""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence

from tvquant.market.http_client import HttpClient, HttpRefused
from tvquant.market.probing import Probe
from tvquant.market.providers.binance_archive.layout import CHECKSUM, ArchiveFile
from tvquant.market.providers.contract import Malformed

KEPT = 32 * 2**20
"""Bytes of packed files that are kept; of four-hourly bars that is some three hundred years of one market."""
LOOKS = 2
"""Times that a file and its checksum are asked for before they are refused."""
UNREADABLE = "one that cannot be read"
TOLD = re.compile(rb"([0-9a-fA-F]{64})\s+\*?(\S+)\s*")


class ArchiveFiles:
    """Fetches packed files; the newest of those that were checked are kept, so that asking again costs nothing."""

    def __init__(self, client: HttpClient, *, kept: int = KEPT) -> None:
        self.client = client
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._room = kept

    async def packed(self, files: Sequence[ArchiveFile]) -> list[bytes]:
        """Return the checked bytes of the files.

        All of them are asked for before a failure is told, so that what has come need not come again.

        Raises
        ------
        ProviderError : one of them did not come, or is not the one that its checksum is of.
        """
        found = await asyncio.gather(*map(self._checked, files), return_exceptions=True)
        contents = []
        for one in found:
            if isinstance(one, BaseException):
                raise one
            contents.append(one)
        return contents

    async def there(self, files: Sequence[ArchiveFile]) -> list[ArchiveFile]:
        """Return those of the files that the archive has; all of them are fetched by that.

        Raises
        ------
        ProviderError : see `packed`.
        """
        found = await asyncio.gather(*map(self._checked, files), return_exceptions=True)
        had = []
        for file, one in zip(files, found, strict=True):
            if isinstance(one, HttpRefused) and one.status == 404:
                continue
            if isinstance(one, BaseException):
                raise one
            had.append(file)
        return had

    async def probe(self, file: ArchiveFile) -> Probe:
        """Return what the checksum of a file says of the server.

        Raises
        ------
        ProviderError : it is not there, or is none.
        """
        answer, probe = await self.client.probe(f"/{file.path}{CHECKSUM}")
        if _told(answer.body, file) == UNREADABLE:
            raise Malformed(f"{self.client.name}: {file.path}{CHECKSUM} tells no digest of {file.name}")
        return probe

    async def _checked(self, file: ArchiveFile) -> bytes:
        """Return a file whose digest is the one that is told beside it; both are asked for anew once."""
        held = self._kept.get(file.path)
        if held is not None:
            self._kept.move_to_end(file.path)
            return held
        digest = told = ""
        for _ in range(LOOKS):
            content = (await self.client.get(f"/{file.path}")).body
            digest = hashlib.sha256(content).hexdigest()
            told = _told((await self.client.get(f"/{file.path}{CHECKSUM}")).body, file)
            if digest == told:
                self._keep(file.path, content)
                return content
        raise Malformed(
            f"{self.client.name}: {file.path} has the digest {digest[:12]}..., expected {told[:23]}; it came so "
            f"{LOOKS} times and is not taken",
            retryable=False,
        )

    def _keep(self, path: str, content: bytes) -> None:
        self._room -= len(content) - len(self._kept.pop(path, b""))
        self._kept[path] = content
        while self._room < 0 and self._kept:
            self._room += len(self._kept.popitem(last=False)[1])


def _told(body: bytes, file: ArchiveFile) -> str:
    """Return the digest that a checksum file tells; one that is none, or another file's, tells nothing."""
    match = TOLD.fullmatch(body)
    if match is None or match[2].decode("utf-8", "replace") != file.name:
        return UNREADABLE
    return match[1].decode().lower()
