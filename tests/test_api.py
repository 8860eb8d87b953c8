"""What `import clbench` offers: `run`, `load_results`, the listings, the names for files of one's own."""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import clbench
from clbench import Budget, ClassSplit, InputError, Part, Unavailable
from clbench.benchmarks.blobs import Blobs
from clbench.exports import EXPORTS, LISTINGS
from clbench.strategies.regularisation.lwf import LwF
from clbench.strategies.replay.er import ER

SMOKE = {"seeds": 2, "profile": "smoke"}


def test_a_result_has_the_seeds_that_were_asked_for(tmp_path):
    four = clbench.run("blobs_class", "er(memory=100)", seeds=4, profile="smoke", out=tmp_path)
    assert four.acc.shape == (4, 6, 5) and four.seeds == [0, 1, 2, 3]
    two = clbench.run("blobs_class", "er(memory=100)", seeds=[3, 1], profile="smoke", out=tmp_path)
    assert two.seeds == [3, 1] and np.array_equal(two.acc, four.acc[[3, 1]])
    acc = two.metrics()["acc"]
    assert acc.n == 2 and acc.mean == pytest.approx(two.acc[:, -1].mean())
    frame = clbench.load_results(tmp_path)
    mine = frame[(frame.metric == "acc") & (frame.strategy == "er(memory=100)")].set_index("seed").value
    assert mine[3] == pytest.approx(two.acc[0, -1].mean()) and len(mine) == 4


def test_nothing_is_written_without_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clbench.run("blobs_class", "naive", seeds=1, profile="smoke")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seeds": [0, 0]}, "a seed is there twice"),
        ({"seeds": 0}, "at least one seed"),
        ({"seeds": [-1]}, "each 0 or more"),
        ({"seeds": []}, "give at least one"),
        ({"strategy": "ewcc"}, "did you mean"),
        ({"profile": "huge"}, "unknown profile"),
        ({"device": "tpu"}, "use auto, cpu, cuda or cuda:N"),
    ],
)
def test_mistakes_are_input_errors(asked, said):
    with pytest.raises(InputError, match=said):
        clbench.run(
            **{"benchmark": "blobs_class", "strategy": "naive", "profile": "smoke", "seeds": 1} | asked
        )


def test_a_strategy_that_cannot_learn_the_stream_says_why():
    with pytest.raises(RuntimeError, match="memory=5000 is larger than the 600 training examples"):
        clbench.run("blobs_class", "er(memory=5000)", seeds=1, profile="smoke")


