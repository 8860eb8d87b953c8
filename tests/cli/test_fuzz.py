"""The command line never answers with a traceback, whatever it is given: 2,000 inputs, always the same."""

import contextlib
import copy
import dataclasses
import io
import json
import os
import shlex
import signal
import sys
from functools import lru_cache

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from clbench import registry
from clbench.benchmarks.driftcaps import Driftcaps
from clbench.cli.main import main
from clbench.core import memory, ranges
from clbench.core.benchmark import Benchmark
from clbench.data.pairs import glyphs
from clbench.execution import plan
from clbench.results import records

ENDS = (0, 1, 2, 3, 130)
PATIENCE = 60  # seconds for one command: longer counts as no end
COMMON = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "phases": (Phase.generate,),  # no shrinking: it takes longer than all else, and inputs are small
    "suppress_health_check": list(HealthCheck),
}


def tried(examples: int):
    return settings(max_examples=examples, **COMMON)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to stand in, with results, baselines and things that are no files; nothing of the user's is
    looked for."""
    top = tmp_path_factory.mktemp("fuzz")
    (top / "file.txt").write_text("no table\n")
    (top / "table.csv").write_text("text,caption,time\n" + 'a,"b\n', encoding="utf-8")
    lines = [f"query {i},answer {i},2020-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(400)]
    (top / "pairs.csv").write_text("\n".join(["text,caption,time", *lines]))
    (top / "own.py").write_text(
        "from clbench import Part\nclass Mine(Part):\n    pass\nclass Other:\n    pass\n"
    )
    (top / "rates.toml").write_text("price_per_cpu_hour = 0.05\n")
    (top / "broken.py").write_text("def f(:\n")
    (top / "folder.csv").mkdir()
    os.mkfifo(top / "pipe.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        patch.setenv("HOME", str(top / "home"))
        patch.setenv("XDG_CACHE_HOME", str(top / "cache"))
        patch.setenv("CLBENCH_DATA", str(top / "data"))
        patch.setenv("COLUMNS", "120")
        # What is drawn is small, and so is the machine.
        patch.setitem(Driftcaps.arguments, "smoke", {"n": 64, "n_test": 20, "size": 8, "slices": 2})
        patch.setattr(memory, "machine_bytes", lambda: 2**28)
        patch.setattr(plan, "machine_bytes", lambda: 2**28)
        patch.setattr(glyphs, "FONTS", glyphs.FONTS[-1:])  # the others take seconds to draw
        for strategy in ("naive", "er", "joint"):
            command("run", "-b", "blobs_class", "-s", strategy, *SMALL)
        command("baseline", "accept")
        yield top


SMALL = ("--profile", "smoke", "--seeds", "2", "--workers", "0")


def command(*arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of a command; fails for a traceback, for several lines of
    error, and where there is no end."""

    def no_end(*_):
        raise AssertionError(f"no end: clbench {shlex.join(arguments)}")

    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["clbench", *arguments]
    handler = signal.signal(signal.SIGALRM, no_end)
    signal.alarm(PATIENCE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        sys.argv = before
    said = err.getvalue()
    assert code in ENDS and "Traceback" not in said + out.getvalue(), said
    if code == 2:
        errors = [line for line in said.splitlines() if not line.startswith("warning: ")]
        assert len(errors) == 1 and errors[0].startswith("clbench: ") or "say what to run" in said, said
    return code, out.getvalue(), said


# ---- every field

NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    2**31,
    2**63,
    10**11,
    10**20,
    10**400,
    0.0,
    -0.0,
    0.5,
    1.0,
    -1e-9,
    1e-320,
    1e30,
    1e308,
)
ODD = some.one_of(
    some.sampled_from(NUMBERS),
    some.sampled_from(
        (True, False, None, "", "x", "a\nb", "\x1b[31m", "\0", "../..", "seed", "é" * 5000, b"x", 1j, ...)
    ),
    some.sampled_from(([], [1], ["x"], {}, {"a": 1}, (1, 2), {1}, [[[[]]]], list(range(10)), [0, 1.0, True])),
    some.integers(),
    some.floats(),
    some.text(max_size=8),
)


def written(value) -> str:
    """As a user would write it in a spec."""
    if isinstance(value, float) and value in (float("inf"), -float("inf")):
        return repr(value).replace("inf", "1e999")
    return repr(value) if not isinstance(value, int) or abs(value) < 10**300 else hex(value)


