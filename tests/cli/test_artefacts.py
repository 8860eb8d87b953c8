"""What a run leaves behind beside its record, through the command line."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open

import clbench
from clbench.benchmarks import labelled
from clbench.data.labelled.sources import digits
from clbench.results import records, tally

RUN = ("run", "-b", "split_digits_class", "--profile", "smoke", "--workers", "0", "--seeds", "1")
PAIR = "smoke/split_digits_class"


def stored(place, strategy="er"):
    return records.read(records.path_of(place / "my_results", "smoke", "split_digits_class", strategy))


def the_one(place):
    (path,) = (place / "my_results").rglob("*.json")
    return records.read(path)


@pytest.fixture
def place(here, tmp_path):
    """Where er has run with one seed and left all that it can."""
    done = here(*RUN, "-s", "er", "--curves", "--save-models", "models", "--predictions", "scores")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("models", "predictions", "curves"):
        assert f"{name}: about " in done.stdout  # its size, beforehand
    return tmp_path


def test_it_changes_no_bit_and_is_made_once(here, place, tmp_path):
    with_all = stored(place)
    assert here(*RUN, "-s", "er", "--fresh").returncode == 0
    plain = stored(place)
    assert (plain.acc, plain.weights) == (with_all.acc, with_all.weights)
    options = ("--curves", "--save-models", "models", "--predictions", "scores")
    again = here(*RUN, "-s", "er", *options)  # the record has no curves any more, so the run is repeated
    assert again.returncode == 0 and "1 runs of 1 pairs" in again.stdout
    assert "1 pair up to date" in here(*RUN, "-s", "er", *options).stdout
    assert "1 pair up to date" not in here(*RUN, "-s", "er", "--save-models", "elsewhere").stdout


def test_curves_stand_beside_the_record(place):
    record = stored(place)
    (name,) = [name for name in record.files if tally.CURVES in name]
    curves = tally.read(record, place / "my_results")[0]
    steps = record.settings["budget"]["steps"]
    assert curves["curve_step"].tolist() == list(range(1, 5 * steps + 1))
    assert np.isfinite(curves["curve_loss"]).all() and (curves["curve_gradient_norm"] > 0).all()
    far = np.isfinite(curves["curve_data_term"])
    assert curves["curve_step"][far].tolist() == [1 + t * steps for t in range(5)]
    assert curves["curve_data_term"][far] == pytest.approx(curves["curve_loss"][far], rel=1e-5)
    drift = curves["curve_feature_drift"][far]
    assert np.isnan(drift[0]) and 0 <= drift[1] < 1e-3 < drift[-1]  # at its end, and at the end of all
    cosine = curves["curve_gradient_cosine"][far]
    assert np.isnan(cosine[0]) and (np.abs(cosine[1:]) <= 1).all()
    assert record.cost("looks_s") > 0


def test_curves_of_a_run_that_diverged_end_where_it_broke(here, tmp_path):
    spec = "split_digits_class(optimiser='sgd', lr=100000.0, momentum=0.9)"
    here(*RUN[:1], "-b", spec, *RUN[3:], "-s", "naive", "--curves")
    record = the_one(tmp_path)
    assert record.status == "diverged" and record.error.step < 10
    curves = tally.read(record, tmp_path / "my_results")[0]
    assert np.isfinite(curves["curve_loss"][: record.error.step - 1]).all()
    assert not np.isfinite(curves["curve_loss"][record.error.step - 1 :]).any()


def test_predictions_are_the_answers_that_the_record_counts(place):
    acc = stored(place).acc[0]
    for task in (0, 3, 5):
        table = pq.read_table(place / "scores" / PAIR / "er" / f"seed-0.task-{task}.parquet").to_pydict()
        scores, where = np.array(table["scores"]), np.array(table["slice"])
        right = scores.argmax(1) == np.array(table["label"])
        assert [right[where == j].mean() for j in range(1, 6)] == pytest.approx(acc[task], abs=0.03)  # ties
        assert [np.array(table["right"])[where == j].mean() for j in range(1, 6)] == acc[task]
    assert (digits().y_test[table["row"]].numpy() == table["label"]).all()


def test_of_pairs_the_ten_nearest_are_kept(here, tmp_path):
    spec = "driftcaps(slices=2, n=32, n_test=16, size=8, rows=16, steps=3)"
    assert here("run", "-b", spec, *RUN[3:], "-s", "naive", "--predictions", "scores").returncode == 0
    record = the_one(tmp_path)
    (path,) = (tmp_path / "scores").rglob("seed-0.task-2.parquet")
    table = pq.read_table(path).to_pydict()
    first = np.array(table["nearest"])[:, 0] == np.array(table["row"])
    where = np.array(table["slice"])
    left_right = record.groups[0].arrays["r1_left_right"][0][-1]
    assert [first[where == j].mean() for j in (1, 2)] == pytest.approx(left_right)
    assert np.array(table["nearest"]).shape[1] == 10


def test_a_model_answers_where_there_are_no_data(place):
    record, images = stored(place), digits()
    code = (
        "import clbench, torch, sys\n"
        "from clbench.data.labelled import sources\n"
        "sources.digits = None\n"  # nobody reads the data
        "from clbench.benchmarks.split_digits import SplitDigits\n"
        "SplitDigits.data = None\n"
        "model = clbench.load_model(sys.argv[1])\n"
        "print(model(torch.load(sys.argv[2], weights_only=True)).argmax(1).tolist())\n"
    )
    torch.save(images.x_test, place / "x.pt")
    folder = place / "models" / PAIR / "er"
    done = subprocess.run(
        [sys.executable, "-c", code, folder, place / "x.pt"], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    right = np.array(json.loads(done.stdout)) == images.y_test.numpy()
    of_tasks = [right[(images.y_test // 2 == t).numpy()].mean() for t in range(5)]
    assert of_tasks == pytest.approx(record.acc[0][-1])


def test_a_model_is_a_module_with_weights_by_name_that_learns(place):
    path = place / "models" / PAIR / "er" / "seed-0.task-2.safetensors"
    model = clbench.load_model(path)
    assert model.about["task"] == 2 and model.classes == list("0123456789")
    with safe_open(path, "pt") as file:  # without clbench
        assert torch.equal(file.get_tensor("seed0.head.bias"), dict(model.named_parameters())["head.bias"])
        assert len(file.get_tensor("examples.place")) == 100  # what er stores
    x, y = digits().x[:64], digits().y[:64]
    before = torch.nn.functional.cross_entropy(model(x), y)
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 * parameter.grad
    assert torch.nn.functional.cross_entropy(model(x), y) < before


def test_evaluate_gives_the_row_of_the_record(here, place):
    done = here("evaluate", f"models/{PAIR}/er", "--json")
    assert json.loads(done.stdout)["accuracy"] == {"5": [stored(place).acc[0][-1]]}
    third = here("evaluate", f"models/{PAIR}/er/seed-0.task-3.safetensors", "-b", "split_digits_class")
    assert third.returncode == 0 and f"{100 * stored(place).acc[0][3][0]:.1f}" in third.stdout
    assert here("evaluate", f"models/{PAIR}/er", "-b", "split_digits_class(validation=True)").returncode == 0
    refused = here("evaluate", f"models/{PAIR}/er", "-b", "split_mnist_class")
    assert refused.returncode == 2 and "does not take the inputs" in refused.stderr


def test_a_model_goes_on_as_if_it_had_not_been_interrupted(here, place):
    path = place / "models" / PAIR / "er"
    done = here("run", "--from", path / "seed-0.task-3.safetensors", "--save-models", "more", "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)["accuracy"]
    assert [again[row][0] for row in ("3", "4", "5")] == stored(place).acc[0][3:]
    name = "seed-0.task-5.safetensors"
    with safe_open(path / name, "pt") as one, safe_open(place / "more" / name, "pt") as other:
        assert one.keys() == other.keys()
        assert all(torch.equal(one.get_tensor(key), other.get_tensor(key)) for key in one.keys())
    nothing = here("run", "--from", path / name)
    assert nothing.returncode == 2 and "nothing new has come" in nothing.stderr


def test_next_month_comes_and_the_model_goes_on(here, tmp_path):
    """The model of two months meets the third, and ends where a run over all three does."""

    def write(lines):
        (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
        labelled._load.cache_clear()  # as in another process

    generator = np.random.default_rng(0)
    months = np.repeat(["2024-01-05", "2024-02-05", "2024-03-05"], 120)
    x = generator.normal(size=(360, 3))
    label = np.where(x[:, 0] + 0.5 * x[:, 1] > 0, "yes", "no")
    lines = [f"{a:.3f},{b:.3f},{c:.3f},{y},{t}" for (a, b, c), y, t in zip(x, label, months, strict=True)]
    head = "a,b,c,label,date"
    write([head, *lines[:240]])
    spec = "labelled_domain(path='rows.csv')"
    options = ("-s", "er", *RUN[3:], "--save-models")
    assert here("run", "-b", spec, *options, "models").returncode == 0
    write([head, *lines[240:], *lines[:240]])  # wherever the new ones stand
    (path,) = (tmp_path / "models").rglob("seed-0.task-2.safetensors")
    done = here("run", "--from", path, "--json")
    assert done.returncode == 0, done.stderr
    went_on = json.loads(done.stdout)["accuracy"]["3"][0]
    assert here("run", "-b", spec, *options, "whole").returncode == 0
    record = the_one(tmp_path)
    assert went_on == record.acc[0][-1]
    (tmp_path / "rows.csv").unlink()
    assert clbench.load_model(path.parent).classes == ["no", "yes"]
    write([head, *lines[5:]])
    refused = here("run", "--from", path)
    assert refused.returncode == 2 and "task 1 has other training rows now" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("run", "--from", "nothing.safetensors"), "nothing.safetensors: no such file"),
        (("run", "--from", "text.safetensors"), "no model that clbench saved"),
        (("run", "--from", "text.safetensors", "-s", "er"), "without -s"),
        (
            ("run", "--from", "x", "--out", "y", "--workers", "0", "--strict"),
            "without --workers, --strict, --out",
        ),
        (("evaluate", "stray"), "holds no model that clbench saved"),
        (("evaluate", "."), "holds no model that clbench saved"),
        ((*RUN, "-s", "er", "--log", "paper:x"), "tensorboard:DIR, mlflow:URI or wandb:PROJECT"),
        ((*RUN, "-s", "er", "--save-models", "text.safetensors"), "is a file"),
    ],
)
def test_what_makes_no_sense_is_told(here, tmp_path, arguments, reason):
    (tmp_path / "text.safetensors").write_text("no model")
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "a.task-best.safetensors").write_text("no model")
    done = here(*arguments)
    assert done.returncode == 2 and reason in done.stderr and not (tmp_path / "my_results").exists()


def test_a_full_disk_ends_with_a_line_and_leaves_the_record(here, place, monkeypatch):
    from clbench.results import files

    def full(path, content):
        raise OSError(28, "No space left on device") if path.suffix == ".parquet" else None

    before = stored(place)
    monkeypatch.setattr(files, "_write_atomically", full)
    done = here(*RUN, "-s", "er", "--predictions", "elsewhere")
    assert done.returncode == 1 and "No space left on device" in done.stdout
    assert stored(place) == before and not (place / "elsewhere").exists()


def test_an_avalanche_row_leaves_what_it_can(here, tmp_path):
    done = here(
        *RUN, "-s", "avalanche_naive", "--curves", "--save-models", "models", "--predictions", "scores"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len([*(tmp_path / "scores").rglob("*.parquet")]) == 6 and not (tmp_path / "models").exists()
    notes = stored(tmp_path, "avalanche_naive").groups[0].notes
    assert "no models: Avalanche's loop is its own" in notes


# ---- trackers


def test_tensorboard_reads_what_was_logged(here, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert here(*RUN, "-s", "er", "--log", "tensorboard:board").returncode == 0
    record = stored(tmp_path)
    read = EventAccumulator(str(tmp_path / "board" / PAIR / "er" / "seed-0")).Reload()
    seen = [(one.step, one.value) for one in read.Scalars("accuracy/slice 1")]
    assert seen == [(t, pytest.approx(row[0], abs=1e-6)) for t, row in enumerate(record.acc[0])]
    whole = EventAccumulator(str(tmp_path / "board" / PAIR / "er" / "all-seeds")).Reload()
    assert whole.Scalars("acc")[0].value == pytest.approx(np.mean(record.acc[0][-1]), abs=1e-6)
    assert record.sha256 in whole.Tensors("record/text_summary")[0].tensor_proto.string_val[0].decode()


def test_mlflow_reads_what_was_logged(here, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    uri = f"file:{tmp_path}/runs"
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    done = here(*RUN, "-s", "er", "--log", f"mlflow:{uri}")
    assert done.returncode == 0, done.stdout + done.stderr
    client, record = mlflow.MlflowClient(uri), stored(tmp_path)
    experiment = client.get_experiment_by_name("clbench")
    runs = {run.data.tags["of"]: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == {"seed 0", "all seeds"}
    history = client.get_metric_history(runs["seed 0"].info.run_id, "accuracy/slice 1")
    assert [one.value for one in history] == [row[0] for row in record.acc[0]]
    assert runs["seed 0"].data.params["benchmark"] == "split_digits_class"
    assert runs["all seeds"].data.metrics["acc"] == pytest.approx(np.mean(record.acc[0][-1]))
