"""Who may import what: layers by the import contract, heavy and unsafe libraries by reading the source."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from sources import PACKAGE, ROOT, imported, imports, imports_on_import, modules, room, shown, tree

pytestmark = pytest.mark.xdist_group("sources")  # one worker parses them

HEAVY = {
    "numba", "clarabel", "highspy", "scipy", "sklearn", "skfolio", "riskfolio", "pypfopt", "cvxpy", "cvxportfolio",
    "vectorbt", "pandas", "exchange_calendars", "nautilus_trader",
    "joblib", "plotly",
}  # fmt: skip
"""Libraries that cost from a tenth of a second to seconds at import."""

KERNELS = ("simulation/compiling.py", "statistics/kernels.py", "features/tiles.py")
HEAVY_ALLOWED = {("numba", PACKAGE / kernel) for kernel in KERNELS}
"""A compiled kernel needs its decorator at import; the module itself is imported where it is used."""

DRAWING = {"plotly", "matplotlib", "seaborn", "bokeh", "altair", "kaleido"}
SERIALISING = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal"}
OUTSIDE_WORLD = {
    "socket", "urllib.request", "http.client", "httpx", "requests", "aiohttp", "websockets", "ccxt",
    "os.environ", "os.getenv", "os.environb",
}  # fmt: skip
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.date.today", "time.time", "time.time_ns",
    "os.environ", "os.environb", "os.getenv",
}  # fmt: skip


def named(name: str, banned: set[str]) -> bool:
    """The dotted name is a banned one or stands below it."""
    return any(name == one or name.startswith(f"{one}.") for one in banned)


def banned_imports(banned: set[str], allowed_rooms: set[str]) -> list[str]:
    return [
        f"{shown(path)}:{line} imports {name}"
        for path in modules()
        if room(path) not in allowed_rooms
        for name, line in imported(path)
        if named(name, banned)
    ]


def outside_calls(module: ast.Module) -> list[tuple[str, int]]:
    """Attribute chains that read the clock or the environment."""
    ends = {name.rpartition(".")[2] for name in CLOCKS}
    attributes = (n for n in ast.walk(module) if isinstance(n, ast.Attribute) and n.attr in ends)
    chains = ((ast.unparse(n), n.lineno) for n in attributes)
    return [(name, line) for name, line in chains if name in CLOCKS]


def test_the_import_contract_holds() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def dotted(path: Path) -> str:
    """Name of a module of the package, or of the package that an `__init__` is the head of."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(found: Iterable[tuple[str, int]], known: set[str]) -> set[str]:
    """Those of the known modules that imports bring, as they stand or as a module's names."""
    names = {name for name, _ in found}
    return {name if name in known else name.rpartition(".")[0] for name in names} & known


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Modules that are left when those that import none of the others are taken away, again and again."""
    left = dict(graph)
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_no_module_imports_itself_through_others() -> None:
    found = {dotted(path): imported(path) for path in modules()}
    assert circles({name: imported_modules(those, set(found)) - {name} for name, those in found.items()}) == []


def test_a_circle_is_found() -> None:
    source = ast.parse("from tvquant.a import b\nimport numpy\ndef f():\n    from tvquant.c import name")
    assert imported_modules(imports(source), {"tvquant.a", "tvquant.a.b", "tvquant.c"}) == {"tvquant.a.b", "tvquant.c"}
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set(), "e": {"d"}}) == ["a", "b", "c"]


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    found = [
        f"{shown(path)}:{line} imports {name} at its top"
        for path in modules()
        for name, line in imports_on_import(tree(path))
        if name.split(".")[0] in HEAVY and (name.split(".")[0], path) not in HEAVY_ALLOWED
    ]
    assert found == []


def test_no_pickle() -> None:
    assert banned_imports(SERIALISING, set()) == []


def test_drawing_only_in_report() -> None:
    assert banned_imports(DRAWING, {"report"}) == []


def test_pandas_only_at_the_edges() -> None:
    found = banned_imports({"pandas"}, {"report"})
    edges = (
        "src/tvquant/core/calendars.py:",
        "src/tvquant/allocation/engines/",
        "src/tvquant/simulation/simulators/cvxportfolio.py:",
    )  # adapters of what asks for frames
    assert [line for line in found if not line.startswith(edges)] == []


def test_clock_environment_and_network_only_in_the_shell() -> None:
    shell = {"app", "market"}
    found = banned_imports(OUTSIDE_WORLD, shell)
    found += [
        f"{shown(path)}:{line} reads {name}"
        for path in modules()
        if room(path) not in shell
        for name, line in outside_calls(tree(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numba", ["numba"]),
        ("try:\n    from scipy import sparse\nfinally:\n    pass", ["scipy.sparse"]),
        ("class A:\n    import pandas", ["pandas"]),
        ("def f():\n    import pandas", []),
        ("if TYPE_CHECKING:\n    import pandas\nelse:\n    import numba", ["numba"]),
    ],
)
def test_what_counts_as_import_at_the_top(source: str, expected: list[str]) -> None:
    assert [name for name, _ in imports_on_import(ast.parse(source))] == expected


@pytest.mark.parametrize(
    ("source", "found"), [("x = datetime.now(UTC)", True), ("os.environ['A']", True), ("row.time.time0", False)]
)
def test_what_counts_as_a_look_outside(source: str, found: bool) -> None:
    assert bool(outside_calls(ast.parse(source))) is found


def test_help_loads_no_numeric_library() -> None:
    """The answer to `--help`, and `import tvquant`, must not wait for libraries that they do not use."""
    program = (
        "import contextlib, io, json, sys\n"
        "import tvquant as tv\n"
        "assert {'simulate', 'DataError'} <= set(dir(tv)) and not hasattr(tv, 'simulat')\n"
        "from tvquant.app.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    code = main(['--help'])\n"
        "assert 'Usage' in out.getvalue()\n"
        "print(json.dumps([code, sorted(n for n in sys.modules if '.' not in n)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, loaded = json.loads(done.stdout)
    assert code == 0
    assert not {"numpy", "polars", "pyarrow", "pandas", "numba", "scipy", "plotly", "deltalake"} & set(loaded)


def test_simulators_load_no_schema_of_profiles() -> None:
    """The first book of a process must not wait for a schema that it does not use."""
    program = "import json, sys\nfrom tvquant.simulation import SIMULATORS\nprint(json.dumps(sorted(sys.modules)))\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "tvquant.simulation.simulators.vectorbt" in loaded
    assert not {"pydantic", "tvquant.profiles", "numba"} & set(loaded)
