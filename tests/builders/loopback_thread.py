"""A server in a thread of its own, for code that has no event loop or makes one itself."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from builders.loopback import Handler, Loopback, serve


@contextmanager
def beside[T](server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Serve while the block runs."""
    ready = threading.Event()
    found: list[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        async with server as opened:
            over = asyncio.Event()
            found.append((opened, asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    opened, loop, over = found[0]
    try:
        yield opened
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


@contextmanager
def serving(handler: Handler) -> Iterator[Loopback]:
    """Serve what the handler answers while the block runs."""
    with beside(serve(handler)) as server:
        yield server