@lru_cache
def fields() -> dict[str, tuple[str, str, object]]:
    """id -> (registered name, field, annotation) of every field of every class, once."""
    found = {}
    for kind, known in (("benchmark", registry.benchmarks()), ("strategy", registry.strategies())):
        for name, entry in known.items():
            cls = registry.load(entry)
            own = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
            base = {field.name for field in dataclasses.fields(Benchmark)}
            for field in own:
                owner = "Benchmark" if kind == "benchmark" and field.name in base else cls.__qualname__
                annotation = ranges.kinds_of(cls)[field.name]
                found.setdefault(f"{kind} {owner}.{field.name}", (name, field.name, annotation))
    return found


def near(annotation) -> list:
    """The ends of its ranges, and the next values beyond."""
    import typing

    ends = []
    for one in (annotation, *typing.get_args(annotation)):
        for meta in typing.get_args(one)[1:] if typing.get_origin(one) is typing.Annotated else ():
            for end in (meta.ge, meta.gt, meta.le, meta.lt) if isinstance(meta, msgspec.Meta) else ():
                ends += [] if end is None else [end, end - 1, end + 1]
    return ends or [0]


NEEDED = {"stream": {"path": "pairs.csv", "by": "quantile", "count": 2, "rows": 16, "n_test": 20}}


@pytest.mark.parametrize("which", list(fields()))
def test_any_value_of_any_field_is_taken_or_refused(which, place):
    name, field, annotation = fields()[which]

    @tried(6)
    @given(value=some.one_of(some.sampled_from(near(annotation)), ODD))
    def test(value):
        arguments = {key: repr(one) for key, one in NEEDED.get(name, {}).items()} | {field: written(value)}
        spec = f"{name}({', '.join(f'{key}={one}' for key, one in arguments.items())})"
        pair = (
            ("-b", spec, "-s", "naive") if which.startswith("benchmark") else ("-b", "blobs_task", "-s", spec)
        )
        command("run", *pair, "--profile", "smoke", "--dry-run")

    test()


def test_every_registered_field_declares_its_range():
    assert [which for which, (_, _, kind) in fields().items() if not ranges.declares_range(kind)] == []


# ---- specs

PIECES = (
    *(
        "er",
        "ewc",
        "icarl",
        "blobs_class",
        "stream",
        "lam",
        "memory",
        "path",
        "tasks",
        "own.py",
        "own.py:Mine",
    ),
    *(
        "own.py:Other",
        "own.py:Nobody",
        "broken.py:X",
        "./own.py:Mine",
        "folder.csv",
        "pipe.csv",
        ".py:",
        "No",
    ),
    *(
        "(",
        ")",
        "+",
        ",",
        "=",
        "[",
        "]",
        "{",
        "}",
        "*",
        "?",
        "'",
        '"',
        "\\",
        "/",
        "..",
        ":",
        " ",
        "#",
        ";",
        "-",
    ),
    *(
        "1",
        "-1",
        "0x1F",
        "1e999",
        "5is",
        "None",
        "True",
        "lambda: 1",
        "__import__('os')",
        "\n",
        "\x1b[2J",
        "\0",
    ),
    *("é", "\u202e", "\udce9", "(" * 300, "[" * 99999, "er+" * 500, "a" * 300),
)
SPECS = some.lists(some.sampled_from(PIECES), max_size=8).map("".join)


@tried(200)
@given(
    spec=SPECS,
    asked=some.sampled_from(
        (
            ("run", "--dry-run", "--profile", "smoke", "-b", "blobs_class", "-s"),
            ("run", "--dry-run", "--profile", "smoke", "-s", "naive", "-b"),
            ("show", "-s"),
            ("show", "-b"),
            ("compare", "er"),
            ("history", "-b", "blobs_class", "-s"),
            ("check", "--results", "my_results", "-s"),
            ("baseline", "accept", "-b"),
            ("verify", "-b", "blobs_class", "-s"),
            ("data", "inspect"),
        )
    ),
)
def test_any_spec_is_taken_or_refused(spec, asked, place):
    command(*asked, spec)


# ---- options

