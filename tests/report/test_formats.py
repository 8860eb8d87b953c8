import csv
import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from clbench.report.formats import FIELDS, to_csv, to_json, to_markdown, to_rich
from clbench.report.tables import by_metric, comparison, show


@pytest.fixture
def table(fabricated):
    return comparison(fabricated.toy())


def printed(table, width):
    console = Console(width=width, file=io.StringIO())
    console.print(to_rich(table, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 110, 150, 260])
def test_the_terminal_shows_every_row_on_one_line_and_names_what_it_left_out(table, width):
    text = printed(table, width)
    for row in table.rows:
        line = next(line for line in text.splitlines() if line.startswith(f"{row.strategy} "))
        assert row.cells["acc"].shown in line
    assert ("left out for want of room" in text) == (width < 250)
    assert "plasticity" in text and "failed, ValueError" in " ".join(text.split())


def test_markup_in_a_reason_is_printed_as_it_is(fabricated):
    record = fabricated.make("er", status="failed", error={"reason": "[red]no[/red] [/] *x* | `y`"})
    assert "[red]no[/red] [/] *x* | `y`" in printed(comparison([record]), 200)


def test_markdown_has_every_row_and_escapes(table):
    text = to_markdown(table)
    grid = [line for line in text.splitlines() if line.startswith("|")]
    assert len(grid) == 2 + len(table.rows)
    assert len({line.count("|") for line in grid}) == 1
    assert "| `er` | 3 | ★ 73.3 ± 19.0 |" in text
    assert "&lt;b&gt;no&lt;/b&gt; &amp; never" in text


def test_csv_is_tidy(fabricated):
    tables = show(fabricated.toy() + fabricated.many())
    lines = list(csv.DictReader(io.StringIO(to_csv(tables))))
    assert list(lines[0]) == list(FIELDS)
    keys = [(line["profile"], line["benchmark"], line["strategy"], line["metric"]) for line in lines]
    assert len(set(keys)) == len(keys) == sum(len(row.cells) for table in tables for row in table.rows)
    er = next(line for line in lines if line["strategy"] == "er" and line["benchmark"] == "toy_class")
    assert float(er["value"]) == pytest.approx(11 / 15) and er["marks"] == "best" and er["stale"] == "False"
    failed = next(line for line in lines if line["strategy"] == "ewc" and line["status"] == "failed")
    assert failed["value"] == "" and failed["reason"].startswith("ValueError")


def test_csv_of_one_metric_has_the_same_shape(fabricated):
    lines = list(
        csv.DictReader(io.StringIO(to_csv([by_metric(fabricated.toy() + fabricated.many(), "aia")])))
    )
    assert {(line["benchmark"], line["metric"]) for line in lines} == {
        ("toy_class", "aia"),
        ("split_toy_class", "aia"),
    }
    assert len(lines) == len(fabricated.toy() + fabricated.many())


def test_json_holds_all_metrics_and_the_value_of_every_seed(table):
    read = json.loads(to_json([table]))["tables"][0]
    er = next(row for row in read["rows"] if row["strategy"] == "er")
    assert er["cells"]["fwt"]["n"] == 3 and er["cells"]["acc"]["sd"] == pytest.approx(0.0763763)
    assert er["cells"]["acc"]["seeds"] == pytest.approx({"0": 0.75, "1": 0.8, "2": 0.65})
    assert er["origins"]["toy_class"]["provenance"][0]["commit"] == "0123456789ab"


def test_show_needs_neither_pandas_nor_matplotlib_nor_torch():
    code = (
        "import sys; from clbench.report import formats, tables; "
        "print(sorted({'pandas', 'matplotlib', 'torch', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_cell_of_a_csv_is_a_formula(fabricated):
    record = fabricated.make('=HYPERLINK("x")', fabricated.two_tasks((0.5, 0.9)))
    lines = list(csv.DictReader(io.StringIO(to_csv([comparison([record])]))))
    assert {line["strategy"] for line in lines} == {'\'=HYPERLINK("x")'}
    bwt = next(line for line in lines if line["metric"] == "bwt")
    assert float(bwt["value"]) < 0  # a number stays one
