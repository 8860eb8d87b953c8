"""`clbench run` end to end: in this process, and in processes of its own where those matter."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clbench.core import protocols
from clbench.execution import cluster
from clbench.profiles import OWN_PROFILES
from clbench.results import records


def clbench(*arguments, cwd, env=None, timeout=120):
    """The finished process of `clbench arguments`, as a user sees it."""
    return subprocess.run(
        [sys.executable, "-m", "clbench", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
    )


BLOBS = ("run", "-b", "blobs_class", "--profile", "smoke", "--workers", "0", "--group-size", "1")


def stored(folder, strategy="naive", benchmark="blobs_class"):
    return records.read(records.path_of(Path(folder) / "my_results", "smoke", benchmark, strategy))


def test_a_run_is_stored_shown_and_not_repeated(tmp_path, here):
    first = clbench(*BLOBS, "-s", "naive", "-s", "joint", "--seeds", 3, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("profile smoke on cpu: 6 runs of 2 pairs in 6 groups on 1 worker")
    assert re.search(r"blobs_class +naive +ACC \d+\.\d ± \d+\.\d · 3 seeds", first.stdout)
    assert "the next bigger one: clbench run --all --profile quick" in first.stdout
    again = here(*BLOBS, "-s", "naive", "-s", "joint", "--seeds", 2, cwd=tmp_path)
    assert "0 runs of 0 pairs" in again.stdout and "2 pairs up to date" in again.stdout
    more = here(*BLOBS, "-s", "naive", "--seed-list", "7,1", cwd=tmp_path)
    assert more.stdout.startswith("profile smoke on cpu: 1 runs")
    record = stored(tmp_path)
    assert record.seeds == [0, 1, 2, 7] and len(record.groups) == 4
    assert all(group.slice_sizes == [40] * 5 for group in record.groups)  # 20 test examples of two classes
    before = {group.seeds[0]: group.provenance["started"] for group in record.groups}
    time.sleep(1.1)
    assert here(*BLOBS, "-s", "naive", "--seeds", 1, "--fresh", cwd=tmp_path).returncode == 0
    assert stored(tmp_path).groups[0].provenance["started"] > before[0]


def test_workers_give_the_same_bits_as_this_process(tmp_path, here):
    names = (
        "-b",
        "blobs_task",
        "-s",
        "ewc(samples=64)",
        "-s",
        "er(memory=100)",
        "--seeds",
        2,
        "--profile",
        "smoke",
        "--group-size",
        1,
    )
    assert here("run", *names, "--workers", 0, cwd=tmp_path).returncode == 0
    assert here("run", *names, "--workers", 2, "--out", "other", cwd=tmp_path).returncode == 0
    for strategy in ("ewc(samples=64)", "er(memory=100)"):
        a, b = (
            records.read(records.path_of(tmp_path / folder, "smoke", "blobs_task", strategy))
            for folder in ("my_results", "other")
        )
        assert a.acc == b.acc and a.settings == b.settings
        assert [group.concurrent for group in b.groups] == [2, 2]


def test_json_goes_to_standard_output_alone(tmp_path, here):
    done = here(*BLOBS, "-s", "naive", "--seeds", 2, "--json", cwd=tmp_path)
    (table,) = json.loads(done.stdout)["tables"]
    assert table["benchmark"] == "blobs_class" and "profile smoke" in done.stderr
    shown = here("show", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["tables"] == [table]
    assert "naive" in here("show", "--metric", "forgetting", cwd=tmp_path).stdout
    assert here("show", "--csv", "-s", "na*", cwd=tmp_path).stdout.count("\n") > 10


def test_seeds_may_be_trained_in_groups(tmp_path, here):
    assert here(*BLOBS, "-s", "naive", "--seeds", 5, "--group-size", 2, cwd=tmp_path).returncode == 0
    assert [group.seeds for group in stored(tmp_path).groups] == [[0, 1], [2, 3], [4]]
    assert stored(tmp_path).cost("steps") == 60 and stored(tmp_path).cost("flops") == 9_707_520  # per seed


def test_list_and_doctor_say_what_is_here(tmp_path, here):
    listed = json.loads(here("list", "--json", cwd=tmp_path).stdout)
    assert {"naive", "avalanche_ewc"} <= {row["name"] for row in listed["strategies"]}
    assert {row["name"] for row in listed["profiles"]} == {*OWN_PROFILES, *protocols.names()}
    assert "blobs_class" not in {row["name"] for row in listed["benchmarks"]}
    pairs = json.loads(here("list", "pairs", "--json", cwd=tmp_path).stdout)["pairs"]
    assert len(pairs) == len(listed["benchmarks"]) * len(listed["strategies"])
    said = here("doctor", cwd=tmp_path).stdout
    for word in ("torch", "cpu", "avalanche                ready", "scikit-learn", "mnist"):
        assert word in said


def test_strategies_are_listed_by_family_as_in_tables(tmp_path, here):
    listed = json.loads(here("list", "strategies", "--json", cwd=tmp_path).stdout)["strategies"]
    assert [row["name"] for row in listed][:4] == ["naive", "joint", "joint_equal", "cumulative"]
    replay = json.loads(here("list", "--family", "replay", "--json", cwd=tmp_path).stdout)
    assert (
        replay == {"strategies": [row for row in listed if row["family"] == "replay"]} != {"strategies": []}
    )
    assert here("list", "strategies", "--family", "replay", cwd=tmp_path).stdout.count("  replay  ") == len(
        replay["strategies"]
    )
    wrong = here("list", "profiles", "--family", "replay", cwd=tmp_path)
    assert (
        wrong.returncode == 2 and wrong.stderr == "clbench: --family is for strategies; profiles have none\n"
    )


def test_doctor_tries_the_rows_of_avalanche(monkeypatch, here, tmp_path):
    from clbench import registry

    known = registry.strategies()
    chosen = ("avalanche_naive", "avalanche_pnn", "avalanche_si", "avalanche_l2p")
    monkeypatch.setattr(registry, "strategies", lambda: {name: known[name] for name in chosen})
    monkeypatch.setattr(registry.load(known["avalanche_naive"]), "prepare", lambda row: 1 / 0)
    said = here("doctor", "--avalanche", cwd=tmp_path).stdout.splitlines()
    naive, pnn, si, l2p = (line.split(maxsplit=1)[1] for line in said)
    assert naive.startswith("fails: ZeroDivisionError: division by zero")
    assert pnn == "works (task-incremental)" and si.startswith("works; shim: ") and l2p.startswith("unavail")


def test_all_leaves_slow_rows_out_and_a_pattern_does_not(tmp_path, here):
    said = here("run", "--all", "-b", "blobs_class", "--seeds", 1, "--dry-run", cwd=tmp_path).stdout
    assert "avalanche_naive " in said and "avalanche_gss " not in said
    said = here(*BLOBS, "-s", "avalanche_*", "--seeds", 1, "--dry-run", cwd=tmp_path).stdout
    assert "avalanche_naive " in said and "avalanche_gss " in said


def test_dry_run_writes_nothing(tmp_path, here):
    done = here(*BLOBS, "-s", "n*", "--seeds", 2, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "blobs_class  naive  seeds 1" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("run", "-b", "blobs_clas", "-s", "naive"),
            'unknown benchmark "blobs_clas": did you mean "blobs_class"?',
        ),
        (("run", "-b", "blobs_class", "-s", "ewcc"), 'unknown strategy "ewcc": did you mean "ewc"?'),
        (("run", "-b", "blobs_class", "-s", "ewc(lam="), 'cannot read "ewc(lam="'),
        (
            ("run", "-b", "blobs_class", "-s", "ewc(lamb=1)"),
            'ewc has no argument "lamb": did you mean "lam"?',
        ),
        (
            ("run", "-b", "blobs_class", "-s", "ewc(lam='high')"),
            "ewc: lam takes a number from 0 to 1e18, not 'high'",
        ),
        (("run", "-b", "blobs_class", "-s", "zz*"), 'no name matches "zz*"'),
        (("run", "-b", "blobs_class", "-s", "nowhere.py:Mine"), "nowhere.py: there is no such file"),
        (("run", "-b", "blobs_class", "-s", "er+avalanche_naive"), "only native strategies can be joined"),
        (
            ("run", "-b", "blobs_class", "-s", "er", "-s", "ema+icarl"),
            "ema and icarl both replace the prediction",
        ),
        (
            ("run", "-b", "blobs_class", "-s", "naive", "--seeds", "0"),
            "--seeds 0: at least one seed is needed",
        ),
        (("run", "-b", "blobs_class", "-s", "naive", "--seed-list", "1,2,1"), "a seed is there twice"),
        (
            ("run", "-b", "blobs_class", "-s", "naive", "--seed-list", "1;2"),
            "write whole numbers with commas between",
        ),
        (("run", "-b", "blobs_class", "-s", "naive", "--device", "cuda"), "torch sees no CUDA device here"),
        (("run", "-b", "blobs_class", "-s", "naive", "--device", "tpu"), "use auto, cpu, cuda or cuda:N"),
        (("run", "-b", "blobs_class", "-s", "naive", "--out", "/proc/self/nowhere"), "cannot write there"),
        (("run", "-b", "blobs_class", "-s", "naive", "--time-limit", "soon"), "like 90s, 9m or 2h"),
        (
            ("run", "-b", "blobs_class", "-s", "naive", "--scheduler", "tcp://127.0.0.1:9"),
            "it does not answer",
        ),
        (("run", "-b", "blobs_class", "-s", "naive", "--profile", "huge"), "huge"),
        (("run",), "say what to run: --all, or -b and -s"),
        (("show",), "no records in my_results"),
        (("show", "--metric", "forgeting"), 'unknown metric "forgeting": did you mean "forgetting"?'),
        (("report",), "no records in my_results"),
        (("check",), 'no baselines for profile "smoke"'),
        (("check", "--results", "r", "--workers", "2"), "without --device and --workers"),
        (
            ("run", "--scheduler", "x", "--debug", "-s", "er"),
            "--scheduler trains on its own workers: without",
        ),
        (("run", "--dry-run", "--json", "-s", "er"), "--dry-run has no results: without --json"),
        (("published", "--missing", "--format", "json"), "--missing prints commands: without --format"),
        (("claims", "--missing", "--format", "json"), "--missing prints commands: without --format"),
        (("show", "--failure", "er", "-s", "er"), "without -s and --format"),
        (("data", "inspect", "icons", "--by", "month"), "says how its data are read: without --by"),
        (("data", "inspect", "news", "--picture", "x.png"), "--picture draws images, and news has none"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(arguments, said, tmp_path, here, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER", "1s")  # nobody answers, however long it waits
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("a CUDA device is here")
    done = here(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.strip().split("\n")
    assert said in first and first.startswith("clbench: ")
    assert "Traceback" not in done.stderr
    assert not rest or arguments == ("run",)
    assert not list(tmp_path.iterdir())


def test_damaged_data_are_named_with_both_sums(tmp_path, here, unread):
    folder = tmp_path / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ):
        (folder / f"{name}.gz").write_bytes(b"damaged")
    done = here(
        "run",
        "-b",
        "split_mnist_class",
        "-s",
        "naive",
        cwd=tmp_path,
        env={"CLBENCH_DATA": str(tmp_path / "data")},
    )
    assert done.returncode == 2
    assert "is damaged: expected md5 f68b3c2dcbeaaa9fbdd348bbdeb94873, found " in done.stderr
    assert not (tmp_path / "my_results").exists()


def test_absent_data_stop_only_their_own_benchmark(tmp_path, here, unread):
    env = {"CLBENCH_DATA": "", "XDG_CACHE_HOME": str(tmp_path / "cache"), "CLBENCH_OFFLINE": "1"}
    names = (
        "run",
        "-b",
        "split_mnist_class",
        "-b",
        "blobs_class",
        "-s",
        "naive",
        "--seeds",
        1,
        "--profile",
        "smoke",
    )
    done = here(*names, cwd=tmp_path, env=env)
    assert done.returncode == 1  # it was named literally
    assert re.search("unavailable: split_mnist_class: MNIST is not here: put .* under", done.stdout)
    assert stored(tmp_path).status == "ok"
    glob = here("run", "-b", "split_mnist_c*", "-s", "naive", "--seeds", 1, cwd=tmp_path, env=env)
    assert glob.returncode == 0
    spelt = here(
        "run", "-b", "split_mnist_class(validation=True)", "-s", "naive", "--seeds", 1, cwd=tmp_path, env=env
    )
    assert spelt.returncode == 1
    assert (
        here("run", "-b", "split_mnist_c*", "-s", "naive", "--strict", cwd=tmp_path, env=env).returncode == 1
    )


OWN = '''
"""Methods of one's own."""
from dataclasses import dataclass
import os, signal, time
from clbench import Part

