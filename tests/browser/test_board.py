"""What a user does with the page of results, by mouse and by keys: lines 7 to 17 of its test plan. After each
act: the rows, the title, the link."""

import csv
import io
import json
import re

import numpy as np
import pytest

from clbench.report.values import family_of, kind_of

NAMES = "[...document.querySelectorAll('#table tr[data-strategy]')].map(row => row.dataset.strategy)"
CHOOSE = """(() => {
  const box = document.querySelector(%s);
  box.value = %s;
  box.dispatchEvent(new Event("change"));
})()"""
CLIPBOARD = "globalThis.kept = []; navigator.clipboard.writeText = async text => { kept.push(text); }"
NO_CLIPBOARD = "navigator.clipboard.writeText = async () => { throw new Error('no'); }"
BACK = """new Promise(done => {
  addEventListener("popstate", () => setTimeout(done, 20), {once: true});
  history.back();
})"""
SORTED = """(view => Table.sorted(view).filter(line => line.rank)
  .map(line => Table.cell(view, line, %s).value))(board.get().view)"""
PAUSE = "new Promise(done => setTimeout(done, 30))"


def names(page):
    return page.js(NAMES)


def text(page, selector):
    return page.js(f"document.querySelector({json.dumps(selector)}).textContent")


def cell(page, strategy, key):
    return text(page, f'#table tr[data-strategy="{strategy}"] td[data-key="{key}"]')


def link(page):
    return page.js("location.hash")


def choose(page, selector, value):
    """As a user of a select does."""
    page.js(CHOOSE % (json.dumps(selector), json.dumps(value)))


@pytest.fixture
def one(page, sound):
    """The page at one benchmark."""
    page.open(sound.page, "#b=split_toy_class")
    return page


@pytest.fixture
def own(sound):
    """The records of that benchmark."""
    return [entry.record for entry in sound.judged["smoke"]["split_toy_class"]]


def test_it_starts_with_a_headline_a_table_and_two_figures(page, sound):
    page.open(sound.page)
    assert "wins back" in text(page, "#headline-text") and len(names(page)) == 23
    assert page.js("document.querySelectorAll('figure > div > svg').length") == 2
    assert page.js("board.get().state.p") == "smoke" and link(page) == ""


def test_choosing_a_benchmark(page, sound):
    """Line 7."""
    page.open(sound.page)
    choose(page, "#f-b", "split_toy_class")
    assert link(page) == "#b=split_toy_class"
    assert text(page, "#board-title").startswith("split_toy_class") and len(names(page)) == 20
    assert "er wins back 71 % of the accuracy that retraining would, at 1.30× " in text(
        page, "#headline-text"
    )
    assert "derpp with 76.1 ± 0.9 points; 5 seeds tell every other row" in text(page, "#headline-text")
    assert cell(page, names(page)[0], "rank") == "1"


def test_every_benchmark_and_group_can_be_chosen(page, sound):
    """Line 7."""
    page.open(sound.page)
    values = page.js("[...document.querySelectorAll('#f-b option')].map(one => one.value)")
    assert {*sound.judged["smoke"], "all", "scenario:class", "scenario:pairs"} <= set(values)
    for value in values:
        choose(page, "#f-b", value)
        assert len(names(page)) >= 2 and page.js("board.get().state.b") == value


def test_a_heading_sorts(one):
    """Line 8."""
    sorting = "document.querySelector('#sort-compute').closest('th').ariaSort"
    costs = """[...document.querySelectorAll("#table tbody:first-of-type td[data-key=compute]")].map(
      one => parseFloat(one.textContent))"""
    one.click("#sort-compute")
    ascending = one.js(costs)
    assert one.js(sorting) == "ascending" and ascending == sorted(ascending)
    assert one.js("document.activeElement.id") == "sort-compute" and "s=compute" in link(one)
    one.key("Enter")
    assert one.js(sorting) == "descending" and one.js(costs) == ascending[::-1]
    assert one.js("document.activeElement.id") == "sort-compute" and "s=-compute" in link(one)


def test_every_column_can_be_sorted_by(page, sound):
    """Line 8: rows without a value stand last, whichever way."""
    page.open(sound.page, "#b=split_other_task&q=r")
    for key in page.js("[...document.querySelectorAll('[id^=sort-]')].map(one => one.id)"):
        for _ in range(2):
            page.js(f"document.getElementById({json.dumps(key)}).click()")
            values = page.js(SORTED % json.dumps(key.removeprefix("sort-")))
            known = [value for value in values if value is not None]
            assert len(values) == 5 and values == known + [None] * (len(values) - len(known))
            if known and not isinstance(known[0], str):  # what only imported rows tell
                assert known in (sorted(known), sorted(known, reverse=True))


