"""Rows of papers and other libraries on the page of results: they stand in the table of their benchmark,
marked §, and take part in nothing else."""

import csv
import io
import json
from hashlib import sha256
from urllib.parse import unquote

import pytest
from browser import folders
from browser.folders import PAPER

from clbench.results.imported import Imported

AT = "#b=split_other_task"
ORDER = """[...document.querySelectorAll('#table tr:is([data-strategy], [data-imported])')].map(row =>
  row.dataset.strategy ?? row.dataset.imported + " §")"""
APART = """(() => {
  const {view} = board.get(), {ranking} = view;
  return {
    ranks: [...ranking.ranks], ties: [...ranking.ties], seeds: ranking.seeds, names: ranking.names,
    recovered: view.all.map(line => [line.s, line.recovered]), best: Table.leader(view).s,
    headline: [...document.querySelectorAll("#headline-text p:not(.small)")].map(one => one.textContent),
    figures: ["cost", "curves", "growth"].map(id => document.getElementById(id).innerHTML),
    says: document.getElementById("cost-says").textContent,
    marked: [...document.querySelectorAll("#table :is(.best, .tied)")].map(row => row.dataset.strategy),
  };
})()"""
COUNT = "document.querySelectorAll('[data-imported]').length"
CLIPBOARD = "globalThis.kept = []; navigator.clipboard.writeText = async text => { kept.push(text); }"
FILTERS = {
    "family": {"fam": ["replay"]},
    "back end": {"be": "native"},
    "task labels": {"lab": "no"},
    "stores": {"mem": "examples"},
    "compute": {"x": 9},
    "status": {"st": "ok"},
    "picked": {"pick": ["er"], "only": True},
}


def text(page, selector):
    return page.js(f"document.querySelector({json.dumps(selector)}).textContent")


def go(page, **change):
    page.js(f"board.go({json.dumps(change)})")


@pytest.fixture
def one(page, sound):
    page.open(sound.page, AT)
    return page


def cells(page, name):
    """key -> text, of an imported row."""
    return page.js(
        f"""Object.fromEntries([...document.querySelector("tr[data-imported='{name}']").cells].map(cell =>
              [cell.dataset.key ?? cell.className, cell.textContent]))"""
    )


def test_mean_sd_n_and_source_stand_in_the_table(one):
    er, foobar = cells(one, "er"), cells(one, "FooBar")
    assert er["acc"] == "99.0 ± 12.4 (SD 5.0, n 3)" and er["forgetting"] == "2.0"  # t = 4.303
    assert er["rank"] == er["ties"] == "" and er["compute"] == "–"
    assert er["stick"] == f"er §{PAPER}"
    assert foobar["acc"] == "50.0 (SD 1.0)" and foobar["seconds"] == "8" and foobar["labels"] == "80 (n 1)"
    assert "2 imported (§)" in text(one, "#headline-text") and "§ imported, not measured" in text(
        one, "#notes"
    )


def test_ranks_ties_figures_and_headline_are_what_they_are_without_them(one):
    for state in ({"s": "-acc"}, {"holm": True, "m": "forgetting", "s": ""}):
        go(one, **state)
        with_them = one.js(APART)
        assert one.js(COUNT) == 2 and with_them["ranks"] and with_them["headline"] and with_them["marked"]
        one.js("globalThis.kept = D.profiles.smoke.imported.rows; D.profiles.smoke.imported.rows = []")
        go(one)
        assert one.js(APART) == with_them and not one.js(COUNT)
        one.js("D.profiles.smoke.imported.rows = kept")


def test_by_rank_they_stand_below_and_by_what_they_tell_among_the_others(one, sound):
    ranked = one.js("board.get().view.ranking.names")
    order = one.js(ORDER)
    assert order[: len(ranked)] == ranked and order[len(ranked) : len(ranked) + 2] == ["er §", "FooBar §"]
    go(one, s="-acc")
    means = {name: sum(sound.entry("split_other_task", name).metrics["acc"].values()) / 5 for name in ranked}
    means |= {"er §": 0.99, "FooBar §": 0.5}
    order = one.js(ORDER)
    assert order[: len(means)] == sorted(means, key=means.get, reverse=True)
    assert order[0] == "er §" and 2 < order.index("FooBar §") < len(ranked)
    assert text(one, "#table tr.best .name") == ranked[0]
    go(one, s="seconds")  # of another machine
    assert one.js(ORDER)[len(ranked) :][:2] == ["FooBar §", "er §"]


def test_a_filter_of_which_they_have_no_value_hides_them_and_says_so(one):
    for name, asked in FILTERS.items():
        go(one, **asked)
        assert not one.js(COUNT), name
        assert "2 imported rows (§) hidden: their family, back end, task labels" in text(one, "#notes"), name
        go(one, **{key: type(value)() for key, value in asked.items()})
        assert one.js(COUNT) == 2 and "hidden" not in text(one, "#notes")


def test_the_find_box_finds_them_by_name_and_source(one):
    one.click("#f-q")
    one.write("foob")
    assert one.js(ORDER) == ["FooBar §"] and "Only imported rows" in text(one, "#headline-text")
    go(one, q="smith lee")
    assert one.js(ORDER) == ["er §"]
    go(one, q="er")
    assert {"er", "er §"} <= {*one.js(ORDER)} and "FooBar §" not in one.js(ORDER)


