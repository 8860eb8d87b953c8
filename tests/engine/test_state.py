"""A run that goes on from a model's file ends in the same bits, and the file answers as the run does; every
native strategy."""

import pytest
import torch
from helpers import SUPPORTED, make, parts_of, small

from clbench import registry
from clbench.artefacts.load import Model, load_model
from clbench.artefacts.models import ModelFile, Saving
from clbench.engine.state import restore, state_of
from clbench.testing.runs import suited

FIRST = {name: scenario for name, scenario in reversed(SUPPORTED)}  # a scenario of each strategy


@pytest.mark.parametrize(("name", "scenario"), FIRST.items())
def test_a_model_goes_on_in_the_same_bits_and_answers_without_data(name, scenario, tmp_path):
    spec = suited(f"blobs_{scenario}", parts_of(name))
    about = {"profile": "smoke", "benchmark": spec, "strategy": small(name), "contents": None}
    about["contents"] = registry.benchmark(spec, "smoke")[1].contents()
    whole = make(name, scenario, seeds=(0, 1))
    whole.looks = [Saving(tmp_path, about)]
    acc = whole.train()
    tasks = len(whole.stream.tasks)

    again = make(name, scenario, seeds=(0, 1))
    restore(
        again, ModelFile(tmp_path / f"seeds-0-1.task-{tasks - 2}.safetensors").state(again.learner.net.layout)
    )
    assert torch.equal(again.train(), acc) and torch.equal(again.learner.theta, whole.learner.theta)
    assert again.kept_bytes == whole.kept_bytes

    model = load_model(tmp_path, seed=1)
    assert isinstance(model, Model) and model.about["task"] == tasks
    for j in (0, tasks - 1):
        rows = whole.stream.tasks[j].test
        out = model(about["contents"].x_test[rows], task=j + 1)
        told = j if scenario == "task" else None
        with torch.no_grad():
            own = whole.scores(whole.stream.test(j, slice(None)).expand(2, -1, -1), told)[1]
        assert torch.equal(out.argmax(1), own.masked_fill(~whole.stream.masks[j], -torch.inf).argmax(1))


def test_tensors_that_share_their_numbers_go_on_sharing_them():
    run = make("er")
    run.train()
    (part,) = run.parts
    part.twice = {"all": part.stored, "some": part.stored[:, 1:]}
    again = make("er")
    restore(again, state_of(run))
    (own,) = again.parts
    own.twice["all"].zero_()
    assert not own.stored.any() and not own.twice["some"].any() and part.stored.any()


def test_a_state_of_another_strategy_is_refused():
    run = make("er+ewc")
    run.train()
    with pytest.raises(ValueError, match="of 2 parts"):
        restore(make("er"), state_of(run))
