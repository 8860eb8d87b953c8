import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from clbench.metrics.accuracy import METRICS
from clbench.report.pages import write_reports
from clbench.results import records

VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}
FETCHING = {"src", "srcset", "data", "poster", "background", "action"}


class Page(HTMLParser):
    """Checks that tags are balanced and collects ids, links and whatever a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.fetched, self.tags = [], [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        self.ids += [given["id"]] if "id" in given else []
        self.links += [unquote(given["href"])] if tag == "a" else []
        self.fetched += [
            value for name, value in attributes if name in FETCHING or (name == "href" and tag == "link")
        ]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def contents(folder):
    """Path within the folder -> bytes, of every file."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "reports" / "smoke.html").read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_files(folder):
    written = sorted(map(str, contents(folder / "reports")))
    figures = [
        f"figures/smoke/{name}-{kind}.svg"
        for name in ("split_toy_class", "toy_class")
        for kind in ("cost", "matrices", "seen")
    ]
    assert written == [
        "README.md",
        "figures/smoke/across-1.svg",
        *figures,
        "index.html",
        "smoke.html",
        "smoke.md",
    ]


def test_page_is_balanced_with_unique_ids(page):
    assert len(set(page.ids)) == len(page.ids)
    assert page.tags.count("table") == 9 and page.tags.count("svg") == 7


def test_page_fetches_nothing(page, html):
    assert page.fetched == ["data:,"]
    assert not {"script", "iframe", "object", "embed", "img"} & set(page.tags)
    assert "http" not in html and "@import" not in html
    assert set(re.findall(r"url\(([^)]{1,2})", html)) <= {"#a", "#s", "#t"}  # clip paths of the page itself


def test_links_lead_somewhere(page, folder):
    anchors = [link[1:] for link in page.links if link.startswith("#")]
    files = [link for link in page.links if not link.startswith("#")]
    assert set(anchors) <= set(page.ids) and "summary" in anchors and "definitions" in anchors
    assert all((folder / "reports" / link).is_file() for link in files)
    assert len(set(files)) == 29


def test_text_of_foreign_origin_is_escaped(html):
    assert "ValueError: &lt;b&gt;no&lt;/b&gt; &amp; never" in html and "<b>no" not in html


def test_page_says_where_numbers_come_from(html):
    for text in (
        "01234567",
        "2026-01-02",
        "numpy 2.3.0, python 3.11.2, torch 2.9.0",
        "er: memory=200",
        "0–4",
        "optimiser adam",
        "Test CPU, AVX2",
        "needs task labels",
        "not finite in task 2",
    ):
        assert text in html
    assert "0123456789ab" not in html


def test_metrics_are_defined(html):
    text = re.sub(r"<[^>]+>", "", html).replace("&gt;", ">")
    assert all(metric.description in text for metric in METRICS.values())


def test_markdown_has_all_rows_and_figures(folder):
    text = (folder / "reports" / "smoke.md").read_text()
    for record in records.load(folder / "results")[0]:
        assert text.count(f"| `{record.strategy}` |") >= 2
    for file in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (folder / "reports" / file).is_file()
    for file in re.findall(r"\[JSON\]\(([^)]+)\)", text):
        assert (folder / "reports" / unquote(file)).is_file()
    assert not re.search(r"\n\n\n\n", text)


def test_families_head_their_rows(html, folder):
    summary = html[html.index('<section id="summary">') : html.index("</section>")]
    found = re.findall(r'scope="row(?:group)?">([^<]+)</th>', summary)
    assert found[:4] == ["reference", "naive", "joint", "joint_equal"]
    assert found[found.index("regularisation") :][:7] == [
        "regularisation",
        "ewc",
        "lwf",
        "mas",
        "si",
        "avalanche_ewc",
        "replay",
    ]
    assert "| `avalanche_ewc` | regularisation | " in (folder / "reports" / "smoke.md").read_text()


def test_index_links_the_profiles(folder):
    assert Page((folder / "reports" / "index.html").read_text()).links == ["smoke.html"]