def test_a_family_chip_filters_and_ranks_follow(one, own):
    """Line 9."""
    before = one.js("Object.fromEntries(board.get().view.lines.map(line => [line.s, line.rank?.mean]))")
    one.click(".chips label:has(#fam-regularisation)")
    wanted = {record.strategy for record in own if family_of(record) == "regularisation"}
    assert set(names(one)) == wanted and "fam=regularisation" in link(one)
    assert cell(one, "lwf", "rank").startswith("1") and before["lwf"] > 1
    assert "lwf wins back" in text(one, "#headline-text") or "lwf" in text(one, "#headline-text")
    one.key(" ")
    assert len(names(one)) == len(own) and "fam" not in link(one)


def test_the_folded_filters(one, own, sound):
    """Line 10."""
    one.click("#filter-box summary")
    one.click("input[name=be][value=native]")
    assert set(names(one)) == {one.strategy for one in own if kind_of(one) != "avalanche"}
    one.click("input[name=mem][value=examples]")
    stores = {"er", "derpp", "agem", "gdumb", "er_ace", "er+lwf(alpha=0.5)"}
    assert set(names(one)) == stores
    one.click("#f-x")
    one.write("1.5")
    naive = sound.entry("split_toy_class", "naive").costs["flops"]
    cheap = {name for name in stores if sound.entry("split_toy_class", name).costs["flops"] <= 1.5 * naive}
    assert set(names(one)) == cheap and 0 < len(cheap) < len(stores)
    caption = text(one, "#cost-says")
    assert "er" in caption and not {"derpp", "avalanche_gem"} & set(re.findall(r"\w+", caption))
    assert text(one, "#filter-count") == "(3 on)"
    one.click("#reset")
    assert len(names(one)) == len(own) and link(one) == "#b=split_toy_class"


def test_status_filters(page, sound):
    """Line 10."""
    page.open(sound.page, "#b=toy_class&st=failed")
    assert not names(page)
    assert page.js("[...document.querySelectorAll('[data-broken]')].map(one => one.dataset.broken)") == [
        "ewc",
        "si",
    ]
    page.open(sound.page, "#b=toy_class&st=unsupported")
    assert not names(page) and "pnn · unsupported: needs task labels" in text(page, "#table")
    page.open(sound.page, "#b=split_toy_class&st=stale")
    assert names(page) == ["mas"]


def test_what_needs_task_labels_where_there_are_none(page, sound):
    """Line 11."""
    page.open(sound.page, "#b=toy_class")
    page.click("#filter-box summary")
    page.click("input[name=lab][value=yes]")
    assert not names(page) and "hat · unsupported: needs the task label" in text(page, "#table")
    page.click("input[name=lab][value=no]")
    assert len(names(page)) == 6


def test_find(one):
    one.click("#f-q")
    one.write("AVAL ew")
    assert names(one) == ["avalanche_ewc"] and one.js("document.activeElement.id") == "f-q"
    assert "q=AVAL+ew" in link(one)
    one.write("zz")
    assert "No row passes the filters." in text(one, "#table")


def test_ticked_rows_are_compared_and_the_link_keeps_them(one, sound):
    """Line 12."""
    for name in ("er", "derpp", "lwf"):
        one.click(f"#pick-{name}")
    compared = one.js("[...document.querySelectorAll('[data-compared]')].map(row => row.textContent)")
    assert "better" in compared[0] and "worse" in compared[1] and len(compared) == 2
    assert one.js("document.querySelectorAll('#curves svg text:not(.axis)').length") == 3
    one.click("#only")
    assert set(names(one)) == {"er", "derpp", "lwf"}
    kept = link(one)
    one.open(sound.page, kept)
    assert set(names(one)) == {"er", "derpp", "lwf"} and not one.js(
        "document.getElementById('compare').hidden"
    )
    assert one.js("board.hash(board.get().state)") == kept == link(one)
    one.click("#clear-picks")
    assert one.js("document.getElementById('compare').hidden") and len(names(one)) == 20


