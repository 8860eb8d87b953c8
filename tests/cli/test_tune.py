"""`clbench tune`: what is chosen, on which data, by how many trials, and what the choice is then used for."""

import json
import os
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clbench import registry
from clbench.benchmarks.blobs import Blobs, gaussian_blobs
from clbench.core import ranges, tuned
from clbench.data.labelled.sources import Images
from clbench.errors import InputError
from clbench.facts import Facts
from clbench.results import records
from clbench.results.record import Group, Record
from clbench.tuning.asked import Tuning, check_ranges
from clbench.tuning.candidates import at_edge
from clbench.tuning.choice import Trial, best_of
from clbench.tuning.tables import with_table

BLOBS = ("-b", "blobs_class", "--profile", "smoke", "--workers", "0")


@pytest.fixture(autouse=True)
def no_values_of_a_user(monkeypatch):
    monkeypatch.delenv(tuned.VARIABLE, raising=False)
    yield
    os.environ.pop(tuned.VARIABLE, None)


def values_of(folder: Path) -> dict:
    return tomllib.loads((folder / "my_results" / tuned.BESIDE).read_text())


def trials_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "my_results/tuning").rglob("*.json")}


MINE = """
from dataclasses import dataclass
from clbench import Part

@dataclass
class Slow(Part):
    rate: float = 0.0  # share of the gradient; at its default nothing is learnt
    tunes = {"rate": (0.0, 1.0, "linear")}

    def gradient(self, g, batch):
        return g * (self.rate if self.rate in (0, 1) else float("nan"))
"""


def test_the_better_value_is_found_and_then_used_and_who_diverges_loses(tmp_path, here):
    (tmp_path / "mine.py").write_text(MINE)
    names = ("-b", "blobs_task", "-s", "mine.py:Slow", "--profile", "smoke")
    done = here("tune", *names, "--trials", 3)
    assert done.returncode == 0, done.stderr
    assert "rate=1.0" in done.stdout and "the paper's rate=0.0" in done.stdout and "; 1 lost" in done.stdout
    table = values_of(tmp_path)["blobs_task"]["smoke"]["mine.py:Slow"]
    untrained, lost, trained = table["evidence"]["trials"]
    assert lost == {"rate": 0.5, "lost": "diverged"} and table["rate"] == trained["rate"] == 1.0
    assert untrained["rate"] == 0.0 and untrained["score"] < trained["score"]
    assert here("run", *names, "--seeds", 1).returncode == 0
    row = records.find(tmp_path / "my_results", "smoke", "blobs_task", "mine.py:Slow")
    assert row.settings["strategy"] == {"mine.py:Slow": {"rate": 1.0}}
    assert row.array[0, -1].mean() > row.array[0, 0].mean() + 0.1


def test_nothing_is_chosen_by_test_data(tmp_path, here, monkeypatch):
    def poisoned() -> Images:
        images = gaussian_blobs()
        made = replace(images, x_test=images.x_test * 1e3, y_test=(images.y_test + 1) % 40)
        vars(made)["digest"] = ""
        return made

    command = ("tune", "-b", "blobs_task", *BLOBS[2:], "-s", "patching", "--grid", "alpha=0,1")
    assert here(*command).returncode == 0
    chosen = values_of(tmp_path)["blobs_task"]["smoke"]["patching"]["evidence"]["trials"]
    assert chosen[1]["alpha"] == 0 and chosen[1]["score"] < chosen[2]["score"]
    monkeypatch.setattr(Blobs, "data", staticmethod(poisoned))
    assert here(*command, "--out", "other").returncode == 0
    found = tomllib.loads((tmp_path / "other" / tuned.BESIDE).read_text())
    assert found["blobs_task"]["smoke"]["patching"]["evidence"]["trials"] == chosen
    rows = {}
    for out in ("other", "clean"):
        here("run", "-b", "blobs_task", *BLOBS[2:], "-s", "patching(alpha=1)", "--seeds", 1, "--out", out)
        ((rows[out],), _) = records.load(tmp_path / out)
        monkeypatch.undo()
    assert (rows["other"].array != rows["clean"].array).any()  # it is poison indeed