@dataclass
class Scaled(Part):
    """A gradient times a factor."""
    factor: float = 2.0
    def gradient(self, g, batch):
        return self.factor * g

class Fails(Part):
    def after_task(self, t):
        if t == 1 and 1 in self.run.seeds:
            raise RuntimeError("out of luck")

class Blows(Part):
    def gradient(self, g, batch):
        return g * float("nan") if 1 in self.run.seeds and self.run.t == 2 else g

class Never(Part):
    def supports(self, stream, net):
        return "needs more than it gets"

class Dies(Part):
    def after_task(self, t):
        if 1 in self.run.seeds:
            os.kill(os.getpid(), signal.SIGKILL)

class Brackets(Part):
    def after_task(self, t):
        raise ValueError("[/tmp/a] is [red]no[/] tag")

class Slow(Part):
    def after_task(self, t):
        time.sleep(0.25)
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_a_strategy_of_ones_own_runs_from_its_file(own, here):
    done = here(
        *BLOBS, "-s", "own.py:Scaled(factor=3)", "-s", "er(memory=100)+own.py:Scaled", "--seeds", 1, cwd=own
    )
    assert done.returncode == 0, done.stderr + done.stdout
    record = stored(own, "own.py:Scaled(factor=3.0)")
    assert record.settings["strategy"] == {"own.py:Scaled": {"factor": 3.0}}
    again = here(*BLOBS, "-s", "own.py:Scaled(factor=3)", "--seeds", 1, cwd=own)
    assert "1 pair up to date" in again.stdout
    (own / "own.py").write_text(OWN.replace("self.factor * g", "-self.factor * g"))
    stale = here(*BLOBS, "-s", "own.py:Scaled(factor=3)", "--seeds", 1, cwd=own)
    assert stale.stdout.startswith("profile smoke on cpu: 1 runs")
    assert stored(own, "own.py:Scaled(factor=3.0)").acc != record.acc


