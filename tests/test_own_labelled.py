"""Benchmarks of labelled data of one's own: tasks, what every strategy and every check makes of them."""

import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from helpers import CPU, NATIVE, small
from PIL import Image

import clbench
from clbench import InputError, benchmark_from, registry
from clbench.data.labelled.example import write_photos
from clbench.testing import check_benchmark

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import own_data  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The examples' data, and a cache of their own."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        write_photos(folder / "photos", count=240, side=16)
        own_data.visits(folder / "visits.csv")
        own_data.tickets(folder / "tickets.csv", count=400)
        own_data.digits(folder / "digits.npz", count=600)
        patch.chdir(folder)
        yield folder


def made(spec: str, profile: str = "smoke"):
    return registry.benchmark(spec, profile)[1]


def stream_of(spec: str, seeds=(0,)):
    return made(spec).stream(list(seeds), CPU)


def blobs(sizes=(60, 40, 9, 5, 3, 2), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """A long tail of classes a, b, … in eight numbers."""
    draws = np.random.default_rng(seed)
    centres = draws.normal(0, 3, (len(sizes), 8))
    number = np.repeat(np.arange(len(sizes)), sizes)
    return centres[number] + draws.normal(0, 1, (len(number), 8)), np.array(list("abcdefgh"))[number]


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("labelled_class(path='digits.npz', tasks=3)", {}),
        ("labelled_task(path='digits.npz', by='year')", {}),
        ("labelled_domain(path='photos', by='month', min_rows=20, rows=16)", {}),
        ("labelled_class(path='tickets.csv', by='year', buckets=256)", {}),
        ("labelled_class(path='tickets.csv', buckets=256, order='seed', tasks=2, net='mlp')", {}),
        ("labelled_domain(path='visits.csv', label='outcome', group='patient')", {}),
    ],
)
def test_contract(data, spec, meant):
    check_benchmark(spec, **meant)


SMALL = "steps=3, memory=20"
SPECS = (
    f"labelled_domain(path='visits.csv', label='outcome', {SMALL})",
    f"labelled_class(path='tickets.csv', tasks=2, buckets=64, net='mlp', width=8, {SMALL})",
    "labelled_task(path='digits.npz', tasks=3, net='mlp', width=32, steps=10, memory=20)",
    f"labelled_class(path='digits.npz', tasks=3, net='tiny_vit', width=8, {SMALL})",
)


@pytest.mark.parametrize("name", NATIVE)
def test_every_strategy_learns_one_of_them_and_says_why_not_another(data, name):
    for spec in SPECS:
        try:
            result = clbench.run(spec, small(name), seeds=1, profile="smoke")
        except RuntimeError as reason:
            assert "Traceback" not in str(reason)  # unsupported, not failed
        else:
            assert np.isfinite(result.acc).all() and (result.acc[0, 1:] != result.acc[0, 0]).any()
            return
    raise AssertionError("it learns none of them")


# ---- tasks


def test_tasks_of_classes_are_as_asked(data):
    def tasks(arguments: str) -> list[int]:
        stream = stream_of(f"labelled_class(path='digits.npz', {arguments})")
        return [int(task.classes.sum()) for task in stream.tasks]

    assert tasks("tasks=4") == [2, 2, 1, 1]
    assert tasks("classes=[4, 1, 1]") == [4, 1, 1]
    assert tasks("classes=[['0', '5'], [5, 1]]") == [2, 2]
    few = stream_of("labelled_class(path='digits.npz', classes=[2, 4], shots=5)")
    assert torch.bincount(few.labels(few.tasks[1].train)).tolist() == [0, 0, 5, 5, 5, 5]
    whole = stream_of("labelled_class(path='digits.npz', classes=[2, 4])")
    assert torch.equal(few.tasks[0].train, whole.tasks[0].train)


