"""Records made up for tests: a small folder of results that holds every kind of row."""

from contextlib import contextmanager

import numpy as np
import pytest

from clbench.report import stars
from clbench.results import records, staleness
from clbench.results.record import Failure, Group, Record

SOURCE = "s" * 16  # the digest of every made-up pair
SEEDS = {"split_toy_class": 5, "toy_pairs": 2}  # that benchmarks ask for, if not 3
PROVENANCE = {
    "started": "2026-01-02T03:04:05+00:00",
    "command": "clbench run",
    "commit": "0123456789ab",
    "dirty": False,
    "python": "3.11.2",
    "torch": "2.9.0",
    "numpy": "2.3.0",
    "avalanche-lib": "0.6.0",
    "platform": "Linux x86_64",
    "device": "cpu",
    "processor": "Test CPU, AVX2",
    "threads": 1,
}
SHEET = {
    "setup_s": 0.5,
    "train_s": 3.0,
    "eval_s": 1.0,
    "gpu_hours": None,
    "cpu_hours": 0.002,
    "flops": 2_000_000_000,
    "steps": 200,
    "samples_seen": 25_600,
    "peak_mb": 400.0,
    "memory_items": 0,
    "extra_params": 0,
}
BUDGET = {
    "steps": 100,
    "rows": 128,
    "optimiser": "adam",
    "lr": 0.001,
    "momentum": 0.0,
    "optimiser_state": "keep",
}
SETTINGS = {
    "scenario": "class",
    "network": "MLP(64, 32, 10)",
    "budget": BUDGET,
    "benchmark": {"validation": False},
    "strategy": {},
    "precision": "float32",
}


@contextmanager
def known():
    """Within the block made-up pairs have source code, whose digest is SOURCE, and SEEDS are asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staleness, "source_of", lambda benchmark, strategy: SOURCE)
        patch.setattr(stars, "seeds_asked", lambda record: SEEDS.get(record.benchmark, 3))
        yield


def make(
    strategy: str,
    acc=(),
    *,
    seeds=None,
    benchmark="toy_class",
    backend="native",
    status="ok",
    error=None,
    stale=False,
    data="d1",
    costs=None,
    provenance=None,
    concurrent=2,
    profile="smoke",
) -> Record:
    """A record with one seed group per seed. acc [S][T+1][E]; costs are per seed."""
    seeds = list(range(len(acc))) if seeds is None else seeds
    record = Record(
        benchmark,
        strategy,
        profile,
        backend,
        source="old" if stale else SOURCE,
        data=data,
        settings=SETTINGS | {"strategy": {strategy: {"memory": 200}}},
        status=status,
        error=error and Failure(**error),
    )
    for seed, matrix in zip(seeds, acc, strict=True):
        group = Group([seed], SHEET | (costs or {}), concurrent, PROVENANCE | (provenance or {}))
        record.add(group, [np.asarray(matrix, dtype=float).tolist()])
    return record


def two_tasks(*ends) -> list:
    """[S, 3, 2] of seeds that learn task 1 to 0.8 and end with these accuracies on the two tasks."""
    return [[[0.1, 0.0], [0.8, 0.0], list(end)] for end in ends]


def toy() -> list[Record]:
    """Three seeds, two tasks: values that can be checked by hand."""
    joint = two_tasks((0.9, 0.9), (0.9, 0.9), (1.0, 0.9))
    joint[1][1][0] = 0.9
    return [
        make("naive", two_tasks((0.0, 0.9), (0.1, 0.9), (0.0, 0.8))),
        make("joint", joint, costs={"flops": 8_000_000_000}),
        make("joint_equal", two_tasks((0.8, 0.8), (0.8, 0.8), (0.8, 0.8))),
        make(
            "er",
            two_tasks((0.6, 0.9), (0.7, 0.9), (0.5, 0.8)),
            costs={"memory_items": 200, "memory_bytes": 1_500_000, "flops": 4_000_000_000},
        ),
        make("lwf", two_tasks((0.3, 0.8), (0.2, 0.8), (0.3, 0.7))),
        make("avalanche_replay", two_tasks((0.6, 0.9), (0.6, 0.9), (0.6, 0.8)), backend="avalanche"),
        make("ewc", status="failed", error={"reason": "ValueError: <b>no</b> & never", "traceback": "…"}),
        make(
            "si", two_tasks((0.2, 0.9)), status="diverged", error={"reason": "seed 0: not finite in task 2"}
        ),
        make("pnn", status="unsupported", error={"reason": "needs task labels"}),
    ]


def of_pairs() -> list[Record]:
    """A stream of pairs of two slices, recall in each direction beside the mean of both."""
    made = [
        make("naive", two_tasks((0.2, 0.6), (0.4, 0.6)), benchmark="toy_pairs"),
        make("joint", two_tasks((0.9, 0.8), (0.9, 0.8)), benchmark="toy_pairs"),
        make("er", two_tasks((0.7, 0.6), (0.7, 0.8)), benchmark="toy_pairs"),
    ]
    for record in made:
        record.settings = record.settings | {"scenario": "pairs"}
        for group, rows in zip(record.groups, record.acc, strict=True):
            group.arrays = {
                name: [(np.array(rows) + more).tolist()]
                for name, more in (("r1_left_right", 0.1), ("r1_right_left", -0.1), ("r5", 0.1))
            }
    return made


def five_tasks(strategy: str, kept: float, learnt: float, seeds=5, **more) -> Record:
    """A plausible row: a share of the old accuracy is kept at each of four switches."""
    rng = np.random.default_rng(list(strategy.encode()))
    acc = np.zeros((seeds, 6, 5))
    for i in range(1, 6):
        for j in range(1, i + 1):
            acc[:, i, j - 1] = np.clip(learnt * kept ** (i - j) + rng.normal(0, 0.02, seeds), 0, 1)
    return make(strategy, acc.round(4), benchmark="split_toy_class", **more)


ROWS = {
    "naive": (0.2, 0.97),
    "joint": (0.99, 0.96),
    "joint_equal": (0.97, 0.94),
    "cumulative": (0.98, 0.95),
    "cumulative_equal": (0.97, 0.95),
    "cumulative_exp": (0.96, 0.95),
    "er": (0.87, 0.95),
    "derpp": (0.9, 0.94),
    "ewc": (0.25, 0.95),
    "lwf": (0.5, 0.93),
    "si": (0.24, 0.96),
    "mas": (0.3, 0.9),
    "agem": (0.4, 0.96),
    "gdumb": (0.9, 0.8),
    "er_ace": (0.9, 0.9),
    "er+lwf(alpha=0.5)": (0.88, 0.92),
    "avalanche_naive": (0.21, 0.97),
    "avalanche_replay": (0.86, 0.95),
    "avalanche_ewc": (0.26, 0.95),
    "avalanche_gem": (0.7, 0.93),
}


def many() -> list[Record]:
    """Twenty rows, as many as a report has, with costs that differ."""
    factors = {
        "joint": 3.0,
        "naive": 1.0,
        "joint_equal": 1.0,
        "cumulative": 1.0,
        "cumulative_equal": 1.0,
        "cumulative_exp": 1.0,
        "avalanche_naive": 1.0,
    }
    made = []
    for name, numbers in ROWS.items():
        flops = round(2e9 * factors.get(name, 1.1 + 0.1 * (len(name) % 9)))
        backend = "avalanche" if name.startswith("avalanche") else "native"
        made.append(five_tasks(name, *numbers, backend=backend, stale=name == "mas", costs={"flops": flops}))
    return made


def write_results(folder) -> None:
    for record in toy() + many():
        records.write(record, folder)
