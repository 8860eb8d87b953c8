"""`clbench run --fresh-times`: only rows that waited are repeated, and only their times may change."""

import msgspec
import pytest

import clbench
from clbench.execution.repeat import difference
from clbench.results import records
from clbench.results.record import Record

AGAIN = ("run", "--fresh-times", "--profile", "smoke", "--workers", "0")


def stored(folder, strategy):
    return records.read(records.path_of(folder / "my_results", "smoke", "blobs_class", strategy))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The records of three rows of two seeds, each trained alone."""
    folder = tmp_path_factory.mktemp("ran")
    for strategy in ("naive", "joint", "er(memory=50)"):
        for seed in (0, 1):
            clbench.run("blobs_class", strategy, seeds=[seed], profile="smoke", device="cpu", out=folder)
    return records.load(folder)[0]


@pytest.fixture
def place(ran, tmp_path):
    """A folder in which these rows stand, as quick as the processor."""
    for record in ran:
        of_speed(record, 1.0)
        records.write(record, tmp_path / "my_results")
    return tmp_path


def of_speed(record, ratio):
    for group in record.groups:
        group.costs["cpu_hours"] = (
            sum(group.costs[name] for name in ("setup_s", "train_s", "eval_s")) / ratio / 3600
        )


def change(place, strategy, **more):
    """Makes a row one that waited, and whatever else."""
    record = stored(place, strategy)
    of_speed(record, 1000)
    for name, value in more.items():
        setattr(record, name, value)
    records.write(record, place / "my_results")
    return record


def test_rows_that_waited_get_new_times_and_keep_their_bits(here, place):
    before = {name: stored(place, name) for name in ("joint", "er(memory=50)")}
    old = change(place, "naive")
    said = here(*AGAIN, "--dry-run", cwd=place)
    assert "1 of 3 rows waited for a core, 1 are repeated" in said.stdout
    assert said.stdout.count("blobs_class  naive  seeds") == 2 and stored(place, "naive").sha256 == old.sha256
    done = here(*AGAIN, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "blobs_class naive: same bits, new times" in done.stdout
        and "wall-clock 1000.0 × CPU time before" in done.stdout
    )
    new = stored(place, "naive")
    assert new.acc == old.acc and [group.seeds for group in new.groups] == [[0], [1]]
    assert new.cost("cpu_hours") > 20 * old.cost("cpu_hours") and new.cost("flops") == old.cost("flops")
    assert all(stored(place, name).sha256 == record.sha256 for name, record in before.items())


def test_other_bits_are_said_and_change_nothing(here, place):
    acc = [[row[:] for row in matrix] for matrix in stored(place, "naive").acc]
    acc[1][2][0] = 0.123
    old = change(place, "naive", acc=acc)
    change(place, "joint")
    done = here(*AGAIN, cwd=place)
    assert done.returncode == 1 and "the repeat gave other numbers for seed 1\n" in done.stdout
    assert "blobs_class joint: same bits" in done.stdout
    assert stored(place, "naive").sha256 == old.sha256


def test_stale_rows_are_not_repeated(here, place):
    old = change(place, "naive", source="of the past")
    settings = stored(place, "joint").settings
    change(place, "joint", settings=settings | {"budget": settings["budget"] | {"lr": 0.5}})
    done = here(*AGAIN, cwd=place)
    assert done.returncode == 0 and "2 of 3 rows waited for a core, 0 are repeated" in done.stdout
    assert "naive: it is stale, its source code has changed" in done.stdout
    assert "joint: it is stale, its settings have changed: budget.lr" in done.stdout
    assert stored(place, "naive").sha256 == old.sha256


def test_only_what_is_asked_for_and_ok_is_repeated(here, place):
    change(place, "naive")
    change(place, "joint", status="diverged")
    assert "0 of 1 rows waited" in here(*AGAIN, "-s", "er*", cwd=place).stdout
    assert "0 of 1 rows waited" in here(*AGAIN, "-s", "joint", cwd=place).stdout


def test_a_repeat_that_waited_longer_is_no_gain(here, place, monkeypatch):
    from clbench.cli import fresh_times

    old = change(place, "naive")
    monkeypatch.setattr(fresh_times, "slowest", lambda record: 3.0)
    done = here(*AGAIN, "-s", "naive", cwd=place)
    assert done.returncode == 0 and "kept as it was: wall-clock 3.0 ×" in done.stdout
    assert stored(place, "naive").sha256 == old.sha256


@pytest.mark.parametrize(
    "options",
    [
        ("--fresh",),
        ("--seeds", 2),
        ("--seed-list", "0,1"),
        ("--group-size", 2),
        ("--json",),
        ("--device", "cuda"),
        ("--scheduler", "here:1"),
    ],
)
def test_options_that_would_make_another_run_are_refused(here, place, options):
    done = here(*AGAIN, *options, cwd=place)
    assert done.returncode == 2 and options[0] in done.stderr and done.stderr.count("\n") == 1


def test_a_folder_without_records_is_one_line(here, tmp_path):
    done = here(*AGAIN, cwd=tmp_path)
    assert done.returncode == 2 and "no records in my_results/smoke" in done.stderr
    assert not list(tmp_path.iterdir())


def test_everything_that_is_measured_is_compared(ran):
    naive = next(record for record in ran if record.strategy == "naive")

    def again():
        return msgspec.convert(msgspec.to_builtins(naive), Record)

    assert difference(naive, again()) is None
    assert "unavailable" in difference(naive, None)
    weights, arrays, steps, seeds = again(), again(), again(), naive.of_seeds([0])
    weights.groups[0].weights = ["0" * 16]
    arrays.groups[1].arrays = {"r5": [arrays.acc[1]]}
    steps.groups[0].costs["steps"] += 1
    assert difference(naive, weights).endswith("seed 0") and difference(naive, arrays).endswith("seed 1")
    assert difference(naive, steps) == "the repeat counted other steps"
    assert difference(naive, seeds) == "the repeat lacks seeds"


def test_what_a_probe_saw_stays(here, tmp_path):
    names = ("-b", "blobs_class", "-s", "naive", "--seeds", "1", "--device", "cpu")
    assert here("run", "--profile", "smoke", *names, "--probe", "20", "--workers", "0").returncode == 0
    old = change(tmp_path, "naive")
    done = here(*AGAIN)
    assert done.returncode == 0 and "same bits, new times" in done.stdout
    new = stored(tmp_path, "naive")
    assert new.probe_rows == 20 and new.groups[0].probe.seen == old.groups[0].probe.seen
    assert new.groups[0].costs["probe_s"] > 0