def test_orders_of_classes(data):
    benchmark = made("labelled_class(path='digits.npz', tasks=6, order=['3', '0', '5', '1', '2', '4'])")
    images = benchmark.contents()
    stream = benchmark.stream([0], CPU)
    first = [int(images.y[task.train[0, 1]]) for task in stream.tasks]
    assert first == [3, 0, 5, 1, 2, 4]
    drawn = {
        tuple(made("labelled_class(path='digits.npz', order='seed')")._groups(images, [s])[0])
        for s in range(5)
    }
    assert len(drawn) > 1
    with np.load("digits.npz") as arrays:
        seen = list(dict.fromkeys(arrays["y"].tolist()))
    given = made("labelled_class(path='digits.npz', tasks=6, order='given')")
    assert [one for group in given._groups(images, [0]) for one in group] == seen


def test_slices_are_tested_past_and_to_come_with_whatever_classes_they_have(data):
    images = made("labelled_domain(path='photos', by='month', min_rows=20)").contents()
    assert images.slices == tuple(f"2024-0{month}" for month in range(1, 7))
    stream = stream_of("labelled_domain(path='photos', by='month', min_rows=20)")
    train = torch.cat([task.train[:, 1] for task in stream.tasks])
    assert sorted(train.tolist()) == list(range(len(images.y))) and stream.classes == 4
    own = stream_of("labelled_task(path='photos', by='month', min_rows=20)")
    assert own.classes == 24 and [int(task.classes.sum()) for task in own.tasks] == [4] * 6


def test_seasons_edges_quantiles_and_columns_cut():
    x, y = np.random.default_rng(0).normal(size=(360, 4)), np.arange(360) % 3
    days = np.datetime64("2021-01-15") + np.arange(360) * 2
    site = np.array(["north", "south"])[np.arange(360) // 2 % 2]

    def names(**given):
        return benchmark_from(x, y, days, scenario="domain", min_rows=20, **given).contents().slices

    seasons = names(by="season")
    assert seasons[:3] == ("winter 2021", "spring 2021", "summer 2021") and "winter 2022" in seasons
    assert names(by="2021-01-01,2022-01-01,2023-01-01") == (
        "2021-01-01 to 2022-01-01",
        "2022-01-01 to 2023-01-01",
    )
    assert len(names(by="quantile", count=4)) == 4
    assert names(column=site) == ("north", "south")
    assert names(column=x[:, 0], count=3)[1].count(" to ") == 1


# ---- what went wrong in other hands


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
@pytest.mark.parametrize("strategy", ["naive", "er(memory=30)", "joint"])
def test_long_tails_tasks_of_one_class_and_tasks_smaller_than_a_batch_run(scenario, strategy):
    x, y = blobs()
    benchmark = benchmark_from(x, y, scenario=scenario, classes=[3, 1, 2], steps=20)
    result = clbench.run(benchmark, strategy, seeds=2, profile="smoke")
    assert result.acc.shape == (2, 4, 3) and np.isfinite(result.acc).all()


def test_labels_of_any_kind_are_the_same_classes():
    x, y = blobs((40, 40, 40))
    places = np.searchsorted(["a", "b", "c"], y)
    found = [
        clbench.run(benchmark_from(x, labels, tasks=3, steps=10), "naive", seeds=1, profile="smoke").acc
        for labels in (y, places, places + 1, 10 * places, places.astype(float), torch.tensor(places))
    ]
    assert all((one == found[0]).all() for one in found)


def test_classes_that_come_back_run():
    x, y = blobs((40, 40, 40, 40))
    benchmark = benchmark_from(x, y, classes=[["a", "b"], ["b", "c"], ["c", "d"]], steps=30)
    assert clbench.run(benchmark, "er(memory=40)", seeds=2, profile="smoke").metrics()["acc"].mean > 0.5
    twice = benchmark_from(x, y, classes=[["a", "b"], ["b", "c"]], scenario="domain")
    with pytest.raises(InputError, match="class 'b' is in two tasks"):
        clbench.run(twice, "naive", seeds=1, profile="smoke")


# ---- from Python


def test_frames_texts_pictures_and_data_sets_of_torch_are_taken():
    x, y = blobs((40, 40, 40))
    frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(8)]).assign(
        kind=np.where(x[:, 0] > 0, "hot", "cold"),
        y=y,
        day=pd.date_range("2021-01-01", periods=120).to_numpy(),
    )
    told = benchmark_from(frame, "y", "day", scenario="domain", by="month", min_rows=20).contents()
    assert told.x.shape[1] == 10 and len(told.slices) == 4 and told.classes == ("a", "b", "c")
    assert abs(float(told.x[torch.from_numpy(told.part) == 0][:, :8].mean())) < 1e-4
    pixels = np.random.default_rng(0).random((60, 3, 9, 9)).astype(np.float32)
    pictures = benchmark_from(pixels, np.arange(60) % 3).contents()
    assert pictures.shape == (9, 9, 3) and pictures.scale == 1.0 and pictures.x.dtype == torch.float32
    items = torch.utils.data.TensorDataset(torch.tensor(x, dtype=torch.float32), torch.arange(120) % 3)
    assert len(benchmark_from(items).contents().classes) == 3
    said = benchmark_from([f"{word} number {i}" for i, word in enumerate(y)], y, buckets=64).contents()
    assert said.x.dtype == torch.uint8 and said.x.shape[1] == 64


