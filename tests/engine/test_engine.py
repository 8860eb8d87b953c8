from contextlib import nullcontext

import pytest
import torch
from helpers import CPU, make

from clbench import registry
from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.keyed import draw, generator
from clbench.core.layout import Layout
from clbench.core.part import Part
from clbench.engine.clock import Clock
from clbench.engine.precision import arithmetic
from clbench.engine.run import Run
from clbench.engine.run import run as run_group
from clbench.errors import InputError, RunFailed
from clbench.models.mlp import MLP
from clbench.models.small_conv import SmallConv
from clbench.strategies.parts.fisher import per_sample


def test_a_draw_depends_on_its_key_alone():
    def normal(key):
        return torch.randn(5, generator=generator(*key))

    keys = [(0, "batches", 0), (1, "batches", 0), (0, "replay", 0), (0, "batches", 1)]
    first = [normal(key) for key in keys]
    torch.manual_seed(7)
    assert all(torch.equal(a, normal(key)) for a, key in zip(first, keys, strict=True))
    assert len({tuple(a.tolist()) for a in first}) == 4
    rows = draw([3, 1], "init", 0, lambda g: torch.randn(5, generator=g))
    assert torch.equal(rows[1], normal((1, "init", 0)))
    assert generator(1, "init").initial_seed() == 46291789024797551  # the same on every platform and version


def test_layout_pads_rows_and_goes_both_ways():
    layout = Layout({"a": (3, 5), "b": (7,)})
    assert (layout.parameters, layout.P) == (22, 64)
    row = layout.flat({"a": torch.arange(15.0).view(3, 5), "b": 2})
    views = layout.views(row)
    assert views["a"][2, 4] == 14 and (views["b"] == 2).all() and row[22:].eq(0).all()


def test_batches_are_reshuffled_passes_with_the_remainder_carried_over():
    run = make("naive", seeds=[0, 1])
    samples = run.stream.tasks[0].train  # 120 of them
    drawn = run.shuffled(samples, rows=50, steps=5)
    assert drawn.shape == (5, 2, 50, 2)
    for order in drawn[..., 1].transpose(0, 1).flatten(1):
        assert sorted(order[:120].tolist()) == sorted(order[120:240].tolist()) == list(range(120))
        assert not torch.equal(order[:120], order[120:240])


def test_what_is_drawn_anew_depends_on_no_step_before():
    run = make("naive", seeds=[0, 1])
    samples = run.subset(run.stream.tasks[0].train, 50, "memory")
    drawn = run.drawn_anew(samples, 30, 400, "reference")
    assert drawn.shape == (400, 2, 30, 2)
    for s in range(2):
        rows = drawn[:, s, :, 1]
        assert all(len(row.unique()) == 30 for row in rows)  # no row twice in a step
        assert set(rows.flatten().tolist()) == set(samples[s, :, 1].tolist())
        again = [len(set(a.tolist()) & set(b.tolist())) for a, b in zip(rows[1:], rows, strict=False)]
        # Of 50 rows 30 twice: 18 in both on average, 1.7 its deviation; in passes it would be 10, 20, 10, …
        assert abs(sum(again) / 399 - 18) < 0.5 and min(again) < 16 and max(again) > 20
        counts = torch.bincount(rows.flatten())
        assert (counts[counts > 0] - 240).abs().max() < 50  # each 240 times, 9.8 its deviation
    assert not torch.equal(*drawn[..., 1].unbind(1))  # each seed its own
    assert run.drawn_anew(samples, 80, 3, "reference").shape == (3, 2, 50, 2)  # all there are


def test_flops_are_the_hand_count_and_costs_scale_with_the_seeds():
    def costs(seeds):
        _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
        parts = registry.strategy("naive").build()
        return run_group(
            benchmark.stream(seeds, CPU), benchmark.network(), parts, benchmark.budget("smoke"), Clock(CPU)
        ).costs

    forward = 2 * 16 * (16 * 32 + 32 * 32 + 32 * 10)  # 2 FLOPs a weight and row
    backward = 2 * forward - 2 * 16 * 16 * 32  # no gradient at the input
    one, two = costs([0]), costs([0, 1])
    assert one["flops"] == 5 * 12 * (forward + backward)
    assert (one["steps"], one["samples_seen"], one["extra_params"]) == (60, 960, 0)
    assert all(
        two[name] == 2 * one[name]
        for name in ("flops", "steps", "samples_seen", "memory_items", "extra_params")
    )
    assert min(one["train_s"], one["eval_s"], one["peak_mb"]) > 0