def test_failing_diverging_and_unsupported_runs_are_records_and_the_others_go_on(own, here):
    specs = [
        argument
        for name in ("Fails", "Blows", "Never", "Scaled", "Brackets")
        for argument in ("-s", f"own.py:{name}")
    ]
    done = here(*BLOBS, *specs, "--seeds", 3, cwd=own)
    assert done.returncode == 1
    failed, diverged, unsupported, fine = (
        stored(own, f"own.py:{name}") for name in ("Fails", "Blows", "Never", "Scaled")
    )
    assert failed.status == "failed" and failed.seeds == [0, 2]
    assert failed.error.reason == "RuntimeError: out of luck (own.py, line 17)" and failed.error.task == 2
    assert 'raise RuntimeError("out of luck")' in failed.error.traceback and failed.error.seeds == [1]
    assert diverged.status == "diverged" and diverged.seeds == [0, 1, 2] and diverged.error.seed == 1
    assert diverged.error.task == 3 and diverged.acc[1][3] == [None] * 5 and None not in diverged.acc[0][5]
    assert unsupported.status == "unsupported" and unsupported.error.reason == "needs more than it gets"
    assert fine.status == "ok"
    assert "ValueError: [/tmp/a] is [red]no[/] tag" in done.stdout
    assert (
        "out of luck" in done.stdout
        and "needs more than it gets" in done.stdout
        and "Traceback" not in done.stdout
    )
    (own / "own.py").write_text(OWN.replace('"out of luck")', '"out of luck")  # once more'))
    again = here(*BLOBS, *specs, "--seeds", 3, cwd=own)
    assert "4 runs of 2 pairs" in again.stdout  # the failed seeds alone: a comment makes nothing stale


