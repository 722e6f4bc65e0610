"""The loopback server in a thread of its own, for code that has no event loop or makes one itself."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from builders.loopback import Handler, Loopback, serve


@contextmanager
def serving(handler: Handler) -> Iterator[Loopback]:
    """Serve while the block runs."""
    ready, ended = threading.Event(), threading.Event()
    found: list[Loopback] = []

    async def main() -> None:
        async with serve(handler) as server:
            found.append(server)
            ready.set()
            while not ended.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        ended.set()
        thread.join(10)
