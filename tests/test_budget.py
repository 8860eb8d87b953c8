"""What a benchmark's spec may set: every field of the budget, the memory, the order of classes, the
network."""

import dataclasses

import pytest
import torch
from helpers import CPU, NATIVE, SCENARIOS, make, parts_of, reason, refused, suited
from models.test_of_module import FILE
from strategies.test_protocol_arguments import stream_of

from clbench import registry
from clbench.avalanche import run as avalanche
from clbench.core.budget import Budget
from clbench.core.part import refusal
from clbench.engine.clock import Clock
from clbench.engine.run import run
from clbench.execution import plan
from clbench.execution.describe import settings_of
from clbench.streams.labelled import class_order

GIVEN = {
    "steps": 7,
    "rows": 9,
    "optimiser": "sgd",
    "lr": 0.5,
    "momentum": 0.8,
    "weight_decay": 0.1,
    "beta2": 0.9,
    "warm_up": 0.2,
    "optimiser_state": "reset",
    "fixed_compute": True,
    "precision": "bf16",
    "epochs": 3,
    "remainder": "drop",
}


def spec(name: str, **arguments) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def budget_of(text: str, profile: str = "smoke") -> Budget:
    return registry.benchmark(text, profile)[1].budget(profile)


# ---- the values of a budget


@pytest.mark.parametrize(
    "given, said",
    [
        ({"steps": 0}, "Budget: steps takes a whole number from 1 to 100,000,000, not 0"),
        ({"steps": 2.0}, "Budget: steps takes a whole number from 1 to 100,000,000, not 2.0"),
        ({"rows": -1}, "Budget: rows takes a whole number from 1 to 1,000,000, not -1"),
        ({"optimiser": "rmsprop"}, "Budget: optimiser takes 'adam' or 'sgd' or 'adamw', not 'rmsprop'"),
        ({"lr": 0.0}, "Budget: lr takes a number above 0, up to 1e18, not 0.0"),
        ({"lr": float("inf")}, "Budget: lr takes a number above 0, up to 1e18, not inf"),
        ({"lr": float("nan")}, "Budget: lr takes a number above 0, up to 1e18, not nan"),
        (
            {"optimiser": "sgd", "momentum": 1.0},
            "Budget: momentum takes a number from 0 to below 1, not 1.0",
        ),
        ({"weight_decay": -0.1}, "Budget: weight_decay takes a number from 0 to 1e18, not -0.1"),
        ({"beta2": 1.0}, "Budget: beta2 takes a number between 0 and 1, not 1.0"),
        ({"beta2": 0.0}, "Budget: beta2 takes a number between 0 and 1, not 0.0"),
        ({"warm_up": 0.0}, "Budget: warm_up takes a number above 0, up to 1, or None, not 0.0"),
        ({"warm_up": 1.5}, "Budget: warm_up takes a number above 0, up to 1, or None, not 1.5"),
        ({"optimiser_state": "drop"}, "Budget: optimiser_state takes 'keep' or 'reset', not 'drop'"),
        ({"fixed_compute": 1}, "Budget: fixed_compute takes True or False, not 1"),
        ({"precision": "fp8"}, "Budget: precision takes 'float32' or 'tf32' or 'bf16', not 'fp8'"),
        ({"momentum": 0.9}, "momentum=0.9 is of sgd; adam takes none: leave it out, or set optimiser='sgd'"),
        (
            {"optimiser": "sgd", "beta2": 0.9},
            "beta2=0.9 is of adam and adamw; sgd has none: leave it out, or set optimiser='adam'",
        ),
        (
            {"fixed_compute": True, "rows": 1},
            "fixed_compute needs rows of at least 2, which new and stored examples share, not 1",
        ),
        (
            {"fixed_compute": True, "epochs": 2},
            "fixed_compute is paid in steps; epochs fixes passes: leave one of them out",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(given, said):
    assert refused(lambda: Budget(**{"steps": 5} | given)) == said


def test_values_at_the_edge_are_taken():
    Budget(1, rows=1, optimiser="sgd", momentum=0.0, warm_up=1, lr=1)


# ---- in a benchmark's spec


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Budget)])
def test_every_field_of_the_budget_can_be_set(name):
    more = {"momentum": {"optimiser": "sgd"}}.get(name, {})
    found = budget_of(spec("split_digits_class", **{name: GIVEN[name]} | more))
    assert found == dataclasses.replace(budget_of("split_digits_class"), **{name: GIVEN[name]} | more)
    assert found != budget_of("split_digits_class")


