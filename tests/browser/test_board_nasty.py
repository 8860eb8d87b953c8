"""The page of results of a folder that holds all that is nasty: lines 26 to 28 of its test plan. Hostile text
in any field of a record is text, on the page and in what is copied from it."""

import csv
import html
import io
import json
import re
from urllib.parse import unquote

import msgspec
import pytest
from browser import folders
from browser.folders import FORMULA, MARKED, REASON, SCRIPT, TEX

HOSTILE = (SCRIPT, FORMULA, MARKED, TEX)
HASHES = ("", "#b=split_toy_class", "#b=toy_class", "#b=toy_pairs", "#p=odd+profile")
CLIPBOARD = "globalThis.kept = []; navigator.clipboard.writeText = async text => { kept.push(text); }"
MADE = """({
  ran: globalThis.ran ?? [],
  images: document.querySelectorAll("#app img, #detail img").length,
  scripts: document.querySelectorAll("script").length,
  links: [...document.querySelectorAll("a[href]")].map(one => one.getAttribute("href")),
})"""
ALARM = "globalThis.ran = []; globalThis.alert = what => ran.push(what);"


def text(page, selector):
    return page.js(f"document.querySelector({json.dumps(selector)}).textContent")


def cell(page, strategy, key):
    return text(page, f"#table tr[data-strategy={json.dumps(strategy)}] td[data-key={key}]")


@pytest.fixture
def one(page, nasty):
    page.open(nasty.page, "#b=split_toy_class")
    page.js(ALARM)
    return page


def assert_no_element_of_text(page):
    made = page.js(MADE)
    assert made["ran"] == [] and made["images"] == 0 and made["scripts"] == 3
    assert all(re.match(r"(#board$|README\.md$|\.\./results)", unquote(link)) for link in made["links"])


@pytest.mark.parametrize("hash", HASHES)
def test_hostile_names_are_text_in_every_view(page, nasty, hash):
    """Line 26."""
    page.open(nasty.page, hash)
    assert page.js("document.querySelectorAll('#table tbody tr').length")
    assert_no_element_of_text(page)


def test_a_row_without_costs_has_no_compute_and_no_seconds(one):
    for key in ("compute", "seconds"):
        assert cell(one, "uncounted", key) == "–" != cell(one, "one_seed", key)
    one.js("board.go({row: 'uncounted'})")
    assert "uncounted" in text(one, "#detail")


def test_hostile_rows_are_text_in_table_figures_comparison_and_details(one):
    """Line 26."""
    for name in HOSTILE:
        one.js(f"board.go({{row: {json.dumps(name)}}})")
        assert text(one, "#detail-title") == f"{name} on split_toy_class"
        assert_no_element_of_text(one)
    one.js(f"board.go({{row: '', pick: {json.dumps(HOSTILE)}, only: true}})")
    shown = one.js("document.getElementById('app').innerText")
    assert all(name in shown for name in HOSTILE)
    for figure in ("cost", "curves"):
        tips = one.js(f"[...document.querySelectorAll('#{figure} [data-tip]')].map(one => one.dataset.tip)")
        assert all(any(tip.startswith(f"{name}: ") for tip in tips) for name in HOSTILE)
    assert_no_element_of_text(one)


def test_hostile_imported_rows_are_text(one, nasty):
    """Line 26: a source is never a link."""
    rows = one.js("[...document.querySelectorAll('tr[data-imported]')].map(row => row.dataset.imported)")
    assert rows == sorted(row.strategy for row in folders.nasty_of_others())
    for place, row in enumerate(sorted(folders.nasty_of_others(), key=lambda row: row.strategy)):
        one.js(f"document.querySelectorAll('tr[data-imported] .name')[{place}].click()")
        assert text(one, "#detail-title") == f"{row.strategy} § on split_toy_class"
        assert row.source in text(one, "#detail")
        assert_no_element_of_text(one)
        one.js("board.go({row: ''})")
    page = nasty.page.read_text()
    assert "javascript:alert(5)" in page and 'href="javascript' not in page


def test_hostile_settings_notes_and_reasons_are_text(one):
    """Line 26."""
    one.js(f"board.go({{row: {json.dumps(SCRIPT)}}})")
    shown = text(one, "#detail")
    for part in ("<b>net</b>", f"<u>: x {REASON}", f"optimiser {REASON}"):
        assert part in shown
    assert shown.count(REASON) >= 3
    one.js("board.go({row: ''})")
    shown = text(one, "#table")
    assert f"bad failed: {REASON}" in shown and f"worse · unsupported: {REASON}" in shown
    assert "cuda:0 </script><i> (Other CPU, 1 thread)" in text(one, "#notes")
    assert_no_element_of_text(one)


