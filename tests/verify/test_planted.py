"""Changes of the source that a trace sees, and changes that it does not: each is planted in a copy of the
package."""

import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from planting import STRATEGIES, Change, place, plant, rounds

from clbench.execution import trees
from clbench.execution.commits import PACKAGE
from clbench.execution.trees import Place, Request
from clbench.execution.verify import first_difference

PARTS = STRATEGIES + "parts/"
ENGINE = "clbench/engine/"


# Of one strategy each.
OF_STRATEGIES = [
    Change(
        "sign of EWC's penalty",
        "blobs_class:ewc",
        "task 2, step 1 of 12: gradient after part 1",
        [
            (
                "ewc.py",
                "value=self.lam).sub_(self.fisher_anchor, alpha=self.lam)",
                "value=-self.lam).add_(self.fisher_anchor, alpha=self.lam)",
            )
        ],
    ),
    Change(
        "EWC's Fisher with true labels",
        "blobs_class:ewc",
        "task 2, step 1 of 12: gradient after part 1",
        [
            (
                "parts/fisher.py",
                "batch.y = (p.cumsum(-1) < u.to(p.device)).sum(-1).clamp(max=p.shape[-1] - 1)",
                "pass",
            )
        ],
    ),
    Change(
        "EWC's Fisher of task 1 for ever",
        "blobs_class:ewc",
        "task 3, step 1 of 12: gradient after part 1",
        [
            (
                "ewc.py",
                "        self.fisher += fisher\n",
                "        fisher = self.run.first = fisher if t == 0 else self.run.first\n        self.fisher += fisher\n",
            )
        ],
    ),
    Change(
        "half of ER's memory",
        "blobs_class:er",
        "end of task 3: memory",
        [("er.py", "Memory(run, self.memory,", "Memory(run, self.memory // 2,")],
    ),
    Change(
        "half of ER's memory is replayed",
        "blobs_class:er",
        "task 2: plan of 12 steps",
        [
            (
                "er.py",
                "run.shuffled(self.stored, run.replayed",
                "run.shuffled(self.stored[:, ::2], run.replayed",
            )
        ],
    ),
    Change(
        "LwF's temperature",
        "blobs_class:lwf",
        "task 2, step 1 of 12: ",
        [("lwf.py", "T = self.temperature", "T = 1.01 * self.temperature")],
    ),
    Change(
        "LwF's teacher is the network itself",
        "blobs_class:lwf",
        "task 2, step 2 of 12: batch",
        [("lwf.py", "self.run.learner.outputs(batch.x, self.teacher)", "self.run.learner.outputs(batch.x)")],
    ),
    Change(
        "A-GEM's projection off",
        "blobs_class:agem",
        "task 2, step . of 12: gradient after part 1",
        [("agem.py", "return g.addcmul_(conflict / dot(r, r).clamp(min=1e-30), r, value=-1)", "return g")],
    ),
    Change(
        "GEM's projection off",
        "blobs_class:gem",
        "task ., step . of 12: gradient after part 1",
        [("gem.py", "g.addcmul_(v_k, g_k)", "pass")],
    ),
    Change(
        "another reservoir once it is full",
        "blobs_class:derpp",
        "task 3: plan of 12 steps",
        [
            (
                "parts/memory.py",
                "torch.where(position < size, position, (u * (position + 1)).long())",
                "torch.where(position < size, position, (u * (position + 1) * 1.02).long())",
            )
        ],
    ),
    Change(
        "MIR's virtual step",
        "blobs_class:mir",
        "task ., step . of 12: batch",
        [("mir.py", "foresee(run.gradient(batch)", "foresee(-run.gradient(batch)")],
    ),
    Change(
        "iCaRL's herding by distance alone",
        "blobs_class:icarl",
        "end of task 1: memory",
        [("herding.py", "(towards - against / k).argmax", "towards.argmax")],
    ),
    Change(
        "EMA's horizon",
        "blobs_class:ema",
        "row 1 of the scores: outputs",
        [("ema.py", "1 / (self.horizon * self.run.steps)", "1 / (1.01 * self.horizon * self.run.steps)")],
    ),
]
OF_STRATEGIES = [
    replace(change, edits=[(STRATEGIES + file, *texts) for file, *texts in change.edits])
    for change in OF_STRATEGIES
]