def test_columns_of_what_python_hands_over_are_chosen():
    x, y = blobs((40, 40, 40))
    told = np.unique(y, return_inverse=True)[1]
    frame = pd.DataFrame(x, columns=[f"c{i}" for i in range(8)]).assign(told=told, y=y)
    frame["patient"] = [f"p{i}" for i in range(120)]  # says where a row is from: no feature
    frame["said"] = [f"{word} number {i}" for i, word in enumerate(y)]
    left_out = frame.drop(columns="said")
    by = benchmark_from(
        left_out.assign(where=np.arange(120) % 2), "y", by="where", scenario="domain"
    ).contents()
    assert by.slices == ("0", "1") and by.x.shape[1] == 9
    whole, less = (benchmark_from(left_out, "y", without=some).contents() for some in ([], ["told"]))
    assert (whole.x.shape[1], less.x.shape[1]) == (9, 8)
    assert benchmark_from(left_out, "y", features=["c1", "c3"]).contents().x.shape[1] == 2
    assert benchmark_from(frame, "y", text="said", buckets=64).contents().x.shape[1] == 64
    held = np.concatenate([x, told[:, None]], 1)
    assert benchmark_from(held, y, without=["column 8"]).contents().x.shape[1] == 8
    learnt = torch.tensor(x, requires_grad=True)
    assert benchmark_from(learnt, y).contents().x.shape[1] == 8


def test_labels_in_a_column_and_tensors_of_one_number_are_numbers():
    x, y = blobs((40, 40, 40))
    number = np.unique(y, return_inverse=True)[1]
    ones = [torch.tensor(one) for one in number]
    for labels in (number[:, None], pd.DataFrame({"y": number}), ones, [one[None] for one in ones]):
        found = benchmark_from(x, labels, group=ones).found()
        assert found.about.classes == ("0", "1", "2") and (found.y == number).all()
        assert len(np.unique(found.group)) == 3
    learnt = [torch.tensor(row, requires_grad=True) for row in x]
    whole = benchmark_from(x, number).fingerprint()
    assert benchmark_from(learnt, number).fingerprint() == whole
    items = torch.utils.data.TensorDataset(torch.tensor(x, requires_grad=True), torch.tensor(number))
    assert benchmark_from(items).fingerprint() == whole


def test_columns_of_a_frame_may_be_called_by_numbers():
    x, y = blobs((40, 40, 40))
    frame = pd.DataFrame(x).assign(label=y).rename(columns={"label": 8})
    found = benchmark_from(frame, 8, group=np.int64(0)).found()
    assert found.about.classes == ("a", "b", "c") and found.x.shape[1] == 7


