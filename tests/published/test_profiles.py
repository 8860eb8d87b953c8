"""Each published profile against the facts of its protocol, field by field.

`protocols.json` holds the protocols as they were found, with their sources; what a profile means is read from
the benchmark, network, budget and strategy that a run would build."""

import json
from pathlib import Path

import pytest
import torch

from clbench import registry
from clbench.core import protocols
from clbench.core.differences import changed_settings
from clbench.execution.describe import seeds_of
from clbench.models.mlp import MLP
from clbench.results import records

FACTS = json.loads(Path(__file__).with_name("protocols.json").read_text(encoding="utf-8"))
SCENARIOS = ("task", "domain", "class")
HSU, V18, V19, V22 = (
    FACTS[name]
    for name in ("hsu2018_split_mnist", "vdv2018_rtf_mnist", "vdv2019_mnist", "vdv2022_split_mnist")
)
GPM, AVALANCHE, DER = (
    FACTS["gpm2021_pmnist"],
    FACTS["avalanche_baselines"]["strategies"],
    FACTS["der2020_cifar10"],
)
ALL = 60_000  # samples: all training examples of any task


def benchmark(name, profile):
    made = registry.benchmark(name, profile)[1]
    return made, made.budget(profile)


def arguments(spec, name, profile):
    """strategy -> its arguments, as a run has them."""
    return registry.strategy_on(spec, benchmark(name, profile)[0], profile).arguments


def one(strategy, name, profile):
    return arguments(strategy, name, profile)[strategy]


@pytest.mark.parametrize("profile", protocols.names())
def test_committed_rows_are_what_their_profiles_ask_for(profile):
    """After an edit of a profile its rows are to be run again: staleness is of code and tuned values."""
    found, _ = records.load(Path(__file__).parents[2] / "results", profile)
    for record in found:
        made, budget = benchmark(record.benchmark, profile)
        strategy = registry.strategy_on(record.strategy, made, profile).arguments
        today = json.loads(json.dumps({"budget": budget.settings(), "strategy": strategy}))
        assert not changed_settings({name: record.settings[name] for name in today}, today), record.strategy


def check_optimiser(budget, facts):
    assert (budget.optimiser, budget.lr, budget.weight_decay) == (
        facts["name"],
        facts["lr"],
        facts["weight_decay"],
    )
    assert (budget.optimiser_state == "reset") == facts["reset_between_tasks"]
    if budget.optimiser == "adam":  # what a budget does not say of Adam is fixed
        assert [facts["betas"], facts["eps"], budget.beta2] == [[0.9, 0.999], 1e-8, facts["betas"][1]]
    assert budget.warm_up is None and budget.precision == "float32"


def check_network(made, facts, inputs):
    net = made.network()
    assert isinstance(net, MLP) and net.widths == tuple(facts["hidden"]) and net.inputs == inputs
    assert net.activation == facts["activation"] and net.bias == facts.get("bias", True)
    assert not facts.get("dropout")