def test_all_methods_have_as_many_trials_of_the_first_tasks_alone(tmp_path, here):
    asked = [part for name in ("lwf", "net2net", "generative_replay", "er", "hat") for part in ("-s", name)]
    done = here("tune", *BLOBS, *asked, "--trials", 3, "--tasks", 2, "--time-limit", "5m")
    assert done.returncode == 0, done.stderr
    assert "nothing to tune, no argument has a range: er\n" in done.stdout
    assert "hat on blobs_class: unsupported: needs the task label at test time" in done.stdout
    assert "generative_replay on blobs_class: 2 candidates are all there are for 3 trials" in done.stdout
    found = values_of(tmp_path)["blobs_class"]["smoke"]
    trials = {name: table["evidence"]["trials"] for name, table in found.items()}
    assert {name: len(own) for name, own in trials.items()} == {
        "generative_replay": 2,
        "lwf": 3,
        "net2net": 3,
    }
    paper = {key: value for key, value in trials["net2net"][0].items() if key != "score"}
    assert paper == {"share": 0.5, "noise": 0.01} and trials["lwf"][0]["lam"] == 1.0
    for path in (tmp_path / "my_results/tuning").rglob("*.json"):
        record = records.read(path)
        assert record.array.shape == (2, 3, 2) and record.seeds == [1000, 1001]
        assert record.settings["benchmark"]["validation"] and record.settings["first_tasks"] == 2
    for table in found.values():
        evidence = table["evidence"]
        assert evidence["seeds"] == [1000, 1001] and evidence["tasks"] == 2 and evidence["cpu_s"] > 0
        assert evidence["metric"] == "acc" and evidence["date"] and evidence["commit"]
    assert list(found) == sorted(found)


def test_what_was_tried_is_not_tried_again(tmp_path, here):
    command = ("tune", *BLOBS, "-s", "lwf", "--grid", "lam=0.1,10")
    dry = here(*command, "--dry-run")
    assert "3 trials, about " in dry.stdout and "lam=1.0; lam=0.1; lam=10.0" in dry.stdout
    assert not (tmp_path / "my_results").exists()
    assert here(*command).returncode == 0
    first, values = trials_in(tmp_path), (tmp_path / "my_results" / tuned.BESIDE).read_bytes()
    assert len(first) == 3
    gone = next((tmp_path / "my_results/tuning").rglob("lwf--lam=10.0*.json"))
    gone.unlink()
    stopped = here(*command, "--time-limit", "0.000001s")
    assert "1 groups not begun; the same command goes on from here" in stopped.stdout
    assert stopped.returncode == 0 and "values: " not in stopped.stdout
    again = here(*command)
    assert "\n1 trials on held-out training data" in again.stdout and "; 2 are done" in again.stdout
    now = trials_in(tmp_path)
    assert {name for name in first if now[name] != first[name]} <= {gone.name}
    before, after = tomllib.loads(values.decode()), values_of(tmp_path)
    for content in (before, after):
        del content["blobs_class"]["smoke"]["lwf"]["evidence"]["cpu_s"]
    assert before == after  # although lwf has other values by now


def test_of_equal_candidates_the_papers_wins_and_then_the_smaller():
    def trial(lam: float, *accs: float) -> Trial:
        matrices = [[[0.0], [acc]] for acc in accs]
        seeds = [1000 + i for i in range(len(accs))]
        groups = [Group(seeds, {}, 1, {})]
        record = Record("b", "s", "smoke", "native", "", "", {}, seeds=seeds, acc=matrices, groups=groups)
        return Trial({"lam": lam}, record, "acc")

    paper, small, large = trial(5.0, 0.5, 0.7), trial(1.0, 0.7, 0.5), trial(9.0, 0.6, 0.6)
    assert best_of([paper, large, small]) is paper
    assert best_of([trial(5.0, 0.1, 0.1), large, small]) is small
    assert best_of([paper, trial(2.0, 0.9, 0.4)]).values == {"lam": 2.0}


