"""Whatever is wrong with a file of results, it is one named problem, and the rest is shown."""

import doctest
import json
import os
from pathlib import Path

import numpy as np
import pytest

from clbench.core import text as of_text
from clbench.errors import InputError
from clbench.report import figures, formats, tables
from clbench.results import baselines, records, staleness
from clbench.results.files import DEEPEST, read_json
from clbench.results.records import content_hash, path_of

REAL = Path(__file__).with_name("record_schema_1.json")
BENCHMARK = "toy_pairs"


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


WRONG = [
    "text",
    "\x1b[31m\ud800",
    None,
    -1,
    0.5,
    10**30,
    1e308,
    {},
    [[1.0]],
    {"a": ["<b>"]},
    deep(DEEPEST + 10),
]


def places(value, here=()):
    """The paths to all values of a JSON, of lists to the last only: that one's shape is compared with
    others'."""
    yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        if isinstance(value, dict) or key == len(value) - 1:
            yield from places(one, (*here, key))


def changed(content, place, value):
    """A copy with another value there, signed like a record."""
    content = json.loads(json.dumps(content))
    at = content
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    if place != ("sha256",):
        content["sha256"] = content_hash(content)
    return content


@pytest.fixture
def real():
    """A record that a run made, under a name of its own and with its groups."""
    content = json.loads(REAL.read_text())
    return content | {"benchmark": BENCHMARK, "strategy": "er", "profile": "smoke", "source": "s" * 16}


@pytest.fixture
def results(real, tmp_path, monkeypatch):
    """A folder with the record and a sound one beside it, and baselines of both."""
    monkeypatch.setattr(staleness, "source_of", lambda benchmark, strategy: "s" * 16)
    for name in ("naive", "er"):
        put(tmp_path / "results", changed(real, ("strategy",), name), name)
    found, problems = records.load(tmp_path / "results")
    assert len(found) == 2 and not problems
    baselines.accept(found, tmp_path / "baselines", "smoke")
    return tmp_path / "results"


def put(folder, content, strategy="er"):
    path = path_of(folder, "smoke", BENCHMARK, strategy)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_no_wrong_type_in_any_field_of_a_record_ends_a_command(real, results, here, monkeypatch, tmp_path):
    """Each alone is a named problem or a row; all rows together go through the commands."""
    tried, kept = 0, {}
    for place in list(places(real))[1:]:
        for value in WRONG:
            try:
                content = changed(real, place, value)
            except (ValueError, KeyError):  # JSON cannot hold it, or it is the hash
                continue
            tried += 1
            path = put(results, content)
            found, problems = records.load(results)
            assert len(found) + len(problems) == 2 and found[-1].strategy == "naive", (place, value)
            assert all(line.startswith(f"{path}: ") and line.isprintable() for line in problems), (
                place,
                value,
            )
            if problems or place in kept:
                continue
            for made in (tables.show(found), tables.show(found, "acc")):
                for table in made:
                    formats.to_rich(table, 100)
                    formats.to_markdown(table)
            formats.to_csv(made)
            formats.to_json(made)
            kept[place] = changed(content, ("strategy",), f"m{len(kept)}")
    assert tried > 500 and 20 < len(kept) < tried / 5
    for content in list(kept.values())[::3]:
        put(results, content, content["strategy"])
    assert here("show", "--results", results).stdout.count("\nm") >= len(kept) // 3
    assert here("check", "--results", results, "--baselines", tmp_path / "baselines").returncode in (0, 1)
    monkeypatch.setattr(figures, "cost", lambda *_: None)  # many rows take long; the last test draws
    assert here("report", "--results", results).returncode == 0


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("seeds",), [-2, -1, 0]),
        (("seeds", 0), 1),
        (("seeds", 2), 10**19),
        (("acc", 0, 0, 0), 1.5),
        (("acc", 0, 0, 0), -0.1),
        (("acc", 0, 0), [0.5]),
        (("acc", 0), []),
        (("acc", 0), [[]]),
        (("acc",), []),
        (("groups", 0, "arrays", "r5", 0, 1), [0.1]),
        (("groups", 0, "arrays", "r5"), []),
        (("groups", 0, "costs", "flops"), -1),
        (("groups", 0, "costs", "flops"), "7"),
        (("groups", 0, "concurrent"), 0),
        (("groups", 0, "provenance", "commit"), 7),
        (("groups", 0, "provenance", "threads"), "one"),
        (("settings", "step_of"), [1]),
        (("settings", "strategy"), {"er": 3}),
        (("settings",), []),
        (("status",), "fine"),
        (("backend",), "<b>"),
        (("strategy",), "er\n"),
        (("strategy",), "ewc"),
        (("profile",), "quick"),
    ],
)
def test_what_no_run_gives_is_one_problem_that_names_the_file(real, results, place, value):
    path = put(results, changed(real, place, value))
    found, problems = records.load(results)
    assert [record.strategy for record in found] == ["naive"]
    (line,) = problems
    assert line.startswith(f"{path}: ") and line.isprintable()


