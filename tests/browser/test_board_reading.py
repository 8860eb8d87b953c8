"""Who reads the page of results and how: by keys, by ear, on a phone, in the dark, on paper, without its
script. Lines 18 to 25 of its test plan."""

import base64
import gzip
import json
import re
import xml.etree.ElementTree as ET

import pytest

from clbench.metrics.accuracy import METRICS

FOCUSED = """(one => one.id || one.dataset.row || one.name || one.dataset.copy || one.tagName)(
  document.activeElement)"""
LOWEST_CONTRAST = """(() => {
  const scale = colour => (colour.startsWith("color(") ? 255 : 1),
    parts = colour => colour.match(/[\\d.]+/g).map(one => scale(colour) * one),
    linear = v => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4),
    light = colour => {
      const [r, g, b] = parts(colour).map(linear);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    },
    clear = colour => parts(colour).length === 4 && parts(colour)[3] === 0,
    behind = node => {
      for (; node; node = node.parentElement) {
        const colour = getComputedStyle(node).backgroundColor;
        if (!clear(colour)) return colour;
      }
      return getComputedStyle(document.body).backgroundColor;
    };
  return [...document.querySelectorAll("body *")]
    .filter(node => node.checkVisibility() && !node.closest("svg"))
    .filter(node => [...node.childNodes].some(one => one.nodeType === 3 && one.data.trim()))
    .map(node => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.slice(0, 40)];
    })
    .reduce((a, b) => (b[0] < a[0] ? b : a));
})()"""
NAMELESS = """[...document.querySelectorAll(":is(#app, dialog) :is(input, select, button, textarea)")]
  .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent.trim()))
  .filter(one => !one.hasAttribute("aria-labelledby"))
  .map(one => one.outerHTML.slice(0, 80))"""
TWICE = """(ids => ids.filter((id, i) => ids.indexOf(id) !== i))(
  [...document.querySelectorAll("[id]")].map(one => one.id))"""
VIEWS = {
    "start": "",
    "one benchmark": "#b=split_toy_class",
    "failures": "#b=toy_class",
    "compared": "#b=split_other_task&pick=er~ewc~progressive",
    "a row": "#b=split_other_task&row=distilled",
    "stale": "#p=quick",
    "filtered": "#b=split_toy_class&fam=replay&be=native&holm=1",
}


def text(page, selector):
    return page.js(f"document.querySelector({json.dumps(selector)}).textContent")


@pytest.fixture(params=VIEWS)
def view(request, page, sound):
    """The page at each of some views."""
    page.open(sound.page, VIEWS[request.param])
    return page


@pytest.fixture
def one(page, sound):
    page.open(sound.page, "#b=split_toy_class")
    return page


# ---- keys


def test_tab_reaches_everything_in_the_order_of_reading(one):
    """Line 18."""
    one.key("Tab")
    assert one.js("document.activeElement.className") == "skip"
    seen = []
    for _ in range(120):
        one.key("Tab")
        seen.append(one.js(FOCUSED))
    order = ["p", "f-b", "f-m", "f-q", "fam-replay", "csv", "sort-acc", "pick-derpp", "open-derpp", "f-cx"]
    places = [seen.index(name) for name in order]
    assert places == sorted(places)
    points = [name for name in seen[places[-1] :] if name in ("naive", "joint", "er", "cumulative")]
    assert len(points) == 1  # the chart is one stop


def test_arrows_go_from_point_to_point(one):
    """Line 18."""
    one.js("document.querySelector('#cost [tabindex=\"0\"]').focus()")
    first = one.js("document.activeElement.dataset.row")
    one.key("ArrowRight")
    second = one.js("document.activeElement.dataset.row")
    assert second != first and text(one, "#tip").startswith(f"{second}: ACC")
    one.key("ArrowLeft")
    assert one.js("document.activeElement.dataset.row") == first
    one.key("Enter")
    assert text(one, "#detail-title") == f"{first} on split_toy_class"


def test_escape_takes_a_tip_away(one):
    """Line 18."""
    one.js("document.getElementById('sort-forgetting').focus()")
    assert not one.js("document.getElementById('tip').hidden")
    one.key("Escape")
    assert one.js("document.getElementById('tip').hidden")


def test_a_heading_explains_itself_on_focus_and_on_hover(one):
    """Line 19."""
    one.js("document.getElementById('sort-forgetting').focus()")
    assert text(one, "#tip") == f"{METRICS['forgetting'].description} (points)"
    assert one.js("document.activeElement.getAttribute('aria-describedby')") == "tip"
    one.hover("#open-er")
    assert "Experience replay" in text(one, "#tip")


