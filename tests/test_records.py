"""One JSON file per record: whole or not at all, readable, and never deleted."""

import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from clbench.results import lock, records
from clbench.results.files import write_atomically
from clbench.results.record import SCHEMA, BrokenRecord, Failure, Group, Record
from clbench.results.records import file_name, load, path_of, read, write

ACC = [
    [[0.1, 0.2], [0.875, None], [1 / 3, 0.75]],
    [[0.0, 0.25], [0.5, None], [0.625, 1.0]],
]  # [S=2, T+1=3, E=2]


def group(*seeds, **costs):
    sheet = {"setup_s": 0.1, "train_s": 2.0, "flops": 100, "steps": 10, "memory_items": 4, "peak_mb": 300.0}
    return Group(list(seeds), sheet | costs, 1, {"torch": "2.9"})


def made(strategy="er", **changes):
    record = Record(
        "split_x_class",
        strategy,
        "smoke",
        "native",
        source="s",
        data="d",
        settings={"budget": {"steps": 5, "lr": 0.001}},
        seeds=[0, 1],
        acc=ACC,
        groups=[group(0, 1)],
    )
    return msgspec.structs.replace(record, **changes)


def unsigned(record):
    """Without the hash that writing gives it."""
    return msgspec.structs.replace(record, sha256="")


# ---- there and back


def test_what_is_written_comes_back_with_missing_cells_as_null(tmp_path):
    path = write(made(), tmp_path)
    assert (
        path == path_of(tmp_path, "smoke", "split_x_class", "er") == tmp_path / "smoke/split_x_class/er.json"
    )
    assert unsigned(read(path)) == made()
    assert json.loads(path.read_text())["acc"][0][1] == [0.875, None] and "NaN" not in path.read_text()
    array = read(path).array
    assert array.shape == (2, 3, 2) and array.dtype == np.float64
    assert np.isnan(array[:, 1, 1]).all() and np.isnan(array).sum() == 2
    assert array[0, 2, 0] == 1 / 3


def test_not_a_number_is_refused_not_written(tmp_path):
    with pytest.raises(ValueError):
        write(made(acc=[[[float("nan")]]]), tmp_path)
    assert not any(tmp_path.rglob("*"))


def test_one_line_per_row_of_the_array(tmp_path):
    lines = [line.strip() for line in write(made(), tmp_path).read_text().splitlines()]
    for row in ("[0.1, 0.2],", "[0.875, null],", "[0.3333333333333333, 0.75]", "[0.625, 1.0]"):
        assert lines.count(row) == 1
    assert '"seeds": [0, 1],' in lines


TEXTS = ["a,   b", "x[ i ] = [ 1,   2 ]", "[\n  1,\n  2\n]", 'a "[ quoted ]", b', "[", "über ¶ \u2028 [ ]"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_layout_leaves_texts_alone(tmp_path, text):
    record = made(status="failed", error=Failure(text, traceback=f"{text} ]"))
    assert read(write(record, tmp_path)) == record and record.sha256


# ---- atomically


def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write(made(), tmp_path)
    before = path.read_bytes()

    def crash(*_):
        raise KeyboardInterrupt

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, crash)
            with pytest.raises(KeyboardInterrupt):
                write(made(status="failed"), tmp_path)
        assert path.read_bytes() == before
        assert [*path.parent.iterdir()] == [path]
    write(made(status="failed"), tmp_path)
    assert read(path).status == "failed" and [*path.parent.iterdir()] == [path]


def test_others_may_read_what_is_written(tmp_path):
    write_atomically(tmp_path / "a" / "b.txt", "ü")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "ü"
    assert (tmp_path / "a" / "b.txt").stat().st_mode & 0o777 == 0o644


# ---- what is no record