def fifo(path):
    os.mkfifo(path)


def directory(path):
    path.mkdir()


def dangling(path):
    path.symlink_to("nowhere")


def to_itself(path):
    path.symlink_to(path.name)


def device(path):
    path.symlink_to("/dev/zero")


def nested(path):
    path.write_text('{"schema": 2, "a": ' + "[" * 100_000 + "]" * 100_000 + "}")


def huge(path):
    with path.open("wb") as file:
        file.truncate(2**31)


ODD = [fifo, directory, dangling, to_itself, device, nested, huge]


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
@pytest.mark.parametrize("place", ["toy_pairs/mir.json", "verification.json"])
def test_what_is_no_file_is_one_problem(results, here, make, place):
    path = results / "smoke" / place
    make(path)
    shown = here("show", "--results", results)
    assert shown.returncode == 0 and "naive" in shown.stdout
    (line,) = shown.stderr.splitlines()
    assert line.startswith(f"warning: {path}: ")


@pytest.mark.parametrize("name", ["quick", "smoke/split_x_class"])
def test_a_file_where_a_folder_should_be_is_one_problem(results, name):
    (results / name).write_text("")
    (results / "README.md").write_text("what lies here")
    found, problems = records.load(results)
    assert len(found) == 2 and problems == [f"{results / name}: no folder, where one of records should be"]


def test_names_that_are_no_utf_8_or_move_the_terminal_are_shown_as_text(real, results, here):
    folder = os.fsencode(results / "smoke")
    for name in (b"\xff\xfe", b"\x1b[2J", b"[red]"):
        os.mkdir(folder + b"/" + name)
        Path(os.fsdecode(folder + b"/" + name + b"/er.json")).write_text(json.dumps(real))
    shown = here("show", "--results", results)
    assert shown.returncode == 0 and len(shown.stderr.splitlines()) == 3
    for text in (r"/\udcff\udcfe/", r"/\x1b[2J/", "/[red]/"):
        assert text in shown.stderr


def test_a_record_that_was_moved_is_no_row_of_the_folder_it_lies_in(results):
    path = path_of(results, "smoke", BENCHMARK, "er")
    path.rename(path.with_name("gem.json"))
    found, problems = records.load(results)
    assert len(found) == 1 and problems[0].endswith(f"its names belong to {path}")


NOTE = dict.fromkeys(("record", "source", "against", "commit", "date", "platform"), "x") | {"dirty": False}


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"schema": 1},
        {"schema": "1", "verified": {}},
        {"schema": 1, "verified": []},
        {"schema": 1, "verified": {BENCHMARK: {"er": NOTE | {"source": 3}}}},
        {"schema": 1, "verified": {BENCHMARK: {"er": deep(50)}}},
    ],
)
def test_a_broken_verification_is_one_problem(results, content):
    path = results / "smoke" / "verification.json"
    path.write_text(json.dumps(content))
    found, problems = records.load(results)
    assert len(found) == 2 and len(problems) == 1 and problems[0].startswith(f"{path}: no verification")