def test_tuned_and_papers_values_stand_beside_each_other(tmp_path, here):
    made = here("tune", *BLOBS, "-s", "lwf", "-s", "l2", "--grid", "lam=3")
    assert made.returncode == 2 and "one strategy" in made.stderr
    results = tmp_path / "my_results"
    results.mkdir()
    (results / tuned.BESIDE).write_text(
        "[blobs_class.smoke.lwf]\nlam = 3.0\n"
        "evidence.trials = [{lam = 1.0, score = 0.1}, {lam = 3.0, score = 0.2}]\n"
        "evidence.seeds = [1000, 1001]\nevidence.cpu_s = 12.5\n"
        "[blobs_class.smoke.l2]\nevidence.trials = [{lam = 0.01, score = 0.2}, {lam = 3.0, score = 0.2}]\n"
    )
    done = here("run", *BLOBS, "--seeds", 2, "-s", "l*(values='paper')", "-s", "lwf", "-s", "l2")
    assert done.returncode == 0, done.stderr
    assert "blobs_class: the paper's values are those of the bare name, one row: l2" in done.stdout
    found = {record.strategy: record for record in records.load(results)[0]}
    assert set(found) == {"lwf", "lwf(values='paper')", "l2"}
    assert found["lwf"].settings["strategy"]["lwf"]["lam"] == 3.0
    assert found["lwf(values='paper')"].settings["strategy"]["lwf"]["lam"] == 1.0
    assert here("run", *BLOBS, "--seeds", 2, "-s", "lwf(lam=1)").stdout.count("1 pair up to date") == 1
    again = here("run", *BLOBS, "--seeds", 2, "-s", 'lwf( values="paper" )', "-s", "lwf").stdout
    assert "2 pairs up to date" in again and "one row" not in again
    shown = " ".join(here("show", env={"COLUMNS": "400"}).stdout.split())
    assert (
        "bare where the paper's were the best tried: lwf lam=3.0 (2 trials, 12 s); l2 (2 trials, 0 s)"
        in shown
    )
    assert "a row of the paper's values, values='paper', stands beside: lwf" in shown
    seen = here("run", *BLOBS, "-s", "lwf", "--seed-list", "1000")
    assert (
        seen.returncode == 2
        and "seed 1000: the values of lwf on blobs_class were chosen on it" in seen.stderr
    )
    explained = here("explain", "lwf").stdout
    assert ", blobs_class (smoke)" in explained and "lwf(values='paper')" in explained
    assert "tunes    lam from 0.01 to 100, log" in explained


HAND = """# of a person
[class.quick.ewc]   # and this
lam = 7.0
evidence = "taken over"

# before smoke
[class.smoke.lwf]
lam = 0.5
temperature = 1.5
evidence.lam = {"0.5" = 0.1, "1" = 0.05}
seeds = 2

[task.smoke.lwf]
evidence = "none"
"""


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A file of clbench's own for blobs, as a person has written it."""
    monkeypatch.setattr(tuned, "FOLDER", tmp_path)
    tuned.read.cache_clear()
    (tmp_path / "blobs.toml").write_text(HAND)
    yield tmp_path / "blobs.toml"
    tuned.read.cache_clear()


def test_what_a_person_wrote_stays_unless_it_is_to_be_replaced(here, ours):
    command = ("tune", *BLOBS, "-s", "lwf", "--grid", "lam=3", "--write")
    kept = here(*command)
    assert kept.returncode == 0 and ours.read_text() == HAND
    assert "values that a person has written stand in blobs.toml; --force replaces them" in kept.stdout
    assert here("tune", *BLOBS, "-s", "si", "--grid", "c=3", "--write").returncode == 0
    assert ours.read_text().startswith(HAND + "\n[class.smoke.si]\n")
    assert here(*command, "--force").returncode == 0
    before, after = HAND.split("[class.smoke.lwf]")[0], "[task.smoke.lwf]" + HAND.split("[task.smoke.lwf]")[1]
    text = ours.read_text()
    assert text.startswith(before + "[class.smoke.lwf]\ntemperature = 1.5\n") and f"\n{after}" in text
    assert not (ours.parent / "my_results" / tuned.BESIDE).exists()
    table = tomllib.loads(text)["class"]["smoke"]["lwf"]
    assert "seeds" not in table and len(table["evidence"]["trials"]) == 2


def test_tables_stand_in_order_and_every_other_line_stays(tmp_path):
    table = {"evidence": {"trials": [{"score": 0.5}], "note": 'a "text"', "by": True}}
    text = HAND
    for name in ("si", "mine.py:Mine", "ewc"):
        text = with_table(text, ("class", "smoke", name), table, tmp_path)
    ends = [line for line in text.splitlines() if line.startswith("[")]
    assert ends[3:] == ["[class.smoke.ewc]", '[class.smoke."mine.py:Mine"]', "[class.smoke.si]"]
    assert text.startswith(HAND) and with_table(text, ("class", "smoke", "si"), table, tmp_path) == text


