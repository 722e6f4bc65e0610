"""Processes of their own for tests: to load the libraries takes each longer than what it does."""

import multiprocessing

FRESH = multiprocessing.get_context("forkserver")
"""Forked off one process of a worker of the suite, which has imported what they need, and has no threads."""
FRESH.set_forkserver_preload(
    [
        "deltalake", "tvquant.app.syncing", "tvquant.lake.writing.compaction", "tvquant.market.healing",
        "tvquant.market.providers.simulated.server",
    ]
)  # fmt: skip