def test_hostile_names_survive_a_link(one, nasty):
    """Line 26."""
    one.js(f"board.go({{pick: {json.dumps(HOSTILE)}, row: {json.dumps(MARKED)}}})")
    address = one.js("location.hash")
    one.open(nasty.page, address)
    assert one.js("board.get().state.pick") == list(HOSTILE)
    assert text(one, "#detail-title") == f"{MARKED} on split_toy_class"


@pytest.fixture
def copied(one):
    one.js(CLIPBOARD)

    def copy(kind):
        one.js(f"document.querySelector('[data-copy={kind}]').click()")
        return one.js("kept.at(-1)")

    return copy


def test_csv_is_no_formula(copied):
    """Line 26."""
    lines = list(csv.DictReader(io.StringIO(copied("csv"))))
    found = {line["strategy"]: line["status"] for line in lines}
    assert {SCRIPT, MARKED, TEX, f"'{FORMULA}"} <= set(found) and FORMULA not in found
    assert found["bad"] == f"failed: {REASON}"
    assert not any(value and value[0] in "=+@" for line in lines for value in line.values())


def test_markdown_is_no_markup(copied):
    """Line 26: pipes, backticks, links and tags are escaped."""
    lines = copied("markdown").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert len(bars) == 1
    whole = "\n".join(lines)
    assert "<" not in whole and not re.search(r"(?<!\\)\]\(", whole) and not re.search(r"(?<!\\)`", whole)
    plain = html.unescape(re.sub(r"\\(.)", r"\1", whole))
    assert all(name in plain for name in HOSTILE) and REASON.replace("\\e", "e") in plain.replace("\\e", "e")


def test_latex_is_no_command(copied):
    """Line 26."""
    table = copied("latex")
    rows = [line for line in table.splitlines() if not line.startswith("%")]
    comments = [line for line in table.splitlines() if line.startswith("%")]
    assert any(REASON in line for line in comments)
    bare = re.sub(r"\\[&%$#_{}]|\\text(backslash|asciitilde|asciicircum)\{\}", "", "\n".join(rows))
    assert "\\input" not in bare and "javascript" in bare
    assert {*re.findall(r"\\[a-z]+", bare)} <= {
        *("\\begin", "\\end", "\\toprule", "\\midrule", "\\bottomrule", "\\textbf", "\\small"),
        *("\\uparrow", "\\downarrow", "\\pm", "\\times", "\\dagger", "\\ast", "\\dots", "\\S"),
    }
    assert bare.count("{") == bare.count("}") and table.count("\\end{tabular}") == 1 + sum(
        line.count("\\end{tabular}") for line in comments
    )
    assert {len(re.findall("&", line)) for line in bare.splitlines() if line.endswith("\\\\")} == {10}


def test_a_citation_is_no_command(one):
    """Line 26."""
    one.js(f"board.go({{q: {json.dumps('}, note = {x')}}})")
    entry = one.js("Copies.cite(board.get().view)")
    bare = re.sub(r"\\[{}]", "", entry)
    assert bare.count("{") == bare.count("}") and len(re.findall(r"^  note = ", entry, re.MULTILINE)) == 1


def test_the_static_tables_hold_hostile_text_as_text(page, nasty):
    """Lines 23 and 26."""
    page.scripts(False)
    page.open(nasty.page)
    page.scripts(True)
    shown = page.js("document.getElementById('static').innerText")
    assert all(name in shown for name in HOSTILE) and f"bad: failed: {REASON}" in shown
    assert page.js("document.querySelectorAll('#static :is(img, script, b, i, u, a)').length") == 0


def test_one_seed_beside_rows_with_five(one):
    """Line 27."""
    assert cell(one, "one_seed", "rank") == "" and "(n 1)" in cell(one, "one_seed", "acc")
    assert "one_seed: fewer seeds than the others, so no rank." in text(one, "#notes")
    one.js("board.go({pick: ['er', 'one_seed']})")
    assert "too few seeds" in text(one, "[data-compared=one_seed]")


def test_two_machines_have_letters(one):
    """Line 27."""
    letters = {name: cell(one, name, "seconds").split()[-1] for name in ("er", "elsewhere", "derpp")}
    assert letters == {"er": "A", "derpp": "A", "elsewhere": "B"}
    assert "compare only between rows with the same letter" in text(one, "#notes")
    one.js("board.go({s: '-seconds'})")
    order = one.js("Table.sorted(board.get().view).filter(line => line.rank).map(line => line.s)")
    assert order[-1] == "elsewhere"  # times of two machines are never mixed
    one.js("board.go({cx: 'seconds'})")
    assert "don't compare times between them" in text(one, "#cost-says")