def test_names_that_differ_in_zeros_or_slashes_have_one_order():
    """Before natural_order they are equal, so a set's own order, which is drawn, would decide."""
    x, _ = blobs((40, 40))
    names = ["10", *("0" * zeros + "2" for zeros in range(6)), "a/b", "a//b", "a/./b"]
    found = benchmark_from(x, names * 8, column=names * 8, scenario="domain").contents()
    assert found.classes == found.slices
    assert found.classes == (*sorted(names[1:7]), "10", "a/./b", "a//b", "a/b")


def test_halves_of_characters_and_numbers_over_all_floats_are_taken():
    cut = "cut \ud83d"
    y = [cut, "b"] * 60
    texts = benchmark_from([f"{i} {cut}" for i in range(120)], y, group=[f"{i} {cut}" for i in range(120)])
    assert texts.contents().classes == ("b", "cut \ufffd")
    frame = pd.DataFrame({"word": pd.Series(y, dtype=object), "y": list("aabb") * 30})
    frame["long"] = pd.Series([10**400, *range(119)], dtype=object)
    frame["large"] = [1e300, *range(119)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = benchmark_from(frame, "y").found()
    assert found.about.notes == tuple(
        f'"{name}" is missing or no number in 1 rows: its mean stands there' for name in ("long", "large")
    )


def test_pixels_of_0_and_1_are_the_same_as_any_type():
    pixels = np.random.default_rng(0).integers(0, 2, (60, 9, 9))
    scales = {
        benchmark_from(pixels.astype(kind), np.arange(60) % 3).contents().scale for kind in ("u1", "i8")
    }
    assert scales == {1.0}


def test_pictures_of_arrays_get_the_size_that_is_asked_for(data):
    pixels, y = np.random.default_rng(0).integers(0, 256, (60, 12, 16, 3), np.uint8), np.arange(60) % 3
    np.savez("large.npz", x=pixels, y=y)
    middle = pixels[:, :, 2:14].reshape(60, 6, 2, 6, 2, 3).mean((2, 4))
    for x, places in ((pixels, 255), (pixels / 255, 1), (np.moveaxis(pixels, 3, 1), 255)):
        images = benchmark_from(x, y, size=6).contents()
        assert images.shape == (6, 6, 3) and images.scale == places
        found = benchmark_from(x, y, size=6).found().x.reshape(middle.shape)
        assert np.abs(found * (255 / places) - middle).max() <= 1
    whole, small_ = (made(f"labelled_class(path='large.npz'{size})") for size in ("", ", size=6"))
    assert whole.contents().shape == (12, 16, 3) and whole.fingerprint() != small_.fingerprint()
    assert (small_.found().x == benchmark_from(pixels, y, size=6).found().x).all()


def test_dates_that_cannot_be_read_are_no_classes(data):
    frame = pd.DataFrame({"w": np.arange(80.0), "label": list("abcd") * 20, "date": "03/04/2021"})
    frame.to_csv("dates.csv", index=False)
    with pytest.raises(InputError, match="80 of 80 rows have a time that is no date: .*; or cut otherwise"):
        made("labelled_domain(path='dates.csv')").contents()
    assert len(stream_of("labelled_domain(path='dates.csv', by='class')").tasks) == 2


def test_a_reading_that_is_broken_off_leaves_nothing(data, monkeypatch):
    from clbench.data.labelled.building import Builder

    pd.DataFrame({"w": np.arange(80.0), "label": list("ab") * 40}).to_csv("broken.csv", index=False)

    def stop(*_):
        raise KeyboardInterrupt

    before = sorted((data / "cache").rglob("labelled-*/*"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Builder, "found", stop)
        made("labelled_class(path='broken.csv')").contents()
    assert sorted((data / "cache").rglob("labelled-*/*")) == before
    assert len(made("labelled_class(path='broken.csv')").found().y) == 80


def test_other_rows_have_another_fingerprint():
    x, y = blobs((40, 40, 40))
    group = np.arange(120) // 4
    one = benchmark_from(x, y, group=group).fingerprint()
    assert one == benchmark_from(x, y, group=group).fingerprint()
    assert one != benchmark_from(x + 1, y, group=group).fingerprint()
    assert one != benchmark_from(x, np.roll(y, 1), group=group).fingerprint()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": np.zeros((6, 2))}, "y is missing"),
        ({"x": np.zeros((6, 2)), "y": [1, 2, 1]}, "6 rows of x and 3 of y"),
        ({"x": np.zeros((6, 2)), "y": [1, 2, None, 1, 2, 1]}, "y has no label in row 2"),
        ({"x": pd.DataFrame({"a": [1, 2]}), "y": "b"}, 'x has no column "b"; there are a'),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "scenario": "pairs"}, "use class, task, domain"),
        ({"x": np.array([{}, {}]), "y": [1, 2]}, "x is object"),
        ({"x": -np.ones((4, 5, 5)), "y": [1, 2, 1, 2]}, "x has pixels from -1 to -1"),
        ({"x": [np.ones((2, 2)), np.ones((3, 3))], "y": [1, 2]}, "the rows of x differ in shape"),
        ({"x": 5, "y": [1, 2]}, "x is one int: give one for each row"),
        ({"x": np.zeros((2, 2)), "y": 3}, "y is one int"),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "path": "a.csv"}, "path='a.csv': no such argument"),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "without": ["a"]}, 'no column "a"; there are column 0'),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "by": "site"}, "give its values as column="),
        ({"x": ["a b"] * 4, "y": [1, 2, 1, 2], "features": ["a"]}, "are of columns, and x has texts"),
        ({"x": None, "y": [1, 2]}, "x is missing: give pictures"),
        ({"x": scipy.sparse.eye(4).tocsr(), "y": [1, 2, 1, 2]}, r"x is sparse: give x.toarray\(\)"),
        ({"x": scipy.sparse.eye_array(4), "y": [1, 2, 1, 2]}, r"x is sparse: give x.toarray\(\)"),
        ({"x": np.zeros((4, 0, 8)), "y": [1, 2, 1, 2]}, r"x has the shape \[4, 0, 8\]: give"),
        ({"x": np.full((4, 2), 1e300), "y": [1, 2, 1, 2]}, "first in row 0 .float32 holds none over 3.4e38"),
        ({"x": np.zeros((4, 2)), "y": np.eye(4)}, r"y has the shape \[4, 4\]: .* y.argmax\(1\)"),
        ({"x": np.zeros((4, 2)), "y": np.eye(4).tolist()}, "a label is one value, and row 0 has a list of 4"),
        ({"x": torch.utils.data.TensorDataset(torch.zeros(4, 2), torch.eye(4))}, "row 0 has a list of 4"),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "group": np.eye(4)}, "group has the shape"),
        ({"x": np.zeros((4, 2)), "y": pd.array([True, None] * 2, "boolean")}, "y has no label in row 1"),
        ({"x": pd.DataFrame(np.eye(4), columns=["a", "b", "y", "y"]), "y": "y"}, "x has 'y' twice"),
        (
            {"x": pd.DataFrame(np.eye(4), columns=["a", "s", "s", "y"]), "y": "y", "text": "s"},
            "x has 's' twice",
        ),
        (
            {"x": pd.DataFrame({"s": ["a", None], "y": [1, 2]}), "y": "y", "text": "s"},
            '"s" has no text in row 1',
        ),
        ({"x": ["a", float("nan"), "b"], "y": [1, 2, 1]}, "x has no text in row 1: write one or take it out"),
        ({"x": np.zeros((4, 2)), "y": "kind"}, "y='kind' names a column of a frame, and x is an array"),
        (
            {"x": [[1, 2]] * 4, "y": [1, 2, 1, 2], "group": "patient"},
            "group='patient' names a column of a frame, and x is a list: give a value for each row",
        ),
        (
            {"x": pd.DataFrame({"a": [1, 2], "y": [1, 2]}), "y": "y", "by": "Month"},
            "a, y; did you mean month",
        ),
        ({"x": np.zeros((4, 2)), "y": [1, 2, 1, 2], "by": "Year"}, "as column=; did you mean year"),
    ],
)
def test_what_python_hands_over_and_does_not_fit_is_refused(given, said):
    with pytest.raises(InputError, match=said) as error:
        benchmark_from(**given)
    assert "\n" not in str(error.value)


