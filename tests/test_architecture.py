"""Arrows point one way: which room may import which."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from clbench import registry
from clbench.errors import InputError
from clbench.spec import parse

PACKAGE = Path(__file__).parent.parent / "clbench"

# A folder is a room, and so is a file beside them. Errors are open to all.
MAY: dict[str, set[str]] = {
    "errors": set(),
    "__init__": {"exports", "moved"},
    "__main__": {"cli"},
    "api": {"core", "execution", "metrics", "profiles", "registry", "report", "results", "tuning"},
    "artefacts": {"core", "engine", "registry", "results"},
    "avalanche": {"core", "engine", "interchange", "streams"},  # the last for one name, when it is asked for
    "benchmarks": {"core", "data", "listing", "models", "streams"},
    "claims": {"core", "metrics", "profiles", "registry", "results", "spec"},
    "cli": {
        "artefacts",
        "claims",
        "published",
        "core",
        "data",
        "engine",
        "execution",
        "facts",
        "metrics",
        "profiles",
        "registry",
        "report",
        "results",
        "spec",
        "standalone",
        "testing",
        "tuning",
    },
    "core": set(),
    "data": {"core"},
    "engine": {"core"},
    "execution": {
        "artefacts",
        "avalanche",
        "core",
        "data",
        "engine",
        "metrics",
        "own_code",
        "profiles",
        "registry",
        "results",
        "spec",
    },
    "exports": set(),
    "facts": {"exports", "moved"},
    "interchange": {"avalanche", "execution", "registry", "results", "streams"},
    "listing": {"registry"},
    "metrics": {"core"},
    "models": {"core", "own_code"},
    "moved": {"registry"},
    "profiles": {"core"},
    "published": {"claims", "core", "metrics", "registry", "results"},
    "own_code": set(),
    "own_data": {"benchmarks", "core", "data", "spec"},
    "registry": {"core", "facts", "own_code", "profiles", "spec"},
    "report": {"claims", "published", "core", "facts", "metrics", "profiles", "registry", "results", "spec"},
    "results": {"core", "data", "exports", "facts", "metrics", "moved", "own_code", "registry", "spec"},
    "spec": {"core"},
    "standalone": {
        "core",
        "data",
        "engine",
        "execution",
        "exports",
        "facts",
        "models",
        "moved",
        "registry",
        "streams",
    },
    "tuning": {"core", "execution", "metrics", "registry", "report", "results", "spec"},
    "strategies": {"core", "listing", "models", "streams"},
    "streams": {"core", "data"},
    "testing": {"artefacts", "avalanche", "core", "engine", "execution", "profiles", "registry", "spec"},
}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def arrows(path: Path) -> set[str]:
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):  # what only a type checker imports is no arrow
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {room(name.name) for name in node.names if name.name.split(".")[0] == "clbench"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "clbench":
            found |= {name.name for name in node.names} if node.module == "clbench" else {room(node.module)}
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_arrows_point_one_way(path):
    parts = path.relative_to(PACKAGE).parts
    own = parts[0] if len(parts) > 1 else path.stem
    assert own in MAY, f"{own} is a new room: say in the table what it may import"
    assert arrows(path) - {"errors", own} <= MAY[own]


NAMES = set(registry.strategies())
NAMED = ("strategies/", "avalanche/", "metrics/references.py")  # where strategies may be named
PROSE = ("EXAMPLES", "epilog", "help")  # what a user reads


def names_in(tree: ast.Module) -> list[str]:
    """Where a strategy is named, but for prose: as a text that is its name or a spec, or as a word of the
    code."""
    prose = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        or isinstance(node, ast.keyword)
        and node.arg in PROSE
        or isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) in PROSE
    ]
    passed = {id(part) for text in prose for part in ast.walk(text)}
    found = []
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in passed else None
        if isinstance(text, str) and is_spec(text):
            found.append(f"line {node.lineno}: {text!r}")
        words = [getattr(node, field, None) for field in ("id", "attr", "arg", "name", "asname", "rest")]
        words += node.names if isinstance(node, ast.Global | ast.Nonlocal) else []
        found += [
            f"{type(node).__name__} {word}" for word in words if isinstance(word, str) and word in NAMES
        ]
    return found


def is_spec(text: str) -> bool:
    """Whether a text is a strategy's name, or names joined and with arguments."""
    try:
        return all(term.name in NAMES for term in parse(text))
    except InputError:
        return False


@pytest.mark.parametrize(
    "path",
    sorted(
        path for path in PACKAGE.rglob("*.py") if not path.relative_to(PACKAGE).as_posix().startswith(NAMED)
    ),
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_no_strategy_is_named_elsewhere(path):
    assert not names_in(ast.parse(path.read_text()))


@pytest.mark.parametrize(
    "code",
    [
        "x = 'er'",
        "f('ewc(lam=3)')",
        "x = ['a', f'{y}', 'er+lwf(lam=1.0)']",
        "x['naive']",
        "help_ = 'joint'",
        "joint = 1",
        "er.x",
        "x.er",
        "f(naive=1)",
        "def f(gem): pass",
        "def agem(): pass",
        "import ema",
        "from x import y as mir",
        "class er: pass",
        "x = lambda lwf: 1",
    ],
)
def test_a_name_would_be_found(code):
    assert names_in(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    'er'",
        "EXAMPLES = 'naive'",
        "f(help='er')",
        "x = 'mixer'",
        "x = 'er, or ewc'",
        "joint_gap = 'joint_gap'",
    ],
)
def test_prose_is_no_name(code):
    assert not names_in(ast.parse(code))


@pytest.mark.parametrize(
    "command",
    [["--help"], ["list"], ["list", "--family", "replay"], ["run", "--help"], ["list", "pairs", "--json"]],
)
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