# Of code that all strategies share.
OF_ALL = [
    Change(
        "learning rate",
        "blobs_class:naive",
        "task 1, step 1 of 12: weights after the step",
        [(ENGINE + "optimiser.py", "[steps], lr=lr, ", "[steps], lr=lr * 1.01, ")],
    ),
    Change(
        "labels of task 3 shifted",
        "blobs_class:naive",
        "start: some rows of task 3",
        [
            (
                "clbench/streams/labelled.py",
                "Tensor = self.images.y[index] + self.offset[task]",
                "Tensor = torch.where(task == 2, self.images.y[index] ^ 1, self.images.y[index]) + self.offset[task]",
            )
        ],
    ),
    Change(
        "labels of the last slice shifted",
        "blobs_class:naive",
        "row 0 of the scores: scores",
        [
            (
                "clbench/streams/labelled.py",
                "self.images.y_test[self.tasks[j].test] +",
                "(self.images.y_test[self.tasks[j].test] ^ (j == 4)) +",
            )
        ],
    ),
    Change(
        "evaluation on training data, too",
        "blobs_class:naive",
        "start: indices and classes of task 1",
        [
            (
                "clbench/streams/labelled.py",
                "    outputs = _outputs_of(groups, scenario)",
                "    images = replace(images, x_test=torch.cat([images.x_test, images.x]),\n"
                "                     y_test=torch.cat([images.y_test, images.y]))\n"
                "    outputs = _outputs_of(groups, scenario)",
            )
        ],
    ),
    Change(
        "another initialisation",
        "blobs_class:naive",
        "start: initial weights",
        [("clbench/models/mlp.py", "fan_in**-0.5", "(fan_in + 1) ** -0.5")],
    ),
    Change(
        "another batch order",
        "blobs_class:naive",
        "task 1: plan of 12 steps",
        [
            (
                "clbench/core/keyed.py",
                "torch.randperm(n, generator=draws)[:used] for _",
                "torch.randperm(n, generator=draws).flip(0)[:used] for _",
            )
        ],
    ),
    Change(
        "last step of the schedule",
        "driftcaps(slices=2, n=100, n_test=20):naive",
        "task 1, step 20 of 20: batch",
        [
            (
                ENGINE + "optimiser.py",
                "return budget.lr * ((step + 1)",
                "falling[-1] = falling[-2]\n    return budget.lr * ((step + 1)",
            )
        ],
    ),
    Change(
        "the last step is not taken",
        "blobs_class:naive",
        "task 1, step 11 of 12: 11 steps taken",
        [(ENGINE + "run.py", "for step in range(1, steps):", "for step in range(1, steps - 1):")],
    ),
    Change(
        "a hook after the last task",
        "blobs_class:naive",
        "end of task 5: weights",
        [
            (
                ENGINE + "run.py",
                "        self._note_divergence()\n\n    def plan",
                "        if self.t == len(self.stream.tasks) - 1:\n            self.learner.theta.detach().mul_(0.999)\n"
                "        self._note_divergence()\n\n    def plan",
            )
        ],
    ),
    Change(
        "Avalanche EWC's lambda",
        "blobs_class:avalanche_ewc",
        "task 2: losses",
        [
            (
                "clbench/avalanche/rows/ewc.py",
                "ewc_lambda=self.ewc_lambda",
                "ewc_lambda=1.01 * self.ewc_lambda",
            )
        ],
    ),
]


def exchanged(file: str, first: str, second: str, end: str = "") -> str:
    """The file's text, with what stands from `first` to `second` behind what stands from there to `end`."""
    text = place(PACKAGE.parent, file).read_text()
    a, b = text.index(first), text.index(second)
    c = text.index(end, b) if end else len(text)
    return text[:a] + text[b:c] + text[a:b] + text[c:]