def test_failed_diverged_unsupported_and_stale_rows(page, nasty):
    """Line 27: what broke off is loud, what cannot run is quiet and grouped, what is stale says so."""
    page.open(nasty.page, "#b=toy_class")
    loud = page.js("[...document.querySelectorAll('[data-broken]')].map(one => one.innerText.trim())")
    assert loud == [
        "ewc failed: ValueError: <b>no</b> & never",
        "si diverged: seed 0: not finite in task 2",
    ]
    warn, muted = (
        page.js(f"getComputedStyle(document.querySelector('{place}')).color")
        for place in (".broken .flag", ".idle td")
    )
    assert warn != muted and "2 broke off" in text(page, "#headline-text")
    page.open(nasty.page, "#b=split_toy_class")
    assert text(page, "#open-mas") == "mas †" and cell(page, "mas", "rank") == ""
    assert text(page, "#banner").startswith("Stale: 1 row.")


def test_a_busy_machine(page, sound):
    """Line 27."""
    page.open(sound.page, "#b=split_other_task")
    assert cell(page, "mir", "seconds").endswith("⚑") and "the machine was busy: mir." in text(page, "#notes")


def test_a_profile_and_a_benchmark_that_clbench_does_not_know(page, nasty):
    """Line 28."""
    page.open(nasty.page, "#p=odd+profile")
    assert text(page, "#board-title").startswith("toy(path='a b.csv') · odd profile")
    page.click("#open-er")
    assert text(page, "#command").endswith(
        """-b 'toy(path='"'"'a b.csv'"'"')' -s er --profile 'odd profile' --seeds 2"""
    )
    link = page.js("document.querySelector('#detail a').getAttribute('href')")
    assert (nasty.reports / unquote(link)).is_file()


def test_streams_of_pairs(page, nasty):
    """Line 28."""
    page.open(nasty.page, "#b=toy_pairs")
    assert "by all past" in text(page, "#board-title") and "all past with" not in text(page, "#headline-text")
    assert cell(page, "er", "stream_backward").startswith("70.0")


def test_a_file_that_is_no_record_is_named(page, nasty):
    """Lines 1 and 28."""
    page.open(nasty.page)
    shown = page.js("document.body.innerText")
    assert "smoke/toy_class/broken.json: not readable as JSON" in shown
    assert str(nasty.results) not in nasty.page.read_text()


ODD = {
    "scenario that is no pattern": ("toy_(class", {"scenario": "("}),
    "scenario of an object": ("a_toString", {"scenario": "toString"}),
    "benchmark of an object": ("constructor", {"scenario": "constructor"}),
    "benchmark like its prototype": ("__proto__", {"scenario": "__proto__"}),
    "benchmark like a group": ("scenario:class", {"scenario": "class"}),
    "no scenario": ("plain", {}),
}


@pytest.fixture(scope="module")
def odd(fabricated, tmp_path_factory):
    """Names that mean something to the language of the script."""
    made = []
    for benchmark, settings in ODD.values():
        for name in ("naive", "er", "constructor", "__proto__", "toString"):
            record = folders.row(fabricated, name, benchmark, "")
            kept = {key: value for key, value in record.settings.items() if key != "scenario"}
            made.append(msgspec.structs.replace(record, settings=kept | settings))
    made.append(fabricated.make("er", fabricated.two_tasks((0.5, 0.9)), profile="__proto__"))
    with fabricated.known():
        return folders.write(made, tmp_path_factory.mktemp("odd"))


def test_names_that_mean_something_to_the_script(page, odd):
    """Line 28."""
    page.open(odd.page)
    assert page.js("board.ready") and page.js("board.get().view.lines.length") == 5
    for benchmark, _ in ODD.values():
        page.js(f"board.go({{b: {json.dumps(benchmark)}}})")
        assert text(page, "#board-title").startswith(f"{benchmark} · smoke"), benchmark
        assert {"er", "__proto__", "constructor", "toString"} <= set(
            page.js("board.get().view.lines.map(line => line.s)")
        )
    page.js("board.go({p: '__proto__'})")
    assert page.js("board.get().view.lines.map(line => line.s)") == ["er"]


def test_an_empty_folder_has_no_page(tmp_path):
    """Line 28."""
    folder = folders.write([], tmp_path)
    assert not folder.reports.exists()
