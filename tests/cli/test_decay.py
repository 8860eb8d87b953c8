"""`clbench decay`: streams in time by age, in the formats of `clbench show`."""

import csv
import io
import json

import numpy as np
import pytest

from clbench.results import records


@pytest.fixture(autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


@pytest.fixture(scope="module")
def place(fabricated, tmp_path_factory):
    """A folder with my_results/ in it: a stream of pairs, and one that is none in time."""
    folder = tmp_path_factory.mktemp("aged")
    for record in fabricated.toy():
        records.write(record, folder / "my_results")
    for strategy, kept in (("naive", 0.25), ("er", 0.95)):
        R = np.full((4, 3), 0.2)
        for k in range(3):
            R[k + 1, k:] += 0.6 * kept ** np.arange(3 - k)
        made = fabricated.make(strategy, [R, R + 0.05], benchmark="toy_pairs")
        made.settings = made.settings | {"scenario": "pairs"}
        records.write(made, folder / "my_results")
    return folder


def test_every_format(here, place):
    text = here("decay", cwd=place).stdout
    assert text.count("toy_pairs, profile smoke: ") == 3 and "toy_class" not in text
    assert "0.67 ± 0.00" in text and "> 2" in text and "takes a run of its own" in " ".join(text.split())
    made = json.loads(here("decay", "-b", "toy_pairs", "--format", "json", cwd=place).stdout)["tables"]
    assert [table["question"].split()[0] for table in made] == ["accuracy", "what", "what"]
    (naive, er) = (row["cells"]["age_1"] for row in made[0]["rows"])
    assert naive["seeds"] == pytest.approx({"0": 0.35, "1": 0.4}) and er["value"] == pytest.approx(0.795)
    lines = list(csv.DictReader(io.StringIO(here("decay", "-s", "er", "--format", "csv", cwd=place).stdout)))
    lost = {line["metric"]: line["value"] for line in lines if line["strategy"] == "er"}
    assert float(lost["lost_2"]) == pytest.approx(0.01) and lost["half_life"] == ""
    assert here("decay", "--format", "markdown", cwd=place).stdout.count("\n| `naive` |") == 3


def test_show_knows_the_same_numbers_and_shows_them_when_asked(here, place):
    assert "half-life" not in here("show", "-b", "toy_pairs", cwd=place).stdout
    assert "0.67 ± 0.00" in here("show", "--metric", "half_life", cwd=place).stdout
    text = here("show", "-b", "toy_pairs", "--sort", "half_life", "--format", "markdown", cwd=place).stdout
    assert "| half-life (slices) |" in text and "| > 2 |" in text
    text = here("show", "-b", "toy_pairs", "--sort", "update_gain", "--format", "markdown", cwd=place).stdout
    assert text.index("| `naive`") < text.index("| `er`") and "| update gain |" in text
    left = here("show", "-b", "toy_pairs", "--where", "update_gain < 0.1", "--csv", cwd=place).stdout
    assert "naive" not in left and ",er," in left


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-b", "toy_class"), "none of 9 rows is of a stream in time"),
        (("-b", "gone"), "none of the 11 records in my_results matches"),
        (("--results", "elsewhere"), "no records in elsewhere"),
    ],
)
def test_what_cannot_be_shown_is_one_line(here, place, options, said):
    done = here("decay", *options, cwd=place)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_ranks_are_by_no_half_life(here, place):
    done = here("show", "--ranks", "--metric", "half_life", cwd=place)
    assert done.returncode == 2 and "half_life is no metric that ranks" in done.stderr