def test_the_same_records_give_the_same_bytes_in_another_process(fabricated, tmp_path):
    code = (
        "import sys; from pathlib import Path; from clbench.results import staleness; "
        "from clbench.report import stars; "
        "from clbench.report.pages import write_reports; "
        "stars.seeds_asked = lambda record: 3; "
        f"staleness.source_of = lambda benchmark, strategy: {fabricated.SOURCE!r}; "
        "write_reports(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    results, here, there = tmp_path / "results", tmp_path / "here", tmp_path / "there"
    for record in fabricated.toy():
        records.write(record, results)
    write_reports(results, here)
    subprocess.run(
        [sys.executable, "-c", code, results, there],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    )
    assert contents(here) == contents(there)


def test_problems_are_listed_without_the_path_of_the_machine(fabricated, tmp_path):
    results = tmp_path / "results"
    records.write(fabricated.toy()[0], results)
    (results / "smoke" / "toy_class" / "broken.json").write_text("{<i>")
    written = write_reports(results, tmp_path / "reports")
    for name in ("smoke.html", "smoke.md", "index.html"):
        text = (tmp_path / "reports" / name).read_text()
        assert (
            "smoke/toy_class/broken.json: not readable" in text.replace("\\", "")
            and str(tmp_path) not in text
        )
    assert len(written.warnings) == 1 and len(written.paths) == len(set(written.paths)) == 7


def test_stale_rows_are_a_warning(fabricated, tmp_path):
    records.write(fabricated.make("er", fabricated.two_tasks((0.6, 0.9)), stale=True), tmp_path / "results")
    records.write(fabricated.make("lwf", fabricated.two_tasks((0.6, 0.9))), tmp_path / "results")
    assert write_reports(tmp_path / "results", tmp_path / "out").warnings == [
        "smoke: stale, run again: toy_class er"
    ]
    assert '<span class="badge">stale</span>' in (tmp_path / "out" / "smoke.html").read_text()


def test_a_profile_that_is_stale_as_a_whole_says_so_everywhere(fabricated, tmp_path):
    for name in ("er", "lwf"):
        records.write(
            fabricated.make(name, fabricated.two_tasks((0.6, 0.9)), stale=True), tmp_path / "results"
        )
    warnings = write_reports(tmp_path / "results", tmp_path / "out").warnings
    assert warnings == [
        "smoke: every record is stale, made by source code that has changed since: run it again"
    ]
    for name in ("smoke.html", "smoke.md", "index.html", "README.md"):
        assert "stale as a whole" in (tmp_path / "out" / name).read_text().lower()


def test_what_is_said_of_all_benchmarks_together_stands_on_the_page(html, folder):
    text = (folder / "reports" / "smoke.md").read_text()
    for page in (html, text):
        for heading in ("Summary", "Across benchmarks", "2 benchmarks, n 3 seeds", "The same at naive"):
            assert heading in page
    assert "on fewer of these benchmarks, so not compared here: " in html
    (er,) = re.findall(r"\| `er` \| (\S+) \[1\.0, \S+\] \| \S+ \[\S+, \S+\] \|$", text, re.MULTILINE)
    assert er == "1.0"


def test_rows_on_held_out_data_have_a_summary_of_their_own(fabricated, tmp_path):
    toy = fabricated.toy()[:4]
    for record in toy:
        held_out = msgspec.structs.replace(
            record,
            benchmark="toy_class(validation=True)",
            settings=record.settings | {"benchmark": {"validation": True}},
        )
        for one in (record, held_out):
            records.write(one, tmp_path / "results")
    write_reports(tmp_path / "results", tmp_path / "out")
    text = (tmp_path / "out" / "smoke.html").read_text()
    first, second = text.index('<section id="summary">'), text.index('<section id="summary-held-out">')
    assert "validation=True" not in text[first:second] and 'id="across"' not in text


def test_rows_with_other_settings_have_a_line_of_their_own(fabricated, tmp_path):
    first, second = fabricated.toy()[0], fabricated.toy()[3]
    second.settings = second.settings | {"precision": "bfloat16"}
    for record in (first, second):
        records.write(record, tmp_path / "results")
    write_reports(tmp_path / "results", tmp_path / "out")
    text = (tmp_path / "out" / "smoke.html").read_text()
    assert "float32; data d1 (naive)" in text and "bfloat16; data d1 (er)" in text


def test_specs_with_arguments_make_safe_names(fabricated, tmp_path):
    spec, benchmark = "er(memory=20)+lwf(alpha='<&>')", 'toy_class(order="a b#c")'
    records.write(
        fabricated.make(spec, fabricated.two_tasks((0.6, 0.9)), benchmark=benchmark), tmp_path / "results"
    )
    write_reports(tmp_path / "results", tmp_path / "out")
    page = Page((tmp_path / "out" / "smoke.html").read_text())
    assert set(link[1:] for link in page.links if link.startswith("#")) <= set(page.ids)
    assert all((tmp_path / "out" / link).is_file() for link in page.links if not link.startswith("#"))


def test_an_empty_folder_writes_nothing(tmp_path):
    written = write_reports(tmp_path / "results", tmp_path / "out")
    assert written.paths == [] and "no records" in written.warnings[0] and not Path(tmp_path / "out").exists()
