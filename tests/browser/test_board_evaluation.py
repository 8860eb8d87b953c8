"""What evaluation tallied, what a probe saw and what is kept after each task, on the page of real runs."""

import pytest

from clbench.report.pages import write_reports
from clbench.results import records, tally

RUN = ("run", "-b", "split_digits_class", "--profile", "smoke", "--workers", "0", "--seeds", "2")


def text(page, selector):
    return page.js(f"document.querySelector({selector!r}).innerText")


@pytest.fixture
def place(here, tmp_path):
    assert here(*RUN, "-s", "naive").returncode == 0
    assert here(*RUN, "-s", "er", "--probe", "30", "--curves").returncode == 0
    write_reports(tmp_path / "my_results", tmp_path / "my_reports")
    return tmp_path


def test_a_row_shows_its_errors_and_what_a_probe_saw(page, place):
    index = place / "my_reports" / "index.html"
    page.open(index, "#b=split_digits_class&row=er")
    (record,) = [one for one in records.load(place / "my_results")[0] if one.strategy == "er"]
    confusion = sum(one["confusion"][-1] for one in tally.read(record, place / "my_results").values())
    shown = page.js(
        "[...document.querySelectorAll('#confusion tbody tr')].map(row => "
        "[...row.querySelectorAll('td')].map(one => +one.textContent))"
    )
    shares = 100 * confusion / confusion.sum(1, keepdims=True)
    assert all(
        abs(a - b) <= 0.51
        for row, of in zip(shown, shares, strict=True)
        for a, b in zip(row, of, strict=True)
    )
    assert "recency bias" in text(page, "#detail").lower()
    assert page.js("document.querySelectorAll('#probe svg').length") == 1
    last = page.js(
        "[...document.querySelectorAll('#detail details tbody tr:last-child td')].map(one => one.textContent)"
    )
    assert last[:2] == ["5", str(record.groups[0].probe.step[-1])]
    page.open(index, "#b=split_digits_class&row=naive")
    assert page.js("document.querySelector('#probe')") is None


def test_training_shows_the_curve_that_is_chosen(page, place):
    index = place / "my_reports" / "index.html"
    page.open(index, "#b=split_digits_class&row=er")
    (record,) = [one for one in records.load(place / "my_results")[0] if one.strategy == "er"]
    curves = [one for one in tally.read(record, place / "my_results").values()]
    page.js(
        "(box => { box.value = 'gradient norm'; box.dispatchEvent(new Event('change')); })"
        "(document.getElementById('training-curve'))"
    )
    assert page.js("document.querySelectorAll('#training svg path').length") > 0
    last = page.js(
        "[...document.querySelectorAll('#detail details')].at(-1).querySelector('tbody tr:last-child')"
        ".lastChild.textContent"
    )
    mean = sum(one["curve_gradient_norm"][-1] for one in curves) / len(curves)
    assert float(last) == pytest.approx(mean, rel=0.05)
    page.open(index, "#b=split_digits_class&row=naive")
    assert page.js("document.querySelector('#training')") is None


def test_memory_over_the_tasks_is_a_figure(page, place):
    page.open(place / "my_reports" / "index.html", "#b=split_digits_class")
    assert not page.js("document.getElementById('memory-section').hidden")
    assert "er" in page.js("document.querySelector('#memory svg').textContent") and "of the 1 row" in text(
        page, "#memory-says"
    )
    assert page.js("document.getElementById('growth-section').hidden")