def test_a_part_says_how_many_labels_it_asks_for_and_how_its_network_grows():
    class Frugal(Part):
        labels = 0.2

        def parameters(self, t):
            return 10 * (t + 1)

    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")

    def outcome(*parts):
        return run_group(
            benchmark.stream([0], CPU), benchmark.network(), [*parts], Budget(2, rows=8), Clock(CPU)
        )

    plain, frugal = outcome(Part()), outcome(Part(), Frugal())
    assert plain.parameters is None and "labels" not in plain.costs
    assert frugal.parameters == [10, 20, 30, 40, 50] and frugal.costs["labels"] == 0.2


def test_costs_of_memory_and_extra_parameters():
    er, ewc, lwf = (make(name) for name in ("er", "ewc", "lwf"))
    for run in (er, ewc, lwf):
        run.train()
    P = er.learner.net.layout.parameters
    assert er.parts[0].stored.shape[1] == 100 and er.extra_parameters() == 0
    assert ewc.extra_parameters() == 2 * P
    assert lwf.extra_parameters() == P


def test_a_diverged_seed_is_named_and_leaves_its_neighbour_alone():
    class Blow(Part):
        def gradient(self, g, batch):
            g = g.clone()
            g[0] *= torch.where(torch.tensor(self.run.updates == 15), torch.nan, 1.0)
            return g

    run, plain = make("naive", seeds=[5, 6], extra=[Blow()]), make("naive", seeds=[5, 6])
    acc, fine = run.train(), plain.train()
    assert run.diverged == [{"seed": 5, "task": 2, "step": 17}]
    assert acc[0, :2].isfinite().all() and acc[0, 2:].isnan().all()
    assert torch.equal(acc[1], fine[1])


def test_a_run_whose_seeds_have_all_diverged_stops():
    run = make("naive", optimiser="sgd", lr=1e18)
    assert run.train()[0, 2:].isnan().all()
    assert run.updates < 60


def test_a_broken_part_says_where():
    class Broken(Part):
        def batch(self, batch):
            if self.run.t == 1:
                raise ValueError("no")
            return batch

    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    with pytest.raises(RunFailed) as caught:
        run_group(
            benchmark.stream([0], CPU), benchmark.network(), [Broken()], benchmark.budget("smoke"), Clock(CPU)
        )
    assert (caught.value.task, caught.value.step) == (2, 12)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_the_task_is_told_at_evaluation_only_where_the_scenario_gives_it(scenario):
    told = []

    class Nosy(Part):
        def predict(self, x, t):
            told.append(t)
            return self.run.learner.outputs(x)

    acc = make("naive", scenario, extra=[Nosy()]).evaluate()
    assert told == ([0, 1, 2, 3, 4] if scenario == "task" else [None] * 5)
    assert torch.equal(acc, make("naive", scenario).evaluate())


def test_two_parts_that_predict_are_refused():
    class Predict(Part):
        def predict(self, x, t):
            return x

    class Another(Predict):
        pass

    with pytest.raises(InputError, match="Predict and Another both replace the prediction"):
        make("naive", extra=[Predict(), Another()])


def test_a_class_of_its_own_may_train_and_take_the_steps():
    taken = []

    class Noting(Run):
        def step_of_fit(self):
            step = super().step_of_fit()
            return lambda draws: taken.append(self.t) or step(draws)

    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    given = (
        benchmark.network(),
        registry.strategy("er(memory=50)").build(),
        benchmark.budget("smoke"),
        Clock(CPU),
    )
    outcome = run_group(benchmark.stream([0], CPU), *given, run_class=Noting)
    assert taken == [t for t in range(5) for _ in range(11)]  # the first step of a fit counts FLOPs
    assert torch.equal(outcome.acc, make("er(memory=50)").train())


def test_optimiser_state_is_kept_or_reset_between_tasks():
    keep, reset = (make("naive", optimiser_state=state) for state in ("keep", "reset"))
    for run in (keep, reset):
        run.learn(run.stream.tasks[0])
    assert torch.equal(keep.learner.theta, reset.learner.theta)
    fresh = make("naive")
    with torch.no_grad():
        fresh.learner.theta.copy_(reset.learner.theta)
    for run in (keep, reset, fresh):
        run.t = 1
        run.learn(run.stream.tasks[1])
    assert torch.equal(reset.learner.theta, fresh.learner.theta)
    assert not torch.equal(reset.learner.theta, keep.learner.theta)


