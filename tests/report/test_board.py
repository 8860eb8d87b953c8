"""What the page of results embeds: all that it shows can be made from it, exactly."""

import base64
import gzip
import io
import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from clbench.metrics.accuracy import METRICS
from clbench.metrics.ranks import UNIT
from clbench.report.board import board
from clbench.report.encoding import MISSING, MOST_CELLS, columns_of, weights_of
from clbench.report.tables import judged_of
from clbench.report.values import seen_accuracy
from clbench.results import records

REAL = Path(__file__).parents[1] / "record_schema_1.json"


def embedded(made, folder):
    """(what the page holds, the entries in the order of its rows) of written records."""
    for record in made:
        records.write(record, folder / "results")
    judged = judged_of(made)
    content = board(judged, folder / "results", folder / "reports").content
    flat = [entry for own in judged.values() for found in own.values() for entry in found]
    rows = [row for own in content["profiles"].values() for row in own["rows"]]
    return content, list(zip(rows, flat, strict=True))


def array_of(content, row, profile="smoke"):
    """[S, T+1, E], as the page makes it."""
    own = [*content["profiles"][profile]["benchmarks"].values()][row["benchmark"]]
    shape, units = row.get("shape", own["shape"]), np.array(row.get("units", own["units"]))
    counts = np.moveaxis(np.array(row["counts"]).reshape(*shape, -1), -1, 0)
    return np.where(counts == MISSING, np.nan, counts / units)


def value_of(content, row, name):
    """In units, one for each seed; None where the row has no such metric."""
    if name in row.get("values", {}):
        return row["values"][name]
    weights = content["weights"][row["weights"]].get(name)
    if weights is None:
        return None
    array = array_of(content, row)
    used = np.reshape(weights, array.shape[1:])
    sums = np.where(used == 0, 0, array * np.where(used == 0, 1, used)).sum(axis=(1, 2))
    return [round(one / UNIT) if math.isfinite(one) else None for one in sums]


@pytest.fixture(scope="module")
def made(fabricated):
    return [*fabricated.toy(), *fabricated.many(), *fabricated.of_pairs()]


@pytest.fixture(scope="module")
def whole(made, tmp_path_factory):
    return embedded(made, tmp_path_factory.mktemp("whole"))


def test_counts_give_every_accuracy_exactly(whole):
    content, pairs = whole
    for row, entry in pairs:
        if entry.ok:
            assert np.abs(array_of(content, row) - entry.record.array).max() < 1e-12


def test_weights_or_values_give_every_metric_of_every_seed(whole):
    """Those that are sums of accuracies travel as weights, any other as values."""
    content, pairs = whole
    by_weights, by_values = set(), set()
    for row, entry in pairs:
        if not entry.ok:
            assert "counts" not in row and "weights" not in row
            continue
        for name in METRICS:
            given = entry.metrics.get(name, {})
            ours = [given.get(seed, math.nan) for seed in entry.record.seeds]
            told = value_of(content, row, name)
            if told is None or name == "recovered":
                assert not np.isfinite(ours).any() or name == "recovered"
                continue
            assert told == [round(one / UNIT) if math.isfinite(one) else None for one in ours], name
            (by_values if name in row.get("values", {}) else by_weights).add(name)
    assert {"acc", "aia", "fwt"} <= by_weights | by_values and "acc" in by_weights
    assert {"forgetting", "plasticity_gap"} <= by_values and "acc" not in by_values


def test_weights_are_of_sums_alone():
    found = weights_of((4, 3), None)
    assert found["acc"] == pytest.approx([0] * 9 + [1 / 3] * 3)
    assert "forgetting" not in found  # of a maximum


def test_a_sum_that_another_order_could_round_otherwise_is_a_value(fabricated, tmp_path):
    one = fabricated.make("er", [[[0.0, 0.0], [0.5, 0.0], [1 / 128, 0.0]]])
    _, [(row, entry)] = embedded([one], tmp_path)
    assert entry.metrics["acc"][0] / UNIT == 39062.5 and "acc" in row["values"]


def test_rows_say_where_they_come_from(whole):
    content, pairs = whole
    for row, entry in pairs:
        assert content["strategies"][row["strategy"]]["name"] == entry.record.strategy
        assert row["sha256"] == entry.record.sha256[:16] and bool(row.get("stale")) == entry.stale
        assert content["shared"][row["source"]] == entry.record.source
        if entry.ok:
            assert (
                row["seeds"] == entry.record.seeds == [seed for group in row["groups"] for seed in group[0]]
            )
            assert row["costs"]["flops"] == entry.costs["flops"]
        else:
            assert content["shared"][row["reason"]] == entry.record.error.reason


