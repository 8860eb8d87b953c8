"""Rows of a paper or another library: a CSV comes in, and its means stand beside ours, without rank."""

import csv
import io
import json

import pytest

from clbench.results import records
from clbench.results.imported import Imported, load_imported

PAPER = """profile,benchmark,strategy,metric,mean,sd,n,source
smoke,toy_class,er,acc,0.99,0.05,3,"Smith & Lee 2024, Table 2"
smoke,toy_class,er,forgetting,0.2,,5,"Smith & Lee 2024, Table 2"
smoke,toy_class,FooBar,acc,0.5,0.01,,https://foo.example
smoke,toy_class,FooBar,flops,4e9,,1,https://foo.example
"""
ALONE = "benchmark,strategy,metric,mean\nCORe50,FooBar,la,0.5\n"


@pytest.fixture(autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def stored(fabricated, tmp_path):
    """my_results/ with three rows."""
    for record in fabricated.toy()[:4]:
        records.write(record, tmp_path / "my_results")
    return tmp_path / "my_results"


@pytest.fixture
def take(here, tmp_path):
    """take(text, *options) -> the finished import of such a table."""

    def run(text, *options):
        (tmp_path / "paper.csv").write_text(text, encoding="utf-8")
        return here("results", "import", "paper.csv", *options)

    return run


def lines_of(done):
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_they_stand_beside_ours_without_rank(stored, take, here):
    before = here("show").stdout
    came = take(PAPER)
    assert came.returncode == 0 and came.stdout.endswith("my_results: 4 new\n"), came.stderr
    shown = here("show", env={"COLUMNS": "300"}).stdout
    rows = [line.split() for line in shown.splitlines() if line.startswith(("er ", "FooBar "))]
    ours, foobar, theirs = rows
    assert ours[2:6] == ["★", "73.3", "±", "19.0"]
    assert theirs[:6] == ["er", "5", "§", "99.0", "±", "12.4"]  # t = 4.303, SD 0.05, n 3
    assert theirs[6:8] == ["(n", "3)"] and "20.0" in theirs and foobar[:4] == ["FooBar", "1", "§", "50.0"]
    assert "§ imported, not measured here, so without rank; ± from their SD and n" in shown
    assert "n: FooBar (https://foo.example), er (Smith & Lee 2024, Table 2)\n" in shown
    notes = [line for line in before.splitlines() if line.startswith(("★", "≈", "not shown"))]
    assert notes and all(line in shown for line in notes)


def test_csv_and_json_tell_them(stored, take, here):
    take(PAPER)
    lines = [line for line in lines_of(here("show", "--csv")) if line["kind"] == "imported"]
    (acc,) = (line for line in lines if (line["strategy"], line["metric"]) == ("er", "acc"))
    assert acc["source"] == "Smith & Lee 2024, Table 2" and acc["marks"] == "imported"
    assert float(acc["half_width"]) == pytest.approx(0.1242, abs=1e-4) and acc["n"] == "3"
    (table,) = json.loads(here("show", "--json").stdout)["tables"]
    foobar, row = table["rows"][-2:]
    assert foobar["cells"]["gflops"]["text"] == "4"
    assert row["kind"] == "imported" and row["cells"]["acc"]["value"] == 0.99
    assert row["origins"]["toy_class"]["source"] == "Smith & Lee 2024, Table 2"


def test_one_metric_of_several_benchmarks(stored, take, here):
    take(PAPER + "smoke,CORe50,FooBar,acc,0.25,,,https://foo.example\n")
    lines = lines_of(here("show", "--metric", "acc", "--csv"))
    told = {(one["benchmark"], one["strategy"], one["kind"]): one["value"] for one in lines if one["value"]}
    assert told["toy_class", "er", "imported"] == "0.99" and told["CORe50", "FooBar", "imported"] == "0.25"
    assert float(told["toy_class", "er", "native"]) == pytest.approx(11 / 15)
    assert "(n 3)" in here("show", "--metric", "acc").stdout


def test_without_rows_of_ours_they_have_a_table_of_their_own(take, here):
    assert take(ALONE).returncode == 0
    shown = here("show")
    assert shown.returncode == 0 and "CORe50, profile imported" in shown.stdout
    assert "§ 50.0" in shown.stdout and "LA\xa0↑" in shown.stdout and "no source given" in shown.stdout
    assert here("show", "-s", "nothing").returncode == 2
    assert "§ 50.0" in here("show", "--metric", "la").stdout


def test_what_stands_beside_no_row_of_ours_is_said(stored, take, here):
    assert take(PAPER).stdout.endswith("my_results: 4 new\n")
    said = (
        "no record of ours is of CORe50 (imported): these rows have tables of their own, none in Markdown\n"
    )
    assert "no record" not in take(ALONE, "--dry-run").stdout
    assert take(ALONE).stdout.endswith(f"my_results: 1 new\n{said}")
    assert take(ALONE).stdout == "my_results: 1 there already\n"


def test_filters_hold_for_them(stored, take, here):
    take(PAPER)
    shown = here("show", "-s", "Foo*").stdout
    assert "FooBar" in shown and "Smith" not in shown and "★" not in shown


def test_what_is_said_twice_is_there_and_what_differs_is_a_conflict(take, tmp_path):
    assert take(PAPER).returncode == 0
    table = tmp_path / "my_results" / "smoke" / "imported.csv"
    before = table.read_bytes()
    again = take(PAPER)
    assert again.returncode == 0 and again.stdout == "my_results: 4 there already\n"
    other = take(PAPER.replace("0.99", "0.98"))
    assert other.returncode == 1 and table.read_bytes() == before
    assert "er  acc  0.99 (sd 0.05, n 3) here, 0.98 (sd 0.05, n 3) to come" in other.stdout
    elsewhere = take(PAPER.replace("0.99", "0.98").replace("Smith", "Jones"), "--dry-run")
    assert elsewhere.returncode == 0 and "2 new, 2 there already" in elsewhere.stdout
    assert table.read_bytes() == before


def test_they_travel_with_the_records(stored, take, here, tmp_path):
    take(PAPER)
    done = here("results", "export", "--out", "a.zip")
    assert "4 records and 4 imported rows" in done.stdout
    assert here("results", "import", "a.zip", "--out", "other").stdout.endswith("other: 8 new\n")
    name = "smoke/imported.csv"
    assert (tmp_path / "other" / name).read_bytes() == (stored / name).read_bytes()
    here("results", "export", "-s", "FooBar", "--out", "b.zip")
    here("results", "import", "b.zip", "--out", "few")
    assert {row.strategy for row in load_imported(tmp_path / "few")[0]} == {"FooBar"}


def test_they_are_no_broken_records(stored, take, here):
    take(PAPER)
    assert records.load(stored)[1] == []
    assert here("results", "remove", "--profile", "smoke", "--yes").returncode == 0
    assert len(load_imported(stored)[0]) == 4 and here("show").returncode == 0


def test_a_broken_table_is_a_warning_and_never_replaced(stored, take, here):
    table = stored / "smoke" / "imported.csv"
    table.write_text("benchmark,strategy\n")
    shown = here("show")
    assert shown.returncode == 0 and "imported.csv: no column metric, mean" in shown.stderr
    refused = take(PAPER)
    assert refused.returncode == 2 and "nothing imported" in refused.stderr
    assert table.read_text() == "benchmark,strategy\n"


def test_what_spreadsheets_write_is_read(take, tmp_path):
    text = "\ufeffbenchmark, strategy,metric,mean,n\r\n\r\nb, s ,acc,0.50,5\r\n"
    assert take(text).returncode == 0
    assert load_imported(tmp_path / "my_results")[0] == [Imported("imported", "b", "s", "acc", 0.5, n=5)]


HEADER = "benchmark,strategy,metric,mean,sd,n,source\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column benchmark, strategy, metric, mean; there are profile, benchmark"),
        ("benchmark,strategy,mean\nb,s,1\n", "no column metric; there are profile, benchmark"),
        ("benchmark,strategy,metric,mean,sdd\n", 'unknown column "sdd": did you mean "sd"?'),
        ("benchmark,strategy,metric,mean,mean\n", 'column "mean" twice'),
        (HEADER, "nothing to import"),
        (f"{HEADER}b,s,acc,73.5,,,\n", "line 2: acc: values are fractions, so divide mean and sd by 100"),
        (f"{HEADER}b,s,acc,0.735,2.1,,\n", "line 2: acc: values are fractions"),
        (f"{HEADER}b,s,bwt,-40,,,\n", "line 2: bwt: values are fractions"),
        (f"{HEADER}b,s,acc,1.2,,,\n", "line 2: mean: acc lies between 0 and 1"),
        (f"{HEADER}b,s,acc,-0.2,,,\n", "line 2: mean: acc lies between 0 and 1"),
        (f"{HEADER}b,s,acc,0.5,-0.1,,\n", "line 2: sd: no standard deviation is less than 0"),
        (f"{HEADER}b,s,train_s,-5,,,\n", "line 2: mean: no train_s is less than 0"),
        (f"{HEADER}b,s,acc,nan,,,\n", "line 2: mean: 'nan' is no number"),
        (f"{HEADER}b,s,train_s,1e999,,,\n", "line 2: mean: '1e999' is no number"),
        (f'{HEADER}b,s,acc,"0,5",,,\n', "line 2: mean: '0,5' is no number"),
        (f"{HEADER}b,s,acc,0.5,x,,\n", "line 2: sd: 'x' is no number"),
        *(
            (f"{HEADER}b,s,acc,0.5,,{n},\n", f"line 2: n: '{n}' is no whole")
            for n in ("0", "2.5", "-1", "9" * 5000)
        ),
        (f"{HEADER}\nb,s,ac,0.5,,,\n", 'line 3: metric: unknown "ac": did you mean "acc"?'),
        (f"{HEADER}b,,acc,0.5,,,\n", "line 2: strategy: has to be a text of one line"),
        (f"{HEADER}b\x1b[31m,s,acc,0.5,,,\n", "line 2: benchmark: has to be a text of one line"),
        (f'{HEADER}b,s,acc,0.5,,,"a\nb"\n', "source: has to be a text of one line"),
        (f"{HEADER}b,s,acc\n", "line 2: 3 fields where the first line has 7"),
        (f'{HEADER}b,s,acc,0.5,,,"a\n', "no table of comma-separated values"),
        ("profile,benchmark,strategy,metric,mean\n../x,b,s,acc,0.5\n", "line 2: profile: '../x' is no name"),
    ],
)
def test_a_table_that_is_wrong_is_one_line_that_says_where(text, said, take, tmp_path):
    done = take(text)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert done.stderr.startswith("clbench: paper.csv") and done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr and not (tmp_path / "my_results").exists()


def test_bytes_that_are_no_text_are_refused(here, tmp_path):
    (tmp_path / "paper.csv").write_bytes(HEADER.encode() + b"b,s\xff,acc,0.5,,,\n")
    done = here("results", "import", "paper.csv")
    assert done.returncode == 2 and "no table of comma-separated values in UTF-8" in done.stderr


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "[red]x[/red]", "a|b`c"])
def test_hostile_names_are_shown_as_text(text, take, here):
    cells = io.StringIO()
    csv.writer(cells).writerow(["b", text, "acc", "0.5", "", "", text])
    assert take(HEADER + cells.getvalue()).returncode == 0
    assert here("show").stdout.count(text) == 3  # in the row, and in the note twice
    guard = "'" if text.startswith("=") else ""
    assert lines_of(here("show", "--csv"))[0]["strategy"] == f"{guard}{text}"