def test_they_open(one, sound):
    one.click("tr[data-imported=er] .name")
    shown = text(one, "#detail")
    assert text(one, "#detail-title") == "er § on split_other_task" and "not measured here" in shown
    rows = one.js("[...document.querySelectorAll('#detail tbody tr')].map(row => row.innerText)")
    assert [row.split() for row in rows] == [
        ["ACC", "↑", "99.00", "5.00", "3", "[86.58,", "111.42]"],
        ["forgetting", "↓", "2.00", "–", "–", "–"],
    ]
    file = sound.results / "smoke" / "imported.csv"
    links = one.js("[...document.querySelectorAll('#detail a')].map(one => one.getAttribute('href'))")
    assert [(sound.reports / unquote(link)).resolve() for link in links] == [file.resolve()]
    assert PAPER in shown and sha256(file.read_bytes()).hexdigest() in shown and "clbench run" not in shown
    address = one.js("location.hash")
    one.key("Escape")
    one.until("!location.hash.includes('row')")
    assert one.js("document.activeElement.textContent") == "er §"
    one.open(sound.page, address)
    assert text(one, "#detail-title") == "er § on split_other_task"


@pytest.fixture
def copied(one):
    """copied(kind) -> what the button puts into the clipboard; the table is sorted by ACC."""
    one.js(CLIPBOARD)
    go(one, s="-acc")

    def copy(kind):
        one.click(f"[data-copy={kind}]")
        return one.js("kept.at(-1)")

    return copy


def test_csv_holds_them_with_their_mark(copied, one):
    lines = list(csv.DictReader(io.StringIO(copied("csv"))))
    first, status = lines[0], {line["strategy"]: line["status"] for line in lines}
    assert (first["strategy"], first["rank"], first["ties"], first["acc"]) == ("er", "", "", "0.99")
    assert float(first["acc_high"]) == pytest.approx(0.99 + 4.3027 * 0.05 / 3**0.5, abs=1e-5)
    assert first["status"] == f"§ imported: {PAPER}; acc SD 0.05 n 3; forgetting SD – n –"
    assert status["FooBar"].startswith("§ imported: https://foo.example; ") and len(lines) == 15
    assert "15 rows as CSV" in text(one, "#said")


def test_markdown_and_latex_hold_them_with_their_mark(copied):
    lines = copied("markdown").splitlines()
    assert lines[2].startswith("|  |  | er § | 99.0 ± 12.4 (SD 5.0, n 3) |")
    assert "- er §: imported: Smith &amp; Lee 2024, Table 2" in lines
    table = copied("latex")
    assert " &  & er \\S{} & 99.0 {\\small $\\pm$ 12.4 (SD 5.0, n 3)} &" in table and table.isascii()
    assert f"% er \\S: imported: {PAPER}" in table and table.count("\\textbf") > 1
    assert "\\textbf{99.0}" not in table  # the best in bold is of ours
    assert "§ from https://foo.example; Smith \\& Lee 2024, Table 2" in copied("cite").replace("\\S{}", "§")


def test_all_benchmarks_leave_them_out_and_say_so(page, sound):
    page.open(sound.page)
    assert not page.js(COUNT)
    assert "Imported rows (§) stand on the tables of their benchmarks only: split_other_task." in text(
        page, "#notes"
    )


@pytest.fixture(scope="module")
def alone(fabricated, tmp_path_factory):
    """Imported rows of a benchmark, and of a profile, that no record is of."""
    rows = [
        Imported("smoke", "CORe50", "FooBar", "la", 0.5, 0.1, 3, "a paper"),
        Imported("imported", "CORe50", "FooBar", "flops", 4e9),
    ]
    with fabricated.known():
        return folders.write(fabricated.toy(), tmp_path_factory.mktemp("alone"), others=rows)


def test_those_without_a_row_of_ours_have_a_table_of_their_own(page, alone):
    page.open(alone.page, "#b=CORe50")
    assert page.js(ORDER) == ["FooBar §"] and cells(page, "FooBar")["la"] == "50.0 ± 24.8 (SD 10.0, n 3)"
    assert "Only imported rows (§) here" in text(page, "#headline-text")
    go(page, fam=["replay"])
    assert page.js(ORDER) == [] and text(page, "#tally") == "0 rows shown."
    go(page, fam=[])
    page.click(".segments label:has([value=imported])")
    assert page.js(ORDER) == ["FooBar §"] and cells(page, "FooBar")["flops"] == "4G"
    for kind in ("csv", "latex", "markdown", "cite"):
        assert "FooBar" in page.js(f"Copies.{kind}(board.get().view)") or kind == "cite"


def test_without_the_script_they_stand_in_the_tables(page, alone, sound):
    for folder, told in ((sound, f"er §: imported, not measured here, from {PAPER}"), (alone, "FooBar §")):
        page.scripts(False)
        page.open(folder.page)
        page.scripts(True)
        assert told in page.js("document.getElementById('static').innerText")
        assert page.js("document.querySelectorAll('#static [id]').length") == len(
            set(page.js("[...document.querySelectorAll('#static [id]')].map(one => one.id)"))
        )