# ---- Hsu et al. 2018


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_hsu2018(scenario):
    made, budget = benchmark(f"split_mnist_{scenario}", "hsu2018")
    data, training = HSU["data"], HSU["training"]
    assert made.order is None and data["class_order"].startswith("fixed: 0-1, 2-3")
    assert (28 + 2 * made.pad) ** 2 == HSU["model"]["input"]
    assert (made.mean, made.std) == (data["normalise"]["mean"], data["normalise"]["std"])
    assert (made.sees == "seen") == HSU["loss"]["sees"]["class"].endswith("(classes seen so far)")
    check_network(made, HSU["model"], HSU["model"]["input"])
    check_optimiser(budget, HSU["optimiser"])
    assert (budget.epochs, budget.rows) == (training["epochs_per_task"], training["batch_size"])
    assert (budget.remainder == "drop") == training["drop_last"]
    assert budget.steps_over(12_665) == -(-12_665 // 128) * 4  # ceil(n_task / 128) * 4


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_strategies_of_hsu2018(scenario):
    name, facts = f"split_mnist_{scenario}", HSU["strategies"]
    of = {
        strategy: one(strategy, name, "hsu2018")
        for strategy in ("l2", "ewc", "online_ewc", "si", "mas", "er")
    }
    coefficient = {strategy: facts[strategy]["coef"][scenario] for strategy in of if strategy != "er"}
    assert of["l2"]["lam"] == coefficient["l2"]
    for strategy in ("ewc", "online_ewc"):  # ours have 1/2
        assert of[strategy]["lam"] / 2 == coefficient[strategy]
        assert (of[strategy]["label"], of[strategy]["estimate"]) == ("predicted", "examples")
        assert of[strategy]["samples"] == ALL
    assert "no factor 1/2" in facts["ewc"]["penalty"] and "predicted label" in facts["ewc"]["fisher"]
    assert of["online_ewc"]["gamma"] == facts["online_ewc"]["decay"]
    assert (of["si"]["c"], of["si"]["xi"]) == (coefficient["si"], facts["si"]["damping"])
    assert (of["si"]["path"], of["si"]["cut"]) == ("data", "none")
    assert "without penalty" in facts["si"]["path_integral"] and "no clamping" in facts["si"]["path_integral"]
    assert of["mas"] == {"lam": coefficient["mas"], "estimate": "batches", "norm": "mean"} | {
        "samples": of["mas"]["samples"],
        "alpha": None,
    }
    totals = [variant["memory_total"] for variant in facts["er"]["variants"].values()]
    assert of["er"]["mix"] == "one" and of["er"]["share"] == "task" and of["er"]["memory"] == totals[0]
    by_sgd, budget = benchmark(f"{name}(optimiser='sgd', lr=0.01)", "hsu2018")
    said = facts["naive"]["variants"]["SGD"]
    assert (budget.optimiser, budget.lr, budget.momentum) == (said["optimiser"], said["lr"], said["momentum"])
    assert {key: facts["gem"][key] for key in said} == said and facts["gem"]["also_rehearses"]
    for memory in facts["gem"]["memory_total"]:
        spec = f"er(memory={memory}, mix='one')+gem(memory={memory})"
        both = registry.strategy_on(spec, by_sgd, "hsu2018").arguments
        assert both["gem"] == {"margin": facts["gem"]["margin"], "memory": memory}
        assert both["er"] == of["er"] | {"memory": memory}


# ---- van de Ven


@pytest.mark.parametrize("profile, facts", [("vdv2018", V18), ("vdv2019", V19), ("vdv2022", V22)])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_van_de_ven_on_split_mnist(scenario, profile, facts):
    made, budget = benchmark(f"split_mnist_{scenario}", profile)
    data = facts["data"].get("split_mnist", facts["data"])
    hidden = facts["model"]["hidden"]
    hidden = hidden["split_mnist"] if isinstance(hidden, dict) else hidden
    assert (made.order == "seed") == data["class_order"].startswith(
        "digits are shuffled over tasks by the seed"
    )
    assert data["image"].startswith("28x28") and made.pad is None
    assert data["normalise"] is None and made.mean is None and made.std is None
    seen = facts["loss"]["sees"]["class"]
    assert (
        (made.sees == "seen") == (seen == "outputs of all classes seen so far") != seen.startswith("ALL 10")
    )
    check_network(made, facts["model"] | {"hidden": hidden}, 784)
    check_optimiser(budget, facts["optimiser"].get("split_mnist", facts["optimiser"]))
    steps = facts["training"]["iterations_per_task"]
    assert budget.steps == (steps["split_mnist"] if isinstance(steps, dict) else steps)
    assert budget.epochs is None and budget.rows == facts["training"]["batch_size"]
    assert (budget.remainder == "drop") == facts["training"]["drop_last"]


@pytest.mark.parametrize("profile, facts", [("vdv2018", V18), ("vdv2019", V19)])
@pytest.mark.parametrize("scenario", ["task", "domain"])
def test_van_de_ven_on_permuted_mnist(scenario, profile, facts):
    made, budget = benchmark(f"permuted_mnist_{scenario}", profile)
    data = facts["data"]["permuted_mnist"]
    assert made.tasks == data["tasks"] and made.pad == 2 and "zero-padded to 32x32" in data["image"]
    assert made.begins == "permuted" and "the first task too" in data["permutations"]
    assert made.drawn is None and made.tested == 10_000 and data["normalise"] is made.mean is made.std is None
    check_network(made, facts["model"] | {"hidden": facts["model"]["hidden"]["permuted_mnist"]}, 1024)
    check_optimiser(budget, facts["optimiser"]["permuted_mnist"])
    assert budget.steps == facts["training"]["iterations_per_task"]["permuted_mnist"]


@pytest.mark.parametrize(
    "stem, scenario",
    [("split_mnist", one) for one in SCENARIOS] + [("permuted_mnist", one) for one in ("task", "domain")],
)
def test_coefficients_of_vdv2019(stem, scenario):
    name, facts = f"{stem}_{scenario}", V19["strategies"]
    ewc, online, si = (one(strategy, name, "vdv2019") for strategy in ("ewc", "online_ewc", "si"))
    assert ewc["lam"] == facts["ewc"]["coef"][stem][scenario]  # both have 1/2
    gamma = facts["online_ewc"]["gamma"][stem][scenario]
    assert online["gamma"] == gamma  # which enters the penalty twice
    assert online["lam"] == pytest.approx(gamma * facts["online_ewc"]["coef"][stem][scenario])
    for fisher in (ewc, online):
        assert (fisher["label"], fisher["samples"], fisher["estimate"]) == ("predicted", ALL, "examples")
    assert (si["c"], si["xi"]) == (facts["si"]["coef"][stem][scenario], facts["si"]["damping"])
    assert (si["path"], si["cut"]) == ("loss", "none") and "penalty included" in facts["si"]["path_integral"]
    if scenario == "task":
        assert one("xdg", name, "vdv2019")["closed"] == facts["xdg"]["gating_prop"][stem]
    assert one("icarl", name, "vdv2019")["memory"] == facts["icarl"]["memory_total"]


@pytest.mark.parametrize("profile, facts, heads", [("vdv2018", V18, "drawn"), ("vdv2019", V19, "all")])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_replay_and_distillation_of_2018_and_2019(scenario, profile, facts, heads):
    name, said = f"split_mnist_{scenario}", facts["strategies"]
    lwf, dgr = one("lwf", name, profile), one("generative_replay", name, profile)
    assert lwf["temperature"] == said["lwf"]["temperature"] and lwf["lam"] == 1
    assert (lwf["weights"], lwf["scale"]) == ("shares", "T2")
    assert (
        said["lwf"]["loss"].startswith("1/t * cross-entropy + (1 - 1/t) * D") and "T^2" in said["lwf"]["loss"]
    )
    assert lwf["over_outputs"] == "mean" and "the MEAN over batch and outputs" in said["lwf"]["loss"]
    assert lwf["student"] == "seen" and "zeros appended, new has 2t" in said["lwf"]["loss"]
    assert dgr["code"] == said["generative_replay"]["generator"]["latent"] and dgr["targets"] == "hard"
    assert dgr["answers"] == "old" and "over the outputs seen so far" in said["generative_replay"]["labels"]
    assert dgr["heads"] == heads and dgr["rows"] is None and facts["training"]["replay_batch"] == 128
    rule = facts["training"]["replay_batch_rule"]
    assert ("scored by every past task's head" in rule) == (heads == "all")
    assert one("cumulative", name, profile)["rows"] == ("tasks" if scenario == "task" else "data")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_strategies_of_vdv2022(scenario):
    name, facts = f"split_mnist_{scenario}", V22["strategies"]
    ewc, si, lwf, er, agem, dgr = (
        one(strategy, name, "vdv2022") for strategy in ("ewc", "si", "lwf", "er", "agem", "generative_replay")
    )
    assert (ewc["lam"], ewc["label"], ewc["samples"]) == (facts["ewc"]["coef"][scenario], "expected", ALL)
    assert "all active labels weighted by the softmax" in facts["ewc"]["fisher"]
    assert (si["c"], si["xi"]) == (facts["si"]["coef"][scenario], facts["si"]["damping"])
    assert (si["path"], si["cut"]) == ("loss", "none")
    assert lwf["temperature"] == facts["lwf"]["temperature"] and lwf["lam"] == 1
    assert lwf["scale"] == "one" and "no T^2 factor" in facts["lwf"]["weights"]
    assert lwf["weights"] == ("one" if scenario == "class" else "past") and lwf["over_outputs"] == "sum"
    assert lwf["student"] == ("both" if scenario == "class" else "old")
    for memory in (er, agem):
        assert memory["memory"] == 10 * facts["er"]["budget_per_class"] and memory["share"] == "class"
    assert er["mix"] == "tasks" and agem["rows"] is None  # as many as new ones: 128
    assert (
        (dgr["answers"], dgr["heads"]) == ("all", "all")  # one batch, for every past head
        and dgr["code"] == facts["generative_replay"]["variants"]["DGR"]["generator"]["latent"]
    )
    if scenario == "task":
        assert one("xdg", name, "vdv2022")["closed"] == facts["xdg"]["gating_prop"]


# ---- the others


def test_gpm2021():
    made, budget = benchmark("permuted_mnist_domain", "gpm2021")
    data, training, facts = GPM["data"], GPM["training"], GPM["strategies"]["gpm"]
    assert (made.tasks, made.mean, made.std) == (data["tasks"], *data["normalise"].values())
    assert made.begins == "permuted" and made.drawn == "shared" and "drawn once" in data["permutations"]
    assert (
        made.skip == 6000 and data["train"].startswith("training images 6,000 to 59,999") and made.pad is None
    )
    check_network(made, GPM["model"], GPM["model"]["input"])
    check_optimiser(budget, GPM["optimiser"])
    assert len(seeds_of(made, "gpm2021")) == GPM["seeds"]["n"]
    assert (budget.epochs, budget.rows) == (training["epochs_per_task"], training["batch_size"])
    assert budget.steps_over(54_000) == budget.steps == training["iterations_per_task"]
    gpm = one("gpm", "permuted_mnist_domain", "gpm2021")
    assert (gpm["by_layer"], gpm["rise"], gpm["samples"]) == (facts["threshold"], 0.0, facts["samples"])
    assert gpm["first"] == "below" and facts["rank_rule"].startswith("first task: smallest count whose")


AVL = {  # our row -> (benchmark with the arguments of clbench/published/rows.toml, experiment, hidden, bias)
    "rwalk": ("avl-smnist-task-rwalk", "split_mnist/rwalk", (256, 256)),
    "lwf": ("avl-smnist-class-lwf", "split_mnist/lwf", (200,)),
    "gdumb": ("avl-smnist-class-gdumb", "split_mnist/gdumb", (400, 400)),
    "ewc": ("avl-pmnist-domain-ewc", "permuted_mnist/ewc", (512,)),
    "si": ("avl-pmnist-domain-si", "permuted_mnist/synaptic_intelligence", (1000,)),
    "gem": ("avl-pmnist-domain-gem", "permuted_mnist/gem", (100, 100)),
    "agem": ("avl-pmnist-domain-agem", "permuted_mnist/agem", (256, 256)),
}


@pytest.mark.parametrize("strategy", AVL)
def test_avalanche_baselines(strategy):
    from clbench.published.figures import figures, row_of

    name, experiment, hidden = AVL[strategy]
    facts = AVALANCHE[experiment]
    row = row_of(next(one for one in figures() if one.id == name))
    made, budget = benchmark(row.benchmark, row.profile)
    assert f"MLP {len(hidden)}x{hidden[0]}" in facts["model"] and made.network().widths == hidden
    assert (getattr(made, "activation", None) == "tanh") == ("tanh" in facts["model"])
    optimiser, lr = facts["optimiser"].split()
    assert (budget.optimiser, budget.lr, budget.momentum) == (optimiser, float(lr), 0)
    assert (budget.epochs, budget.rows) == (facts["epochs"], facts["batch"])
    assert f"mean {made.mean}, std {made.std}" in FACTS["avalanche_baselines"]["data"]["mnist_normalise"]
    assert getattr(made, "tasks", 10) == facts.get("tasks", 10)
    ours = one(strategy, row.benchmark, row.profile)
    if strategy == "rwalk":  # eps, and the order: of the library and of the experiment, not in the facts
        names = ("ewc_lambda", "alpha", "delta_t")
        assert [ours[name] for name in ("lam", "alpha", "every")] == [facts[name] for name in names]
        assert ours["eps"] == pytest.approx(torch.finfo(torch.float32).eps)
        assert made.order == list(range(10))
    elif strategy == "lwf":
        assert (
            ours["weights"] == "steep"
            and ours["temperature"] == facts["temperature"]
            and ours["scale"] == "one"
        )
        assert [(t - 1) ** 2 / t for t in range(1, 6)] == pytest.approx(facts["alpha"], abs=1e-4)
    elif strategy == "gdumb":
        assert ours["memory"] == facts["memory"]
    elif strategy == "ewc":
        assert (ours["estimate"], ours["lam"]) == ("batches", 2 * facts["ewc_lambda"])
    elif strategy == "si":
        assert (2 * ours["c"], ours["xi"], ours["cut"]) == (facts["si_lambda"], facts["eps"], "above")
    else:
        assert ours["memory"] == facts["tasks"] * facts["per_task"]
        assert ours.get("margin", facts.get("strength")) == facts.get("strength")
        assert ours.get("rows", facts.get("sample_size")) == facts.get("sample_size")


def test_der2020_on_cifar10():
    """Settings only: a GPU's work."""
    from clbench.published.figures import figures, row_of

    for figure in figures():
        row = row_of(figure)
        if not figure.id.startswith("der2020-scifar10-class") or row.missing:
            continue
        made, budget = benchmark(row.benchmark, row.profile)
        facts = DER["strategies"][figure.strategy]
        assert made.net == "resnet18" and made.norm == "batch" and made.augment and made.sees is None
        assert (budget.optimiser, budget.lr, budget.momentum) == (
            "sgd",
            facts["lr"],
            DER["optimiser"]["momentum"],
        )
        assert (budget.epochs, budget.rows) == (
            DER["training"]["epochs_per_task"],
            DER["training"]["batch_size"],
        )
        ours, size = one_of(row), figure.id.rsplit("-", 1)[1]
        for key in ("alpha", "beta", "margin"):
            wanted = facts.get(key)
            wanted = wanted[size] if isinstance(wanted, dict) else wanted
            assert ours.get(key) == wanted, (figure.id, key)
        assert size == "sgd" or ours["memory"] == int(size)


def one_of(row):
    (found,) = arguments(row.strategy, row.benchmark, row.profile).values()
    return found


def test_gdumb2020_is_incomplete_and_says_what_it_knows():
    made, budget = benchmark("split_mnist_class", "gdumb2020")
    facts = FACTS["gdumb2020"]
    assert (
        "see repository" in facts["optimiser"]["momentum"]
        and "depth: see repository" in facts["model"]["split_mnist"]
    )
    assert (budget.lr, budget.weight_decay) == (
        facts["optimiser"]["lr_max"],
        facts["optimiser"]["weight_decay"],
    )
    assert budget.epochs == facts["training"]["passes_over_memory"]["split_mnist"]
    assert budget.rows == facts["training"]["batch_size"] and made.memory == 500


@pytest.mark.parametrize("profile", protocols.names())
def test_all_that_a_profile_says_is_understood(profile):
    """Every benchmark and every strategy of it resolves, in each scenario."""
    for stem in protocols.benchmarks_of(profile):
        for name, entry in registry.benchmarks().items():
            if entry.module != f"clbench.benchmarks.{stem}":
                continue
            made, _ = benchmark(name, profile)
            for strategy in protocols.strategies_of(type(made), profile, made.scenario):
                registry.strategy_on(strategy, made, profile)


def test_a_row_that_is_judged_resolves_to_a_run():
    from clbench.published.figures import figures, row_of

    for figure in figures():
        row = row_of(figure)
        if not row.missing and figure.confirmed:
            made, _ = benchmark(row.benchmark, row.profile)
            registry.strategy_on(row.strategy, made, row.profile)