@pytest.mark.parametrize(
    "text", ["NaN", "[1e999]", "[-Infinity]", '["\\ud800"]', "{", "[" * 40 + "]" * 40, "1" * 5000]
)
def test_json_from_outside_is_read_with_suspicion(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        read_json(path)
    path.write_text('{"a": [1, 2.5, null, "ü", {"b": [[]]}]}')
    assert read_json(path) == {"a": [1, 2.5, None, "ü", {"b": [[]]}]}


HOSTILE = "\x1b[31m<script>alert(1)</script> | `x` [red]$\\frac{$ \u202e"


def test_text_of_a_record_is_text_in_terminal_markdown_and_html(real, results, here, tmp_path):
    spec = "it's|`a``b`<i>$x_{$"
    content = changed(real, ("strategy",), spec)
    content = changed(content, ("settings", "budget", "optimiser"), HOSTILE)
    content = changed(content, ("settings", "strategy"), {"<u>": {"x": HOSTILE}})
    content = changed(content, ("groups", 0, "notes"), [HOSTILE])
    content = changed(content, ("groups", 0, "provenance", "processor"), HOSTILE)
    put(results, content, spec)
    failed = changed(real, ("status",), "failed") | {"seeds": [], "acc": [], "groups": []}
    put(results, changed(failed, ("error",), {"reason": HOSTILE}))
    done = here("report", "--results", results, "--out", tmp_path / "pages")
    assert done.returncode == 0 and not done.stderr
    shown = here("show", "--results", results).stdout
    assert "[red]" in shown and spec in shown
    pages = {path: path.read_text() for path in (tmp_path / "pages").rglob("*") if path.is_file()}
    for text in (shown, *pages.values(), here("show", "--json", "--results", results).stdout):
        assert not {"\x1b", "\u202e"} & set(text)
    html = pages.pop(tmp_path / "pages" / "index.html")
    assert "<script>alert" not in html and "<i>" not in html and "&lt;script&gt;alert" in html
    markdown = {path.name: text for path, text in pages.items() if path.suffix == ".md"}
    assert "<script" not in "".join(markdown.values())
    for name in ("smoke.md", f"{BENCHMARK}.md"):
        rows = [line for line in markdown[name].splitlines() if line.startswith("| ") and "``" in line]
        assert rows and all("``` it's\\|`a``b`<i>$x_{$ ```" in line for line in rows)


UNREADABLE = [b"\xff\xfe", b"a = \0", b"a = " + b"-" * 5000 + b"1", b"class Mine: x = " + b"(" * 300]
ODD_NAMES = ["er(x=" + "-" * 1500 + "1)", "er(x=" + "(" * 900, "er" + "+er" * 500]


@pytest.mark.parametrize(
    ("name", "content"), [("{}:Mine", text) for text in UNREADABLE] + [(name, b"") for name in ODD_NAMES]
)
def test_a_record_of_something_that_cannot_be_read_is_a_stale_row(
    real, results, tmp_path, monkeypatch, name, content
):
    monkeypatch.undo()  # the real digest of source code
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    spec = name.format(path)
    put(results, changed(real, ("strategy",), spec), spec)
    assert staleness.is_stale(next(one for one in records.load(results)[0] if one.strategy == spec))
    tables.show(records.load(results)[0])


def test_imported_values_that_no_record_can_hold_are_refused():
    good = records.record_of_matrix("toy", "x", ["a", "b"], [1, 2], np.array([[0.5, 0.1], [0.2, np.nan]]))
    assert good.acc[0][2] == [0.2, None]
    with pytest.raises(InputError, match="toy: no results .* between 0 and 1"):
        records.record_of_matrix("toy", "x", ["a", "b"], [1, 2], np.array([[50.0, 10.0], [20.0, 30.0]]))


def test_the_examples_of_text_from_outside_are_true():
    assert doctest.testmod(of_text) == (0, 2)