def test_a_row_opens(one, sound):
    """Line 13."""
    one.click("#open-er")
    shown = text(one, "#detail")
    record = sound.entry("split_toy_class", "er").record
    assert one.js("document.getElementById('detail').open") and "row=er" in link(one)
    assert text(one, "#command") == "clbench run -b split_toy_class -s er --profile smoke --seeds 5"
    for part in (record.sha256[:16], "MLP(64, 32, 10)", "memory 200", "Test CPU, AVX2", "0123456789ab"):
        assert part in shown
    assert "2026-01-02 03:04" in shown and "torch 2.9.0" in shown and "avalanche-lib" not in shown
    choose(one, "#detail select[aria-label]", "3")
    cells = """[...document.querySelectorAll("#detail .heat tbody tr")].map(row =>
      [...row.querySelectorAll("td")].map(cell => +cell.textContent))"""
    assert np.array(one.js(cells)) == pytest.approx(100 * record.array[3], abs=0.51)
    one.key("Escape")
    assert not one.js("document.getElementById('detail').open")
    one.until("!location.hash.includes('row')")
    assert one.js("document.activeElement.id") == "open-er"


def test_a_row_of_several_benchmarks_opens_at_the_one_that_is_chosen(page, sound):
    """Line 13."""
    page.open(sound.page)
    page.click("#open-er")
    choose(page, "#detail-b", "time_pairs")
    assert text(page, "#command") == "clbench run -b time_pairs -s er --profile smoke --seeds 5"
    assert "rb=time_pairs" in link(page)
    page.open(sound.page, link(page))
    assert text(page, "#detail-title") == "er on time_pairs"


def test_a_failed_row_opens_with_its_reason(page, sound):
    """Line 13."""
    page.open(sound.page, "#b=toy_class")
    page.click("[data-broken=ewc] button")
    assert "failed: ValueError: <b>no</b> & never" in text(page, "#detail")
    assert text(page, "#command") == "clbench run -b toy_class -s ewc --profile smoke"


def test_switching_the_profile_and_back(one):
    """Line 14."""
    one.click(".segments label:has([value=quick])")
    assert one.js("board.get().state.p") == "quick" and len(names(one)) == 2
    one.js(BACK)
    assert link(one) == "#b=split_toy_class" and len(names(one)) == 20


NONSENSE = [
    "#p=nothing&b=%3Cimg%20src=x%3E&m=zzz&row=zzz&pick=zzz&fam=zzz&x=-4",
    "#b=split_toy_class&cols=zzz~acc&s=zzz&cx=zzz&st=zzz&only=1",
    "#s=zzz&rb=zzz&row=er&x=1e999",
    "#b=constructor&m=toString&row=__proto__&pick=hasOwnProperty&s=-constructor&cx=valueOf",
    "#p=__proto__&x=NaN&be=%00&%ff=%fe",
    "#plain",
]


@pytest.mark.parametrize("hash", NONSENSE)
def test_links_of_nonsense_show_a_table(page, sound, hash):
    """Line 15."""
    page.open(sound.page, hash)
    assert len(names(page)) > 5 and not page.js("document.querySelectorAll('#app img').length")


def test_a_changed_address_is_followed(one):
    """Line 15: what is pasted into the address line of an open page."""
    one.js("location.hash = '#b=toy_class&s=-acc'")
    one.js(PAUSE)
    assert text(one, "#board-title").startswith("toy_class")


@pytest.fixture
def copied(one):
    """copied(kind) -> what the button puts into the clipboard."""
    one.js(CLIPBOARD)

    def copy(kind):
        one.click(f"[data-copy={kind}]")
        return one.js("kept.at(-1)")

    return copy


def test_csv_holds_every_row_in_full(copied, one, sound):
    """Line 16."""
    lines = list(csv.DictReader(io.StringIO(copied("csv"))))
    assert len(lines) == 20 and "20 rows as CSV" in text(one, "#said")
    for line in lines:
        entry = sound.entry("split_toy_class", line["strategy"])
        assert float(line["acc"]) == pytest.approx(np.mean([*entry.metrics["acc"].values()]), abs=1e-7)
        assert line["status"] == ("stale" if entry.stale else "ok")
        assert float(line["acc_low"]) < float(line["acc"]) < float(line["acc_high"])


def test_csv_holds_the_reasons_of_rows_without_numbers(copied, one):
    """Line 16."""
    one.js("board.go({b: 'toy_class'})")
    status = {line["strategy"]: line["status"] for line in csv.DictReader(io.StringIO(copied("csv")))}
    assert status["pnn"] == "unsupported: needs task labels"
    assert status["ewc"] == "failed: ValueError: <b>no</b> & never" and len(status) == 10


def test_markdown(copied):
    """Line 16."""
    lines = copied("markdown").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 22 and len({line.count(" | ") for line in rows}) == 1
    assert "| 1 | a | derpp | 76.1 ± 0.9 |" in rows[2]