WRONG = [
    (("-s", "lwf", "--grid", "lamb=3"), 'lwf has no argument "lamb": did you mean "lam"?'),
    (("-s", "lwf", "--grid", "lam=-1"), "--grid lam=-1: lwf: lam takes a number from 0 to 1e18"),
    (("-s", "lwf", "--grid", "lam=x"), "lam takes a number"),
    (("-s", "lwf", "--grid", "lam"), 'write an argument and its values, like "lam=1,10,100"'),
    (("-s", "der", "--grid", "memory=3"), "the memory is the benchmark's"),
    (
        ("-s", "lwf", "--grid", "lam=2,3,4", "--trials", "3"),
        "--trials 3: the grid and the paper's values are 4",
    ),
    (("-s", "er"), "nothing to tune, no argument has a range: er; give values with --grid"),
    (("-s", "lwf", "--tasks", "6"), "--tasks 6: blobs_class(validation=True) has 5 tasks"),
    (("-s", "lwf", "--tasks", "1"), "--tasks 1: with fewer than 2 there is nothing to forget"),
    (("-s", "lwf", "--trials", "1"), "--trials 1: with fewer than 2 there is nothing to choose from"),
    (("-s", "lwf", "--seed-list", "0,1"), "--seed-list 0,1: seeds below 1000 are those of reported runs"),
    (("-s", "lwff"), 'unknown strategy "lwff": did you mean "lwf"?'),
    (("-s", "lwf+ewc"), "one strategy is tuned at a time, by its bare name"),
    (("-s", "lwf(lam=3)"), "one strategy is tuned at a time, by its bare name"),
    (("-s", "lwf", "-b", "no_such"), 'unknown benchmark "no_such"'),
    (("-s", "lwf", "-b", "blobs_task(validation=True)"), "leave validation out"),
    (("-s", "lwf", "-b", "avalanche:SplitMNIST(n_experiences=5)"), "validation is not to be had of them"),
    (("-s", "lwf", "-b", "blobs_task(tasks=4)", "--write"), "by their bare names"),
    (("-s", "lwf", "--out", "a_file"), "a_file"),
    ((), "say what to tune"),
]


@pytest.mark.parametrize("arguments, why", WRONG, ids=[why for _, why in WRONG])
def test_what_makes_no_sense_is_one_line(tmp_path, here, arguments, why):
    (tmp_path / "a_file").write_text("")
    done = here("tune", *BLOBS, *arguments)
    assert done.returncode == 2 and why in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 or not arguments
    assert {path.name for path in tmp_path.iterdir()} == {"a_file"}


@pytest.mark.parametrize(
    "content, why",
    [
        ("[blobs_class.smoke.lwf", "no TOML"),
        ("lam = 3", "tables are [benchmark.profile.strategy]"),
        (
            "[blob_class.smoke.lwf]",
            '[blob_class.smoke.lwf]: unknown benchmark "blob_class": did you mean "blobs_class"?',
        ),
        ("[blobs_class.smok.lwf]", '[blobs_class.smok.lwf]: unknown profile "smok": did you mean "smoke"?'),
        (
            "[blobs_class.smoke.lwff]",
            '[blobs_class.smoke.lwff]: unknown strategy "lwff": did you mean "lwf"?',
        ),
        ("[blobs_class.smoke.lwf]\nevidence.trials = 3", "evidence.trials is a list of tables"),
        ("[blobs_class.smoke.lwf]\nevidence.seeds = 7", "evidence.seeds is a list of whole numbers"),
        ("[blobs_class.smoke.lwf]\nevidence.cpu_s = '4'", "evidence.cpu_s is a number of seconds"),
        (
            "[blobs_class.smoke.lwf]\nlamb = 3.0",
            'tuned values of lwf: it has no argument "lamb": did you mean "lam"?',
        ),
        ("[blobs_class.smoke.lwf]\nlam = -3.0", "tuned values of lwf: lam takes"),
    ],
)
def test_values_beside_results_that_are_none_are_one_line(tmp_path, here, content, why):
    (tmp_path / "my_results").mkdir()
    (tmp_path / "my_results" / tuned.BESIDE).write_text(content)
    done = here("run", *BLOBS, "-s", "lwf")
    assert done.returncode == 2 and why in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", [name for name in registry.strategies() if registry.facts(name).tunes])
