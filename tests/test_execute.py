"""What a worker does with a group that the memory does not hold, and what workers are told."""

import pytest
import torch
from helpers import LABELLED, PAIRS

import clbench
from clbench import registry
from clbench.engine import run as engine
from clbench.errors import InputError, RunFailed
from clbench.execution import execute, plan
from clbench.execution import seed_group as worker
from clbench.models.text_encoder import TextEncoder
from clbench.profiles import OWN_PROFILES
from clbench.results.record import Failure, Record

TOLD = {"command": "clbench", "commit": None, "dirty": None, "concurrent": 1}


def job(seeds, strategy="naive"):
    (pair,) = plan.make_plan(["blobs_class"], [strategy], "smoke", list(seeds), None).pairs
    (made,) = plan.jobs(plan.Plan([pair], {}, []), "cpu", group_size=len(seeds))
    return made, pair


def test_the_guess_of_a_run_s_seconds_counts_what_a_method_computes_besides():
    """GEM takes the gradient of its memory at every step."""
    few, many = (job([0], f"gem(memory={memory})")[1].seconds - 0.2 for memory in (4, 4000))
    assert many > 10 * few and few == pytest.approx(job([0])[1].seconds - 0.2)


def test_the_estimate_counts_the_rows_of_the_memory():
    few, many = (job([0], f"agem(rows={rows})")[1].seconds - 0.2 for rows in (16, 160_000))
    assert many > 10 * few


@pytest.fixture
def room(monkeypatch):
    """The engine runs out of memory with more than `room["seeds"]` seeds; `asked` lists the groups that were
    tried."""
    told, real = {"seeds": 2, "asked": []}, engine.run

    def run(stream, *rest):
        told["asked"].append(list(stream.seeds))
        if len(stream.seeds) > told["seeds"]:
            try:
                raise torch.OutOfMemoryError(
                    "CUDA out of memory. Tried to allocate 7.00 GiB. GPU 0 has 4 GiB."
                )
            except RuntimeError as error:
                raise RunFailed(1, 0) from error
        return real(stream, *rest)

    monkeypatch.setattr(engine, "run", run)
    return told


def test_a_group_that_does_not_fit_is_halved_until_it_does_and_the_record_says_so(room):
    asked, pair = job(range(5))
    results = worker.train_group(asked, TOLD)
    assert room["asked"] == [[0, 1, 2, 3, 4], [0, 1, 2], [0, 1], [2], [3, 4]]
    assert [result.group.seeds for result in results] == [[0, 1], [2], [3, 4]]
    assert results[2].group.notes == ["out of memory with 5 seeds together, so the group was halved"]
    assert len(results[0].group.notes) == 2
    finished = execute.execute(plan.Plan([pair], {}, []), [asked], None, workers=0)
    (record,) = finished.records.values()
    assert record.status == "ok" and record.seeds == [0, 1, 2, 3, 4] and len(record.groups) == 3


def test_what_has_learnt_the_same_has_the_same_digests():
    def digests(strategy):
        weights = clbench.run("blobs_class", strategy, seeds=2, profile="smoke").record.weights
        return [weights[0], weights[1]]

    naive = digests("naive")
    assert len(set(naive)) == 2 and digests("ewc(lam=0.0)") == naive != digests("ewc")
    theirs = digests("avalanche_naive")
    assert digests("avalanche_lwf(alpha=0.0)") == theirs != digests("avalanche_lwf")


def test_one_seed_that_does_not_fit_fails_and_says_how_much_was_needed(room):
    room["seeds"] = 0
    asked, pair = job([3, 4])
    finished = execute.execute(plan.Plan([pair], {}, []), [asked], None, workers=0)
    (record,) = finished.records.values()
    assert record.status == "failed" and record.error.seeds == [3]
    assert record.error.reason.startswith(
        "out of memory with one seed alone: CUDA out of memory. Tried to allocate 7.00 GiB"
    )


def test_what_one_half_gave_is_kept_when_the_other_fails(monkeypatch):
    real = engine.run

    def run(stream, *rest):
        if len(stream.seeds) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        if stream.seeds == [1]:
            raise ValueError("broken")
        return real(stream, *rest)

    monkeypatch.setattr(engine, "run", run)
    asked, pair = job([0, 1])
    (record,) = execute.execute(plan.Plan([pair], {}, []), [asked], None, workers=0).records.values()
    assert isinstance(record, Record) and record.seeds == [0]
    assert record.status == "failed" and record.error.reason == "ValueError: broken"


def test_a_failure_is_forgotten_only_when_its_seeds_have_values(monkeypatch):
    real, broken = engine.run, {1}

    def run(stream, *rest):
        if broken & {*stream.seeds}:
            raise ValueError("broken")
        return real(stream, *rest)

    monkeypatch.setattr(engine, "run", run)
    stored = None
    for seeds, there, status in (([0], [0], "ok"), ([1], [0], "failed"), ([2], [0, 2], "failed")):
        stored = _more(stored, seeds)
        assert (stored.seeds, stored.status) == (there, status)
    broken.clear()
    stored = _more(stored, [1])
    assert (stored.seeds, stored.status, stored.error) == ([0, 1, 2], "ok", None)


def _more(stored, seeds):
    asked, pair = job(seeds)
    pair.stored = stored
    finished = execute.execute(plan.Plan([pair], {}, []), [asked], None, workers=0)
    return finished.records[pair.blank.benchmark, pair.blank.strategy]


def test_parts_that_do_not_go_together_after_all_are_unsupported_in_a_line(monkeypatch):
    def run(*_):
        raise InputError("these two do not go together")

    monkeypatch.setattr(engine, "run", run)
    asked, _ = job([0])
    (result,) = worker.train_group(asked, TOLD)
    assert (result.status, result.error) == ("unsupported", Failure("these two do not go together"))


def test_every_kind_of_network_has_a_group_size_on_every_kind_of_device():
    kinds = {
        plan.kind_of(registry.benchmark(name, profile)[1].network())
        for name in (*LABELLED, *PAIRS)
        for profile in OWN_PROFILES
    }
    kinds |= {TextEncoder.kind}
    assert kinds == {"small mlp", "mlp", "conv", "resnet", "small dual", "dual", "text"}
    assert {(kind, device) for kind in kinds for device in ("cpu", "cuda")} <= plan.GROUP_SIZE.keys()
