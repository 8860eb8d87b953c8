"""What makes a record stale: the code that its numbers came from, and nothing else."""

import ast
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from clbench import registry
from clbench.results import source
from clbench.results.staleness import is_stale

PACKAGE = source.ROOT / "clbench"
NATIVE = ["clbench.engine.run", "clbench.benchmarks.blobs", "clbench.models.mlp"]
RUNS = {
    "er": [*NATIVE, "clbench.strategies.replay.er"],
    "ewc": [*NATIVE, "clbench.strategies.regularisation.ewc"],
    "joint_equal": [*NATIVE, "clbench.strategies.reference.joint_equal"],
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the package, which `source` then reads."""
    shutil.copytree(PACKAGE, tmp_path / "clbench", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(source, "ROOT", tmp_path)
    return tmp_path / "clbench"


def edit(path: Path, change) -> None:
    """Writes change(text), with another time than before however fast the clock is read."""
    text, before = path.read_text(), path.stat().st_mtime_ns
    assert change(text) != text
    path.write_text(change(text))
    os.utime(path, ns=(before + 10**9, before + 10**9))


def changed_by(path: Path, change) -> set[str]:
    """The runs whose digest an edit changes."""
    before = {name: source.digest(modules) for name, modules in RUNS.items()}
    edit(path, change)
    return {name for name, modules in RUNS.items() if source.digest(modules) != before[name]}


def with_a_line(text: str) -> str:
    return f"{text}\nANOTHER = 1\n"


@pytest.mark.parametrize("code", ["from clbench import MLP", "import clbench\n\n\nnet = clbench.MLP"])
def test_what_clbench_offers_counts_as_the_module_that_it_is_in(tree, tmp_path, code):
    own = tmp_path / "own.py"
    own.write_text(code)
    before = source.digest([str(own)])
    edit(tree / "models" / "mlp.py", with_a_line)
    assert source.digest([str(own)]) != before


def test_the_copy_has_the_same_digests_as_the_package(tree):
    copied = [source.digest(modules) for modules in RUNS.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "ROOT", PACKAGE.parent)
        assert [source.digest(modules) for modules in RUNS.values()] == copied
    assert len(set(copied)) == len(RUNS) and all(len(digest) == 16 for digest in copied)


@pytest.mark.parametrize(
    "file, runs",
    [
        ("strategies/replay/er.py", {"er"}),
        ("strategies/regularisation/ewc.py", {"ewc"}),
        ("strategies/parts/memory.py", {"er"}),  # imported by er
        ("strategies/parts/fisher.py", {"ewc"}),
        ("strategies/reference/joint.py", {"joint_equal"}),  # whose strategy is a subclass
        ("core/part.py", set(RUNS)),
        ("engine/run.py", set(RUNS)),
        ("engine/clock.py", set(RUNS)),  # imported by the runner
        ("benchmarks/blobs.py", set(RUNS)),
        ("models/mlp.py", set(RUNS)),
        ("core/keyed.py", set(RUNS)),
        ("benchmarks/split_mnist.py", set()),
        ("strategies/__init__.py", set()),
        ("execution/execute.py", set()),
        ("results/records.py", set()),
        ("results/record.py", set()),
        ("results/baselines.py", set()),
    ],
)
def test_an_edit_changes_the_digests_of_what_imports_it(tree, file, runs):
    assert changed_by(tree / file, with_a_line) == runs


def test_one_number_in_a_strategy_is_a_change(tree):
    path = tree / "strategies/replay/er.py"
    assert changed_by(path, lambda text: text.replace(" = 500", " = 501")) == {"er"}


def without_comments(text: str) -> str:
    return ast.unparse(ast.parse(text))


def with_other_docstrings(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if ast.get_docstring(node):
                node.body = node.body[1:]
            node.body.insert(0, ast.Expr(ast.Constant("Other words.")))
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f"# a comment\n\n\n{text}",
        lambda text: text.replace("\n\n", "\n\n\n    # why\n\n"),
        lambda text: text.replace('"""Experience replay', '"""EXPERIENCE REPLAY'),
        without_comments,
        with_other_docstrings,
    ],
    ids=["comment", "blank lines", "docstring", "layout", "all docstrings"],
)
def test_words_and_layout_are_no_change(tree, change):
    assert changed_by(tree / "strategies/replay/er.py", change) == set()


def test_a_text_that_is_no_docstring_is_code(tree):
    path = tree / "strategies/replay/er.py"
    assert changed_by(path, lambda text: text.replace('"replay")', '"replays")')) == {"er"}


def test_where_an_argument_stands_is_code(tmp_path):
    """Empty fields are left out of the digest; what they separate is not lost."""
    texts = [
        "f(None)",
        "f()",
        "f(x=None)",
        "f([])",
        "f(0)",
        "f(False)",
        "f('')",
        "f(0.0)",
        "f(1)",
        "f(1.0)",
        "f(True)",
        "def f(a): pass",
        "def f(*, a): pass",
        "def f(a, /): pass",
        "def f(*a): pass",
        "x[:1]",
        "x[1:]",
        "x[::1]",
        "if a:\n    b\nelse:\n    c",
        "if a:\n    b\n    c",
        "return_ = a",
        "for a in b: c",
        "f'{a}'",
        "f'{a!r}'",
    ]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "own.py").write_text(text)
    digests = {
        text: source.digest([str(tmp_path / f"{number}" / "own.py")]) for number, text in enumerate(texts)
    }
    assert len(set(digests.values())) == len(texts)


def test_what_another_python_prints_as_empty_is_left_out():
    """3.12 gives every function and class `type_params`, 3.13 leaves empty lists out of `ast.dump`."""
    tree, other = (ast.parse("def f(a): return a\nclass C: x = None") for _ in range(2))
    for node in ast.walk(other):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node._fields = (*type(node)._fields, "type_params")
            node.type_params = []
    assert len(set(ast.dump(one) for one in (tree, other))) == 2
    assert source._plain(tree) == source._plain(other)


# ---- files of one's own, and staleness


def test_ones_own_file_counts_with_what_it_imports(tree, tmp_path):
    own = tmp_path / "mine.py"
    own.write_text("from clbench.strategies import er\n")
    runs = [*NATIVE, str(own)]
    before = source.digest(runs)
    edit(tree / "strategies" / "parts" / "memory.py", with_a_line)
    after = source.digest(runs)
    edit(own, with_a_line)
    assert len({before, after, source.digest(runs)}) == 3


def test_ones_own_file_may_move(tmp_path):
    digests = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("x = 1")
        digests.append(source.digest([str(tmp_path / folder / "mine.py")]))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "imports, helper",
    [
        ("import helper", "helper.py"),
        ("from helper import shift", "helper.py"),
        ("import tools.shifts", "tools/shifts.py"),
        ("from tools import shifts", "tools/shifts.py"),
        ("from tools import shift", "tools/__init__.py"),
        ("def f():\n    import helper", "helper.py"),
    ],
)
def test_ones_own_file_counts_with_what_lies_beside_it(tmp_path, imports, helper):
    (tmp_path / "mine.py").write_text(imports)
    place = tmp_path / helper
    place.parent.mkdir(exist_ok=True)
    (place.parent / "__init__.py").touch()
    place.write_text("shift = 1")
    before = source.digest([str(tmp_path / "mine.py")])
    edit(place, lambda text: "shift = 2")
    assert source.digest([str(tmp_path / "mine.py")]) != before


@pytest.mark.parametrize(
    "imports",
    [
        "from . import helper",
        "from .helper import shift",
        "from plugin.helper import shift",
        "from ..plugin.helper import shift",
        "import plugin.helper",
    ],
)
def test_a_packages_module_counts_with_what_it_imports_of_the_package(tmp_path, monkeypatch, imports):
    inner = tmp_path / "outer" / "plugin" if ".." in imports else tmp_path / "plugin"
    inner.mkdir(parents=True)
    (inner / "__init__.py").touch()
    (inner.parent / "__init__.py").touch() if ".." in imports else None
    (inner / "mine.py").write_text(imports)
    (inner / "helper.py").write_text("shift = 1")
    before = source.digest([str(inner / "mine.py")])
    edit(inner / "helper.py", lambda text: "shift = 2")
    assert source.digest([str(inner / "mine.py")]) != before


def test_what_errors_say_and_how_energy_is_read_is_no_change(tree):
    assert changed_by(tree / "engine" / "energy.py", with_a_line) == set()
    assert changed_by(tree / "errors.py", with_a_line) == set()
    path = tree / "engine" / "run.py"
    assert (
        changed_by(path, lambda text: text.replace("a part replaces the learner", "one replaces it")) == set()
    )


def test_a_record_is_stale_when_its_source_changed_or_is_gone(tree, tmp_path, monkeypatch):
    own = tmp_path / "mine.py"
    own.write_text("x = 1")
    modules = [*RUNS["er"], str(own)]
    monkeypatch.setattr(registry, "modules_of", lambda benchmark, strategy: modules)
    record = SimpleNamespace(
        benchmark="b",
        strategy="s",
        profile="smoke",
        backend="native",
        settings={},
        verified=None,
        source=source.digest(modules),
    )
    assert not is_stale(record)
    edit(tree / "strategies/regularisation/ewc.py", with_a_line)
    assert not is_stale(record)
    edit(own, lambda text: "x = (")
    assert is_stale(record)
    edit(own, lambda text: "x = 2")
    assert is_stale(record)
    record.verified = source.digest(modules)
    assert not is_stale(record)
    record.verified = None
    edit(own, lambda text: "x = 1")
    assert not is_stale(record)
    own.unlink()
    assert is_stale(record)
    own.write_text("x = 1")
    (tree / "strategies/replay/er.py").unlink()
    assert is_stale(record)


def test_what_was_made_of_a_text_is_kept_and_never_trusted_blindly(tmp_path, monkeypatch):
    def digests():
        source._read.cache_clear()  # as another process would find it
        return [source.digest(modules) for modules in RUNS.values()]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder can be made here")
    without = digests()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert digests() == without
    kept = list((tmp_path / "clbench/sources").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(source, "_parse", None)  # whose place they take
        assert digests() == without
    for path, broken in zip(kept, (b"", b"half of a digest", b"\xff\n"), strict=False):
        path.write_bytes(broken)
    assert digests() == without
    monkeypatch.setattr(source, "_reader", lambda: "another way to read")
    assert digests() == without and len(list((tmp_path / "clbench/sources").iterdir())) == 2 * len(kept)