HARMLESS = [
    Change(
        "rename a local",
        "blobs_class:agem",
        "",
        [
            (STRATEGIES + "agem.py", "conflict = dot(", "clash = dot("),
            (STRATEGIES + "agem.py", "g.addcmul_(conflict /", "g.addcmul_(clash /"),
        ],
    ),
    Change(
        "rename an entry of the plan",
        "blobs_class:agem",
        "",
        [
            (STRATEGIES + "agem.py", "plan.reference", "plan.others"),
            (STRATEGIES + "agem.py", '"reference" not', '"others" not'),
            (STRATEGIES + "agem.py", "batch.reference", "batch.others"),
        ],
    ),
    Change(
        "rename what a part keeps",
        "blobs_class:ewc",
        "",
        [(STRATEGIES + "ewc.py", "self.fisher", "self.importance")],
    ),
    Change(
        "reorder functions",
        "blobs_class:ewc",
        "",
        [(PARTS + "fisher.py", None, exchanged(PARTS + "fisher.py", "def fisher(run", "def per_sample("))],
    ),
    Change(
        "extract a function",
        "blobs_class:er",
        "",
        [
            (
                STRATEGIES + "er.py",
                'run.shuffled(self.stored, run.replayed, steps, "replay")',
                "self.drawn(run.replayed, steps)",
            ),
            (
                STRATEGIES + "er.py",
                "    def after_task(self",
                "    def drawn(self, rows, steps):\n"
                '        return self.run.shuffled(self.stored, rows, steps, "replay")\n\n'
                "    def after_task(self",
            ),
        ],
    ),
    Change(
        "move a module",
        "blobs_class:er",
        "",
        [
            (PARTS + "keeping.py", None, (PACKAGE.parent / PARTS / "memory.py").read_text()),
            (PARTS + "memory.py", None, "from clbench.strategies.parts.keeping import *"),
            (STRATEGIES + "er.py", "clbench.strategies.parts.memory", "clbench.strategies.parts.keeping"),
        ],
    ),
    Change(
        "draw in another order, by key",
        "blobs_class:derpp",
        "",
        [
            (
                STRATEGIES + "der.py",
                None,
                exchanged(
                    STRATEGIES + "der.py",
                    "        plan.write = reservoir",
                    "        if t > 0:",
                    "        self.seen += steps * B",
                ),
            )
        ],
    ),
    Change(
        "a hook that nobody uses",
        "blobs_class:naive",
        "",
        [
            (
                "clbench/core/part.py",
                "    def batch(self, batch: Batch) -> Batch:",
                '    def before_step(self, batch):\n        """Nothing."""\n\n    def batch(self, batch: Batch) -> Batch:',
            ),
            (
                ENGINE + "run.py",
                "        gradient = self.learner.gradient(self.loss, batch)\n",
                "        for part in self.parts:\n            part.before_step(batch)\n"
                "        gradient = self.learner.gradient(self.loss, batch)\n",
            ),
        ],
    ),
    Change(
        "rename a local of Avalanche's runner",
        "blobs_class:avalanche_ewc",
        "",
        [("clbench/avalanche/single.py", "before", "earlier")],
    ),
]

# What no trace sees; docs/verify.md says so.
UNSEEN = [
    Change(
        "another learning rate for seeds above the first two",
        "blobs_class:naive",
        "",
        [
            (
                ENGINE + "learner.py",
                "self.lr = budget.lr if",
                "self.lr = budget.lr * (2 if max(seeds) > 1 else 1) if",
            )
        ],
    ),
    Change(
        "another precision on a GPU",
        "blobs_class:ewc",
        "",
        [
            (
                ENGINE + "precision.py",
                'return cast if precision == "bf16" else',
                'return cast if precision == "bf16" or device.type == "cuda" else',
            )
        ],
    ),
    Change(
        "slower steps",
        "blobs_class:er",
        "",
        [
            (
                ENGINE + "run.py",
                "        batch = self.batch(draws)",
                "        sum(range(10_000))\n        batch = self.batch(draws)",
            )
        ],
    ),
]

