"""`clbench results export` and `import`: records go out and come in as they are, nothing is lost."""

import copy
import hashlib
import stat
import subprocess
import zipfile

import numpy as np
import pandas as pd
import pytest

from clbench import load_results
from clbench.results import archive, records, verification
from clbench.results.lock import hold
from clbench.results.verification import Note

ENDS = ((0.6, 0.9), (0.7, 0.9), (0.5, 0.8), (0.4, 0.7))
WEIGHTS = b"\0weights"


@pytest.fixture(autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def stored(fabricated, tmp_path):
    """theirs/ with four strategies, a file that belongs to one, notes of two, one of them of a record that
    is gone."""
    folder = tmp_path / "theirs"
    made = {name: fabricated.make(name, fabricated.two_tasks(*ENDS[:3])) for name in ("naive", "joint", "er")}
    made["pnn"] = fabricated.make("pnn", status="unsupported", error={"reason": "needs task labels"})
    made["er"].files = {"er.weights": hashlib.sha256(WEIGHTS).hexdigest()}
    for record in made.values():
        records.write(record, folder)
    (folder / "smoke" / "toy_class" / "er.weights").write_bytes(WEIGHTS)
    note = {
        name: Note(made[name].sha256, "s", "a", "c", False, "2026-01-02", "p") for name in ("er", "joint")
    }
    note["naive"] = Note("0" * 64, "s", "a", "c", False, "2026-01-02", "p")
    verification.write(folder, "smoke", {"toy_class": note})
    return folder


def content(folder):
    """name -> bytes of all files below, but for the lock's."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_what_is_exported_comes_in_byte_for_byte(stored, here, tmp_path):
    done = here("results", "export", "--results", "theirs", "--out", "a.zip")
    size = (tmp_path / "a.zip").stat().st_size
    assert done.returncode == 0 and done.stdout == f"a.zip: 4 records, {size:,} bytes\n"
    came = here("results", "import", "a.zip")
    assert came.returncode == 0 and came.stdout.endswith("my_results: 4 new\n")
    before, after = content(stored), content(tmp_path / "my_results")
    place = "smoke/verification.json"
    del before[place], after[place]
    assert before == after
    assert list(verification.read(tmp_path / "my_results", "smoke")["toy_class"]) == ["er", "joint"]
    again = here("results", "import", "a.zip")
    assert again.returncode == 0 and again.stdout == "my_results: 4 there already\n"
    assert here("results", "export", "--results", "my_results", "--out", "b.zip").returncode == 0
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def test_an_archive_is_read_by_other_tools(stored, here, tmp_path):
    here("results", "export", "--results", "theirs", "--out", "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        opened.extractall(tmp_path / "a")
    subprocess.run(["sha256sum", "-c", "--strict", "checksums.sha256"], cwd=tmp_path / "a", check=True)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a" / "results.parquet"), load_results(stored))


def test_of_some_rows_only_what_belongs_to_them_is_exported(stored, here, tmp_path):
    assert here("results", "export", "--results", "theirs", "-s", "er", "--out", "a.zip").returncode == 0
    archive.unpack(tmp_path / "a.zip", tmp_path / "a")
    names = {"er.json", "er.weights", "verification.json", "results.parquet"}
    assert {name.rpartition("/")[2] for name in content(tmp_path / "a")} == names
    assert list(verification.read(tmp_path / "a", "smoke")["toy_class"]) == ["er"]
    frame, whole = pd.read_parquet(tmp_path / "a" / "results.parquet"), load_results(stored)
    pd.testing.assert_frame_equal(frame, whole[whole.strategy == "er"].reset_index(drop=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "taken.zip"), "taken.zip is there already; take another name"),
        (("--out", "a.tar.gz"), "let its name end in .zip"),
        (("--out", "a.zip", "-s", "nothing"), "none of the 4 records in theirs matches"),
        (("--out", "taken.zip/a.zip"), "cannot write there"),
        (("--out", "a.zip", "--profile", "full"), "no records in theirs"),
    ],
)
def test_what_cannot_be_exported_is_said(options, said, stored, here, tmp_path):
    (tmp_path / "taken.zip").write_text("mine")
    done = here("results", "export", "--results", "theirs", *options)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "taken.zip").read_text() == "mine" and not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("spoilt", [None, b"other"])
def test_a_row_whose_file_is_not_its_own_stays_out(spoilt, stored, here, tmp_path):
    path = stored / "smoke" / "toy_class" / "er.weights"
    path.write_bytes(spoilt) if spoilt else path.unlink()
    refused = here("results", "export", "--results", "theirs", "--out", "a.zip")
    assert refused.returncode == 2 and "its file er.weights" in refused.stderr
    assert not (tmp_path / "a.zip").exists()
    done = here("results", "import", "theirs")
    assert done.returncode == 0 and "warning: theirs/smoke/toy_class/er.json: its file er.w" in done.stderr
    assert done.stdout.endswith("my_results: 3 new\n")


@pytest.mark.parametrize("name", ["../../kept", ".lock", "naive.json", "a/b"])
def test_a_record_owns_no_file_but_those_beside_it(name, stored, here, fabricated, tmp_path):
    record = fabricated.make("mir", fabricated.two_tasks(*ENDS[:3]))
    record.files = {name: hashlib.sha256(b"x").hexdigest()}
    records.write(record, stored)
    (tmp_path / "kept").write_bytes(b"x")
    done = here("results", "import", "theirs")
    assert f"{name} is no name of a file that belongs to it" in done.stderr and "4 new" in done.stdout


# ---- what is here already


def part(fabricated, seeds, **more):
    return fabricated.make("er", fabricated.two_tasks(*(ENDS[seed] for seed in seeds)), seeds=seeds, **more)


@pytest.mark.parametrize(("ours", "theirs"), [([0, 2], [1, 3]), ([1, 3], [0, 2]), ([2, 3], [0, 1])])
def test_disjoint_seeds_become_the_record_of_a_run_with_all(ours, theirs, fabricated, here, tmp_path):
    for folder, seeds in (("my_results", ours), ("theirs", theirs), ("whole", [0, 1, 2, 3])):
        records.write(part(fabricated, seeds), tmp_path / folder)
    before = content(tmp_path / "my_results")
    said = "merged    smoke  toy_class  er  2 seeds, now 4\nmy_results: 1 merged"
    tried = here("results", "import", "theirs", "--dry-run")
    assert tried.stdout == f"{said}; nothing written\n" and content(tmp_path / "my_results") == before
    assert here("results", "import", "theirs").stdout == f"{said}\n"
    assert content(tmp_path / "my_results") == content(tmp_path / "whole")
    for folder in ("theirs", "whole"):
        again = here("results", "import", folder)
        assert again.returncode == 0 and again.stdout == "my_results: 1 there already\n"


def test_what_is_verified_on_both_sides_stays_so_when_joined(fabricated, here, tmp_path):
    for folder, seeds in (("my_results", [0, 1]), ("theirs", [2, 3])):
        made = part(fabricated, seeds)
        records.write(made, tmp_path / folder)
        note = {"er": Note(made.sha256, "today's", "a", "c", False, "2026-01-02", "p")}
        verification.write(tmp_path / folder, "smoke", {"toy_class": note})
    assert "merged" in here("results", "import", "theirs").stdout
    joined = records.find(tmp_path / "my_results", "smoke", "toy_class", "er")
    assert joined.seeds == [0, 1, 2, 3] and joined.verified == "today's"


def test_several_sources_are_one_import(fabricated, here, tmp_path):
    for seed in range(3):
        records.write(part(fabricated, [seed]), tmp_path / f"machine{seed}")
    folders = [f"machine{seed}" for seed in range(3)]
    tried = here("results", "import", *folders, "--dry-run")
    assert "my_results: 1 new, 2 merged; nothing" in tried.stdout and not (tmp_path / "my_results").exists()
    assert here("results", "import", *folders).returncode == 0
    (record,), problems = records.load(tmp_path / "my_results")
    assert record.seeds == [0, 1, 2] and not problems


def other_seeds(record):
    record.seeds, record.groups[0].seeds = [5], [5]


def overlapping(record):
    record.acc[0][2][0] = 0.11


def other_settings(record):
    record.settings = copy.deepcopy(record.settings)
    record.settings["budget"]["steps"] = 7
    other_seeds(record)


def other_shape(record):
    record.acc = [np.full((4, 3), 0.5).tolist()]
    other_seeds(record)


def set_to(**fields):
    def change(record):
        other_seeds(record)
        for name, value in fields.items():
            setattr(record, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (overlapping, "seeds 0 are here with other values"),
        (other_settings, "settings, here -> to come: budget.steps 100 -> 7"),
        (other_shape, "no record could hold both: its matrices differ in shape"),
        (set_to(data="d2"), "data d1 here, d2 to come"),
        (set_to(source="x" * 16), f"source {'s' * 16} here, {'x' * 16} to come"),
        (set_to(backend="imported"), "backend native here, imported to come"),
        (set_to(status="diverged"), "status ok here, diverged to come"),
    ],
)
def test_what_contradicts_is_named_and_left_alone(change, said, fabricated, here, tmp_path):
    ours, theirs = part(fabricated, [0]), part(fabricated, [0])
    change(theirs)
    path = records.write(ours, tmp_path / "my_results")
    before = path.read_bytes()
    records.write(theirs, tmp_path / "theirs")
    records.write(fabricated.make("mir", fabricated.two_tasks(ENDS[0])), tmp_path / "theirs")
    done = here("results", "import", "theirs")
    assert (
        done.returncode == 1 and not done.stderr and f"conflict  smoke  toy_class  er  {said}" in done.stdout
    )
    assert done.stdout.endswith("my_results: 1 new, 1 conflict\n")
    assert path.read_bytes() == before and (path.parent / "mir.json").exists()


def test_what_is_broken_here_is_not_replaced(stored, here, tmp_path):
    path = tmp_path / "my_results" / "smoke" / "toy_class" / "er.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    (path.parent / "er.weights").write_text("mine")
    done = here("results", "import", "theirs")
    assert done.returncode == 1 and "3 new, 1 conflict" in done.stdout and path.read_text() == "{"
    path.unlink()
    done = here("results", "import", "theirs")
    assert "er  another er.weights is here" in done.stdout and done.returncode == 1 and not path.exists()


def test_nothing_is_written_where_another_process_writes(stored, here, tmp_path):
    with hold(tmp_path / "my_results"):
        refused = here("results", "import", "theirs")
    assert refused.returncode == 2 and "writes there" in refused.stderr
    assert not (tmp_path / "my_results" / "smoke").exists()


# ---- what is wrong with what is to come


def test_a_broken_record_is_a_warning(stored, here, tmp_path):
    path = stored / "smoke" / "toy_class" / "naive.json"
    path.write_text(path.read_text().replace("0.9", "0.8", 1))
    done = here("results", "import", "theirs")
    assert done.returncode == 0 and "naive.json: its content does not match its sha256" in done.stderr
    assert done.stdout.endswith("my_results: 3 new\n")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("empty", "there is nothing to import in it"),
        ("theirs/smoke", "there is nothing to import in it"),
        ("nowhere", "there is no such file"),
        ("text.zip", "no archive that `clbench results export` wrote"),
        ("theirs/smoke/toy_class/er.json", "no archive that `clbench results export` wrote"),
    ],
)
def test_what_holds_no_results_is_refused(what, said, stored, here, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    done = here("results", "import", "theirs", what)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "my_results").exists()


@pytest.fixture
def packed(stored, here, tmp_path):
    """name -> content of an archive of theirs."""
    here("results", "export", "--results", "theirs", "--out", "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def changed(members):
    members["smoke/toy_class/er.json"] = members["smoke/toy_class/er.json"].replace(b"0.9", b"0.8")


def added(members):
    members["smoke/toy_class/mir.json"] = members["smoke/toy_class/er.json"]


def removed(members):
    del members["smoke/toy_class/er.json"]


def without_sums(members):
    del members["checksums.sha256"]


def odd_sums(members):
    members["checksums.sha256"] += b"no line\n"


def signed_name(name):
    """With a checksum that fits, as an attacker would have it."""

    def change(members):
        members[name] = b"x"
        members["checksums.sha256"] += f"{hashlib.sha256(b'x').hexdigest()}  {name}\n".encode()

    return change


def too_large(members):
    members["smoke/large"] = bytes(archive.LARGEST + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed, "smoke/toy_class/er.json is not what checksums.sha256 says"),
        (added, "holds what checksums.sha256 does not name: smoke/toy_class/mir.json"),
        (removed, "a.zip lacks smoke/toy_class/er.json"),
        (without_sums, "a.zip has no checksums.sha256"),
        (odd_sums, "no SHA-256 and a name"),
        (too_large, "files of 64 MiB"),
        *(
            (signed_name(name), "leads out of a results folder")
            for name in (
                "../../kept",
                "/tmp/kept",
                "a/../../../kept",
                "..\\kept",
                "C:/kept",
                "./a",
                "\x1b[31m",
            )
        ),
    ],
)
def test_an_archive_that_was_tampered_with_is_refused_whole(change, said, packed, here, tmp_path):
    (tmp_path / "kept").write_text("mine")
    change(packed)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for name, one in packed.items():
            made.writestr(name, one)
    check_refused(here("results", "import", "a.zip"), said, tmp_path)


def check_refused(done, said, tmp_path):
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr and not (tmp_path / "my_results").exists()
    assert not (tmp_path / "kept").exists() or (tmp_path / "kept").read_text() == "mine"


def test_links_in_an_archive_are_refused(packed, here, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as made:
        link = zipfile.ZipInfo("smoke/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    check_refused(here("results", "import", "a.zip"), "smoke/link is a link or a device", tmp_path)


def test_a_name_twice_in_an_archive_is_refused(packed, here, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("smoke/toy_class/er.json", "{}")
    check_refused(here("results", "import", "a.zip"), "er.json twice", tmp_path)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_a_broken_archive_is_refused(place, packed, here, tmp_path):
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: int(place * len(whole))])
    check_refused(here("results", "import", "a.zip"), "or a broken one", tmp_path)


def test_another_run_with_the_same_values_is_there_already(fabricated, here, tmp_path):
    path = records.write(part(fabricated, [0, 1]), tmp_path / "my_results")
    before = path.read_bytes()
    records.write(part(fabricated, [0, 1], costs={"train_s": 99.0}), tmp_path / "theirs")
    done = here("results", "import", "theirs")
    said = "there already smoke  toy_class  er  same values, another run\n"
    assert done.returncode == 0 and done.stdout == f"{said}my_results: 1 there already\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize(("theirs", "code"), [("1", 1), ("0", 0), (None, 0)])
def test_weights_are_compared_where_both_say_them(theirs, code, fabricated, here, tmp_path):
    for folder, digest in (("my_results", "0"), ("theirs", theirs)):
        record = part(fabricated, [0], costs={"train_s": 99.0} if folder == "theirs" else {})
        record.groups[0].weights = digest and [digest]
        records.write(record, tmp_path / folder)
    done = here("results", "import", "theirs")
    assert done.returncode == code and ("seeds 0 are here with other values" in done.stdout) == bool(code)


def test_a_run_that_broke_off_in_the_same_way_is_there_already(fabricated, here, tmp_path):
    for folder, reason in (("my_results", "x"), ("theirs", "x"), ("others", "y")):
        costs = {} if folder == "my_results" else {"train_s": 99.0}
        record = part(fabricated, [0], status="diverged", error={"reason": reason}, costs=costs)
        records.write(record, tmp_path / folder)
    assert here("results", "import", "theirs").stdout.endswith("my_results: 1 there already\n")
    done = here("results", "import", "others")
    assert done.returncode == 1 and "two records that are diverged, and differ" in done.stdout


def test_two_sources_with_different_files_of_one_name_do_not_spoil_each_other(fabricated, here, tmp_path):
    for folder, name in (("first", "er"), ("second", "lwf")):
        record = fabricated.make(name, fabricated.two_tasks(ENDS[0]))
        record.files = {"extra.bin": hashlib.sha256(folder.encode()).hexdigest()}
        path = records.write(record, tmp_path / folder)
        (path.parent / "extra.bin").write_bytes(folder.encode())
    done = here("results", "import", "first", "second")
    assert done.returncode == 1 and "lwf  another extra.bin is here" in done.stdout
    assert (tmp_path / "my_results" / "smoke" / "toy_class" / "extra.bin").read_bytes() == b"first"
