"""Ask a loopback server for one share, in a process whose home and cache are a test's."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3]))


async def main() -> None:
    from builders.clocks import ManualClock
    from builders.loopback import Reply
    from builders.yahoo_server import serve_yahoo
    from tvquant.market.providers.yahoo.member import Yahoo

    told = json.loads((HERE / "payloads" / "plain.json").read_text())
    async with serve_yahoo(lambda _: Reply(told)) as server:
        member = Yahoo(clock=ManualClock(datetime(2024, 3, 13, 15, 30, tzinfo=UTC)), url=server.url)
        assert len(await member.bars("NASDAQ:ACME", "1d")) == 6
        assert len(await member.actions("NASDAQ:ACME")) == 3
        await member.close()


asyncio.run(main())