def test_a_seed_that_diverged_marks_the_row_whatever_fails_beside_it(own, here):
    spec = ("-s", "own.py:Fails+own.py:Blows")
    (own / "own.py").write_text(
        OWN.replace("1 in self.run.seeds and self.run.t", "0 in self.run.seeds and self.run.t")
    )
    assert here(*BLOBS, *spec, "--seeds", 3, cwd=own).returncode == 1
    record = stored(own, "own.py:Fails+own.py:Blows")
    assert record.status == "diverged" and record.seeds == [0, 2] and record.error.seed == 0
    again = here(*BLOBS, *spec, "--seeds", 3, cwd=own)
    assert "0 runs of 0 pairs" in again.stdout and again.returncode == 1


def test_one_benchmark_under_two_spellings_is_one_pair(tmp_path, here):
    here(
        *BLOBS,
        "-b",
        "blobs_class()",
        "-b",
        "blobs_class(tasks=5)",
        "-s",
        "naive",
        "-s",
        "naive()",
        "--seeds",
        2,
        cwd=tmp_path,
    )
    assert stored(tmp_path).seeds == [0, 1]


def test_a_killed_worker_costs_only_its_own_run(own, here):
    done = here(
        "run",
        "-b",
        "blobs_class",
        "--profile",
        "smoke",
        "--workers",
        2,
        "-s",
        "own.py:Dies",
        "-s",
        "naive",
        "--seeds",
        3,
        "--group-size",
        1,
        cwd=own,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    record = stored(own, "own.py:Dies")
    assert record.status == "failed" and record.error.reason == "its process was killed by SIGKILL"
    assert record.seeds == [0, 2] and stored(own).seeds == [0, 1, 2]


def test_a_cluster_of_ones_own_gives_the_same_bits_and_gets_ones_own_files(
    own, here, monkeypatch, tmp_path_factory
):
    from distributed import LocalCluster

    names = ("run", "-b", "blobs_class", "--profile", "smoke", "-s", "own.py:Scaled", "--seeds", 2)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)  # so that the workers don't find own.py by themselves
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        done = here(*names, "--scheduler", cluster.scheduler_address, cwd=own)
        assert done.returncode == 0, done.stdout + done.stderr
        refused = here(
            *names, "--scheduler", cluster.scheduler_address, "--device", "cuda", "--fresh", cwd=own
        )
        assert refused.returncode == 2 and "have a CUDA device" in refused.stderr
        limited = here(
            *BLOBS, "-s", "er", "--scheduler", cluster.scheduler_address, "--run-limit", "0.2s", cwd=own
        )
        assert limited.returncode == 1
        assert (
            "er" in limited.stdout and "took longer than 0 s and was stopped (--run-limit)" in limited.stdout
        )
    there = stored(own, "own.py:Scaled").acc
    assert here(*names, "--workers", 0, "--fresh", cwd=own).returncode == 0
    assert stored(own, "own.py:Scaled").acc == there