def test_latex(copied):
    """Line 16: booktabs, escaped, the best in bold."""
    table = copied("latex")
    assert table.count("\\toprule") == table.count("\\bottomrule") == 1
    rows = [line for line in table.splitlines() if line.endswith("\\\\")]
    assert len(rows) == 21 and len({len(re.findall(r"(?<!\\)&", line)) for line in rows}) == 1
    assert "\\textbf{76.1} {\\small $\\pm$ 0.9}" in table and "avalanche\\_replay" in table
    assert table.isascii()


def test_a_citation_names_the_view_and_the_commits(copied, one):
    """Line 16."""
    entry = copied("cite")
    assert entry.startswith("@misc{clbench_smoke_split_toy_class,") and entry.count("{") == entry.count("}")
    for part in ("0123456789ab", "2026", "runs of 2026-01-02", "No filters"):
        assert part in entry


def test_without_a_clipboard_the_text_is_shown(one):
    """Line 16."""
    one.js(NO_CLIPBOARD)
    one.click("[data-copy=csv]")
    one.js(PAUSE)
    assert one.js("document.getElementById('copied').open")
    assert one.js("document.getElementById('copied-text').value.split('\\n').length") == 22


def test_the_copied_link_restores_the_view(one, sound):
    """Line 16."""
    one.js(CLIPBOARD)
    one.click(".chips label:has(#fam-replay)")
    one.click("#link")
    address = one.js("kept.at(-1)")
    assert address == sound.page.as_uri() + "#b=split_toy_class&fam=replay"


def test_a_stale_profile_says_so_and_its_button_ranks(page, sound):
    """Line 17."""
    page.open(sound.page, "#p=quick")
    assert text(page, "#banner").startswith("Stale as a whole")
    assert "Not ranked: 2 rows" in text(page, "#headline-text")
    page.click("#rank-stale")
    assert "stale=1" in link(page) and cell(page, "er", "rank").startswith("1")
    assert "Best mean ACC" in text(page, "#headline-text")


def test_columns_can_be_chosen(one):
    one.click("#columns-box summary")
    one.click("label:has(#col-cpu_hours)")
    one.click("label:has(#col-aia)")
    headings = one.js("[...document.querySelectorAll('#table thead th')].map(one => one.textContent)")
    assert any("CPU" in one for one in headings) and not any("AIA" in one for one in headings)
    assert "cpu_hours" in link(one)


def test_another_metric_ranks(one):
    choose(one, "#f-m", "forgetting")
    assert "m=forgetting" in link(one) and "Lower is better" in text(one, "#metric-says")
    assert "Lowest mean forgetting" in text(one, "#headline-text") and names(one)[0] == "gdumb"


def test_another_cost(one):
    choose(one, "#f-cx", "seconds")
    assert "seconds per seed" in text(one, "#cost svg") and "cx=seconds" in link(one)
    one.click("#cost [data-row=gdumb]")
    assert text(one, "#detail-title") == "gdumb on split_toy_class"


def test_a_growing_network_and_learnt_samples(page, sound):
    page.open(sound.page, "#b=split_toy_class")
    assert page.js("document.getElementById('growth-section').hidden")
    page.open(sound.page, "#b=split_other_task&row=distilled")
    assert not page.js("document.getElementById('growth-section').hidden")
    assert "progressive" in text(page, "#growth svg") and "4,000" in text(page, "#growth")
    page.js("document.querySelector('#detail img').decode()")
    assert page.js("document.querySelector('#detail img').naturalWidth") == 20
    assert page.requests == [
        sound.page.as_uri(),
        (sound.reports / "pictures" / "smoke-split_other_task-distilled.png").as_uri(),
    ]


def test_do_both_implementations_agree(one):
    shown = text(one, "#sections")
    assert "Two implementations of one method" in shown and "avalanche_replay" in shown


def test_do_benchmarks_agree_on_the_order(page, sound):
    page.open(sound.page)
    page.click("#orders-box summary")
    tau = page.js("D.profiles.smoke.orders.kinds")
    assert text(page, "#orders-tau") == f"{tau['tau']:.2f} [{tau['low']:.2f}, {tau['high']:.2f}]"
    assert "1 stream: time_pairs" in text(page, "#orders") and "9 rows" in text(page, "#orders")
    page.js("board.go({b: 'toy_class'})")
    assert page.js("document.getElementById('orders-section').hidden")


def test_a_figure_for_each_benchmark(page, sound):
    page.open(sound.page)
    page.click("#each-box summary")
    page.js(PAUSE)
    assert page.js("document.querySelectorAll('#each figure svg').length") == 5
    page.click("#each [data-benchmark=time_pairs] [data-row=er]")
    assert text(page, "#detail-title") == "er on time_pairs"