def changed(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_changed_number_is_found_out(tmp_path):
    path = write(made(), tmp_path)
    path.write_text(path.read_text().replace("0.875", "0.975"))
    with pytest.raises(BrokenRecord, match="er.json: its content does not match its sha256"):
        read(path)


def signed(content):
    content.pop("sha256", None)
    return json.dumps(content | {"sha256": records.content_hash(content)})


BROKEN = {
    "newer": (
        lambda content: signed(content | {"schema": SCHEMA + 1}),
        f"schema {SCHEMA + 1}, this version reads",
    ),
    "foreign": (lambda content: '{"results": []}', "no record of clbench"),
    "list": (lambda content: "[1, 2]", "no record of clbench"),
    "cut": (lambda content: json.dumps(content)[:-20], "not readable as JSON"),
    "bytes": (lambda content: b"\xff\xfe\x00", "not readable as JSON"),
    "unsigned": (lambda content: json.dumps(content | {"sha256": None}), "does not match its sha256"),
    "field": (lambda content: signed(content | {"colour": 1}), "unknown field `colour`"),
    "type": (lambda content: signed(content | {"seeds": "0, 1"}), "Expected `array`"),
    "length": (lambda content: signed(content | {"seeds": [0]}), "matrices of 1 shapes for 1 seeds"),
}


def test_load_reads_what_it_can_and_names_the_rest_untouched(tmp_path):
    good = [made("er"), made("ewc")]
    content = json.loads([write(record, tmp_path) for record in good][0].read_text())
    folder = tmp_path / "smoke" / "split_x_class"
    before = {}
    for name, (make, _) in BROKEN.items():
        text = make(content)
        before[folder / f"{name}.json"] = text if isinstance(text, bytes) else text.encode()
    for path, data in before.items():
        path.write_bytes(data)
    found, problems = load(tmp_path)
    assert found == good
    assert len(problems) == len(BROKEN)
    for name, (_, said) in BROKEN.items():
        (line,) = [line for line in problems if line.startswith(f"{folder / name}.json: ")]
        assert said in line and "\n" not in line
    assert {path: path.read_bytes() for path in before} == before


def test_load_takes_one_profile_or_all(tmp_path):
    for profile in ("smoke", "quick"):
        write(made(profile=profile), tmp_path)
    assert [record.profile for record in load(tmp_path)[0]] == ["quick", "smoke"]
    assert [record.profile for record in load(tmp_path, "smoke")[0]] == ["smoke"]
    assert load(tmp_path / "nowhere") == ([], [])


def test_a_record_of_schema_1_is_read_as_one_of_today():
    path = Path(__file__).with_name("record_schema_1.json")
    before, record = json.loads(path.read_text()), read(path)
    assert record.schema == SCHEMA and record.sha256 == before["sha256"]
    assert record.settings["benchmark"] == {
        "path": "icons.npz",
        "by": "quantile",
        "count": 6,
        "unit": "iso",
        "min_rows": 500,
        "buckets": 2048,
        "length": 24,
        "validation": False,
        "precision": "float32",
    }
    assert record.seeds == before["seeds"] and record.acc == before["acc"]
    assert record.groups[0].arrays == before["groups"][0]["arrays"]
    assert record.cost("steps") == sum(group["costs"]["steps"] for group in before["groups"]) / len(
        record.seeds
    )


# ---- merging


def test_groups_merge_in_order_of_seed_and_costs_add_up():
    rows = {seed: [[seed / 10]] for seed in range(5)}
    record = made(seeds=[], acc=[], groups=[])
    record.add(group(3, 1, steps=20, peak_mb=500.0), [rows[3], rows[1]])
    record.add(group(0, steps=10), [rows[0]])
    record.add(group(4, steps=15, flops=None), [rows[4]])
    assert record.seeds == [0, 1, 3, 4]
    assert record.acc == [rows[seed] for seed in record.seeds]
    assert [one.seeds for one in record.groups] == [[0], [3, 1], [4]]
    assert record.cost("steps") == (20 + 10 + 15) / 4  # per seed
    assert record.cost("peak_mb") == 500.0  # the largest
    assert record.cost("flops") is None and record.cost("energy_wh") is None
    assert made(seeds=[], acc=[], groups=[]).cost("steps") is None


def test_merging_leaves_the_arguments_alone(tmp_path):
    first, second = made(), group(2)
    acc = [ACC[0]]
    first.add(second, acc)
    assert acc == [ACC[0]] and second == group(2) and len(ACC) == 2


# ---- file names

LONG = "+".join(f"a_rather_long_name(argument_{i}={i})" for i in range(9))
SPECS = [
    "er",
    "er(memory=200)",
    "er(memory=201)",
    "er+ewc",
    "ewc+er",
    "er(memory=200)+ewc(lam=10.0)",
    "a/b.py:Mine",
    "a/b.py:Mine(x='../')",
    "a/b.py:Mine(x='..')",
    "../b.py:Mine",
    "../../etc/b.py:Mine(x='/')",
    "b.py:Mïne",
    "größe",
    "er(x='a b')",
    "er(x='a\\nb')",
    "er(x='*')",
    "er()",
    ".",
    "..",
    "(",
    "日本",
    f"{LONG}+er",
    f"{LONG}+ewc",
]


@pytest.mark.parametrize("spec", SPECS)
def test_a_file_name_is_safe(spec, tmp_path):
    name = file_name(spec)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.")
    assert 0 < len(name) <= 120 and name[0] not in ".-"
    path = write(made(spec), tmp_path)
    assert path.parent == tmp_path / "smoke" / "split_x_class"
    assert [unsigned(record) for record in load(tmp_path)[0]] == [made(spec)]


def test_file_names_are_distinct_and_readable():
    assert len({file_name(spec).lower() for spec in SPECS}) == len(SPECS)
    assert file_name("er") == "er"
    name, arguments, digest = file_name("er(memory=200)").split("--")
    assert (name, arguments, len(digest)) == ("er", "memory=200", 8)
    assert file_name("er(memory=200)") == file_name("er(memory=200)")


def test_a_benchmark_with_arguments_is_a_safe_folder(tmp_path):
    record = made(benchmark="a/b.py:Mine_class(x='../')")
    assert write(record, tmp_path).parent.parent == tmp_path / "smoke"
    assert load(tmp_path)[0] == [record]


def test_a_record_does_not_say_in_which_folder_of_a_machine_it_was_made(monkeypatch):
    for out in (["--out", "/somebody/results"], ["--out=/somebody/results"]):
        monkeypatch.setattr("sys.argv", ["/somebody/bin/clbench", "run", *out, "-s", "er(memory=5)"])
        assert lock.command() == "clbench run -s 'er(memory=5)'"