def test_what_the_profile_says_anyway_is_the_plain_name():
    assert (
        registry.benchmark("split_digits_class(steps=40, lr=0.003, warm_up='constant')", "smoke")[0]
        == "split_digits_class"
    )
    assert registry.benchmark("split_digits_class(steps=40)", "quick")[0] == "split_digits_class(steps=40)"
    assert registry.benchmark("driftcaps(warm_up=0.1, optimiser='adamw')", "smoke")[0] == "driftcaps"
    assert registry.benchmark("split_digits_class(memory=100)", "smoke")[0] == "split_digits_class"


def test_another_optimiser_leaves_behind_what_is_not_its_own():
    found = budget_of("driftcaps(optimiser='sgd', warm_up='constant')")
    assert (found.beta2, found.warm_up, found.weight_decay) == (0.999, None, 0.05)
    assert budget_of("driftcaps(optimiser='adam')").beta2 == 0.98
    assert Budget(1, optimiser="sgd", momentum=0.9).with_fields(optimiser="adam") == Budget(1)


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "split_digits_class(steps=0)",
            "split_digits_class: steps takes a whole number from 1 to 100,000,000, or None, not 0",
        ),
        (
            "split_digits_class(momentum=0.9)",
            "momentum=0.9 is of sgd; adam takes none: leave it out, or set optimiser='sgd'",
        ),
        (
            "driftcaps(optimiser='sgd', beta2=0.98)",
            "beta2=0.98 is of adam and adamw; sgd has none: leave it out, or set optimiser='adam'",
        ),
        (
            "split_digits_class(optimiser='lion')",
            "split_digits_class: optimiser takes 'adam' or 'sgd' or 'adamw' or None, not 'lion'",
        ),
        (
            "split_digits_class(warm_up='none')",
            "split_digits_class: warm_up takes a number above 0, up to 1, or 'constant', or None, not 'none'",
        ),
        (
            "split_digits_class(memory=-1)",
            "split_digits_class: memory takes a whole number from 1 to 1,000,000,000, not -1",
        ),
        (
            "split_digits_class(width=0)",
            "split_digits_class: width takes a whole number from 1 to 1,000,000, or None, not 0",
        ),
        (
            "blobs_class(tasks=2, order=[0, 1, 2])",
            "order takes a list of all class numbers from 0 to 3, not [0, 1, 2]",
        ),
        (
            "blobs_class(tasks=1, order=[0, True])",
            "order takes a list of all class numbers from 0 to 1, not [0, True]",
        ),
        (
            "split_digits_class(order='sorted')",
            "split_digits_class: order takes a list of at most 10,000 entries or 'seed' or None, "
            "not 'sorted'",
        ),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_runs(text, said):
    assert refused(registry.benchmark, text, "smoke") == said


def test_the_width_is_the_networks():
    for name, width, text in [
        ("split_digits_class", 30, "mlp 64-30-30-10"),
        ("permuted_mnist_task", 30, "mlp 784-30-30-30"),
        ("split_cifar10_class", 8, "small_conv 8-16-32, group norm"),
    ]:
        assert str(registry.benchmark(spec(name, width=width), "smoke")[1].network()) == text
    slim = registry.benchmark("split_cifar10_class(width=20, net='resnet18', norm='batch')", "full")[
        1
    ].network()
    assert str(slim) == "resnet18_slim, batch norm"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permuted_mnist_domain(net='mlp')", "mlp 784-400-400-10"),
        (
            "permuted_mnist_task(pad=2, net='small_conv', width=4, norm='batch')",
            "small_conv 4-8-16, batch norm",
        ),
        ("permuted_mnist_task(net='net.py:make')", "net.py:make"),
        ("rotated_mnist_domain(width=30)", "mlp 784-30-30-10"),
        ("rotated_mnist_domain(net='mlp(9, 7)')", "mlp 784-9-7-10"),
    ],
)
def test_permuted_and_rotated_pictures_are_learnt_by_any_network(text, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FILE)
    stream, made, _ = stream_of(text.replace("(", "(tested=20, ", 1))
    net = made.network()
    assert str(net) == said
    stream.check(net)


