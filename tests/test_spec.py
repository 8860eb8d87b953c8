"""Specs and names: what may be written, what it means, and what is said when it is wrong."""

from dataclasses import dataclass
from typing import Literal

import pytest
from helpers import refused

from clbench import registry
from clbench.registry import Entry, select
from clbench.spec import Term, canonical, checked, defaults_of, parse

OWN = '''
"""A file of one's own."""
from dataclasses import dataclass

from clbench.benchmark import Benchmark
from clbench.benchmarks.blobs import gaussian_blobs
from clbench.engine.part import Part
from clbench.models.mlp import MLP
from clbench.stream import Budget, split_by_class


@dataclass
class Mine(Part):
    strength: float = 0.5
    where: str = "."


@dataclass
class Other(Part):
    backend = "native"


@dataclass
class Two(Benchmark):
    tasks: int = 2
    scenarios = ("class", "task")
    data = gaussian_blobs
    budgets = {"smoke": Budget(steps=2, rows=4)}
    arguments = {"smoke": {"tasks": 3}}

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(self.tasks)], self.scenario, seeds)

    def network(self):
        return MLP(16, 8, 8, 2 * self.tasks)


@dataclass
class Plain(Benchmark):
    """Without scenarios."""

    data = gaussian_blobs
    budgets = {"smoke": Budget(steps=2, rows=4)}
'''


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return str(path)


# ---- reading and writing specs


@pytest.mark.parametrize(
    "text, terms",
    [
        ("er", [Term("er", {})]),
        (" er ( memory = 200 ) + lwf ", [Term("er", {"memory": 200}), Term("lwf", {})]),
        ("er()", [Term("er", {})]),
        (
            "a(x=-1, y=2.5, z='b+c(d)', w=[1, (2,)], v=None, u=True,)",
            [Term("a", {"x": -1, "y": 2.5, "z": "b+c(d)", "w": [1, (2,)], "v": None, "u": True})],
        ),
        ("dir/my_file.py:Mine(x='../')+er", [Term("dir/my_file.py:Mine", {"x": "../"}), Term("er", {})]),
    ],
)
def test_specs_are_read(text, terms):
    assert parse(text) == terms


@pytest.mark.parametrize(
    "folder",
    ["run (2)", "c++", "a,b", "lr=0.1", "[x]", "with space", "a+b", "it's", 'say "x"', "x.py:Y", "é"],
)
def test_a_path_may_have_any_characters(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "m.py").write_text("")
    own, er, ewc = Term(f"{folder}/m.py:Mine", {"x": "a+)"}), Term("er", {}), Term("ewc", {"lam": 3})
    text = f"{folder}/m.py:Mine(x='a+)')"
    assert parse(text) == [own]
    assert parse(f"er + {text}+ewc(lam=3)") == [er, own, ewc]


def test_a_plus_belongs_to_the_path_that_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [term.name for term in parse("er+b/m.py:Mine")] == ["er", "b/m.py:Mine"]
    (tmp_path / "er+b").mkdir()
    (tmp_path / "er+b" / "m.py").write_text("")
    assert [term.name for term in parse("er+b/m.py:Mine")] == ["er+b/m.py:Mine"]


def test_a_file_has_one_name_by_whatever_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("m.py", "./m.py", "x/../m.py", ".//m.py", f"{tmp_path}/m.py", f"../{tmp_path.name}/m.py"):
        assert parse(f"{path}:Mine") == [Term("m.py:Mine", {})]
    assert parse("../m.py:Mine") == [Term(f"{tmp_path.parent}/m.py:Mine", {})]


def test_reading_ends_soon_whatever_is_written():
    for text in ("a+m.py:X+" * 90 + "!(", "er+" * 3000, "ewc(lam=" + "(" * 5000, "er(" * 2000):
        refused(parse, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "er+",
        "+er",
        "er++ewc",
        "ewc(lam=",
        "ewc(lam=1",
        "ewc lam=1",
        "ewc)",
        "(lam=1)",
        "ewc(lam='1)",
        "ewc(5)",
        "ewc(5, lam=1)",
        "ewc(*[1])",
        "ewc(lam)",
        "ewc(**{'lam': 1})",
        "ewc(lam=1, lam=2)",
        "ewc(lam=1 # )",
        "ewc(lam=open)",
        "ewc(lam=f())",
        "ewc(lam={[]: 1})",
        "ewc(lam=1)(samples=2)",
        "ewc(lam=1).x(samples=2)",
    ],
)
def test_what_cannot_be_read_is_refused_whole(text):
    assert (
        refused(parse, text)
        == f'cannot read "{text}": write a name, or name(argument=value, …), joined by "+"'
    )


