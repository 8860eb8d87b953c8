"""`clbench compare`: two folders, two commits, two rows; made-up records whose truth is known."""

import json

import numpy as np
import pytest
from repositories import Repository
from scipy import stats

from clbench.results import records
from clbench.results.record import Failure

ENDS = np.array([[0.60, 0.80], [0.61, 0.81], [0.59, 0.79]])  # ACC 70, 71, 69
LITTLE = np.array([[-0.001], [0.0], [0.001]])
MUCH = np.array([[-0.02], [0.0], [0.02]])  # SD of a margin: effect size 1, which takes 10 seeds


@pytest.fixture(autouse=True)
def known(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def er(fabricated):
    """er(by) -> a record whose seeds end higher by so much; other arguments as of `fabricated.make`."""

    def make(by=0.0, strategy="er", **more):
        return fabricated.make(strategy, fabricated.two_tasks(*(ENDS + by).round(6).tolist()), **more)

    return make


@pytest.fixture
def compare(here, tmp_path):
    """compare(records of A, records of B, *options) -> `clbench compare a b`."""

    def run(a, b, *options):
        for name, made in (("a", a), ("b", b)):
            for record in made:
                records.write(record, tmp_path / name)
        return here("compare", "a", "b", *options)

    return run


# ---- verdicts on a pair


ELSEWHERE = {"provenance": {"processor": "another"}}


def changed(record, **settings):
    record.settings = record.settings | {"budget": record.settings["budget"] | settings}
    return record


def moved_from_the_start(record):
    for matrix in record.acc:
        matrix[0][0] += 0.3
    return record


VERDICTS = {
    "identical": (lambda er: er(), 0, "bit-equal, seeds [0, 1, 2]"),
    "identical elsewhere": (lambda er: er(**ELSEWHERE), 0, "bit-equal, seeds [0, 1, 2]"),
    "equivalent": (
        lambda er: er(LITTLE),
        0,
        "ACC 70.0 (n 3) -> 70.0 (n 3): difference 0.0 [-0.2, 0.2] (paired, 3 seeds), within 2.0",
    ),
    "regressed": (
        lambda er: er(LITTLE - 0.05),
        1,
        "ACC 70.0 (n 3) -> 65.0 (n 3): difference -5.0 [-5.2, -4.8] (paired, 3 seeds)",
    ),
    "improved": (lambda er: er(LITTLE + 0.05), 0, "difference 5.0 [4.8, 5.2] (paired, 3 seeds)"),
    "undecided": (lambda er: er(MUCH), 3, "about 10 seeds would probably decide, now 3"),
    "changed set-up": (lambda er: changed(er(LITTLE - 0.05), lr=0.1), 1, "budget.lr 0.001 -> 0.1"),
    "changed set-up: data": (lambda er: er(data="d2"), 1, "data d1 -> d2"),
    "changed set-up: arguments": (
        lambda er: er_with(er(), memory=9),
        1,
        "strategy.er.memory 200 -> 9",
    ),
    "cost changed": (lambda er: er(LITTLE, costs={"steps": 300}), 1, "steps 200 -> 300"),
    "data or evaluation changed": (
        lambda er: moved_from_the_start(er()),
        1,
        "the untrained network scores 5.0 -> 20.0, up to 30.0 apart",
    ),
    "failed": (lambda er: failed(er), 1, "B failed: ValueError: no"),
}


def er_with(record, **arguments):
    record.settings = record.settings | {"strategy": {"er": arguments}}
    return record


def failed(er):
    record = er()
    record.status, record.error = "failed", Failure("ValueError: no")
    return record


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_on_a_pair_and_the_exit_status(name, er, compare):
    make, code, said = VERDICTS[name]
    done = compare([er()], [make(er)])
    status = name.removesuffix(" elsewhere").split(":")[0]
    first, last = done.stdout.splitlines()[3], done.stdout.splitlines()[-1]
    assert first.startswith(f"{status}  toy_class  er  ") and said in done.stdout, done.stdout
    assert done.returncode == code and last.endswith(f"1 {status}") and not done.stderr


def test_rows_on_one_side_only_are_missing_or_new(er, compare):
    done = compare([er(), er(strategy="ewc")], [er(), er(strategy="gem")])
    assert "missing    toy_class  ewc  only in A" in done.stdout and done.returncode == 1
    assert "new        toy_class  gem  only in B" in done.stdout
    assert "compared 1 of 3 pairs: 1 missing, 1 new, 1 identical" in done.stdout
    nothing = compare([er(), er(strategy="ewc")], [er(), er(strategy="gem")], "-s", "gem")
    assert nothing.returncode == 1 and "nothing was compared: 1 new" in nothing.stdout


def test_seeds_that_both_have_are_paired_and_more_seeds_are_no_other_set_up(fabricated, er, compare):
    more = fabricated.two_tasks(*ENDS.tolist(), (0.1, 0.1))
    same = compare([er()], [fabricated.make("er", more, costs={"flops": 3_000_000_000})])
    assert "identical  toy_class  er  bit-equal, common seeds [0, 1, 2]" in same.stdout
    worse = (ENDS + LITTLE - 0.05).tolist()
    done = compare([er()], [fabricated.make("er", fabricated.two_tasks(*worse, (0.55, 0.75)))])
    assert done.returncode == 1
    assert "ACC 70.0 (n 3) -> 65.0 (n 4): difference -5.0 [-5.2, -4.8] (paired, 3 seeds)" in done.stdout


@pytest.mark.parametrize("more", [ELSEWHERE, {"seeds": [3, 4, 5]}, {"provenance": {"torch": "3.0"}}])
def test_other_machines_or_seeds_are_compared_after_welch(more, er, compare):
    after = ENDS.mean(axis=1) + (3 * LITTLE - 0.07)[:, 0]
    test = stats.ttest_ind(after, ENDS.mean(axis=1), equal_var=False)
    low, high = test.confidence_interval(0.95)
    done = compare([er()], [er(3 * LITTLE - 0.07, **more)])
    assert f"difference -7.0 [{100 * low:.1f}, {100 * high:.1f}] (Welch)" in done.stdout
    assert done.stdout.splitlines()[3].startswith("regressed")
    open_ = compare([er()], [er(MUCH, **more)])  # the SDs are 1 and √3: 2 together, the margin
    assert open_.returncode == 3 and "about 9 seeds would probably decide, now 3" in open_.stdout


def test_the_plasticity_gap_counts_where_both_have_joint_even_if_stale(fabricated, er, compare):
    learnt = np.array([0.9, 0.9, 0.9])

    def joint(by):
        made = fabricated.two_tasks(*[(0.9, 0.9)] * 3)
        for matrix, value in zip(made, learnt + by, strict=True):
            matrix[1][0] = value
        return fabricated.make("joint", made, stale=True)

    done = compare([er(), joint(0)], [er(LITTLE), joint(0.09)], "-s", "er")
    assert (
        done.returncode == 1 and "regressed   toy_class  er  plasticity gap 10.0 (n 3) -> 14.5" in done.stdout
    )
    without = compare([er()], [er(LITTLE)], "-s", "er", "--metric", "la")
    assert "LA 80.0 (n 3) -> 80.0 (n 3)" in without.stdout and "ACC" not in without.stdout


def test_stale_rows_are_named_and_compared(er, compare):
    done = compare([er(stale=True)], [er(LITTLE - 0.05)])
    assert done.stdout.splitlines()[3].endswith("(paired, 3 seeds); stale: A")


def test_one_common_seed_that_is_bit_equal_is_identical(fabricated, er, compare):
    other = fabricated.make("er", fabricated.two_tasks(ENDS[2].tolist(), (0.1, 0.9)), seeds=[2, 7])
    done = compare([er()], [other])
    assert done.returncode == 0 and "identical  toy_class  er  bit-equal, common seeds [2]" in done.stdout


def test_one_seed_decides_nothing(fabricated, compare):
    one, other = (fabricated.make("er", fabricated.two_tasks(ends)) for ends in ((0.6, 0.8), (0.6, 0.7)))
    done = compare([one], [other])
    assert done.returncode == 3 and "difference -5.0; one seed decides nothing" in done.stdout


def test_markdown_json_and_another_margin(er, compare):
    sides = [er()], [er(LITTLE - 0.05)]
    markdown = compare(*sides, "--format", "markdown").stdout
    assert "| regressed | `toy_class` | `er` | ACC 70.0" in markdown
    found = json.loads(compare(*sides, "--format", "json").stdout)
    acc = found["rows"][0]["metrics"][0]
    assert (found["exit"], found["rows"][0]["status"], acc["metric"]) == (1, "regressed", "acc")
    assert acc["a"]["mean"] == pytest.approx(0.7) and acc["difference"]["mean"] == pytest.approx(-0.05)
    wide = compare(*sides, "--margin", "6")
    assert wide.returncode == 0 and "equivalent" in wide.stdout


# ---- commits


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def test_two_commits_and_a_commit_beside_a_folder(er, repository, here):
    first = repository.commit(er(), title="Before \x1b[31m")
    repository.commit(er(LITTLE - 0.05), title="After")
    repository.write(er())
    done = here("compare", "HEAD~1", "HEAD", "--results", "results", cwd=repository.here)
    assert done.returncode == 1 and "regressed  toy_class  er  ACC 70.0 (n 3) -> 65.0" in done.stdout
    assert done.stdout.startswith(f"A: results at {first} (20") and "Before \\x1b[31m)\n" in done.stdout
    back = here("compare", "HEAD", "results", "--results", "results", cwd=repository.here)
    assert back.returncode == 0 and "improved" in back.stdout and "B: results\n" in back.stdout


def test_a_folder_that_is_gone_is_read_at_the_commits_that_have_it(er, repository, here):
    repository.commit(er())
    repository.commit(er(LITTLE))
    repository.git("rm", "-rq", "sub/results")
    repository.here.mkdir(exist_ok=True)
    done = here("compare", "HEAD~1", "HEAD", "--results", "results", cwd=repository.here)
    assert done.returncode == 0 and "1 equivalent" in done.stdout, done.stderr


def test_broken_records_of_a_commit_are_named_and_left_out(er, repository, here):
    (repository.results / "smoke" / "toy_class").mkdir(parents=True)
    (repository.results / "smoke" / "toy_class" / "gem.json").write_text("{")
    name = repository.commit(er())
    done = here("compare", "HEAD", "HEAD", "--results", "results", cwd=repository.here)
    assert done.returncode == 0 and "compared 1 of 1 pairs: 1 identical" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: {name}:sub/results/smoke/toy_class/gem.json: not readable")


# ---- two rows


@pytest.fixture
def rows(here, tmp_path):
    """rows(records, *arguments) -> `clbench compare …` with these in my_results/."""

    def run(made, *arguments, **more):
        for record in made:
            records.write(record, tmp_path / "my_results")
        return here("compare", *arguments, **more)

    return run


@pytest.mark.parametrize(
    ("by", "code", "said"),
    [
        (
            LITTLE + 0.01,
            0,
            "different  toy_class  er, mir  ACC 70.0 (n 3), 71.0 (n 3): mir is better by 1.0 [0.8, 1.2]",
        ),
        (LITTLE - 0.01, 0, "ACC 70.0 (n 3), 69.0 (n 3): er is better by 1.0 [0.8, 1.2] (paired, 3 seeds)"),
        (LITTLE - 0.01, 0, "forgetting 20.0 (n 3), 21.0 (n 3): er is better by 1.0 [0.8, 1.2]"),
        (LITTLE, 0, "equivalent  toy_class  er, mir  ACC 70.0 (n 3), 70.0 (n 3): difference 0.0 [-0.2, 0.2]"),
        (MUCH, 3, "(paired, 3 seeds); about 10 seeds would probably decide, now 3"),
        (0.0, 0, "identical  toy_class  er, mir  bit-equal, seeds [0, 1, 2]"),
    ],
)
def test_what_is_said_of_two_rows(by, code, said, er, rows):
    done = rows([er(), er(by, strategy="mir", costs={"flops": 5}), er(strategy="gem")], "er", "mir")
    assert said in done.stdout and done.returncode == code, done.stdout
    assert "compared 1 of 1 benchmarks" in done.stdout


def test_two_rows_on_every_benchmark_that_both_have(er, rows):
    made = [
        *(er(benchmark=name) for name in ("toy_class", "toy_task", "toy_domain")),
        *(er(0.05 + LITTLE, "mir", benchmark=name) for name in ("toy_class", "toy_task")),
        er(-0.05, "mir", profile="quick"),
        er(profile="quick"),
    ]
    done = rows(made, "er", "mir")
    assert [line.split()[1] for line in done.stdout.splitlines()[3:-1:2]] == [
        "quick/toy_class",
        "smoke/toy_class",
        "smoke/toy_task",
    ]
    one = rows(made, "er", "mir", "-b", "*_task")
    assert one.stdout.splitlines()[-1] == "compared 1 of 1 benchmarks: 1 different"


def test_rows_of_other_questions_or_without_numbers_are_not_compared(fabricated, er, rows):
    done = rows([er(), er(0.05, "mir", data="d2")], "er", "mir")
    assert done.returncode == 1 and "other set-up  toy_class  er, mir  data d1 -> d2" in done.stdout
    gem = fabricated.make("gem", status="unsupported", error={"reason": "needs task labels"})
    done = rows([gem], "er", "gem")
    assert done.returncode == 1 and "no numbers  toy_class  er, gem  B unsupported: needs task" in done.stdout


# ---- what a name stands for


def test_a_folder_before_a_strategy_before_a_revision(er, rows, tmp_path, here):
    repository = Repository(tmp_path)
    repository.git("branch", "-m", "mir")
    (tmp_path / "er").mkdir()  # a folder without records is none
    made = [er(), er(LITTLE, "mir"), er(LITTLE, "gem")]
    assert "A: the strategy er\nB: the strategy mir\n" in rows(made, "er", "mir").stdout
    records.write(er(LITTLE), tmp_path / "er")
    mixed = rows(made, "er", "mir")
    assert mixed.returncode == 2 and '"er" is a folder, "mir" is a strategy: compare two' in mixed.stderr
    assert "A: the strategy er()\n" in rows(made, "er()", "mir").stdout
    assert "A: ./er\nB: my_results\n" in rows(made, "./er", "my_results").stdout
    repository.commit()
    assert "B: the strategy mir\n" in rows(made, "gem", "mir").stdout
    repository.git("branch", "-m", "main")
    assert "A: my_results at " in rows(made, "main", "er/").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("mirr", "er"),
            '"mirr" is no folder with records, no strategy in my_results, and no git revision: did',
        ),
        (("mirr", "er"), "(my_results is in no git repository)"),
        (("HEAD", "er", "--results", "x"), "no strategy in x, which has no records, and no git revision"),
        (("./mir", "er"), "./mir: there is no results folder with records"),
        (
            ("my_results/", "er", "--profile", "full"),
            "there is no results folder with records of the profile full",
        ),
        (("my_results", "er"), '"my_results" is a folder, "er" is a strategy: compare two strategies'),
        (("e*", "mir"), '"e*" stands for several rows of toy_class: er, ewc'),
        (("er", "er"), "er, er: both are the row er"),
        (("er", "gem"), "er, gem: no benchmark has a row of both"),
        (("er", "mir", "-b", "toy_task"), "no benchmark that -b names has a row of both"),
        (("er", "mir", "-s", "er"), "-s goes with folders or commits"),
        (("my_results", "my_results", "-s", "si"), "none of the 4 pairs matches"),
        (("er", "mir", "--margin", "100"), "--margin 100.0: a number of points"),
        (("er", "mir", "--metric", "ac"), 'unknown metric "ac": did you mean "acc"?'),
        (("er", "mir", "--metric", "recovered"), "--metric recovered: a single seed has no value of it"),
        (("er" * 200, "mir"), "is no folder with records"),
        (("er", ""), '"" is no folder with records'),
        (("er", "--", "--all"), '"--all" is no folder with records'),
    ],
)
def test_a_wrong_name_or_option_is_one_line(arguments, said, er, rows):
    made = [er(), er(LITTLE, "mir"), er(strategy="ewc"), er(strategy="gem", benchmark="toy_task")]
    done = rows(made, *arguments)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("HEAD~9", "HEAD"),
            '"HEAD~9" is no folder with records, no strategy in results, and no git revision',
        ),
        (("HEAD", "HEAD", "--results", "others"), "HEAD: this commit has no folder others; --results names"),
        (("HEAD", "HEAD", "--results", "file"), "file is a file, not a folder"),
        (("HEAD:results", "HEAD"), '"HEAD:results" is no folder'),
    ],
)
def test_a_wrong_commit_is_one_line(arguments, said, er, repository, here):
    (repository.here / "file").write_text("")
    repository.commit(er())
    options = () if "--results" in arguments else ("--results", "results")
    done = here("compare", *arguments, *options, cwd=repository.here)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