def test_tips_still_show_after_a_dialog_has_shown_one(page, sound):
    """Line 19."""
    page.open(sound.page, "#row=er")
    page.hover("#detail tbody th[data-tip]")
    assert page.js("!document.getElementById('tip').hidden")
    page.js("board.go({rb: 'time_pairs'})")
    page.hover("#detail dt[data-tip]")
    assert page.js("document.getElementById('tip').textContent.length") > 10
    page.key("Escape")
    page.key("Escape")
    page.hover("#open-derpp")
    assert page.js("!document.getElementById('tip').hidden")


# ---- by ear


def test_every_control_has_a_name_and_every_id_is_there_once(view):
    """Line 20."""
    assert not view.js(NAMELESS) and not view.js(TWICE)


def test_the_accessibility_tree(one):
    """Line 20."""
    nodes = [node for node in one.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    found = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes}
    roles = {role for role, _ in found}
    assert {"table", "columnheader", "rowheader", "status", "heading", "form"} <= roles
    table = {name for role, name in found if role == "table"}
    assert any("split_toy_class, profile smoke; sorted by rank" in name for name in table)
    for role, name in [
        ("checkbox", "compare er"),
        ("button", "er"),
        ("combobox", "Benchmark"),
        ("searchbox", "Find"),
        ("form", "Filters"),
        ("heading", "In short"),
    ]:
        assert (role, name) in found


def test_what_changes_is_said(one):
    """Line 20: polite, so that it is read after what is being read."""
    assert one.js("document.getElementById('tally').getAttribute('role')") == "status"
    one.click(".chips label:has(#fam-replay)")
    assert text(one, "#tally").startswith("6 of 20 rows shown")


# ---- eyes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(view, scheme):
    """Line 21."""
    view.media(scheme)
    paper = view.js("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
    ratio, where = view.js(LOWEST_CONTRAST)
    assert ratio >= 4.5, where


@pytest.mark.parametrize("width", [390, 700, 1400])
def test_the_page_never_scrolls_sideways(page, sound, nasty, width):
    """Line 22."""
    page.size(width, 844, mobile=width < 500)
    for folder, hashes in ((sound, VIEWS.values()), (nasty, ["", "#b=split_toy_class", "#b=toy_pairs"])):
        for hash in hashes:
            page.open(folder.page, hash)
            whole, window = page.js("[document.documentElement.scrollWidth, innerWidth]")
            assert whole <= window <= width + 1, hash


def test_what_a_finger_touches_is_large_enough(page, sound):
    """Line 22."""
    page.size(390, 844, mobile=True)
    page.open(sound.page, "#b=split_toy_class")
    small = page.js(
        """[...document.querySelectorAll("#app button, #app select, #app .pick, .chips label")]
             .filter(one => one.checkVisibility()).map(one => [one.getBoundingClientRect(), one.outerHTML])
             .filter(([box]) => box.height < 24 || box.width < 10).map(([, text]) => text.slice(0, 90))"""
    )
    assert not small


# ---- without a script


def test_without_scripts_the_tables_stand_and_no_control_does(page, sound):
    """Line 23."""
    page.scripts(False)
    page.open(sound.page)
    page.scripts(True)
    assert_static(page, sound)
    assert "need JavaScript" in page.js("document.getElementById('static').innerText")


def test_when_the_data_are_cut_the_tables_stand(page, sound, tmp_path):
    """Line 23."""
    cut = re.sub(r'(id="data">.{500}).*?(</script>)', r"\1\2", sound.page.read_text(), flags=re.DOTALL)
    (tmp_path / "cut.html").write_text(cut)
    page.open(tmp_path / "cut.html")
    assert_static(page, sound)
    assert len(page.errors) == 1
    page.errors.clear()


def test_when_the_script_is_broken_the_tables_stand(page, sound, tmp_path):
    """Line 23."""
    broken = sound.page.read_text().replace('"use strict";', "let = ;", 1)
    (tmp_path / "broken.html").write_text(broken)
    page.open(tmp_path / "broken.html")
    assert_static(page, sound)
    assert page.errors
    page.errors.clear()


def assert_static(page, folder):
    """All that is known without the script is there, in tables, and nothing that needs it."""
    assert not page.js("document.getElementById('app').checkVisibility()")
    assert page.js("document.getElementById('static').checkVisibility()")
    shown = page.js("document.getElementById('static').innerText")
    tables = page.js("document.querySelectorAll('#static table').length")
    assert tables == sum(map(len, folder.judged.values()))
    for benchmarks in folder.judged.values():
        for name, found in benchmarks.items():
            assert name in shown and all(entry.record.strategy in shown for entry in found)
    assert "failed: ValueError: <b>no</b> & never" in shown and "mas †" in shown
    assert not page.js("document.querySelectorAll('#static :is(button, input, select)').length")


def test_with_the_script_the_tables_are_gone(one):
    """Line 23."""
    assert not one.js("document.getElementById('static').checkVisibility()")


# ---- alone


def test_it_asks_for_nothing_but_itself(view, sound):
    """Line 24. That nothing is on the console, every test of the page checks."""
    assert {address for address in view.requests if not address.startswith("data:")} <= {
        sound.page.as_uri(),
        (sound.reports / "pictures" / "smoke-split_other_task-distilled.png").as_uri(),
    }


def test_it_may_ask_for_nothing_else(one):
    """Line 24: the policy of the page forbids it, whatever a text would make it do."""
    refused = one.js("fetch('http://127.0.0.1:9/').then(() => false, () => true)")
    assert refused and any("Content Security Policy" in error for error in one.errors)
    one.errors.clear()
    assert one.js(
        """new Promise(done => {
          const picture = new Image();
          picture.onload = () => done(false);
          picture.onerror = () => done(true);
          picture.src = "http://127.0.0.1:9/picture.png";
        })"""
    )
    assert any("Content Security Policy" in error for error in one.errors)
    one.errors.clear()


def test_its_content_is_data_that_no_tag_ends(one):
    """Line 24."""
    packed = text(one, "#data").strip()
    content = json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))
    assert content["schema"] == 1 and [*content["profiles"]] == ["smoke", "quick"]


