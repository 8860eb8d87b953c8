"""The files of a report: `index.html`, and the Markdown that GitHub shows."""

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
from clbench.report.agreement import EXPLANATION
from clbench.report.pages import write_reports
from clbench.results import records

VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}
RAW = {"script", "style"}
FETCHING = {"src", "srcset", "data", "poster", "background", "action"}
LINK = re.compile(r"(?<!\\)\]\(([^)]+)\)")


class Page(HTMLParser):
    """Checks that tags are balanced (those of cells may be left out) and collects ids, links and whatever a
    browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.fetched, self.tags = [], [], [], [], []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.open += [] if tag in VOID | {"th", "td", "tr"} else [tag]
        self.ids += [given["id"]] if "id" in given else []
        self.links += [unquote(given["href"])] if tag == "a" else []
        self.fetched += [
            value for name, value in attributes if name in FETCHING or (name == "href" and tag == "link")
        ]

    def handle_endtag(self, tag):
        if tag not in ("th", "td", "tr"):
            assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.text += data if self.open and self.open[-1] not in RAW else ""


def contents(folder):
    """Path within the folder -> bytes, of every file."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def markdown_of(folder):
    """Path within the folder -> text, of every Markdown page."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.md")}


def links_that_lead_somewhere(folder):
    """How many links and pictures its Markdown has, each of which has to lead to a file."""
    found = [(path, link) for path, text in markdown_of(folder).items() for link in LINK.findall(text)]
    for path, link in found:
        assert (folder / path).parent.joinpath(unquote(link)).is_file(), (path, link)
    return len(found)


@pytest.fixture(scope="module")
def reports(folder):
    return folder / "reports"


@pytest.fixture(scope="module")
def html(reports):
    return (reports / "index.html").read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_files(reports):
    assert sorted(map(str, contents(reports))) == [
        "README.md",
        "figures/smoke/split_toy_class-cost.svg",
        "figures/smoke/toy_class-cost.svg",
        "index.html",
        "smoke.md",
        "smoke/split_toy_class.md",
        "smoke/toy_class.md",
    ]


# ---- the page of results


def test_the_page_is_balanced_with_unique_ids(page):
    assert len(set(page.ids)) == len(page.ids)
    assert page.tags.count("table") == 3  # the script's own, and one for each benchmark without it


def test_the_page_fetches_nothing(page, html):
    assert page.fetched == ["data:,"] and not {"iframe", "object", "embed", "img"} & set(page.tags)
    assert "@import" not in html and "url(" not in html
    addresses = set(re.findall(r"\bhttps?:[^\s\"'`<>]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, which no browser asks for
    assert "default-src 'none'" in html


def test_the_page_s_links_lead_somewhere(page, reports):
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)
    assert all((reports / link).exists() for link in page.links if not link.startswith("#"))


def test_the_page_without_its_script_names_every_row_and_reason(page, folder):
    for record in records.load(folder / "results")[0]:
        assert record.strategy in page.text and record.benchmark in page.text
    for text in ("needs task labels", "not finite in task 2", "mas †", "73.3 ± 19.0", "60.7 [32.5, 127.1]"):
        assert text in page.text


def test_text_of_foreign_origin_is_escaped(html, reports):
    assert "ValueError: &lt;b&gt;no&lt;/b&gt; &amp; never" in html and "<b>no" not in html
    for text in markdown_of(reports).values():
        assert "<b>" not in text
    assert "ValueError: &lt;b&gt;no&lt;/b&gt; &amp; never" in (reports / "smoke.md").read_text()


# ---- Markdown


def test_every_link_of_markdown_leads_somewhere(reports):
    assert links_that_lead_somewhere(reports) > 30
    for text in markdown_of(reports).values():
        assert not re.search(r"\n\n\n\n", text)


def test_the_index_links_the_profiles(reports):
    text = (reports / "README.md").read_text()
    assert "- [smoke](smoke.md): " in text and "29 records on 2 benchmarks" in text
    assert "`index.html`" in text and all(metric.description in text for metric in METRICS.values())


def test_a_profile_s_page_is_short_and_has_all_rows(folder, reports):
    text = (reports / "smoke.md").read_text()
    assert len(text.splitlines()) < 60
    for record in records.load(folder / "results")[0]:
        assert text.count(f"| `{record.strategy}` |") == 1
    for name in ("toy_class", "split_toy_class"):
        assert f"](smoke/{name}.md): " in text
    assert "(smoke/toy_class.md): er is best by ACC (73.3 ± 19.0)" in text


def test_a_profile_s_rows_are_in_the_order_of_their_ranks(reports):
    text = (reports / "smoke.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    ranks = [float(row[2].split()[0]) for row in rows if row[2].strip()]
    assert ranks == sorted(ranks) and len(ranks) == 14
    names = [row[0].strip("| `") for row in rows]
    assert names[0] == "derpp" and names[-5:] == [
        "joint",
        "joint_equal",
        "cumulative",
        "cumulative_equal",
        "cumulative_exp",
    ]
    assert "| `derpp` | replay | 1 |" in text and "ranks stand on 5 common seeds" in text


def test_a_benchmark_s_page_has_table_figure_agreements_and_sources(folder, reports):
    text = (reports / "smoke" / "toy_class.md").read_text()
    own = [record for record in records.load(folder / "results")[0] if record.benchmark == "toy_class"]
    for record in own:
        assert f"| `{record.strategy}` |" in text
        assert f"| [`{record.strategy}`](../../results/smoke/toy_class/" in text
    assert "| `er` | 3 | 1 [1, 2] | a | ★ 73.3 ± 19.0 |" in text
    assert "](../figures/smoke/toy_class-cost.svg)" in text
    assert EXPLANATION in text and "| `er` | `avalanche_replay` | 73.3 | 73.3 |" in text


def test_a_benchmark_s_page_says_where_its_numbers_come_from(reports):
    text = (reports / "smoke" / "split_toy_class.md").read_text().replace("\\", "")
    for part in (
        "01234567 |",
        "2026-01-02",
        "All rows: numpy 2.3.0, python 3.11.2, torch 2.9.0.",
        "er: memory=200",
        "0–4",
        "optimiser adam",
        "Test CPU, AVX2",
    ):
        assert part in text
    assert "0123456789ab" not in text


def test_rows_with_other_settings_have_a_line_of_their_own(fabricated, tmp_path):
    first, second = fabricated.toy()[0], fabricated.toy()[3]
    second.settings = second.settings | {"precision": "bfloat16"}
    for record in (first, second):
        records.write(record, tmp_path / "results")
    write_reports(tmp_path / "results", tmp_path / "out")
    text = (tmp_path / "out" / "smoke" / "toy_class.md").read_text()
    assert "float32; data d1 (naive)" in text and "bfloat16; data d1 (er)" in text


def test_rows_on_held_out_data_have_a_summary_of_their_own(fabricated, tmp_path):
    for record in fabricated.toy()[:4]:
        held_out = msgspec.structs.replace(
            record,
            benchmark="toy_class(validation=True)",
            settings=record.settings | {"benchmark": {"validation": True}},
        )
        for one in (record, held_out):
            records.write(one, tmp_path / "results")
    write_reports(tmp_path / "results", tmp_path / "out")
    text = (tmp_path / "out" / "smoke.md").read_text()
    plain, held_out = text.split("## All benchmarks")[1:]
    assert held_out.startswith(", on held-out training data\n")
    assert "validation" not in plain and "toy\\_class(validation=True)" in held_out


# ---- all of them


def test_the_same_records_give_the_same_bytes_in_another_process(fabricated, tmp_path):
    """Line 6 of the page's test plan, and the Markdown too."""
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
    for name in ("smoke.md", "index.html", "README.md"):
        text = (tmp_path / "reports" / name).read_text()
        assert "smoke/toy_class/broken.json: not readable" in text.replace("\\", "")
    for content in contents(tmp_path / "reports").values():
        assert str(tmp_path).encode() not in content
    assert len(written.warnings) == 1
    assert sorted(written.paths) == sorted(
        tmp_path / "reports" / path for path in contents(tmp_path / "reports")
    )
    assert written.headlines[0].startswith("toy_class (smoke): ")


