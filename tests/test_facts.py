"""What strategies say of themselves, read without importing them."""

import shutil
import subprocess
import sys

import pytest

from clbench import registry
from clbench.errors import InputError
from clbench.facts import DESCRIPTIVE, FAMILIES, Facts

NAMES = list(registry.strategies())


@pytest.mark.parametrize("name", NAMES)
def test_they_are_what_the_imported_class_says(name):
    entry, facts = registry.strategies()[name], registry.facts(name)
    cls = registry.load(entry)
    for attribute in ("sees_all_data", "paper", "keeps", "tolerance", "grows"):
        assert getattr(facts, attribute) == getattr(cls, attribute), attribute
    assert facts.family == (entry.module.split(".")[2] if entry.backend == "native" else cls.family)
    assert facts.family in FAMILIES and len(facts.keeps) < 60 and facts.keeps == facts.keeps.strip(". ")
    assert facts.keeps or registry.strategy(name).terms[0][1] == {}  # what has arguments keeps something


def test_bases_chains_and_annotations_are_followed(tmp_path):
    (tmp_path / "beside.py").write_text(
        "from clbench.strategies import er\n"
        "class Base(er.ER):\n    paper: str = 'Ours 2026'\n    family = 'replay'\n"
    )
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from beside import Base as Other\nimport beside as b\nfrom clbench import Part\n\n"
        "class First(Part):\n    a = sees_all_data = True\n    family = 'no family'\n    grows = str(3)\n\n"
        "class Second(Other):\n    pass\n\n"
        "class Third(b.Base, First):\n    keeps: str = 'both'\n\n"
        "class Base(b.Base):\n    tolerance = 1e-3\n"
    )
    names = ("First", "Second", "Third", "Base")
    first, second, third, last = (registry.facts(f"{mine}:{name}") for name in names)
    assert first == Facts(sees_all_data=True)
    er = registry.facts("er")
    assert second == Facts("replay", stores=True, paper="Ours 2026", keeps=er.keeps, small=er.small)
    assert third == Facts("replay", True, er.stores, paper="Ours 2026", keeps="both", small=er.small)
    assert last.tolerance == 1e-3 and last.family == "replay"
    mine.write_text(mine.read_text().replace("'both'", "'all of it'"))
    assert registry.facts(f"{mine}:Third").keeps == "all of it"


def test_what_is_not_there_is_one_line(tmp_path):
    (tmp_path / "broken.py").write_text("class Half(")
    for name, why in (
        ("no_more", "unknown strategy"),
        ("gone.py:Mine", "no such file"),
        (f"{tmp_path / 'broken.py'}:Half", "SyntaxError"),
    ):
        with pytest.raises(InputError, match=why):
            registry.facts(name)


ADDED = """
import sys
from clbench import registry
from clbench.results import source
assert source.ROOT.samefile(sys.argv[1]), source.ROOT
assert registry.facts("twin") == registry.facts("er")
assert "twin" in registry.select(["t*"], registry.strategies())
assert registry.facts("avalanche_twin") == registry.facts("avalanche_ewc")
from clbench.report.values import family_of
from clbench.results.record import Record
record = Record("b", "twin+lwf", "smoke", "native", source="", data="", settings={}, status="ok")
assert family_of(record) == "replay" and not {"torch", "avalanche"} & set(sys.modules)
from clbench.cli.list import Kind, list_rows
assert {"twin", "avalanche_twin"} <= {row["name"] for row in list_rows(Kind.strategies)}
import clbench
for name in ("twin", "er"):
    print(clbench.run("blobs_class", name, seeds=1, profile="smoke").acc.sum())
"""


def test_a_new_strategy_is_a_file_and_nothing_else(tmp_path):
    package = registry.PACKAGE
    shutil.copytree(package, tmp_path / "clbench", ignore=shutil.ignore_patterns("__pycache__"))
    for folder, name in (("strategies/replay", "er"), ("avalanche/rows", "ewc")):
        shutil.copy(package / folder / f"{name}.py", tmp_path / "clbench" / folder / "twin.py")
    done = subprocess.run(
        [sys.executable, "-c", ADDED, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    one, other = done.stdout.split()
    assert one == other


def test_the_descriptive_ones_are_facts():
    of_benchmarks = {"ranks_by", "tasks_are", "data_are"}
    assert set(DESCRIPTIVE) - of_benchmarks <= set(Facts.__dataclass_fields__)
