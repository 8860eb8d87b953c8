"""The planted regressions: faults that `clbench check` has to see, each planted in a copy of the package.

Every copy runs `clbench run` in a process of its own, from the same seeds as the unchanged package. What the
two have measured is judged as `--against` does, and as against a baseline that another processor made, where
rounding may explain what the seeds cannot tell. docs/howto.md has the table.
"""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from planting import STRATEGIES, Change, plant, rounds

from clbench.cli.against import Looks
from clbench.execution.commits import PACKAGE
from clbench.execution.compare import HowToRun, Side, measure
from clbench.execution.trees import Place
from clbench.metrics.accuracy import METRICS
from clbench.results import baselines, judged

ENGINE, LABELLED = "clbench/engine/", "clbench/streams/labelled.py"
SMOKE = HowToRun("smoke", "cpu", 0)
SEEDS = tuple(range(10))
EWC = "split_digits_domain:ewc(samples=256)"  # as many examples of every task
NAIVE = "blobs_class:naive"
ER = "split_digits_class:er"


@dataclass(frozen=True, eq=False)
class Fault(Change):
    """`seen`: the status in `--against`."""

    elsewhere: str = ""  # the status against a baseline from another processor; "" : seeds cannot tell


def of_strategy(what, pair, file, text, other, seen="regressed", elsewhere="regressed"):
    return Fault(what, pair, seen, [(STRATEGIES + file, text, other)], elsewhere)


PENALTY = "value=self.lam).sub_(self.fisher_anchor, alpha=self.lam)"
REPLAYED = "run.shuffled(self.stored, run.replayed"
OF_STRATEGIES = [
    of_strategy("penalty's sign flipped", EWC, "ewc.py", PENALTY, PENALTY.replace("self.lam", "-self.lam")),
    of_strategy("memory half used", ER, "er.py", REPLAYED, REPLAYED.replace("stored", "stored[:, ::2]")),
    of_strategy(
        "teacher is the current network",
        "split_digits_class:lwf",
        "lwf.py",
        "self.run.learner.outputs(batch.x, self.teacher)",
        "self.run.learner.outputs(batch.x)",
    ),
    of_strategy(
        "projection disabled",
        "split_digits_domain:agem",
        "agem.py",
        "return g.addcmul_(conflict / dot(r, r).clamp(min=1e-30), r, value=-1)",
        "return g",
    ),
    of_strategy(
        "DER++'s alpha ignored",
        "split_digits_class:derpp",
        "der.py",
        "append(dark, self.alpha)",
        "append(dark, 1.0)",
    ),
    of_strategy(
        "Fisher of the wrong task",
        EWC,
        "ewc.py",
        "fisher_of(self.run, t, ",
        "fisher_of(self.run, 0, ",
        "undecided",
        "",
    ),
    of_strategy(
        "replay of the last task only", ER, "er.py", REPLAYED, REPLAYED.replace("stored", "kept.tasks[-1]")
    ),
    of_strategy("a dead penalty", EWC, "ewc.py", PENALTY, "value=0)"),
    of_strategy("a memory that stays empty", ER, "er.py", "self.stored = self.kept.after_task(t)", "pass"),
    of_strategy(
        "an extra pass",
        EWC,
        "ewc.py",
        "self.fisher += fisher\n",
        "self.fisher += fisher\n        fisher_of(self.run, t, 64, self.estimate)\n",
        "cost changed",
        "cost changed",
    ),
]
OF_ALL = [
    Fault(
        "learning rate x 1.3",
        NAIVE,
        "undecided",
        [(ENGINE + "learner.py", "self.lr = budget.lr if", "self.lr = 1.3 * budget.lr if")],
        "disagrees",
    ),
    Fault(
        "training data in evaluation",
        NAIVE,
        "data or evaluation changed",
        [
            (
                LABELLED,
                "    outputs = _outputs_of(groups, scenario)",
                "    images = replace(images, x_test=torch.cat([images.x_test, images.x]),\n"
                "                     y_test=torch.cat([images.y_test, images.y]))\n"
                "    outputs = _outputs_of(groups, scenario)",
            )
        ],
        "data or evaluation changed",
    ),
    Fault(
        "labels of a task shifted",
        "blobs_task:naive",
        "regressed",
        [
            (
                LABELLED,
                "Tensor = self.images.y[index] + self.offset[task]",
                "Tensor = torch.where(task == 1, self.images.y[index] ^ 1, self.images.y[index])"
                " + self.offset[task]",
            )
        ],
        "regressed",
    ),
    Fault(
        "head not masked in training",
        "split_digits_task:naive",
        "regressed",
        [(LABELLED, "mask=self.shown[task],", "mask=torch.ones_like(self.shown[task]),")],
        "regressed",
    ),
    Fault(
        "optimiser state reset",
        NAIVE,
        "regressed",
        [(ENGINE + "run.py", 'if self.budget.optimiser_state == "reset":', "if True:")],
        "regressed",
    ),
    Fault(
        "seeds all equal",
        NAIVE,
        "data or evaluation changed",
        [("clbench/core/keyed.py", 'f"{seed}/{purpose}/{task}"', 'f"{0}/{purpose}/{task}"')],
        "data or evaluation changed",
    ),
]
EVERY = [*OF_STRATEGIES, *OF_ALL]
# Run beside a fault's own pair: the row of a library that must agree with it.
BESIDE = {"learning rate x 1.3": ["blobs_class:avalanche_naive"]}


