"""Four tasks of a reader, on the committed records: at most six clicks each, and the answers are Python's."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from clbench.metrics.statistics import on_common_seeds, paired_difference
from clbench.report import pages, values
from clbench.report.ranking import rank
from clbench.report.tables import by_benchmark
from clbench.report.values import entries, facts_of
from clbench.results import records

ROOT = Path(__file__).parents[2]
SHOWN = {
    "quick": ("split_cifar10_class", "split_mnist_class", "driftcaps", "glyphs", "icons", "news"),
    "smoke": ("split_digits_class",),
}


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """(the page of some of the committed records, profile -> benchmark -> entries); none counts as stale,
    since a reader's tasks are what is tried here."""
    top = tmp_path_factory.mktemp("committed")
    for profile, starts in SHOWN.items():
        for folder in (ROOT / "results" / profile).iterdir():
            if folder.name in starts:
                shutil.copytree(folder, top / "results" / profile / folder.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "is_stale", lambda record: False)
        patch.setattr(pages, "cost", lambda *_: None)  # the figures of Markdown pages take longest
        pages.write_reports(top / "results", top / "reports")
        judged = {}
        for record in records.load(top / "results")[0]:
            judged.setdefault(record.profile, []).append(record)
        found = {
            profile: {name: entries(own) for name, own in by_benchmark(mixed).items()}
            for profile, mixed in judged.items()
        }
    return top / "reports" / "index.html", found


class Reader:
    """Somebody with a mouse: counts clicks; a choice from a list takes two."""

    def __init__(self, page):
        self.page, self.clicks = page, 0
        page.js("globalThis.kept = []; navigator.clipboard.writeText = async text => { kept.push(text); }")

    def click(self, selector):
        self.clicks += 1
        self.page.click(selector)

    def choose(self, selector, value):
        self.clicks += 2
        self.page.js(
            f"(() => {{ const list = document.querySelector({selector!r}); list.value = {value!r}; "
            "list.dispatchEvent(new Event('change')); })()"
        )

    def copied(self):
        return self.page.js("kept[kept.length - 1]")


@pytest.fixture
def reader(page, committed):
    page.open(committed[0])
    someone = Reader(page)
    yield someone
    assert someone.clicks <= 6


def test_the_best_without_task_labels_at_naive_s_cost(reader, committed):
    reader.choose("#f-b", "split_cifar10_class")
    reader.click("#filter-box summary")
    reader.click("input[name=lab][value=no]")
    reader.click("#f-x")
    for key in "1.1":
        reader.page.key(key)
    first = reader.page.js("document.querySelector('#table tr[data-strategy]').dataset.strategy")
    found = committed[1]["quick"]["split_cifar10_class"]
    naive = next(one.costs["flops"] for one in found if one.record.strategy == "naive")
    kept = {
        one.record.strategy
        for one in found
        if one.ok
        and one.costs["flops"] <= 1.1 * naive
        and not any(facts.needs_task_label for facts in facts_of(one.record))
    }
    ranking = rank({"split_cifar10_class": found}, kept=kept)
    assert first == ranking.rows[0].strategy and len(ranking.rows) > 3
    assert first in reader.page.js("document.getElementById('headline-text').textContent")


def test_whether_er_and_mir_differ(reader, committed):
    reader.choose("#f-b", "split_mnist_class")
    reader.click("#pick-er")
    reader.click("#pick-mir")
    told = reader.page.js("document.querySelector('[data-compared=mir]').innerText").split()
    found = committed[1]["quick"]["split_mnist_class"]
    acc = {one.record.strategy: one.metrics["acc"] for one in found if one.ok}
    difference = paired_difference(*on_common_seeds(acc["mir"], acc["er"]))
    assert told[1] == f"{100 * difference.mean:+.1f}"
    assert " ".join(told[2:4]) == f"[{100 * difference.low:.1f}, {100 * difference.high:.1f}]"
    assert ("told apart" in " ".join(told)) == difference.contains_zero


def test_what_repeats_a_row(reader, committed, tmp_path, here):
    reader.click("input[name=p][value=smoke]")
    reader.click("#open-derpp")
    command = reader.page.js("document.getElementById('command').textContent")
    (own,) = [one for one in committed[1]["smoke"]["split_digits_class"] if one.record.strategy == "derpp"]
    assert shlex.split(command)[:6] == ["clbench", "run", "-b", "split_digits_class", "-s", "derpp"]
    done = here(*shlex.split(command)[1:], "--workers", "0", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (again,), problems = records.load(tmp_path)
    assert not problems and again.seeds == own.record.seeds
    assert abs(again.array.mean() - own.record.array.mean()) < 0.02  # another processor rounds otherwise


def test_three_methods_on_four_benchmarks_in_latex(reader, committed, tmp_path):
    reader.choose("#f-b", "scenario:pairs")
    for name in ("er", "mir", "lwf"):
        reader.click(f"#pick-{name}")
    reader.click("#picked-latex")
    text = reader.copied()
    body = text[text.index("\\midrule") : text.index("\\bottomrule")].splitlines()[1:]
    names = ["driftcaps", "glyphs", "icons", "news"]
    assert len(names) == 4 and len(body) == 3
    found = {name: {one.record.strategy: one for one in committed[1]["quick"][name]} for name in names}
    for line in body:
        cells = [cell.strip() for cell in line.removesuffix("\\\\").split("&")]
        for name, shown in zip(names, cells[-4:], strict=True):
            values = found[name][cells[1]].metrics["stream_backward"].values()
            assert f"{100 * sum(values) / len(values):.1f}" in shown
    assert_compiles(text, tmp_path)


def assert_compiles(text, folder):
    """By a TeX, where one is at hand; else braces balance and every line has as many cells."""
    lines = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in lines}) == 1
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    if shutil.which("pdflatex"):
        page = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{text}\\end{{document}}"
        command = ["pdflatex", "-halt-on-error", f"-output-directory={folder}"]
        subprocess.run(command, input=page, text=True, check=True, capture_output=True)
    assert "\\toprule" in text and all(32 <= ord(letter) < 127 or letter == "\n" for letter in text)
