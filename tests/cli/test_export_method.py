"""`clbench export-method`: a strategy as a script that runs without clbench and gives the same bits."""

import ast
import json
import subprocess
import sys

import pytest

import clbench
from clbench.execution.processor import _by_onednn
from clbench.standalone.recipe import recipe_of
from clbench.standalone.script import script_of

SEED = 3
BENCHMARK = "split_digits_class(steps=12)"
METHODS = {  # one of each kind: no hook, memory, gradient, teacher, own data term, own plan, joined
    "naive.py": "naive",
    "memory.py": "er",
    "penalty.py": "ewc(samples=64)",
    "teacher.py": "lwf",
    "exemplars.py": "icarl(herded=40)",
    "greedy.py": "gdumb",
    "joined.py": "er+ewc(samples=64)",
}
OWN = """
import clbench
from clbench import Part


class Quiet(Part):
    def gradient(self, g, batch):
        return clbench.take(g.unsqueeze(1), g.new_zeros(len(g), 1).long())[:, 0]
"""
TASKS = """
    images = digits()

    def some(x, y, t):
        return x[y // 2 == t].numpy() / 16, y[y // 2 == t].numpy()

    return [(*some(images.x, images.y, t), *some(images.x_test, images.y_test, t)) for t in range(5)]
"""
# Runs scripts where clbench cannot be imported; prints each one's accuracies and a digest of its weights.
RUNNER = f"""
import contextlib, hashlib, io, json, runpy, sys
sys.modules["clbench"] = None
import torch
torch.set_num_threads(1)
if {_by_onednn()}:  # what multiplies the matrices of a run on this processor
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
found = {{}}
for path in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()):
        done = runpy.run_path(path)["train"]({SEED})
    digest = hashlib.blake2b(done.learner.theta[0].detach().numpy().tobytes(), digest_size=8).hexdigest()
    found[path] = done.acc.tolist(), digest
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with the scripts of all methods, of one with other data, and of one in a file of one's own."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "mine.py").write_text(OWN)
    for file, spec in {**METHODS, "own.py": f"{folder / 'mine.py'}:Quiet"}.items():
        (folder / file).write_text(script_of(recipe_of(BENCHMARK, spec, "smoke")))
    memory = (folder / "memory.py").read_text()
    (folder / "data.py").write_text(memory.replace("    return None\n", TASKS, 1))
    (folder / "mine.py").unlink()
    return folder


@pytest.fixture(scope="module")
def trained(exported):
    """file -> (accuracies, digest of the weights)."""
    files = sorted(path.name for path in exported.glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER, *files], cwd=exported, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("file", METHODS)
def test_a_script_gives_the_bits_of_clbench(file, trained):
    result = clbench.run(BENCHMARK, METHODS[file], seeds=[SEED], profile="smoke", device="cpu")
    acc, weights = trained[file]
    assert acc == result.acc[0].tolist()
    assert weights == result.record.groups[0].weights[0]


def test_ones_own_data_take_the_place_of_the_benchmarks(trained):
    assert trained["data.py"] == trained["memory.py"]


def test_a_file_of_ones_own_is_exported(trained):
    assert trained["own.py"] == trained["naive.py"]


def test_a_script_prints_the_accuracies(exported, trained):
    command = [sys.executable, "-I", "naive.py", "--seed", str(SEED)]
    done = subprocess.run(command, cwd=exported, capture_output=True, text=True)
    acc, _ = trained["naive.py"]
    first, *_, task, last = done.stdout.splitlines()
    assert first.split() == ["untrained", *(f"{100 * one:.2f}" for one in acc[0])]
    assert task.split() == ["task", "5", *(f"{100 * one:.2f}" for one in acc[-1])]
    assert last == f"ACC {sum(acc[-1]) / 5:.4f}"


def test_nothing_of_clbench_is_imported_and_every_name_is_known(exported):
    for path in exported.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "clbench"]
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "."],
        cwd=exported,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_method_stands_as_it_was_written(exported):
    script = (exported / "penalty.py").read_text()
    assert "    loss = CE + (lam / 2) sum_k sum_i F_k,i (theta_i - theta*_k,i)^2\n" in script
    assert "return g.addcmul_(self.fisher, theta, value=self.lam)" in script
    assert "EWC_VALUES = dict(\n" in script and "    samples=64,\n" in script and "    steps=12,\n" in script


@pytest.mark.parametrize(
    ("stream", "strategy", "said"),
    [
        ("driftcaps", "er", "driftcaps"),
        ("split_digits_class", "progressive", "needs the task label"),
        ("split_digits_class", "nothing", 'unknown strategy "nothing"'),
        ("nothing", "er", 'unknown benchmark "nothing"'),
        ("split_digits_class(fixed_compute=True)", "er", "fixed_compute cannot be exported"),
        ("labelled_class(path='none')", "er", "own_tasks"),
        ("split_digits_class", "beside.py:Mine", "imports other, which lies beside it"),
    ],
)
def test_what_cannot_be_exported_is_a_line(stream, strategy, said, here, tmp_path):
    (tmp_path / "beside.py").write_text("import other\nfrom clbench import Part\nclass Mine(Part): pass\n")
    (tmp_path / "other.py").write_text("")
    refused = here("export-method", "-b", stream, "-s", strategy, "--profile", "smoke", "--out", "x.py")
    assert refused.returncode == 2 and said in refused.stderr and refused.stderr.count("\n") == 1
    assert not (tmp_path / "x.py").exists()


def test_a_row_of_another_library_is_refused(here, tmp_path):
    refused = here("export-method", "-b", "split_digits_class", "-s", "avalanche_ewc", "--profile", "smoke")
    assert refused.returncode == 2 and "another library" in refused.stderr and not list(tmp_path.iterdir())


def test_a_file_is_written_over_only_if_asked(here, tmp_path):
    command = ["export-method", "-b", "blobs_class", "-s", "naive", "--profile", "smoke"]
    (tmp_path / "naive_on_blobs_class.py").write_text("mine")
    refused = here(*command)
    assert refused.returncode == 2 and "there already" in refused.stderr
    assert (tmp_path / "naive_on_blobs_class.py").read_text() == "mine"
    assert here(*command, "--force").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["naive_on_blobs_class.py"]
    assert "class Naive(Part)" in (tmp_path / "naive_on_blobs_class.py").read_text()


@pytest.mark.parametrize(
    ("out", "said"), [("x.txt", "ends in .py"), (".", "ends in .py"), ("a.py/b.py", "a.py")]
)
def test_a_place_that_cannot_be_written_is_a_line(out, said, here, tmp_path):
    (tmp_path / "a.py").write_text("")
    refused = here("export-method", "-b", "blobs_class", "-s", "naive", "--out", out, "--force")
    assert refused.returncode == 2 and said in refused.stderr and refused.stderr.count("\n") == 1