def names(changes) -> list[tuple[str, str]]:
    pairs = [pair for change in changes for pair in (change.pair, *BESIDE.get(change.what, []))]
    return [tuple(pair.split(":")) for pair in dict.fromkeys(pairs)]


def measured(tree: Path, changes) -> Side:
    side = Side(Place(tree, None))
    measure(side, SMOKE, dict.fromkeys(names(changes), SEEDS))
    return side


@pytest.fixture(scope="module")
def unchanged(executable):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.executable", executable)
        return measured(PACKAGE.parent, EVERY)


@pytest.fixture
def found(python, unchanged, tmp_path, monkeypatch):
    """found(changes): (results of `--against`, results against a baseline from elsewhere) of a
    tree with all these changes."""
    monkeypatch.setattr(baselines, "is_stale", lambda record: False)  # the copy's code is not this process's

    def judge(changes):
        now = measured(plant(changes, tmp_path), changes)
        looks = Looks(unchanged, now, "smoke", names(changes), {}, 0.02, again=False)
        looks.undecided()
        folder = tmp_path / "baselines"
        baselines.accept([unchanged.records[name] for name in names(changes)], folder, "smoke")
        made_elsewhere(folder)
        return looks.results(), baselines.check(list(now.records.values()), folder, "smoke")

    return judge


def made_elsewhere(folder: Path) -> None:
    """Another processor stands in the baselines."""
    for path in folder.glob("*/*.json"):
        content = json.loads(path.read_text())
        for entry in content["strategies"].values():
            entry["platform"]["processor"] = "another one"
        path.write_text(json.dumps(content))


def statuses(results, fault: Fault) -> set[str]:
    """What is said of the fault's pair, and of what was run beside it."""
    return {verdict.status for *name, verdict in results if tuple(name) in names([fault])}


def check_seen(faults, found):
    by_revision, by_baseline = found(faults)
    for fault in faults:
        assert fault.seen in statuses(by_revision, fault), (fault.what, by_revision)
        own = [one for one in by_revision if tuple(one[:2]) in names([fault])]
        assert judged.exit_status(own, strict=True) == 1, (fault.what, own)
        if fault.elsewhere:
            assert fault.elsewhere in statuses(by_baseline, fault), (fault.what, by_baseline)
            own = [one for one in by_baseline if tuple(one[:2]) in names([fault])]
            assert judged.exit_status(own) == 1, (fault.what, own)
        else:
            assert statuses(by_baseline, fault) <= {"undecided", "pass"}, (fault.what, by_baseline)


@pytest.mark.parametrize("faults", rounds(OF_STRATEGIES), ids=["first", "second", "third", "fourth"])
def test_faults_of_strategies_are_seen(faults, found):
    check_seen(faults, found)


@pytest.mark.parametrize("fault", OF_ALL, ids=[fault.what for fault in OF_ALL])
def test_a_fault_of_shared_code_is_seen(fault, found):
    check_seen([fault], found)


def test_a_metric_that_is_off_by_a_row_is_seen(unchanged, monkeypatch, tmp_path):
    """The accuracies are the same, and both sides' metrics used to be computed by the same code."""
    monkeypatch.setattr(baselines, "is_stale", lambda record: False)
    name = ("split_digits_class", "er")
    records = {name: unchanged.records[name]}
    baselines.accept(records.values(), tmp_path, "smoke")
    made_elsewhere(tmp_path)
    before = {name: baselines.entry_of(records[name])}
    right = METRICS["forgetting"]
    wrong = replace(right, function=lambda R: right.function(R[:-1, :-1]))
    monkeypatch.setitem(METRICS, "forgetting", wrong)
    for *_, verdict in (
        *baselines.check(records.values(), tmp_path, "smoke"),
        *baselines.against(before, {name: baselines.entry_of(records[name])}, [name], {}),
    ):
        assert verdict.status == "metric changed" and "forgetting" in verdict.detail


# ---- silence


PERTURBED = (
    ENGINE + "learner.py",
    "self.initial = draw(seeds, purpose, 0, net.init).to(device)\n",
    "self.initial = draw(seeds, purpose, 0, net.init).to(device)\n"
    "        draws = torch.Generator().manual_seed(7)\n"
    "        self.initial += 1e-7 * torch.randn(self.initial.shape, generator=draws)\n",
)
GROUPS_OF_5 = ("clbench/execution/plan.py", '("small mlp", "cpu"): 10', '("small mlp", "cpu"): 5')


@pytest.mark.parametrize(
    "edits, capability",
    [([], "default"), ([GROUPS_OF_5], ""), ([PERTURBED], "")],
    ids=["other instructions", "other groups", "initial weights moved by 1e-7"],
)
def test_it_is_silent_where_only_rounding_differs(edits, capability, found, monkeypatch):
    if capability:
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", capability)
    quiet = [Change("nothing", pair, "", []) for pair in (NAIVE, ER)]
    _, by_baseline = found([replace(quiet[0], edits=edits), *quiet[1:]])
    assert judged.exit_status(by_baseline) in (0, 3), judged.lines(by_baseline)
    assert len(by_baseline) == len(quiet)  # nothing is said of several pairs


def test_the_documented_table_names_these_faults():
    said = (PACKAGE.parent / "docs" / "howto.md").read_text()
    rows = dict(re.findall(r"^\| ([^|]+?) +\| ([^|]+?) +\| [^|]+ +\|$", said, re.M))
    for fault in EVERY:
        assert rows.get(fault.what) == (f"*{fault.elsewhere}*" if fault.elsewhere else "–"), fault.what
    assert sum(bool(fault.elsewhere) for fault in EVERY) >= 10
