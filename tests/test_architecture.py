"""Arrows point one way: which room may import which."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "clbench"

# A folder is a room, and so is a file beside them. Errors are open to all.
MAY: dict[str, set[str]] = {
    "errors": set(),
    "__init__": {"exports", "moved"},
    "__main__": {"cli"},
    "api": {"core", "execution", "metrics", "profiles", "results"},
    "avalanche": {"core", "engine", "streams"},
    "benchmarks": {"core", "data", "listing", "models", "streams"},
    "cli": {"core", "data", "execution", "metrics", "profiles", "registry", "report", "results", "spec"},
    "core": set(),
    "data": set(),
    "engine": {"core"},
    "exports": set(),
    "execution": {"avalanche", "core", "data", "engine", "profiles", "registry", "results", "spec"},
    "listing": {"registry"},
    "metrics": {"core"},
    "models": {"core"},
    "moved": {"registry"},
    "profiles": set(),
    "registry": {"core", "spec"},
    "report": {"core", "metrics", "profiles", "results"},
    "results": {"core", "exports", "metrics", "moved", "registry"},
    "spec": set(),
    "strategies": {"core", "listing", "models"},
    "streams": {"core", "data"},
    "testing": {"core", "engine", "execution", "profiles", "registry"},
}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def arrows(path: Path) -> set[str]:
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):                              # what only a type checker imports is no arrow
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {room(name.name) for name in node.names if name.name.split(".")[0] == "clbench"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "clbench":
            found |= {name.name for name in node.names} if node.module == "clbench" else {room(node.module)}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_arrows_point_one_way(path):
    parts = path.relative_to(PACKAGE).parts
    own = parts[0] if len(parts) > 1 else path.stem
    assert own in MAY, f"{own} is a new room: say in the table what it may import"
    assert arrows(path) - {"errors", own} <= MAY[own]


def test_no_strategy_is_named_in_the_engine():
    names = {path.stem for path in (PACKAGE / "strategies").glob("*/*.py")} - {"__init__", "naive"}
    for path in (PACKAGE / "engine").glob("*.py"):
        code = ast.unparse(ast.parse(path.read_text())).lower()
        words = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        assert not names & words, path


@pytest.mark.parametrize("command", [["--help"], ["list"], ["run", "--help"], ["list", "pairs", "--json"]])
def test_the_command_line_answers_without_torch_or_pandas(command):
    code = f"""
import sys
sys.argv = ["clbench", *{command!r}]
from clbench.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "pandas", "numpy", "avalanche", "matplotlib", "distributed"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_import_clbench_is_light():
    code = "import sys, clbench; assert not {'torch', 'pandas', 'numpy'} & set(sys.modules); clbench.Part"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
