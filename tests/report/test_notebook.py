from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import clbench
from clbench import Comparison, InputError, Result
from clbench.metrics.statistics import summarise
from clbench.report.formats import grid
from clbench.report.tables import comparison
from clbench.results import records
from clbench.results.record import Group

HOSTILE = "my.py:<img src=x onerror=alert(1)>"


class Read(HTMLParser):
    """Which elements a piece of HTML has, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)

    def handle_data(self, text):
        self.texts.append(text)


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    pyplot.close("all")


@pytest.fixture
def result(fabricated):
    (er,) = (record for record in fabricated.toy() if record.strategy == "er")
    return Result(er, [2, 0])


@pytest.fixture
def rows(fabricated):
    return Comparison(fabricated.toy())


@pytest.fixture
def axes():
    return Figure().subplots()


def title_of(axes):
    return " ".join(axes.get_title().split())


def points_and_intervals(axes):
    """name -> (x, y, low, high) of what is drawn with an interval."""
    found = {}
    for container in axes.containers:
        line, _, (bars,) = container.lines
        ((x, low), (_, high)) = bars.get_segments()[0]
        found[container.get_label()] = (x, line.get_ydata()[0], low, high)
    return found


# ---- tables


def test_a_result_shows_its_metrics_and_costs(result):
    texts = Read(result._repr_html_()).texts
    metrics = result.metrics()
    for name, title in (("acc", "ACC ↑"), ("forgetting", "forgetting ↓"), ("bwt", "BWT ↑")):
        shown = f"{100 * metrics[name].mean:.1f} ± {100 * metrics[name].half_width:.1f}"
        assert texts[texts.index(title) + 1] == shown
    assert texts[texts.index("GFLOPs") + 1] == "4" and texts[texts.index("stored items") + 1] == "200"
    for name, value in (
        ("benchmark", "toy_class"),
        ("strategy", "er"),
        ("profile", "smoke"),
        ("seeds", "0, 2"),
    ):
        assert texts[texts.index(name) + 1] == value
    assert not any("★" in text or "joint" in text for text in texts)  # it stands alone


def test_rows_show_the_table_with_marks_and_notes(rows, fabricated):
    texts = Read(rows._repr_html_()).texts
    table = comparison(fabricated.toy())
    _, cells = grid(table)
    assert {cell for row in cells for cell in row} <= set(texts) and "★ 73.3 ± 19.0" in texts
    assert set(table.notes) <= set(texts)
    assert repr(rows) == "<toy_class, profile smoke, ranked by ACC: 9 strategies>"


def test_whatever_a_record_says_is_shown_as_text(fabricated):
    note = "</li><script>alert(1)</script>"
    record = fabricated.make(HOSTILE, fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    record.groups[0].notes = [note]
    for shown in (Result(record, [0, 1]), Comparison([record])):
        read = Read(shown._repr_html_())
        assert not {"img", "script"} & read.elements
        assert HOSTILE in read.texts and any(note in text for text in read.texts)


def test_a_name_is_no_formula(fabricated):
    record = fabricated.make(r"my.py:$\frac$", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    other = fabricated.make("er", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    for kind in ("matrix", "seen", "cost"):
        figure = Figure()
        Result(record, [0, 1]).plot(kind, axes=figure.subplots())
        figure.canvas.draw()
        np.ravel(Comparison([record, other]).plot(kind))[0].figure.canvas.draw()


def test_a_result_that_broke_off_says_why(fabricated):
    (si,) = (record for record in fabricated.toy() if record.strategy == "si")
    for result in (Result(si, [0]), Result(si.of_seeds([]), [])):
        assert repr(result) == f"<si on toy_class: diverged, {len(result.seeds)} seeds>"
        texts = Read(result._repr_html_()).texts
        assert "diverged: seed 0: not finite in task 2" in texts and "ACC ↑" not in texts
        with pytest.raises(InputError, match=r"^kind='seen': nothing to draw, .*: si \(diverged\)$"):
            result.plot("seen")
    assert not pyplot.get_fignums()


def test_a_metric_of_a_stream_knows_the_steps_of_its_slices():
    scores = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    record = records.record_of_matrix("theirs", "clip", ["a", "b", "c"], [1, 1, 2], scores)
    assert Result(record, [0]).metrics()["stream_id"].mean == pytest.approx((0.1 + 0.2 + 0.6) / 3)


# ---- plots of one


def test_a_matrix_is_the_mean_over_the_seeds(result, axes):
    assert result.plot("matrix", axes=axes) is axes
    (mesh,) = (one for one in axes.collections if one.get_array() is not None)
    mean = 100 * result.acc.mean(axis=0)
    assert np.allclose(mesh.get_array(), mean)
    assert [text.get_text() for text in axes.texts] == [f"{value:.0f}" for value in mean.ravel()]
    assert title_of(axes) == "er" and axes.get_xlabel() == "evaluated on task"


def test_the_curve_is_over_the_tasks_seen_with_its_band(result, axes):
    result.plot("seen", axes=axes)
    after = [result.acc[:, 1, 0], result.acc[:, 2, :].mean(axis=1)]
    (line,), (band,) = axes.lines, axes.collections
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata() == pytest.approx([100 * values.mean() for values in after])
    corners = band.get_paths()[0].vertices
    for task, values in enumerate(after, 1):
        summary = summarise(values)
        ys = corners[corners[:, 0] == task, 1]
        assert ys.min() == pytest.approx(100 * (summary.mean - summary.half_width))
        assert ys.max() == pytest.approx(100 * (summary.mean + summary.half_width))
    assert title_of(axes) == "er on toy_class, profile smoke"


def test_the_cost_is_one_point_with_its_interval(result, axes):
    result.plot("cost", axes=axes)
    acc = result.metrics()["acc"]
    ends = acc.mean, acc.mean - acc.half_width, acc.mean + acc.half_width
    assert points_and_intervals(axes) == {"er": pytest.approx((4e9, *(100 * one for one in ends)))}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("FLOPs per seed", "ACC (points)")


def test_a_stream_of_pairs_is_ranked_by_what_its_table_ranks_by(fabricated, axes):
    record = fabricated.of_pairs()[0]
    result = Result(record, record.seeds)
    result.plot("cost", axes=axes)
    assert axes.get_ylabel() == "all past (points)"
    assert points_and_intervals(axes)["naive"][1] == pytest.approx(
        100 * result.metrics()["stream_backward"].mean
    )


# ---- plots of several


def test_matrices_are_one_per_strategy_in_the_order_of_the_table(rows):
    drawn = rows.plot("matrix")
    names = [row.strategy for row in rows.table.rows if row.origins["toy_class"].status == "ok"]
    assert [one.get_title().replace("\n", "") for one in drawn] == names and len(names) == 6
    given = Figure().subplots(1, 2)
    assert list(rows.plot("matrix", strategies=["er", "naive"], axes=given)) == list(given)
    assert [title_of(one) for one in given] == ["naive", "er"]


def test_rows_are_drawn_beside_each_other_and_named(rows, axes):
    rows.plot("cost", axes=axes)
    values = {row.strategy: row.cells["acc"] for row in rows.table.rows if row.cells["acc"].value is not None}
    found = points_and_intervals(axes)
    assert found.keys() == values.keys()
    for name, cell in values.items():
        assert found[name][1:] == pytest.approx([100 * one for one in (cell.value, cell.low, cell.high)])
    legend = axes.get_legend().get_texts()
    assert [text.get_text() for text in legend] == list(values)
    seen = rows.plot("seen", strategies="er")
    assert len(seen.lines) == 1 and seen.get_legend() is None
    colours = {container.get_label(): container.lines[0].get_color() for container in axes.containers}
    assert seen.lines[0].get_color() == colours["er"]  # of a strategy, whoever is beside it


# ---- matplotlib stays as it is


@pytest.mark.parametrize("kind", ["matrix", "seen", "cost"])
def test_no_setting_of_matplotlib_is_changed(rows, result, axes, kind):
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 20}):
        before = dict(mpl.rcParams)
        result.plot(kind, axes=axes)
        assert not pyplot.get_fignums()  # axes that are given make no figure
        for drawn in (result, rows):
            one = np.ravel(drawn.plot(kind))[0]
            assert one.figure is pyplot.gcf() and one.get_facecolor() == (0, 0, 0, 0)
        assert len(pyplot.get_fignums()) == 2 and dict(mpl.rcParams) == before


# ---- what makes no sense


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"kind": "matrx"},
            "kind='matrx': unknown kind of plot: did you mean \"matrix\"?; there are matrix, seen, cost",
        ),
        ({"kind": 3}, "kind=3: unknown kind of plot; there are matrix, seen, cost"),
        (
            {"strategies": ["er", "lwff"]},
            "strategies='lwff': no row of it: did you mean \"lwf\"?; there are naive, ",
        ),
        ({"strategies": []}, "strategies=[]: name at least one"),
        ({"strategies": "pnn"}, "nothing to draw, it takes a row that is ok"),
        ({"axes": "here"}, "axes: takes 1 matplotlib axes; got str"),
        (
            {"kind": "matrix", "axes": [Figure().subplots()]},
            "axes: takes 6 matplotlib axes, one per strategy; got Axes",
        ),
    ],
)
def test_what_cannot_be_drawn_is_an_input_error(rows, asked, said):
    with pytest.raises(InputError) as error:
        rows.plot(**{"kind": "seen"} | asked)
    assert said in str(error.value) and "\n" not in str(error.value) and not pyplot.get_fignums()


# ---- from a folder


@pytest.fixture(scope="module")
def results(fabricated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    fabricated.write_results(folder)
    return folder


def test_a_comparison_is_loaded_by_benchmark_and_profile(results, fabricated, tmp_path):
    rows = clbench.load_comparison(results, "toy_class")
    frame = clbench.load_results(results)
    expected = frame[frame.benchmark == "toy_class"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows.frame, expected)
    assert rows.table == comparison(fabricated.toy())
    er = fabricated.two_tasks((0.6, 0.9))
    for record in (fabricated.make("er", er), fabricated.make("er", er, profile="quick")):
        records.write(record, tmp_path)
    assert clbench.load_comparison(tmp_path, "toy_class", profile="quick").table.profile == "quick"
    for profile in (None, "full"):
        with pytest.raises(
            InputError, match=f"^profile={profile!r}: toy_class has records under smoke, quick"
        ):
            clbench.load_comparison(tmp_path, "toy_class", profile)


def test_a_comparison_that_is_not_there(results, tmp_path):
    with pytest.raises(InputError, match="^benchmark='toy_clas': no records of it in .*mean \"toy_class\""):
        clbench.load_comparison(results, "toy_clas")
    with pytest.raises(InputError, match="it stands for split_toy_class, toy_class: name one"):
        clbench.load_comparison(results, "*toy_class")
    with pytest.raises(FileNotFoundError, match="clbench run"):
        clbench.load_comparison(tmp_path / "nothing", "toy_class")


# ---- some seeds of a record


def test_some_seeds_of_a_record_have_their_share_of_what_their_group_cost(fabricated):
    record = fabricated.make("er", fabricated.two_tasks((0.6, 0.9)))
    costs = record.groups[0].costs | {"train_s": 10.0, "peak_mb": 900.0}
    group = Group([1, 2], costs, 2, {}, weights=["a", "b"], arrays={"r5": [[[0.1]], [[0.2]]]})
    record.add(group, fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    part = record.of_seeds([2, 0])
    assert part.seeds == [0, 2] and part.acc == [record.acc[0], record.acc[2]] and part.weights == {2: "b"}
    assert part.cost("train_s") == (3.0 + 5.0) / 2 and part.cost("peak_mb") == 900.0
    assert part.groups[1].arrays == {"r5": [[[0.2]]]}
    assert record.of_seeds(record.seeds) == record
