"""Sizes of files, and that tests mirror the source."""

from pathlib import Path

import pytest
from sources import PACKAGE, ROOT, modules, shown

LINES = 500
TESTS = ROOT / "tests"

ELSEWHERE = {
    # Wiring: its commands are run whole.
    "app": "e2e",
    # Values and protocols: what uses them proves them.
    "core/barbells.py": "unit/allocation/test_barbell.py",
    "core/books.py": "unit/simulation/test_custom.py",
    "core/clock.py": "unit/ledger/test_chain.py",
    "core/decisions.py": "property/test_decisions.py",
    "core/measures.py": "unit/ledger/test_recorded_run.py",
    "core/records.py": "unit/ledger/test_chain.py",
    "core/version.py": "unit/ledger/test_listing.py",
    # Members of a family and what they share: one suite holds each against its source.
    "atoms/gates.py": "contracts/test_logics.py",
    "atoms/logics/breakout.py": "contracts/test_logics.py",
    "atoms/logics/carry.py": "contracts/test_logics.py",
    "atoms/logics/momentum.py": "contracts/test_logics.py",
    "atoms/logics/pass_through.py": "unit/atoms/test_synthesis.py",
    "atoms/logics/reversion.py": "contracts/test_logics.py",
    "atoms/logics/trend_gated.py": "contracts/test_logics.py",
    "atoms/logics/windows.py": "contracts/test_logics.py",
    # One half of a thing that is tested whole.
    "allocation/engines/custom/engine.py": "contracts/test_engines.py",
    "allocation/engines/custom/equal_weight.py": "contracts/test_engines.py",
    "allocation/engines/custom/fixed.py": "unit/allocation/risk/test_fixed.py",
    "allocation/engines/custom/min_variance.py": "contracts/test_engines.py",
    "allocation/demands.py": "unit/allocation/test_infeasibility.py",
    "allocation/neutral.py": "unit/allocation/test_tries.py",
    "core/neutrality.py": "unit/allocation/test_tries.py",
    "tournament/sleeves/groups.py": "unit/app/meta/test_play.py",
    "tournament/sleeves/settling.py": "unit/app/meta/test_play.py",
    "tournament/sleeves/netted_dates.py": "unit/tournament/sleeves/test_netting.py",
    "symbology/renames.py": "unit/symbology/test_identities.py",
    "lake/writing/symbol_choice.py": "unit/lake/writing/test_imports.py",
    "lake/writing/declared_basis.py": "unit/lake/quality/test_basis.py",
    "lake/writing/headers.py": "unit/lake/writing/test_csv_files.py",
    "lake/writing/sheets.py": "unit/lake/writing/test_csv_files.py",
    "lake/writing/import_reports.py": "unit/lake/writing/test_imports.py",
    "lake/writing/parquet_files.py": "unit/lake/writing/test_timestamps.py",
    "lake/writing/bar_intervals.py": "unit/lake/writing/test_files.py",
    "lake/quality/price_scale.py": "unit/lake/writing/test_revisions.py",
    "lake/reading/action_revisions.py": "unit/lake/writing/test_actions.py",
    "statistics/first_valid.py": "unit/statistics/test_directional.py",
    "statistics/block_bootstrap.py": "unit/statistics/test_paired_differences.py",
    "lake/writing/duplicates.py": "unit/lake/writing/test_imports.py",
    "lake/storage/tables.py": "unit/lake/reading/test_lake.py",
    "simulation/simulators/vectorbt_engine.py": "parity/test_simulators.py",
    "simulation/simulators/nautilus/beside.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/diary.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/engine_runs.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/nautilus_adapter.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/play.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/rules.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/strategy.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/version1.py": "parity/test_nautilus.py",
    "simulation/simulators/nautilus/version2.py": "parity/test_nautilus.py",
    "simulation/checked_orders.py": "contracts/test_simulators.py",
    "simulation/caveats.py": "parity/test_nautilus.py",
    "simulation/batch.py": "property/test_simulation_batch.py",
    "simulation/batch_account.py": "property/test_simulation_batch.py",
    "simulation/batch_kernel.py": "property/test_simulation_batch.py",
    "simulation/charges.py": "unit/simulation/test_fill_rates.py",
    "simulation/compiling.py": "architecture/test_compiled.py",
    "simulation/batch_single.py": "property/test_simulation_batch.py",
    "simulation/book_events.py": "unit/simulation/test_custom.py",
    "simulation/batch_rows.py": "property/test_simulation_batch.py",
    "simulation/row_parts.py": "property/test_simulation_batch.py",
    # Sections of one schema: a profile is checked whole.
    "profiles/merging.py": "unit/profiles/test_layers.py",
    "profiles/sections/sizing.py": "unit/profiles/test_schema.py",
    "profiles/sections/sleeves.py": "unit/profiles/test_meta.py",
    "profiles/sections/allocation.py": "unit/profiles/test_schema.py",
    "profiles/sections/costs.py": "unit/profiles/test_schema.py",
    "profiles/sections/data.py": "unit/profiles/test_schema.py",
    "profiles/sections/execution.py": "unit/profiles/test_schema.py",
    "profiles/sections/logics.py": "unit/profiles/test_schema.py",
    "profiles/sections/parity.py": "unit/profiles/test_schema.py",
    "profiles/sections/promotion.py": "unit/profiles/test_schema.py",
    "profiles/sections/regime.py": "unit/profiles/test_schema.py",
    "profiles/sections/selection.py": "unit/profiles/test_schema.py",
    "profiles/sections/universe.py": "unit/profiles/test_schema.py",
    "tournament/parity_settings.py": "unit/tournament/test_parity.py",
    # Parts of one page: rendered whole, and in a browser.
    "report/compared_decisions.py": "unit/app/cli/test_runs_diff.py",
    "report/comparison_page.py": "unit/app/cli/test_runs_diff.py",
    "report/comparison_parts.py": "unit/report/test_comparison.py",
    "report/parity_page.py": "e2e/test_parity.py",
    "api/meta_tables.py": "unit/api/test_metas.py",
    "api/table_columns.py": "unit/api/test_tables.py",
    "api/books.py": "unit/api/test_simulating.py",
    "app/remaking.py": "e2e/test_leakcheck.py",
    "app/replay.py": "e2e/test_replay.py",
    "app/cli/ledger_replay.py": "e2e/test_replay.py",
    "app/cli/ledger_anchor.py": "e2e/test_replay.py",
    "app/window_trace.py": "e2e/test_replay.py",
    "app/cli/ledger_trace.py": "e2e/test_replay.py",
    "app/parity_check.py": "e2e/test_parity.py",
    "app/parity_record.py": "e2e/test_parity.py",
    "app/cli/parity.py": "e2e/test_parity.py",
    "report/blocks.py": "unit/report/test_render.py",
    "report/meta/sections/assumptions.py": "unit/report/test_meta_page.py",
    "report/meta/sections/correlations.py": "unit/report/test_meta_page.py",
    "report/meta/sections/equity.py": "unit/report/test_meta_page.py",
    "report/meta/sections/figures.py": "unit/report/test_meta_page.py",
    "report/meta/sections/gap.py": "unit/report/test_meta_page.py",
    "report/meta/sections/headline.py": "unit/report/test_meta_page.py",
    "report/meta/sections/shares.py": "unit/report/test_meta_page.py",
    "report/meta/sections/sleeves.py": "unit/report/test_meta_page.py",
    "report/meta/sections/tree.py": "unit/report/test_meta_page.py",
    "report/played_run.py": "unit/report/test_run.py",
    "report/writing.py": "unit/report/test_render.py",
    "report/figures.py": "unit/report/test_render.py",
    "report/files.py": "unit/report/test_render.py",
    "report/templating.py": "unit/report/test_render.py",
    "report/dendrogram.py": "unit/report/test_holdings.py",
    "report/flow.py": "unit/report/test_choosing.py",
    "report/added.py": "unit/report/test_grid.py",
    "report/sections/surface.py": "unit/report/test_grid.py",
    "report/sections/timing.py": "unit/report/test_grid.py",
    "report/sections/why.py": "unit/report/test_steadiness.py",
    "report/sections/assumptions.py": "unit/report/test_render.py",
    "report/challengers.py": "e2e/test_promote.py",
    "report/sections/challengers.py": "e2e/test_promote.py",
    "report/sections/clusters.py": "unit/report/test_holdings.py",
    "report/sections/contribution.py": "unit/report/test_holdings.py",
    "report/sections/costs.py": "unit/report/test_render.py",
    "report/sections/current.py": "unit/report/test_holdings.py",
    "report/sections/equity.py": "unit/report/test_render.py",
    "report/sections/events.py": "unit/report/test_render.py",
    "report/sections/exposure.py": "unit/report/test_holdings.py",
    "report/sections/funnel.py": "unit/report/test_choosing.py",
    "report/sections/headline.py": "unit/report/test_render.py",
    "report/sections/health.py": "unit/report/test_render.py",
    "report/sections/benchmarks.py": "unit/report/test_tables.py",
    "report/sections/drawdowns.py": "unit/report/test_tables.py",
    "report/sections/regime.py": "unit/report/test_regimes.py",
    "report/sections/rolling.py": "unit/report/test_tables.py",
    "report/sections/tails.py": "unit/report/test_tables.py",
    "report/sections/trades.py": "unit/report/test_tables.py",
    "report/sections/months.py": "unit/report/test_render.py",
    "report/sections/standings.py": "unit/report/test_render.py",
    "report/sections/vetoes.py": "unit/report/test_choosing.py",
    "report/sections/weights.py": "unit/report/test_render.py",
    "regime/hidden_markov.py": "unit/regime/test_detector.py",
    "regime/jump_model.py": "unit/regime/test_detector.py",
    "simulation/account.py": "unit/simulation/test_custom.py",
    "simulation/kernel.py": "unit/simulation/test_custom.py",
    "simulation/preflight.py": "contracts/test_simulators.py",
    "tournament/backends/dask.py": "contracts/test_backends.py",
    "tournament/backends/ray.py": "contracts/test_backends.py",
}
"""Modules, or a room, that have no mirror, and the test file or folder that proves them instead."""