# ---- paper


def test_it_prints_the_table_first_and_the_figures_after_it(one):
    """Line 25."""
    paper = one.pdf()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) <= 3


def test_a_figure_is_a_file_of_its_own(page, sound):
    """Colours written out, so that it shows without the page."""
    page.open(sound.page, "#b=split_other_task")
    for name in ("cost", "curves", "growth"):
        drawn = page.js(f"Copies.svg(document.querySelector('#{name} svg'))")
        root = ET.fromstring(drawn)
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and float(root.get("width")) > 300
        used, defined = set(re.findall(r"var\((--\w+)\)", drawn)), set(re.findall(r"(--\w+):\s*[#\w]", drawn))
        assert used <= defined
        texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "progressive" in texts or name != "growth"


def test_the_download_of_a_figure(page, sound):
    page.open(sound.page, "#b=split_other_task")
    page.js(
        """globalThis.loaded = null;
           Copies.download = (...given) => { globalThis.loaded = given; };
           document.querySelector("[data-svg=cost]").click();"""
    )
    name, drawn, kind = page.js("loaded")
    assert (name, kind) == ("clbench-cost.svg", "image/svg+xml") and drawn.startswith("<svg")


def test_the_download_of_a_benchmark_s_small_figure(page, sound):
    page.open(sound.page)
    page.click("#each-box summary")
    page.js(
        """globalThis.loaded = [];
           Copies.download = (...given) => { loaded.push(given); };
           new Promise(done => setTimeout(done, 30));"""
    )
    page.js("document.querySelectorAll('#each button').forEach(one => one.click())")
    loaded = page.js("loaded")
    assert [name for name, *_ in loaded] == [f"clbench-{name}.svg" for name in sound.judged["smoke"]]
    for name, (_, drawn, kind) in zip(sound.judged["smoke"], loaded, strict=True):
        root = ET.fromstring(drawn)
        label = root.get("aria-label")
        assert kind == "image/svg+xml" and float(root.get("width")) >= 300
        assert label == page.js(
            f"document.querySelector('#each [data-benchmark={name}] svg').getAttribute('aria-label')"
        )


def test_the_page_says_how_to_get_its_numbers_and_under_which_licence(page, sound):
    page.open(sound.page)
    told = page.js("document.querySelector('footer').textContent")
    assert "clbench show --results results" in told and "schema 2" in told and "MIT licence" in told


def test_families_differ_in_shape_and_rows_of_one_family_in_colour(page, sound):
    """Nothing is told by colour alone across families, nor by shape alone within one."""
    page.open(sound.page)
    looks = page.js(
        "D.strategies.map(one => [one.family, Charts.look(one.name).shape(4), Charts.look(one.name).colour])"
    )
    shapes = {family: {shape for other, shape, _ in looks if other == family} for family, _, _ in looks}
    assert all(len(own) == 1 for own in shapes.values())
    assert len({next(iter(own)) for own in shapes.values()}) == len(shapes)
    replay = [colour for family, _, colour in looks if family == "replay"]
    assert len(set(replay)) == min(len(replay), 8)