def test_a_network_of_a_library_reads_permuted_pictures_as_it_knows_them():
    """However the stream has standardised them."""
    stream, made, _ = stream_of(
        "permuted_mnist_domain(tested=20, mean=0.1, std=0.25, net='torchvision:mobilenet_v3_small')"
    )
    net, x = made.network(), stream.test(1, slice(0, 2))[0]
    assert str(net) == "torchvision:mobilenet_v3_small, grey repeated to 3 channels, without dropout"
    stream.check(net)
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    wanted = ((x * 0.25 + 0.1).view(2, 1, 28, 28) - mean) / std
    assert torch.allclose(net._module.body.reading(x), wanted, atol=1e-5)


def test_what_is_of_the_perceptron_is_of_no_other_network():
    text = "permuted_mnist_domain({})".format
    said = "depth and bias are of the perceptron: leave them out, or net='small_conv'"
    assert refused(registry.benchmark, text("net='small_conv', bias=False"), "smoke") == said
    said = "depth and bias are of the perceptron: leave them out, or norm, weights and frozen"
    assert refused(registry.benchmark, text("depth=1, frozen=True"), "smoke") == said


@pytest.mark.parametrize(
    ("name", "own"), [("permuted_mnist_domain", {}), ("rotated_mnist_domain", {"degrees": 180.0})]
)
def test_a_record_says_nothing_of_a_network_that_nobody_has_chosen(name, own, monkeypatch):
    called, made, _ = registry.benchmark(f"{name}(net=None, norm=None)", "quick")
    monkeypatch.setattr(type(made), "accepted_data", lambda self: None)  # needs the data
    settings = settings_of(made, made.network(), registry.strategy("naive"), "quick")
    plain = {"validation": False, "precision": "float32", "tasks": 5, "tested": 2000}
    assert called == name and settings["benchmark"] == plain | own
    assert settings["network"] == "mlp 784-400-400-10"


# ---- the memory


def planned(benchmark: str, strategy: str):
    (pair,) = plan.make_plan([benchmark], [strategy], "smoke", [0], None).pairs
    return pair.blank


@pytest.mark.parametrize("name", ["er", "avalanche_replay"])
def test_the_benchmarks_memory_is_the_default_of_every_strategy_that_has_one(name):
    def memory(benchmark, strategy=name):
        return planned(benchmark, strategy).settings["strategy"][name]["memory"]

    assert (memory("split_digits_class"), memory("blobs_class")) == (100, 500)
    assert (
        memory("split_digits_class(memory=200)"),
        memory("split_digits_class(memory=200)", f"{name}(memory=30)"),
    ) == (200, 30)
    assert planned("split_digits_class(memory=200)", f"{name}(memory=200)").strategy == name
    assert planned("split_digits_class", f"{name}(memory=200)").strategy == f"{name}(memory=200)"


def test_the_memory_may_depend_on_the_scenario():
    memory = {
        name: registry.benchmark(name, "quick")[1].memory
        for name in ("split_cifar10_class", "split_cifar10_task")
    }
    assert memory == {"split_cifar10_class": 500, "split_cifar10_task": 100}


def test_a_record_says_what_was_chosen_and_no_more():
    blank = planned("blobs_class(steps=3)", "naive")
    assert blank.settings["benchmark"] == {
        "validation": False,
        "precision": "float32",
        "steps": 3,
        "tasks": 5,
    }
    assert blank.settings["budget"]["steps"] == 3


def test_a_memory_changes_no_key_of_a_method_without_one(monkeypatch):
    from clbench.benchmarks.blobs import Blobs

    settings = {name: planned("blobs_class", name).settings for name in ("naive", "er")}
    monkeypatch.setattr(Blobs, "arguments", {"class": {"memory": 40}})
    assert planned("blobs_class", "naive").settings == settings["naive"]
    assert planned("blobs_class", "er").settings != settings["er"]


# ---- the order of classes


