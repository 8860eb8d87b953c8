"""Our streams in scripts of Avalanche's own, and what these find as records."""

import re
from pathlib import Path

import pytest
import torch
from helpers import CPU, SCENARIOS

import clbench
from clbench import registry
from clbench.avalanche.run import _no_warnings
from clbench.errors import InputError
from clbench.metrics.accuracy import per_seed
from clbench.report import pages
from clbench.results import records


def script(spec, seed, out, known=True, name="my script"):
    """Avalanche's Naive as a user runs it; the accuracies [T + 1, E] that it has in truth."""
    from avalanche.models import as_multitask
    from avalanche.training.supervised import Naive

    from clbench.avalanche import Recorder

    torch.manual_seed(seed)
    benchmark = clbench.to_avalanche(spec, seed=seed, profile="smoke")
    _, made, _ = registry.benchmark(spec, "smoke")
    stream, net = made.stream([seed], CPU), made.network()
    model = net.module(net.init(torch.Generator().manual_seed(seed)))
    if stream.scenario == "task":
        named = torch.nn.Sequential()
        named.body, named.classifier = model[:-1], model[-1]
        named.forward = lambda x: named.classifier(named.body(x))
        model = as_multitask(named, "classifier")
    strategy = Naive(
        model=model,
        optimizer=torch.optim.Adam(model.parameters(), 1e-2),
        train_mb_size=16,
        train_epochs=2,
        plugins=[Recorder(spec, name, seed=seed, profile="smoke", out=out)],
        evaluator=None,
    )
    rows = []

    def measure():
        strategy.eval(benchmark.test_stream)
        row = []
        for t in range(len(stream.tasks)):
            x = stream.test(t, slice(None))[0]
            label = torch.full((len(x),), t)
            with torch.no_grad():
                out = model(x, label) if stream.scenario == "task" else model(x)
            out = torch.nn.functional.pad(out, (0, stream.classes - out.shape[1]), value=-1e9)
            row.append(float(stream.score(t, out[None])))
        return row

    rows.append(measure() if known else [None] * len(stream.tasks))
    for experience in benchmark.train_stream:
        strategy.train(experience)
        rows.append(measure())
    return rows


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_script_makes_a_record_that_tables_show(scenario, tmp_path):
    spec = f"blobs_{scenario}"
    with _no_warnings():
        rows = [script(spec, seed, tmp_path, known=scenario != "task") for seed in (0, 3)]
    record = records.read(records.path_of(tmp_path, "smoke", spec, "my script"))
    assert record.seeds == [0, 3] and record.backend == "imported"
    for found, true in zip(record.acc, rows, strict=True):
        for a, b in zip(found, true, strict=True):
            assert a == (pytest.approx(b, abs=1e-6) if b[0] is not None else b)
    assert per_seed(record.array)["acc"].shape == (2,)
    clbench.run(spec, "naive", seeds=2, profile="smoke", out=tmp_path)
    written = pages.write_reports(tmp_path, tmp_path / "pages")
    text = (tmp_path / "pages" / "smoke.md").read_text()
    assert "my script" in text and "naive" in text and written.paths


def test_the_stream_is_the_same():
    from avalanche.benchmarks import CLScenario

    benchmark = clbench.to_avalanche("blobs_task", seed=1, profile="smoke")
    stream = registry.benchmark("blobs_task", "smoke")[1].stream([1], CPU)
    assert isinstance(benchmark, CLScenario) and len(benchmark.train_stream) == len(stream.tasks)
    for t, (train, test) in enumerate(zip(benchmark.train_stream, benchmark.test_stream, strict=True)):
        ours = stream.gather(stream.tasks[t].train[None])
        assert torch.equal(torch.stack([x for x, *_ in train.dataset]), ours.x[0])
        assert [y for _, y, _ in train.dataset] == ours.y[0].tolist()
        assert torch.equal(torch.stack([x for x, *_ in test.dataset]), stream.test(t, slice(None))[0])
        assert {label for *_, label in test.dataset} == {t} == set(test.task_labels)
        assert test.classes_in_this_experience == stream.tasks[t].classes.nonzero().flatten().tolist()


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(InputError, match="pairs"):
        clbench.to_avalanche("driftcaps", profile="smoke")
    with _no_warnings():
        script("blobs_class", 0, tmp_path)
        with pytest.raises(InputError, match="is there already"):
            script("blobs_class", 0, tmp_path)


def test_who_does_not_ask_does_not_import_avalanche():
    import clbench.avalanche

    with pytest.raises(AttributeError, match="no attribute"):
        clbench.avalanche.Nothing  # noqa: B018


DOCS = (Path(__file__).parents[2] / "docs" / "avalanche.md").read_text()


def test_the_script_of_the_docs_makes_its_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with _no_warnings():
        exec(DOCS.partition("```python\n")[2].partition("```")[0], {})
    record = records.read(
        records.path_of(tmp_path / "my_results", "smoke", "split_digits_class", "my script")
    )
    assert record.strategy == "my script" and record.array[0, 5, 4] > 0.3 and record.array[0, 0].mean() < 0.3


def test_the_docs_name_every_row_that_is_mended_or_cannot_run():
    rows = {name: entry for name, entry in registry.strategies().items() if entry.backend == "avalanche"}
    mended = {name for name in rows if registry.facts(name).shim}
    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    stream, net = benchmark.stream([0], CPU), benchmark.network()
    reasons = {name: registry.load(entry)().supports(stream, net) or "" for name, entry in rows.items()}
    refused = {name for name, reason in reasons.items() if reason.startswith("unavailable")}
    assert mended == set(re.findall(r"^\| `(\w+)`", DOCS.split("## Refused")[0], re.M))
    assert refused <= set(re.findall(r"^\| `(\w+)`", DOCS.split("## Refused")[1], re.M)) and len(refused) == 4
