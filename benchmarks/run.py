"""Run every benchmark, one after another so that none disturbs another; exit 1 when one of them fails."""

import subprocess
import sys
import time
from pathlib import Path

BENCHMARKS = (
    "simulator_vs_vectorbt.py",
    "simulator_vs_nautilus.py",
    "simulator_batch.py",
    "allocation_vs_peers.py",
    "rating_ma.py",
    "rating_all.py",
    "features_table.py",
    "scan_replay.py",
    "select_v4.py",
    "ledger_size.py",
    "tournament_matrix.py",
    "meta_portfolio.py",
    "import_bars.py",
    "lake_at_scale.py",
    "sync_simulated.py",
    "sync_binance.py",
)


def main() -> int:
    """Print each benchmark's output as it comes, then what failed."""
    failed = []
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        code = subprocess.run([sys.executable, Path(__file__).with_name(name)], check=False).returncode
        print(f"   {'done' if code == 0 else f'FAILED with exit code {code}'} in {time.perf_counter() - start:.0f} s\n")
        if code:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
