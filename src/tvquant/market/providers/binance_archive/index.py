"""The folders of the archive, listed by the protocol of its store: XML pages of at most a thousand keys.

Source: ListObjects of the S3 API (`prefix`, `delimiter`, `marker`; `IsTruncated`, `NextMarker`).
"""

from dataclasses import dataclass
from xml.etree import ElementTree

from tvquant.market.http_client import HttpClient
from tvquant.market.probing import Probe
from tvquant.market.providers.contract import Malformed

SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
MOST_PAGES = 100
"""Pages of one folder; a hundred thousand names are more than any has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """One page: names of files and of folders with their whole paths, and where the next page begins (None: last)."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    next_marker: str | None


class ArchiveIndex:
    """Lists folders through a client of the store."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client

    async def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder, without its path."""
        return [path.removeprefix(folder).rstrip("/") for page in await self._pages(folder) for path in page.folders]

    async def files(self, folder: str, *, behind: str = "") -> list[str]:
        """Return the paths of the files in a folder, those whose paths come behind one in the order of letters."""
        return [path for page in await self._pages(folder, behind) for path in page.files]

    async def probe(self, folder: str) -> tuple[IndexPage, Probe]:
        """Return the first page of a folder, and what it says of the server.

        Raises
        ------
        ProviderError : it did not come, or is none.
        """
        answer, probe = await self.client.probe("/", {"delimiter": "/", "prefix": folder})
        return read_page(answer.body, folder), probe

    async def _pages(self, folder: str, marker: str = "") -> list[IndexPage]:
        """Return all pages of a folder.

        Raises
        ------
        Malformed : one cannot be read, is of another folder, or leads back.
        """
        pages: list[IndexPage] = []
        while len(pages) < MOST_PAGES:
            query = {"delimiter": "/", "prefix": folder} | ({"marker": marker} if marker else {})
            answer = await self.client.get("/", query)
            page = read_page(answer.body, folder)
            pages.append(page)
            if page.next_marker is None:
                return pages
            if page.next_marker <= marker:
                raise Malformed(f"{self.client.name}: the list of {folder} leads from {marker!r} back, it never ends")
            marker = page.next_marker
        raise Malformed(f"{self.client.name}: the list of {folder} has more than {MOST_PAGES} pages", retryable=False)


def read_page(body: bytes, folder: str) -> IndexPage:
    """Return what a page says of a folder.

    Raises
    ------
    Malformed : it is no such page, or of another folder.
    """
    try:
        text = body.decode()  # of the store's own coding: in another one a definition would not be seen
        if "<!" in text:
            raise Malformed(f"a list of {folder} was asked for, and a page or a definition came")
        root = ElementTree.fromstring(text)  # noqa: S314 - without definitions nothing can grow
    except (ElementTree.ParseError, ValueError) as error:
        raise Malformed(f"the list of {folder} cannot be read: {error}") from error
    if root.tag != f"{SPACE}ListBucketResult" or (root.findtext(f"{SPACE}Prefix") or "") != folder:
        raise Malformed(f"a list of {folder} was asked for, and {root.tag[-60:]} of another folder came")
    files = [one.text or "" for one in root.iterfind(f"{SPACE}Contents/{SPACE}Key")]
    folders = [one.text or "" for one in root.iterfind(f"{SPACE}CommonPrefixes/{SPACE}Prefix")]
    for path in (*files, *folders):
        if not path.startswith(folder):
            raise Malformed(f"the list of {folder} has {path[:200]!r}, which is not in it", retryable=False)
    truncated = root.findtext(f"{SPACE}IsTruncated")
    if truncated not in ("true", "false"):
        raise Malformed(f"the list of {folder} does not say whether it goes on: IsTruncated is {truncated!r:.40}")
    more = truncated == "true"
    marker = root.findtext(f"{SPACE}NextMarker") or max((*files, *folders), default="")
    if more and not marker:
        raise Malformed(f"the list of {folder} goes on, but says not where")
    return IndexPage(files=tuple(files), folders=tuple(folders), next_marker=marker if more else None)