def test_absent_data_are_unavailable(monkeypatch, tmp_path, unread):
    monkeypatch.setenv("CLBENCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="MNIST is not here: put"):
        clbench.run("split_mnist_class", "naive", seeds=1, profile="smoke")


# ---- objects instead of names


@dataclass
class Anchored(Part):
    """A method that no file holds, as in a notebook."""

    lam: float = 1.0

    def before_task(self, t, plan):
        self.anchor = self.run.learner.theta.detach().clone()
        return plan

    def gradient(self, g, batch):
        return g + self.lam * (self.run.learner.theta.detach() - self.anchor)


def test_objects_give_the_bits_that_their_names_give():
    specs = ("er(memory=100)", "er(memory=100)+lwf(lam=2.0)")
    er, both = (clbench.run("blobs_class", spec, **SMOKE) for spec in specs)
    for benchmark in ("blobs_class", Blobs, Blobs()):
        scenario = None if isinstance(benchmark, str) else "class"
        for strategy, named in (
            (ER(memory=100), er),
            ([ER(100), LwF(lam=2.0)], both),
            (["er(memory=100)", LwF(2.0)], both),
            (["er(memory=100)", "lwf(lam=2.0)"], both),
        ):
            assert np.array_equal(clbench.run(benchmark, strategy, scenario=scenario, **SMOKE).acc, named.acc)
    of_the_benchmark = clbench.run("blobs_class", "er", **SMOKE)  # its memory
    assert np.array_equal(clbench.run(Blobs, ER, scenario="class", **SMOKE).acc, of_the_benchmark.acc)


def test_a_record_calls_objects_by_their_class_and_what_is_no_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part = Anchored(lam=3)
    result = clbench.run(Blobs(tasks=3), [part, "naive"], scenario="task", **SMOKE)
    assert (result.record.benchmark, result.record.strategy) == (
        "Blobs_task(tasks=3)",
        "Anchored(lam=3)+naive",
    )
    assert result.record.settings["strategy"]["Anchored"] == {"lam": 3}
    assert vars(part) == {"lam": 3} and not list(tmp_path.iterdir())  # it was copied, nothing written
    free = clbench.run(Blobs(tasks=3), "naive", scenario="task", **SMOKE)
    assert (result.acc != free.acc).any()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"benchmark": 3}, "a benchmark is a name, a spec like"),
        ({"strategy": 3}, "a strategy is a name, a spec like"),
        ({"benchmark": Blobs}, "scenario=None: Blobs takes 'class' or 'task' or 'domain'"),
        ({"benchmark": Blobs, "scenario": "pairs"}, "scenario='pairs': Blobs takes"),
        ({"scenario": "task"}, "scenario='task': blobs_class is a name"),
        ({"strategy": []}, "needs at least one"),
        ({"strategy": [Anchored, Anchored()]}, "Anchored stands there twice"),
        ({"strategy": ["avalanche_naive", Anchored]}, "cannot be joined with parts"),
        ({"strategy": Anchored, "out": "results"}, "out='results': objects are not stored"),
        ({"strategy": Anchored, "workers": 2}, "workers=2: objects are trained in this process"),
        ({"benchmark": ClassSplit, "scenario": "class"}, "profile='smoke': ClassSplit has no budget for it"),
        (
            {"benchmark": Blobs(steps=0), "scenario": "class"},
            "Blobs: steps takes a whole number from 1 to 100,000,000, or None, not 0",
        ),
    ],
)
def test_objects_that_make_no_sense_are_input_errors_of_one_line(asked, said):
    with pytest.raises(InputError) as error:
        clbench.run(**{"benchmark": "blobs_class", "strategy": Anchored} | SMOKE | asked)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_errors_name_the_argument_in_python_and_the_option_on_the_command_line():
    with pytest.raises(InputError, match="^seeds=0: at least one seed is needed$") as error:
        clbench.run("blobs_class", "naive", seeds=0)
    assert error.value.on_command_line() == "--seeds 0: at least one seed is needed"


# ---- what there is


def test_the_listings_print_as_tables_without_torch():
    code = (
        "import sys, clbench\nprint(clbench.strategies())\nprint(clbench.benchmarks())\n"
        "from clbench.strategies.replay.er import ER\nassert clbench.strategies() and clbench.benchmarks()"
    )
    light = f"{code.splitlines()[0]}\n{code.splitlines()[1]}\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", light], check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "split_mnist_class" in lines and "blobs_class" not in lines
    assert (
        len({lines[name].index(summary) for name, summary in clbench.strategies().items()}) == 1
    )  # a column


def test_every_name_that_clbench_offers_is_there_for_programs_and_for_type_checkers():
    assert Budget is clbench.core.budget.Budget
    assert sorted(clbench.__all__) == sorted([*EXPORTS, *LISTINGS])
    assert all(getattr(clbench, name) for name in clbench.__all__)
    tree = ast.parse(Path(clbench.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    declared = {alias.name: line.module for line in block.body for alias in line.names}
    assert declared == EXPORTS | dict.fromkeys(LISTINGS, "clbench.listing")
    assert (Path(clbench.__file__).parent / "py.typed").is_file()


def test_the_version_is_the_one_to_cite():
    citation = (Path(__file__).parent.parent / "CITATION.cff").read_text().splitlines()
    assert f"version: {clbench.__version__}" in citation
