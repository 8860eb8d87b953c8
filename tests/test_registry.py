"""Names from other packages, and listing."""

import sys
from importlib.metadata import EntryPoint

import pytest

from clbench import registry
from clbench.facts import Facts
from clbench.results import records, staleness


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Another package with a strategy and a benchmark, registered by entry point."""
    (tmp_path / "other_package.py").write_text("""
from clbench import Part
from clbench.benchmarks.blobs import Blobs

class Half(Part):
    paper = "Half 2026"
    family = "optimisation"

    def gradient(self, g, batch):
        return g / 2

class MoreBlobs(Blobs):
    pass
""")
    installed = tmp_path / "other_package-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("""
[clbench.strategies]
half = other_package:Half
broken = other_package.missing:Method

[clbench.benchmarks]
more_blobs = other_package:MoreBlobs
""")
    monkeypatch.syspath_prepend(tmp_path)
    registry.strategies.cache_clear(), registry.benchmarks.cache_clear()
    yield tmp_path
    registry.strategies.cache_clear(), registry.benchmarks.cache_clear()


def test_another_package_registers_by_entry_point(package):
    import clbench

    result = clbench.run("more_blobs_task", "half", seeds=1, profile="smoke")
    assert result.acc.shape == (1, 6, 5) and result.record.settings["scenario"] == "task"
    assert "half" in registry.select(["h*"], registry.strategies())
    assert not staleness.is_stale(result.record)
    path = package / "other_package.py"
    path.write_text(path.read_text().replace("g / 2", "g / 3"))
    assert staleness.is_stale(result.record)


def test_what_another_package_says_is_read_without_importing_it(package, monkeypatch):
    monkeypatch.delitem(sys.modules, "other_package", raising=False)
    facts = registry.facts("half")
    assert (facts.family, facts.paper) == ("optimisation", "Half 2026") and "other_package" not in sys.modules
    gone = EntryPoint("gone", "no_such_package.part:Gone", "clbench.strategies")
    monkeypatch.setattr(registry, "entry_points", lambda group: [gone])
    registry.strategies.cache_clear()
    assert registry.facts("gone") == Facts()


def test_every_registered_name_loads_and_says_what_it_is():
    for entry in [*registry.strategies().values(), *registry.benchmarks().values()]:
        assert entry.summary and isinstance(registry.load(entry), type), entry.name


def test_hidden_benchmarks_are_found_by_name_only():
    assert "blobs_class" in registry.benchmarks()
    assert not [name for name in registry.select(["*"], registry.benchmarks()) if name.startswith("blobs")]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_listed(tmp_path, monkeypatch):
    for folder, name, content in [
        ("benchmarks", "good", '"""Fine."""\nclass Good:\n    scenarios = ("class",)\n'),
        ("benchmarks", "half", "class Half(\n"),
        ("benchmarks", "mute", '"""A benchmark without scenarios."""\n'),
        ("strategies/replay", "half", "def\n"),
    ]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / f"{name}.py").write_text(content)
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    monkeypatch.setattr(registry, "SKIPPED", {})
    monkeypatch.setattr(registry, "_plug_ins", lambda group: {})
    registry.strategies.cache_clear(), registry.benchmarks.cache_clear()
    try:
        assert list(registry.benchmarks()) == ["good_class"] and not registry.strategies()
        lines = registry.skipped()
    finally:
        registry.strategies.cache_clear(), registry.benchmarks.cache_clear()
    names = [line.split(" is left out: ")[0].rpartition("/")[2] for line in lines]
    assert sorted(names) == ["half.py", "half.py", "mute.py"]


def test_a_plug_in_that_cannot_be_imported_is_unavailable_and_the_others_run(package, here, tmp_path):
    names = [argument for name in ("broken", "half", "naive") for argument in ("-s", name)]
    command = ("run", "-b", "more_blobs_class", *names, "--seeds", 1, "--profile", "smoke")
    done = here(*command, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr  # it was named
    said = "unavailable: more_blobs_class broken: from the package other-package, which cannot be imported: "
    assert said in done.stdout
    found, _ = records.load(tmp_path / "my_results")
    assert {(one.strategy, one.status) for one in found} == {("half", "ok"), ("naive", "ok")}