DEFAULTS = {"a": 1.0, "b": "x", "c": None, "d": (1, 2)}


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({}, "n"),
        ({"b": "x"}, "n"),
        ({"b": "y'+"}, 'n(b="y\'+")'),
        ({"d": (3,), "a": 0.1}, "n(a=0.1, d=(3,))"),
        ({"c": [None, True]}, "n(c=[None, True])"),
    ],
)
def test_a_canonical_spec_says_what_differs_in_field_order_and_reads_back(arguments, text):
    assert canonical("n", DEFAULTS | arguments, DEFAULTS) == text
    (term,) = parse(text)
    assert DEFAULTS | term.arguments == DEFAULTS | arguments


@dataclass
class Fields:
    rate: float = 1  # a default written carelessly
    size: int = 10
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    limit: float | None = None
    either: int | float = 1
    name: str = "n"


DEFAULT_FIELDS = defaults_of(Fields)


@pytest.mark.parametrize("given", [{"rate": 2}, {"rate": 1}, {"limit": 3}, {"rate": 2, "limit": None}])
def test_a_whole_number_where_a_float_is_meant_is_the_same_row(given):
    as_floats = {key: None if value is None else float(value) for key, value in given.items()}
    one, other = (checked("n", Fields, arguments, DEFAULT_FIELDS) for arguments in (given, as_floats))
    assert repr(one) == repr(other)  # 2 == 2.0, but they are other records
    assert (
        type(one["rate"]) is float
        and type(one["size"]) is type(one["either"]) is int
        and one["flag"] is False
    )


@pytest.mark.parametrize(
    "given, said",
    [
        ({"rate": "1"}, "n: rate takes a number, not '1'"),
        ({"rate": True}, "n: rate takes a number, not True"),
        ({"rate": None}, "n: rate takes a number, not None"),
        ({"size": 2.0}, "n: size takes a whole number, not 2.0"),
        ({"size": True}, "n: size takes a whole number, not True"),
        ({"flag": 1}, "n: flag takes True or False, not 1"),
        ({"kind": "c"}, "n: kind takes 'a' or 'b', not 'c'"),
        ({"name": 1}, "n: name takes a text, not 1"),
        ({"limit": "x"}, "n: limit takes a number or None, not 'x'"),
    ],
)
def test_a_wrong_type_is_named(given, said):
    assert refused(checked, "n", Fields, given, DEFAULT_FIELDS) == said


def test_better_defaults_have_to_be_fields_and_fields_need_defaults():
    @dataclass
    class Bare:
        x: int

    assert defaults_of(Fields, {"size": 3}) == DEFAULT_FIELDS | {"size": 3}
    assert refused(defaults_of, Fields, {"sice": 3}) == "Fields has no field sice"
    assert refused(defaults_of, Bare) == "Bare: the field x needs a default"
    assert defaults_of(object) == {}


# ---- strategies by name


def test_a_strategy_has_one_name_however_it_is_written():
    names = {
        registry.strategy(text).name
        for text in ("ewc(lam=10)", "ewc(samples=1024, lam=10.0)", " ewc( lam=1e1 )")
    }
    assert names == {"ewc(lam=10.0)"}
    assert registry.strategy("ewc(lam=1000, samples=1024)").name == "ewc"
    assert registry.strategy("er(memory=20) + ewc").name == "er(memory=20)+ewc"
    assert registry.strategy("ewc+er").name != registry.strategy("er+ewc").name
    for text in ("ewc(lam=10)", "er(memory=20)+ewc"):
        made = registry.strategy(text)
        assert registry.strategy(made.name) == made


def test_arguments_are_resolved_and_built():
    made = registry.strategy("er(memory=20)+ewc(lam=10)")
    assert made.arguments == {
        "er": {"memory": 20, "mix": "rows", "share": "task"},
        "ewc": {"lam": 10.0, "samples": 1024, "estimate": "examples", "label": "sampled"},
    }
    er, ewc = made.build()
    assert (er.memory, ewc.lam, made.backend) == (20, 10.0, "native")
    assert made.build()[0] is not er