@pytest.mark.parametrize("power", [1, 2])
def test_gradient_powers_of_the_mlp_are_those_of_any_network(power):
    net, rows = MLP(6, 8, 5, 3), 40
    draws = generator(0, "test")
    batch = Batch(x=torch.randn(rows, 6, generator=draws), y=torch.randint(3, (rows,), generator=draws))
    theta = net.init(draws)

    def losses(out, batch):
        return torch.nn.functional.cross_entropy(out, batch.y, reduction="none")

    quick = net.gradient_powers(theta, batch, losses, power)
    slow = per_sample(net, theta, batch, losses, power, chunk=16)
    assert torch.allclose(quick, slow, rtol=1e-4, atol=1e-7) and slow.max() > 0.1


def test_the_clock_counts_what_a_nested_block_repeats():
    clock, a = Clock(CPU), torch.ones(4, 4)
    with clock.count_flops(times=3):
        a @ a
        with clock.count_flops(times=100):
            a @ a
        with clock.uncounted():
            a @ a
        a @ a
    assert clock.flops == 3 * (1 + 100 + 1) * 2 * 4**3
    with clock.uncounted():
        a @ a
    turns = []
    for turn in clock.repeat(5):
        a @ a
        turns.append(turn)
    assert turns == [0, 1, 2, 3, 4] and clock.flops == (3 * 102 + 5) * 2 * 4**3


def test_what_a_part_trains_at_the_end_of_a_task_counts_as_if_every_step_were_counted(monkeypatch):
    flops = []
    for _ in range(2):
        run = make("packnet", "task", steps=9)
        run.train()
        flops.append(run.clock.flops)
        monkeypatch.setattr(Clock, "uncounted", nullcontext)
        monkeypatch.setattr(Clock, "count_flops", counts_all(Clock.count_flops))
    assert flops[0] == flops[1] > 0


def counts_all(count_flops):
    """As it is, but what a block within another repeats is counted each time."""

    def method(self, times=1):
        return count_flops(self, times) if self._counter is None else nullcontext()

    return method


def test_the_optimiser_forgets_what_it_knows_of_some_weights():
    run = make("naive", steps=3)
    run.learn(run.stream.tasks[0])
    where = torch.zeros_like(run.learner.theta, dtype=torch.bool)
    where[:, ::2] = True
    of_weights = [one for one in run.learner.optimiser.state if one.shape == where.shape]
    before = [one.clone() for one in of_weights]
    run.learner.reset_optimiser(where)
    assert of_weights
    for now, then in zip(of_weights, before, strict=True):
        assert not now[where].any() and torch.equal(now[~where], then[~where]) and then[where].any()


@pytest.mark.parametrize("net", [MLP(48, 8, 5, 3), SmallConv((4, 4, 3), 3, (8, 16))], ids=str)
def test_what_a_layer_reads_times_its_weight_is_what_it_gives(net):
    draws = generator(0, "test")
    x, theta = torch.randn(7, 48, generator=draws), net.init(draws)
    read, views = net.inputs_of(theta, x), net.layout.views(theta)
    assert len(read) == sum(
        name.endswith("weight") and len(shape) > 1 for name, shape in net.layout.shapes.items()
    )
    head = list(read)[-1]
    assert torch.allclose(
        read[head] @ views[f"{head}.weight"].T + views[f"{head}.bias"], net(theta, x), atol=1e-5
    )
    first = list(read)[0]
    weight = views[f"{first}.weight"]
    given = read[first] @ weight.flatten(1).T
    if weight.dim() == 4:
        pictures = x.view(-1, 4, 4, 3).permute(0, 3, 1, 2)
        slow = torch.nn.functional.conv2d(pictures, weight, stride=2, padding=1)
        assert torch.allclose(given, slow.flatten(2).mT.flatten(0, 1), atol=1e-5)
    else:
        assert torch.equal(read[first], x)
    with_seeds = torch.func.vmap(net.inputs_of)(theta[None].repeat(2, 1), x[None].repeat(2, 1, 1))
    assert all(torch.allclose(with_seeds[name][1], read[name], atol=1e-4) for name in read)


def test_budget_fields_are_what_the_record_says():
    assert Budget(7) == Budget(
        steps=7, rows=128, optimiser="adam", lr=1e-3, momentum=0.0, optimiser_state="keep"
    )


def test_denormal_numbers_are_zero_while_a_run_lasts():
    tiny = torch.tensor([1e-30])
    with arithmetic("float32"):
        assert (tiny * 1e-10).item() == 0
    assert (tiny * 1e-10).item() > 0