def test_it_is_json_without_a_number_that_json_lacks(made, whole, tmp_path):
    content, _ = whole
    page = board(judged_of(made), tmp_path / "results", tmp_path / "reports")
    packed = json.loads(gzip.decompress(base64.b64decode(page.packed())))
    profiles = content["profiles"]
    columns = {name: own | {"rows": columns_of(own["rows"])} for name, own in profiles.items()}
    assert packed == json.loads(json.dumps(content | {"profiles": columns}))
    assert content["results"] == "../results"


def test_missing_cells(fabricated, tmp_path):
    """A null in a matrix is no 0."""
    acc = fabricated.two_tasks((0.5, 0.9), (0.6, 0.8))
    one = fabricated.make("er", acc)
    for matrix in one.acc:
        matrix[0][1] = matrix[1][1] = None
    content, [(row, entry)] = embedded([one], tmp_path)
    assert row["counts"].count(MISSING) == 4
    np.testing.assert_array_equal(np.isnan(array_of(content, row)), np.isnan(one.array))
    assert value_of(content, row, "acc") == [round(v / UNIT) for v in entry.metrics["acc"].values()]


def test_a_metric_that_one_seed_lacks_has_no_mean_on_the_page_either(fabricated, tmp_path):
    """As where the share of what was learnt that is kept is no number, since nothing was learnt."""
    learnt = [[0.5, 0.5], [0.9, 0.5], [0.7, 0.9]]
    nothing = [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    _, [(row, entry)] = embedded([fabricated.make("er", [learnt, nothing])], tmp_path)
    assert np.isfinite([*entry.metrics["old_kept"].values()]).tolist() == [True, False]
    assert "old_kept" not in row.get("values", {}) and "acc" in entry.metrics


@pytest.mark.parametrize("stream", ["tasks", "slices"])
def test_long_streams_keep_their_curve_alone(fabricated, tmp_path, stream):
    tasks = 60
    slices = tasks if stream == "tasks" else tasks + 30
    acc = np.random.default_rng(0).random((2, tasks + 1, slices)).round(2)
    one = fabricated.make("er", acc)
    assert one.array.size > MOST_CELLS
    content, [(row, entry)] = embedded([one], tmp_path)
    assert "counts" not in row and row["seeds"] == [0, 1]
    curve = seen_accuracy(one)
    assert np.array(row["seen"]).reshape(2, -1) * UNIT == pytest.approx(curve, abs=UNIT)
    for name, by_seed in entry.metrics.items():
        if name in METRICS and np.isfinite([*by_seed.values()]).any():
            assert row["values"][name] == [round(value / UNIT) for value in by_seed.values()]


def test_rows_of_another_shape_say_theirs(fabricated, tmp_path):
    usual = [fabricated.make(name, fabricated.two_tasks((0.5, 0.9))) for name in ("naive", "joint")]
    other = fabricated.make("er", np.full((1, 4, 3), 0.25))
    content, pairs = embedded([*usual, other], tmp_path)
    shapes = {entry.record.strategy: row.get("shape") for row, entry in pairs}
    assert shapes == {"naive": None, "joint": None, "er": [4, 3]}
    assert content["profiles"]["smoke"]["benchmarks"]["toy_class"]["shape"] == [3, 2]
    for row, entry in pairs:
        assert array_of(content, row) == pytest.approx(entry.record.array)


def test_units_are_the_numbers_of_examples(fabricated, tmp_path):
    one = fabricated.make("er", [[[0.0, 1 / 7], [3 / 13, 2 / 7], [5 / 13, 1.0]]])
    for group in one.groups:
        group.slice_sizes = [13, 7]
    content, _ = embedded([one], tmp_path)
    assert content["profiles"]["smoke"]["benchmarks"]["toy_class"]["units"] == [13, 7]


def test_values_that_are_no_counts_keep_seven_digits(fabricated, tmp_path):
    acc = np.random.default_rng(0).random((3, 3, 2))
    content, [(row, _)] = embedded([fabricated.make("er", acc)], tmp_path)
    assert array_of(content, row) == pytest.approx(acc, abs=UNIT)


def test_a_benchmark_where_no_row_has_values(fabricated, tmp_path):
    one = fabricated.make("er", status="failed", error={"reason": "no"})
    content, [(row, _)] = embedded([one], tmp_path)
    told = content["profiles"]["smoke"]["benchmarks"]["toy_class"]
    assert (told["shape"], told["units"]) == ([], []) and row["status"] == "failed"


def test_an_old_record_has_the_hash_of_its_file(tmp_path):
    content = json.loads(REAL.read_text())
    path = records.path_of(
        tmp_path / "results", *(content[key] for key in ("profile", "benchmark", "strategy"))
    )
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
    (found,), problems = records.load(tmp_path / "results")
    assert not problems
    told = board(judged_of([found]), tmp_path / "results", tmp_path / "reports").content
    ((row,),) = [own["rows"] for own in told["profiles"].values()]
    assert row["sha256"] == content["sha256"][:16]


def test_pictures_lie_beside_the_page(fabricated, tmp_path):
    one = fabricated.make("er(memory=20)", fabricated.two_tasks((0.5, 0.9)))
    file = io.BytesIO()
    Image.new("L", (4, 6)).save(file, "png")
    picture = file.getvalue()
    one.groups[0].pictures = base64.b64encode(picture).decode()
    judged = judged_of([one])
    records.write(one, tmp_path / "results")
    page = board(judged, tmp_path / "results", tmp_path / "reports")
    ((name, content),) = page.pictures.items()
    assert content == picture and name.startswith("pictures/smoke-toy_class-er--memory=20--")
    (row,) = page.content["profiles"]["smoke"]["rows"]
    assert row["picture"].startswith("pictures/smoke-toy_class-er--memory%3D20--")


def test_the_beginning_of_a_file_is_no_picture(fabricated, tmp_path):
    one = fabricated.make("er", fabricated.two_tasks((0.5, 0.9)))
    one.groups[0].pictures = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    records.write(one, tmp_path / "results")
    page = board(judged_of([one]), tmp_path / "results", tmp_path / "reports")
    assert not page.pictures and "picture" not in page.content["profiles"]["smoke"]["rows"][0]


def test_parameters_are_embedded_where_they_change(fabricated, tmp_path):
    made = [fabricated.make(name, fabricated.two_tasks((0.5, 0.9))) for name in ("er", "progressive")]
    for record, numbers in zip(made, ([5, 5], [5, 9]), strict=True):
        record.groups[0].parameters = numbers
    _, pairs = embedded(made, tmp_path)
    told = {entry.record.strategy: row.get("parameters") for row, entry in pairs}
    assert told == {"er": None, "progressive": [5, 9]}


def test_what_is_verified_says_so(fabricated, tmp_path):
    one = fabricated.make("er", fabricated.two_tasks((0.5, 0.9)))
    records.write(one, tmp_path / "results")
    one.verified = "s" * 16
    content = board(judged_of([one]), tmp_path / "results", tmp_path / "reports").content
    assert content["profiles"]["smoke"]["rows"][0]["verified"] == 1


def test_profiles_and_benchmarks_that_are_not_known(fabricated, tmp_path):
    one = fabricated.make("mine", fabricated.two_tasks((0.5, 0.9)), profile="odd", benchmark="toy('a b')")
    one = msgspec.structs.replace(one, settings={})
    content, [(row, _)] = embedded([one], tmp_path)
    told = content["profiles"]["odd"]
    assert told["about"] == "" and told["benchmarks"]["toy('a b')"]["scenario"] is None
    assert content["strategies"][row["strategy"]]["about"] == ""


def test_an_empty_board():
    content = board({}, Path("results"), Path("reports")).content
    assert content["profiles"] == {} and content["strategies"] == []


def test_a_long_row_beside_short_ones_keeps_its_metrics(fabricated, tmp_path):
    """Its accuracies stay in its file, so its metrics travel as values, whatever others of its shape do."""
    tasks, rng = 20, np.random.default_rng(0)
    made = [
        fabricated.make(name, np.round(rng.random((seeds, tasks + 1, tasks)) * 400) / 400)
        for name, seeds in (("er", 2), ("derpp", 2 * MOST_CELLS // (tasks * (tasks + 1))))
    ]
    _, pairs = embedded(made, tmp_path)
    rows = {entry.record.strategy: row for row, entry in pairs}
    assert "counts" in rows["er"] and "acc" not in rows["er"].get("values", {})
    assert "counts" not in rows["derpp"] and len(rows["derpp"]["values"]["acc"]) == len(
        rows["derpp"]["seeds"]
    )


def test_rows_travel_as_columns():
    rows = [{"a": 1, "costs": {"s": 2}}, {"a": 0}, {"b": [None], "costs": {"h": 3}}]
    assert columns_of(rows) == {
        "a": [1, 0, None],
        "costs": {"s": [2, None, None], "h": [None, None, 3]},
        "b": [None, None, [None]],
    }