def test_time_limit_stops_between_groups_and_the_same_command_goes_on(own, here):
    names = (*BLOBS, "-s", "own.py:Slow", "--seeds", 3)
    done = here(*names, "--time-limit", "1s", cwd=own)
    assert done.returncode == 0
    assert re.search(
        r"time limit reached: [12] groups? not begun; the same command goes on from here", done.stdout
    )
    first = stored(own, "own.py:Slow").seeds
    assert 1 <= len(first) < 3
    assert here(*names, cwd=own).returncode == 0
    assert stored(own, "own.py:Slow").seeds == [0, 1, 2]


@pytest.fixture
def interruptible():
    """A shell starts what runs in the background with SIGINT ignored, and a child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_one_process_keeps_what_is_done(own, interruptible):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "clbench",
            "run",
            "-b",
            "blobs_class",
            "--profile",
            "smoke",
            "--workers",
            "0",
            "--debug",
            "-s",
            "own.py:Slow",
            "--seeds",
            "40",
            "--group-size",
            "1",
        ],
        cwd=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    path = records.path_of(own / "my_results", "smoke", "blobs_class", "own.py:Slow")
    limit = time.monotonic() + 60
    while not path.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches the workers as well
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in out and "the same command goes on from here" in out
    assert "Traceback" not in err + out
    assert 1 <= len(records.read(path).seeds) < 40


def test_broken_and_foreign_files_are_named_and_left_alone(tmp_path, here):
    assert here(*BLOBS, "-s", "naive", "--seeds", 1, cwd=tmp_path).returncode == 0
    folder = tmp_path / "my_results" / "smoke" / "blobs_class"
    (folder / "joint.json").write_text('{"half": ')
    (folder / "mine.json").write_text('{"some": "thing"}')
    (folder / "odd.json").write_text('{"schema": 1, "loss": NaN}')
    done = here(*BLOBS, "-s", "naive", "-s", "joint", "--seeds", 1, cwd=tmp_path)
    assert done.returncode == 1
    assert "joint.json" in done.stdout and "move it away" in done.stdout
    assert (folder / "joint.json").read_text() == '{"half": '
    shown = here("show", cwd=tmp_path)
    assert shown.returncode == 0 and "naive" in shown.stdout
    assert all(
        name in shown.stderr and name in done.stderr for name in ("joint.json", "mine.json", "odd.json")
    )


def test_a_table_is_printed_when_the_last_pair_of_its_benchmark_is_done(tmp_path, here):
    names = ("-b", "blobs_task", "-s", "naive", "-s", "joint", "--seeds", 2)
    assert here(*BLOBS, "-s", "naive", "--seeds", 2, cwd=tmp_path).returncode == 0
    said = here(*BLOBS, *names, cwd=tmp_path).stdout
    assert said.index("blobs_class, profile smoke") < said.index("blobs_task                 naive")
    assert said.count("blobs_class, profile smoke") == said.count("blobs_task, profile smoke") == 1
    again = here(*BLOBS, *names, cwd=tmp_path).stdout  # nothing to run: the tables come all the same
    assert again.count("blobs_class, profile smoke") == again.count("blobs_task, profile smoke") == 1


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (10.0, [None, None, 35.0, None]),  # seven of ten groups left, ten seconds each, on two workers
        (70.0, [315.0, None, None, None]),  # one that took so long says enough
    ],
)
def test_how_long_it_takes_is_corrected_once_by_what_the_first_groups_took(seconds, expected):
    from clbench.cli.screen import Guess
    from clbench.execution.plan import Job
    from clbench.results.record import Group, Record

    jobs = [Job("smoke", "b", "s", (seed,), "cpu", 600.0, (), "") for seed in range(10)]
    guess = Guess({id(job): 2.0 for job in jobs}, workers=2)
    said = []
    for job in jobs[:4]:
        costs = {"setup_s": 1.0, "train_s": seconds - 2, "eval_s": 1.0}
        group = Group(list(job.seeds), costs, 2, {})
        record = Record(
            "b", "s", "smoke", "native", "", "", {}, seeds=group.seeds, acc=[[[0.0]]], groups=[group]
        )
        said.append(guess.corrected(job, record))
    assert said == expected