def inside(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def mirrored(path: Path) -> bool:
    """There is `unit/room/test_<module>.py`, or the same in the folder of its family."""
    parts = path.relative_to(PACKAGE).parts
    folder = TESTS / "unit" / parts[0]
    return any((place / f"test_{path.name}").is_file() for place in (folder, folder.joinpath(*parts[1:-1])))


def holds_behaviour(path: Path) -> bool:
    """Not a package's head, and not the contract or catalogue of a family: tests/contracts covers those."""
    return path.name not in ("__init__.py", "contract.py", "catalogue.py")


def test_no_file_is_over_the_limit() -> None:
    files = [path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    sizes = {shown(path): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {name: size for name, size in sizes.items() if size > LINES} == {}


def test_every_module_has_its_mirror() -> None:
    missing = [inside(path) for path in modules() if holds_behaviour(path) and not mirrored(path)]
    assert [name for name in missing if name not in ELSEWHERE and name.split("/")[0] not in ELSEWHERE] == []


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_exception_is_needed_and_proven(name: str) -> None:
    source, proof = PACKAGE / name, TESTS / ELSEWHERE[name]
    assert source.exists(), f"{name} is gone: drop the exception"
    assert source.is_dir() or not mirrored(source), f"{name} has its mirror now: drop the exception"
    assert proof.is_file() or any(proof.glob("test_*.py")), f"{proof} is not there, so nothing proves {name}"