# What happens only after many steps.
LATE = [
    Change(
        "LwF's teacher renewed at its 51st step",
        "split_digits_class:lwf",
        "task 2, step 11 of 40: batch",
        [
            (
                STRATEGIES + "lwf.py",
                "        if self.heads:\n            with torch",
                "        self.count = getattr(self, 'count', 0) + 1\n"
                "        if self.count == 51:\n            self.teacher = self.run.learner.theta.detach().clone()\n"
                "        if self.heads:\n            with torch",
            )
        ],
    ),
    Change(
        "weights clipped at a norm that few steps do not reach",
        "split_digits_class:naive",
        "task 1, step .. of 40: loss and outputs",
        [
            (
                ENGINE + "run.py",
                "        self.samples_seen += batch.y.numel()\n        self.alive",
                "        if self.learner.theta.norm() > 9.5:\n            self.learner.theta.detach().mul_(0.9)\n"
                "        self.samples_seen += batch.y.numel()\n        self.alive",
            )
        ],
    ),
]


ROUNDS = rounds(OF_STRATEGIES)


def trace(
    python: str, tree: Path, requests: list[Request], capability: str = ""
) -> dict[Request, trees.Trace]:
    """What clbench in this tree computes, by the executable `python`. capability: the instructions that torch
    may use; none for the best there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", python)
        if capability:
            patch.setenv("ATEN_CPU_CAPABILITY", capability)
        return trees.traces(Place(tree, None), "smoke", requests, 1)


@cache
def trace_unchanged(python: str, capability: str) -> dict[Request, trees.Trace]:
    every = [*ROUNDS[0][:4], *HARMLESS[:4]] if capability else [*OF_STRATEGIES, *HARMLESS, *OF_ALL]
    return trace(python, PACKAGE.parent, [request(change) for change in every], capability)


def request(change: Change, whole: bool = False) -> Request:
    benchmark, strategy = change.pair.split(":")
    return Request(benchmark, strategy, (0,), whole, ())


@pytest.fixture
def unexpected(executable, tmp_path):
    """unexpected(changes, capability): of those changes, planted in one tree, which make another first
    difference than they say."""

    def differences(changes, capability=""):
        after = trace(
            executable, plant(changes, tmp_path), [request(change) for change in changes], capability
        )
        before = trace_unchanged(executable, capability)
        found = {
            change: str(first_difference(before[request(change)], after[request(change)]))
            for change in changes
        }
        return [
            (change.what, said)
            for change, said in found.items()
            if not re.match(change.seen or "None$", said)
        ]

    return differences


@pytest.mark.parametrize("changes", ROUNDS, ids=["first", "second", "third"])
def test_changes_of_strategies_are_seen(changes, unexpected):
    assert unexpected(changes) == []


@pytest.mark.parametrize("change", OF_ALL, ids=[change.what for change in OF_ALL])
def test_a_change_of_shared_code_is_seen(change, unexpected):
    assert unexpected([change]) == []


def test_harmless_changes_are_not_seen(unexpected):
    assert unexpected(HARMLESS) == []


def test_what_no_trace_can_see_is_not_seen(unexpected):
    assert unexpected(UNSEEN) == []


def test_so_it_is_with_other_instructions(executable, unexpected):
    assert unexpected(ROUNDS[0][:4], "default") == []
    assert unexpected(HARMLESS[:4], "default") == []
    ewc = request(ROUNDS[0][0])
    best, plain = (trace_unchanged(executable, capability)[ewc] for capability in ("", "default"))
    assert best.notes != plain.notes or torch.backends.cpu.get_cpu_capability() == "DEFAULT"


@pytest.mark.parametrize("change", LATE, ids=[change.what for change in LATE])
def test_what_happens_late_is_seen_by_a_whole_trace_alone(change, executable, tmp_path):
    few, whole = (request(change, whole) for whole in (False, True))
    before = trace(executable, PACKAGE.parent, [few, whole])
    after = trace(executable, plant([change], tmp_path), [few, whole])
    assert first_difference(before[few], after[few]) is None
    assert re.match(change.seen, first_difference(before[whole], after[whole]))