def test_stale_rows_are_a_warning(fabricated, tmp_path):
    records.write(fabricated.make("er", fabricated.two_tasks((0.6, 0.9)), stale=True), tmp_path / "results")
    records.write(fabricated.make("lwf", fabricated.two_tasks((0.6, 0.9))), tmp_path / "results")
    assert write_reports(tmp_path / "results", tmp_path / "out").warnings == [
        "smoke: stale, run again: toy_class er"
    ]
    assert "er †" in (tmp_path / "out" / "index.html").read_text()
    for text in ("smoke.md", "smoke/toy_class.md"):
        assert "† 75.0" in (tmp_path / "out" / text).read_text()


def test_a_profile_that_is_stale_as_a_whole_says_so(fabricated, tmp_path):
    for name in ("er", "lwf"):
        records.write(
            fabricated.make(name, fabricated.two_tasks((0.6, 0.9)), stale=True), tmp_path / "results"
        )
    warnings = write_reports(tmp_path / "results", tmp_path / "out").warnings
    assert warnings == [
        "smoke: every record is stale, made by source code that has changed since: run it again"
    ]
    for name in ("smoke.md", "README.md"):
        assert "stale as a whole" in (tmp_path / "out" / name).read_text().lower()


def test_specs_with_arguments_make_safe_names(fabricated, tmp_path):
    spec, benchmark = "er(memory=20)+lwf(alpha='<&>')", 'toy_class(order="a b#c")'
    one = fabricated.make(spec, fabricated.two_tasks((0.6, 0.9)), benchmark=benchmark)
    records.write(one, tmp_path / "results")
    write_reports(tmp_path / "results", tmp_path / "out")
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert spec in page.text and benchmark in page.text
    files = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[\w=.+-]+", name, re.ASCII) for name in files)
    assert links_that_lead_somewhere(tmp_path / "out") > 2


def test_an_empty_folder_writes_nothing(tmp_path):
    written = write_reports(tmp_path / "results", tmp_path / "out")
    assert written.paths == [] and not Path(tmp_path / "out").exists()