def test_ranges_hold_the_papers_value(name):
    from clbench.spec import defaults_of

    facts: Facts = registry.facts(name)
    cls = registry.load(registry.strategies()[name])
    paper = defaults_of(cls)
    check_ranges(name, facts.tunes, paper, cls)
    for argument, scale in facts.tunes.items():
        ends = scale[:2] if scale[-1] in ("log", "linear") else scale
        assert paper[argument] in ends or ends[0] < paper[argument] < ends[1]


@dataclass
class MaybeAFloat:
    a: float | None = None


def stale_rows(here) -> list[str]:
    shown = json.loads(here("show", "--format", "json").stdout)
    return [row["strategy"] for row in shown["tables"][0]["rows"] if row["origins"]["blobs_class"]["stale"]]


def test_a_row_is_stale_where_its_name_stands_for_other_values_since(tmp_path, here):
    """By one rule: in tables, for claims, and for what `clbench run` runs again."""
    rows = ("-s", "naive", "-s", "lwf", "-s", "lwf(values='paper')", "-s", "lwf(lam=2)")
    here("run", *BLOBS, "--seeds", 3, *rows)
    assert stale_rows(here) == []
    file = tmp_path / "my_results" / tuned.BESIDE
    file.write_text("[blobs_class.smoke.lwf]\nlam = 5.0\n")
    assert stale_rows(here) == ["lwf"]
    (tmp_path / "mine.toml").write_text(
        '[[claim]]\nid = "a"\nsays = "a"\ntest = "{lwf} > naive"\non = ["smoke/blobs_class"]\n'
    )
    claimed = here("check", "--claims", "mine.toml")
    assert claimed.returncode == 3 and "stale: lwf on smoke/blobs_class" in claimed.stdout
    planned = here("run", *BLOBS, "--seeds", 3, *rows, "--dry-run").stdout
    assert "blobs_class  lwf  seeds 0, 1, 2" in planned and "2 pairs up to date" in planned
    file.unlink()
    assert stale_rows(here) == []


def test_tuning_says_which_rows_it_makes_stale_and_leaves_a_persons_values_alone(tmp_path, here):
    (tmp_path / "mine.py").write_text(MINE)
    names = ("-b", "blobs_task", "-s", "mine.py:Slow", "--profile", "smoke")
    here("run", *names, "--seeds", 1)
    done = here("tune", *names, "--trials", 3)
    command = "clbench run -b blobs_task -s mine.py:Slow --profile smoke"
    assert f"mine.py:Slow on blobs_task is now stale, run it again: {command}\n" in done.stdout
    assert "stale" not in here("tune", *names, "--trials", 3, "--dry-run").stdout
    file = tmp_path / "my_results" / tuned.BESIDE
    file.write_text(file.read_text().replace("\nrate = 1.0\n", "\nrate = 0.25\n"))
    edited = file.read_text()
    kept = here("tune", *names, "--trials", 3)
    assert (
        "values that a person has written stand in tuned.toml" in kept.stdout and file.read_text() == edited
    )
    assert here("tune", *names, "--trials", 3, "--force").returncode == 0
    assert file.read_text() == edited.replace("0.25", "1.0")


def test_ranges_have_no_none():
    """TOML cannot keep it: a choice that holds it would be lost after all trials."""
    with pytest.raises(InputError, match="but None"):
        check_ranges("x", {"a": (None, 1.0, 2.0)}, {"a": None}, MaybeAFloat)


def test_a_value_at_the_edge_is_told_however_small():
    tried = [{"ridge": 10.0**power} for power in (-8, -6, -4)]
    kinds = {"ridge": ranges.Positive}
    assert at_edge(tried[0], tried, kinds) == at_edge(tried[2], tried, kinds) == ["ridge"]
    assert at_edge(tried[1], tried, kinds) == []


def test_a_run_on_a_seed_of_the_trials_stands_in_the_way(tmp_path, here):
    here("run", *BLOBS, "-s", "lwf", "--seed-list", "1001")
    done = here("tune", *BLOBS, "-s", "lwf")
    assert done.returncode == 2 and "lwf on blobs_class was run with seed 1001" in done.stderr
    assert here("tune", *BLOBS, "-s", "lwf", "--seed-list", "1002,1003", "--dry-run").returncode == 0


def test_trials_train_with_the_values_that_stay():
    one = Tuning(
        "b", "b(validation=True)", "derpp", [{"beta": 0.5}], {}, {"alpha": 0.9}, ("b", "smoke"), False
    )
    assert one.specs == ["derpp(alpha=0.9, beta=0.5)"]