def outcome(text: str, strategy: str, seed: int):
    _, chosen, _ = registry.benchmark(text, "smoke")
    made = registry.strategy(strategy)
    runner = run if made.backend == "native" else avalanche.run
    return runner(
        chosen.stream([seed], CPU), chosen.network(), made.build(), chosen.budget("smoke"), Clock(CPU)
    ).acc


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("strategy", ["icarl(memory=100)", "avalanche_naive"])
def test_a_drawn_order_is_the_one_of_its_list(strategy, scenario):
    if strategy.startswith("icarl") and scenario == "domain":
        strategy = "er"
    orders = [class_order([seed], range(10)) for seed in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10)) and orders[0] != orders[1]
    for seed, order in enumerate(orders):
        drawn = outcome(f"blobs_{scenario}(order='seed')", strategy, seed)
        assert torch.equal(drawn, outcome(spec(f"blobs_{scenario}", order=order), strategy, seed))
        assert not torch.equal(drawn, outcome(f"blobs_{scenario}", strategy, seed))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_tasks_have_the_classes_in_their_order(scenario):
    order = [3, 1, 0, 5, 4, 2]
    plain = registry.benchmark(f"blobs_{scenario}(tasks=3)", "smoke")[1].stream([0], CPU)
    stream = registry.benchmark(spec(f"blobs_{scenario}", tasks=3, order=order), "smoke")[1].stream([0], CPU)
    classes = registry.benchmark("blobs_class", "smoke")[1].contents().y
    for t, task in enumerate(stream.tasks):
        index = task.train[:, 1]
        assert set(classes[index].tolist()) == {order[2 * t], order[2 * t + 1]}
        first = 0 if scenario == "domain" else 2 * t
        labels = stream.labels(task.train)
        assert all(
            order[2 * t + int(label) - first] == true
            for label, true in zip(labels, classes[index], strict=True)
        )
        assert torch.equal(
            task.classes, plain.tasks[t].classes
        )  # outputs stay in the order in which they are learnt
    same = registry.benchmark(spec(f"blobs_{scenario}", tasks=3, order=list(range(6))), "smoke")[1].stream(
        [0], CPU
    )
    assert all(torch.equal(a.train, b.train) for a, b in zip(same.tasks, plain.tasks, strict=True))


def test_seeds_with_orders_of_their_own_are_trained_one_at_a_time():
    found = plan.make_plan(["blobs_class(order='seed')", "blobs_class"], ["naive"], "smoke", [0, 1, 2], None)
    seeds = {(job.benchmark, job.seeds) for size in (None, 3) for job in plan.jobs(found, "cpu", size)}
    assert seeds == {("blobs_class(order='seed')", (seed,)) for seed in range(3)} | {
        ("blobs_class", (0, 1, 2))
    }
    with pytest.raises(ValueError, match="a stream has one seed, not 2"):
        registry.benchmark("blobs_class(order='seed')", "smoke")[1].stream([0, 1], CPU)


# ---- fixed compute on classes

MORE_STEPS = ("joint", "cumulative(budget='seen')")
UNKNOWN = [name for name in NATIVE if parts_of(name)[0].extra_cost is None]


@pytest.mark.parametrize("name", [name for name in NATIVE if name not in (*MORE_STEPS, *UNKNOWN)])
def test_with_fixed_compute_no_method_takes_more_than_naive(name):
    """A forward pass is a little more than the third that it counts; a wider adapter is half as large as this
    tiny network. What learns the first task only takes less."""
    scenario = "class" if reason(name, "class") is None else "task"
    flops, on = [], suited(f"blobs_{scenario}(tasks=3)", parts_of(name))
    net = make("naive", benchmark=on).learner.net
    for one in ("adapter(width=1)" if name == "adapter" else name, "naive"):
        made = make(one, benchmark=on, steps=40, fixed_compute=True)
        assert all(refusal(part, made.stream, net, made.budget) is None for part in made.parts)
        made.train()
        flops.append(made.clock.flops)
    least = 0 if parts_of(name)[0].learns_first_task_only else 0.8
    assert least * flops[1] < flops[0] < 1.12 * flops[1], flops[0] / flops[1]


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_method_whose_cost_is_not_known_is_refused_with_fixed_compute(name):
    scenario = "task" if reason(name, "task") is None else "class"
    chosen = registry.benchmark(f"blobs_{scenario}(fixed_compute=True)", "smoke")[1]
    stream, net, (part,) = chosen.stream([0], CPU), chosen.network(), parts_of(name)
    assert "cannot be paid" in refusal(part, stream, net, chosen.budget("smoke"))
    assert (
        refusal(part, stream, net, dataclasses.replace(chosen.budget("smoke"), fixed_compute=False)) is None
    )


def test_quick_has_five_seeds_on_every_benchmark():
    """Three cannot tell methods apart that lie 35 points from each other."""
    for name in registry.benchmarks():
        _, benchmark, _ = registry.benchmark(name, "quick")
        assert plan.seeds_of(benchmark, "quick") == [0, 1, 2, 3, 4], name