PATHS = (
    *(
        "",
        ".",
        "nowhere",
        "file.txt",
        "table.csv",
        "folder.csv",
        "pipe.csv",
        "own.py",
        "results",
        "/dev/null",
    ),
    *("/dev/zero", "/dev/stdin", "/proc/1", "/proc/self/mem", "/proc/self/nowhere", "file.txt/x", "x" * 300),
    *(
        "y/" * 3000,
        "\0",
        "caf\udce9",
        "a\nb",
        "~",
        "-",
        "--",
        "/root/x.png",
        "x.png",
        "x.gif",
        "/",
        "\x1b[31m",
    ),
)
VALUES = some.one_of(
    some.sampled_from(PATHS), some.sampled_from(NUMBERS).map(str), some.text(max_size=6), SPECS
)
OPTIONS = {
    ("run", "-b", "blobs_class", "-s", "naive", "--dry-run"): (
        *("--seeds", "--seed-list", "--device", "--workers", "--group-size", "--time-limit", "--out"),
        *("--profile", "--nonsense", "-b", "-s"),
    ),
    ("show",): (
        *("--results", "--profile", "--metric", "-b", "-s", "--family", "--where", "--sort", "--format"),
        *("--ranks", "--holm", "--reverse"),
    ),
    ("decay",): ("--results", "--profile", "--format", "-b", "-s"),
    ("costs", "--rates", "rates.toml"): ("--rates", "--results", "--profile", "--format", "-b", "-s"),
    ("compare", "er", "joint"): ("--results", "--profile", "--metric", "--margin", "--format", "-b", "-s"),
    ("compare", "my_results", "my_results"): ("--profile", "--metric", "-b", "-s"),
    ("list",): ("--family", "--nonsense", "strategies", "pairs"),
    ("check", "--results", "my_results"): (
        *("--results", "--baselines", "--format", "--profile", "-b", "--claims"),
    ),
    ("claims",): ("--results", "--profile", "--format", "--claims", "--id", "-b", "--cells", "--missing"),
    ("baseline", "accept"): ("--results", "--baselines", "-s"),
    ("report",): ("--results",),
    ("report", "--results", "nowhere"): ("--out",),
    ("data", "inspect", "icons", "--min-rows", "0"): ("--picture",),
    ("data", "inspect"): ("table.csv", "--picture", "--test", "--by", "--count", "--unit"),
    ("results", "export"): ("--out", "--results", "-s"),
    ("results", "import", "--dry-run"): ("my_results", "table.csv", "--out"),
    ("import", "tic"): ("results", "--out", "--first", "--name"),
    ("verify", "-b", "nothing"): ("--results", "--workers", "--against"),
}


@tried(200)
@given(drawn=some.data())
def test_any_value_of_any_option_is_taken_or_refused(drawn, place):
    start = drawn.draw(some.sampled_from(list(OPTIONS)))
    given_options = drawn.draw(some.lists(some.sampled_from(OPTIONS[start]), min_size=1, max_size=2))
    command(*start, *(text for option in given_options for text in (option, drawn.draw(VALUES))))


# ---- records

JSON = some.one_of(
    some.sampled_from(
        (None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", "\x1b[31m", "<b>", "a\nb", [], {}, [[]])
    ),
    some.sampled_from(([None], {"x": 1}, [[[0.5]]], [0, 1], "NaN", "smoke", "ok", "failed", 2**70)),
)


def spoil(content, drawn) -> None:
    """Replaces or removes something in nested lists and dicts, at any depth alike."""
    inner, depth = content, drawn.draw(some.integers(0, 5))
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            return
        key = drawn.draw(some.sampled_from(keys))
        if not depth or not isinstance(inner[key], dict | list) or not inner[key]:
            break
        inner, depth = inner[key], depth - 1
    if drawn.draw(some.integers(0, 3)):
        inner[key] = copy.deepcopy(drawn.draw(JSON))
    else:
        del inner[key]


@tried(150)
@given(drawn=some.data())
def test_any_record_with_a_valid_hash_is_shown_or_named(drawn, place):
    path = (
        place
        / "my_results"
        / "smoke"
        / "blobs_class"
        / f"{drawn.draw(some.sampled_from(['er', 'joint']))}.json"
    )
    before = path.read_text()
    content = json.loads(before)
    for _ in range(drawn.draw(some.integers(1, 3))):
        spoil(content, drawn)
    content["sha256"] = records.content_hash(content)
    asked = some.sampled_from(
        15
        * [
            *(("show",), ("show", "--json"), ("show", "--metric", "acc")),
            *(("check", "--results", "my_results"), ("compare", "er", "joint")),
        ]
        + [("report", "--out", "reports")]
    )
    try:
        path.write_text(json.dumps(content))
        command(*drawn.draw(asked))
    finally:
        path.write_text(before)


# ---- what is taken also runs

TRIED = some.sampled_from((1, 2, 3, 5, 40, 1e-9, 1e-320, 0.0, 0.3, 0.999, 1.0, 7.5, 1e18, None))


@tried(60)
@given(
    which=some.sampled_from(sorted(which for which in fields() if which.startswith("strategy"))), value=TRIED
)
def test_what_is_taken_ends_in_a_record_of_no_crash(which, value, place):
    name, field, annotation = fields()[which]
    if not ranges.fits(value, annotation):
        return
    spec = f"{name}({field}={written(value)})"
    pair = ("-b", "blobs_task(tasks=3, steps=3, rows=4)", "-s", spec)
    command("run", *pair, "--out", "tried", "--fresh", *SMALL)
    for record in records.load(place / "tried")[0]:
        assert record.status != "failed", (spec, record.error)
