import msgspec
import numpy as np
import pytest

from clbench.report.frame import COLUMNS, load_results


def test_one_row_per_seed_and_metric(folder):
    frame = load_results(folder / "results")
    assert list(frame.columns) == COLUMNS
    measured = frame[frame.metric.notna()]
    assert not measured.duplicated(["profile", "benchmark", "strategy", "seed", "metric"]).any()
    er = frame[(frame.benchmark == "toy_class") & (frame.strategy == "er")]
    assert er[er.metric == "acc"].value.tolist() == pytest.approx([0.75, 0.8, 0.65])
    assert er[er.metric == "joint_gap"].value.tolist() == pytest.approx([0.15, 0.1, 0.3])
    assert er[er.metric == "flops"].value.tolist() == [4e9] * 3


def test_pairs_without_values_stay_visible(folder):
    frame = load_results(folder / "results").query("benchmark == 'toy_class'").set_index("strategy")
    assert frame.loc["ewc", "status"] == "failed" and np.isnan(frame.loc["ewc", "value"])
    assert frame.loc["pnn", "status"] == "unsupported"
    assert set(frame.loc["si"].status) == {"diverged"} and "acc" not in set(frame.loc["si"].metric)


def test_stale_rows_are_told(folder):
    frame = load_results(folder / "results")
    assert set(frame[frame.stale].strategy) == {"mas"}


def test_a_group_shares_its_costs(fabricated, tmp_path):
    from clbench.results import records

    record = fabricated.make("er", fabricated.two_tasks((0.6, 0.9)))
    costs = record.groups[0].costs | {"train_s": 10.0, "peak_mb": 900.0}
    record.add(
        msgspec.structs.replace(record.groups[0], seeds=[1, 2], costs=costs),
        fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)),
    )
    records.write(record, tmp_path)
    frame = load_results(tmp_path).set_index(["metric", "seed"]).value
    assert frame["train_s"].tolist() == [3.0, 5.0, 5.0] and frame["peak_mb"].tolist() == [400.0, 900.0, 900.0]
    assert np.isnan(frame["gpu_hours"]).all()


def test_says_what_it_cannot_read(tmp_path):
    (tmp_path / "smoke" / "toy").mkdir(parents=True)
    (tmp_path / "smoke" / "toy" / "er.json").write_text("{")
    with pytest.warns(UserWarning, match="er.json"):
        frame = load_results(tmp_path)
    assert frame.empty and list(frame.columns) == COLUMNS


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="clbench run"):
        load_results(tmp_path / "nothing")