def test_validation_holds_out_training_rows_and_whole_groups(data):
    spec = "labelled_domain(path='visits.csv', label='outcome', group='patient'{})"
    whole, held = made(spec.format("")).contents(), made(spec.format("")).contents().validation()
    assert len(held.y) + len(held.y_test) == len(whole.y) and 0.03 < len(held.y_test) / len(whole.y) < 0.25
    groups = set(held.keys[:, 1].tolist())
    left = set(whole.keys[:, 1].tolist()) - groups
    assert (
        left
        and made(spec.format(", validation=True")).stream([0], CPU).images.y_test.shape == held.y_test.shape
    )


def test_no_image_of_a_user_is_drawn_into_a_record(data):
    stream = stream_of("labelled_class(path='photos', tasks=2)")
    assert stream.pictures(stream.test(0, slice(0, 2))[0], torch.zeros(2, dtype=torch.long)) is None


def test_a_changed_file_is_another_fingerprint(data):
    spec = "labelled_class(path='changes.csv')"
    frame = pd.DataFrame({"w": np.arange(80.0), "label": list("ab") * 40})
    frame.to_csv("changes.csv", index=False)
    first = made(spec).fingerprint()
    frame.assign(w=frame.w + 1).to_csv("changes.csv", index=False)
    assert made(spec).fingerprint() != first