def test_a_benchmarks_better_defaults_are_the_plain_name():
    better = {"er": {"memory": 50, "mix": "rows", "share": "task"}}
    assert registry.strategy("er", better).arguments == {"er": {"memory": 50, "mix": "rows", "share": "task"}}
    assert registry.strategy("er(memory=50)", better).name == "er"
    assert registry.strategy("er(memory=60)", better).name == "er(memory=60)"


@pytest.mark.parametrize(
    "text, said",
    [
        ("ewcc", 'unknown strategy "ewcc": did you mean "ewc"? (`clbench list` shows them all)'),
        ("zzzzzzzz", 'unknown strategy "zzzzzzzz" (`clbench list` shows them all)'),
        ("naive+ewcc", 'unknown strategy "ewcc": did you mean "ewc"? (`clbench list` shows them all)'),
        (
            "er(memry=5)",
            'er has no argument "memry": did you mean "memory"? '
            "(it takes memory=500, mix='rows', share='task')",
        ),
        ("naive(x=1)", 'naive has no argument "x" (it takes no arguments)'),
        ("er(memory='5')", "er: memory takes a whole number from 1 to 1,000,000,000, or 'all', not '5'"),
        ("er(memory=5.0)", "er: memory takes a whole number from 1 to 1,000,000,000, or 'all', not 5.0"),
        ("ewc(lam='strong')", "ewc: lam takes a number from 0 to 1e18, not 'strong'"),
        ("cumulative(budget='all')", "cumulative: budget takes 'equal' or 'seen', not 'all'"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_said(text, said):
    assert refused(registry.strategy, text) == said


def test_only_native_strategies_are_joined(own, monkeypatch):
    rows = registry.strategies() | {
        name: Entry(name, "", own, "Other", backend="avalanche") for name in ("ava", "avb")
    }
    monkeypatch.setattr(registry, "strategies", lambda: rows)
    assert registry.strategy("ava").backend == "avalanche"
    for text in ("er+ava", "ava+er", "ava+avb"):
        assert refused(registry.strategy, text) == f'"{text}": only native strategies can be joined by "+"'
    assert registry.strategy("er+naive").backend == "native"


# ---- benchmarks by name


def test_a_benchmark_knows_its_scenario_and_profile():
    for scenario in ("class", "task", "domain"):
        name, made, entry = registry.benchmark(f"split_digits_{scenario}", "smoke")
        assert (name, made.scenario, entry.name) == (f"split_digits_{scenario}", scenario, name)
    name, made, _ = registry.benchmark("blobs_task(tasks=3)", "smoke")
    assert (name, made.tasks, made.scenario) == ("blobs_task(tasks=3)", 3, "task")
    assert registry.benchmark("blobs_task(tasks=5, validation=False)", "smoke")[0] == "blobs_task"


@pytest.mark.parametrize(
    "text, profile, said",
    [
        (
            "split_digit_class",
            "smoke",
            'unknown benchmark "split_digit_class": did you mean "split_digits_class"? '
            "(`clbench list` shows them all)",
        ),
        ("blobs_class+blobs_task", "smoke", '"blobs_class+blobs_task": a benchmark is one name, without "+"'),
        (
            "blobs_class(taks=3)",
            "smoke",
            'blobs_class has no argument "taks": did you mean "tasks"? '
            "(it takes validation=False, memory=500, precision='float32', optimiser=None, lr=None, "
            "steps=None, rows=None, momentum=None, weight_decay=None, beta2=None, warm_up=None, "
            "optimiser_state=None, fixed_compute=None, epochs=None, remainder=None, order=None, sees=None, "
            "tasks=5, width=None, net=None)",
        ),
        ("blobs_class(tasks='3')", "smoke", "blobs_class: tasks takes a whole number from 1 to 20, not '3'"),
        ("blobs_class", "huge", "blobs_class has no budget for the profile huge; it has smoke, quick, full"),
    ],
)
def test_what_is_wrong_with_a_benchmark_is_said(text, profile, said):
    assert refused(registry.benchmark, text, profile) == said


# ---- a file of one's own


def test_a_strategy_in_a_file_of_ones_own(own):
    made = registry.strategy(f"er+{own}:Mine(strength=2)")
    assert made.name == f"er+{own}:Mine(strength=2.0)"
    assert [type(part).__name__ for part in made.build()] == ["ER", "Mine"]
    assert made.build()[1].strength == 2.0
    entry = made.terms[1][0]
    assert (entry.module, entry.attribute, made.backend) == (own, "Mine", "native")


def test_a_benchmark_in_a_file_of_ones_own_has_scenarios(own):
    import torch

    for scenario in ("class", "task"):
        name, made, entry = registry.benchmark(f"{own}:Two_{scenario}", "smoke")
        assert (name, made.scenario, entry.module) == (f"{own}:Two_{scenario}", scenario, own)
        stream = made.stream([0], torch.device("cpu"))
        assert (stream.scenario, len(stream.tasks)) == (scenario, 3)  # three tasks in this profile
    assert registry.benchmark(f"{own}:Two_class(tasks=2)", "smoke")[0] == f"{own}:Two_class(tasks=2)"
    assert registry.benchmark(f"{own}:Plain", "smoke")[1].scenario == ""


def test_a_benchmark_of_another_package_has_the_scenario_of_its_name(own, monkeypatch):
    monkeypatch.setattr(registry, "benchmarks", lambda: {"theirs_task": Entry("theirs_task", "", own, "Two")})
    name, made, _ = registry.benchmark("theirs_task", "smoke")
    assert (name, made.scenario) == ("theirs_task", "task")


@pytest.mark.parametrize(
    "ending, said",
    [
        ("Two", "the name has to end with one of its scenarios: _class, _task"),
        ("Two_clas", "the name has to end with one of its scenarios: _class, _task"),
        ("Mine", "the class has to be derived from clbench.Benchmark"),
        ("Three", "has no class Three; it has Mine, Other, Two, Plain"),
    ],
)
def test_what_is_wrong_with_ones_own_benchmark_is_said(own, ending, said):
    assert refused(registry.benchmark, f"{own}:{ending}", "smoke").endswith(said)


def test_what_is_wrong_with_ones_own_file_is_said(own, tmp_path):
    assert refused(registry.strategy, "no/such.py:Mine") == "no/such.py: there is no such file"
    assert refused(registry.strategy, f"{own}:Yours") == (
        f"{own} has no class Yours; it has Mine, Other, Two, Plain"
    )
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module_at_all")
    said = refused(registry.strategy, f"{broken}:Mine")
    assert said.startswith(f"{broken} cannot be imported: ModuleNotFoundError: ")


# ---- globs

KNOWN = {
    name: Entry(name, "", "m", hidden=name.startswith("blobs"))
    for name in ("split_x_class", "split_x_task", "rotated_x_class", "blobs_class")
}


@pytest.mark.parametrize(
    "patterns, names",
    [
        (["*"], ["split_x_class", "split_x_task", "rotated_x_class"]),
        (["split_*"], ["split_x_class", "split_x_task"]),
        (["*_task", "*_class"], ["split_x_task", "split_x_class", "rotated_x_class"]),
        (["split_x_[ct]*", "split_x_class"], ["split_x_class", "split_x_task"]),
        (["rotated_x_class", "?otated*"], ["rotated_x_class"]),
        (["blobs_class"], ["blobs_class"]),  # hidden, but named
        (["x(name='*')", "anything"], ["x(name='*')", "anything"]),  # specs: looked up later
    ],
)
def test_globs_stand_for_names_that_are_not_hidden(patterns, names):
    assert select(patterns, KNOWN) == names


def test_a_glob_that_matches_nothing_is_a_mistake():
    assert (
        refused(select, ["split_*", "blobs_*"], KNOWN)
        == 'no name matches "blobs_*"; `clbench list` shows them all'
    )


def test_every_registered_name_is_found_by_itself():
    assert {"naive", "joint", "er", "ewc"} <= registry.strategies().keys()
    assert {"split_digits_class", "split_digits_task", "split_digits_domain"} <= registry.benchmarks().keys()
    assert (
        registry.benchmarks()["blobs_class"].hidden and not registry.benchmarks()["split_digits_class"].hidden
    )
    assert "blobs_class" not in select(["*"], registry.benchmarks())
    assert all(entry.summary for entry in registry.strategies().values())