def test_drift_makes_the_untouched_model_age_and_the_sequential_one_forget(data):
    """The planted drift moves colours from animal to animal every two months."""
    spec = "labelled_domain(path='photos', by='month', min_rows=20, net='mlp', steps=60)"
    runs = {name: clbench.run(spec, name, seeds=2, profile="smoke") for name in ("naive", "cumulative")}
    R = runs["naive"].acc.mean(0)
    own, two_later = np.mean([R[k + 1, k] for k in range(4)]), np.mean([R[k + 1, k + 2] for k in range(4)])
    assert own > two_later + 0.2
    naive, all_data = (runs[name].metrics()["stream_backward"].mean for name in ("naive", "cumulative"))
    assert all_data > naive


def test_a_data_set_saved_by_hugging_faces_library_is_read(tmp_path, monkeypatch):
    """Its streams of arrow: pictures as bytes, numbers of classes with their names in the schema, a folder
    for each side of the split."""
    import pyarrow as pa

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = ["ant", "bee", "cat"]
    about = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    schema = pa.schema(
        [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())],
        metadata={"huggingface": json.dumps(about)},
    )
    for side, count in (("train", 60), ("test", 30)):
        folder = tmp_path / "saved" / side
        folder.mkdir(parents=True)
        pictures = [{"bytes": png(i + 100 * (side == "test")), "path": None} for i in range(count)]
        rows = pa.table({"image": pictures, "label": [i % 3 for i in range(count)]}, schema=schema)
        with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", schema) as stream:
            stream.write_table(rows, max_chunksize=25)
        (folder / "state.json").write_text("{}")
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    _, benchmark, _ = registry.benchmark(f"labelled_class(path='{tmp_path / 'saved'}', tasks=3)", "smoke")
    images = benchmark.contents()
    assert images.classes == tuple(names) and (len(images.y), len(images.y_test)) == (60, 30)
    assert images.y_test.tolist() == [i % 3 for i in range(30)] and images.shape == (8, 8, 3)
    (tmp_path / "broken.arrow").write_bytes(b"nothing")
    _, benchmark, _ = registry.benchmark(f"labelled_class(path='{tmp_path / 'broken.arrow'}')", "smoke")
    with pytest.raises(InputError, match="cannot be read as arrow"):
        benchmark.contents()


def png(number: int) -> bytes:
    content = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()
