"""Tables as LaTeX: what TeX reads is text, and nothing in a name is a command."""

import doctest
import re
import shutil
import subprocess
import unicodedata

import pytest
from msgspec.structs import replace

from clbench.metrics.accuracy import METRICS
from clbench.report import latex
from clbench.report.arrange import Wanted, arranged
from clbench.report.cells import SIGNS
from clbench.report.columns import TITLES
from clbench.report.imported import with_imported
from clbench.report.latex import TEX, tex, to_latex
from clbench.report.tables import comparison, show
from clbench.results.imported import Imported

HOSTILE = [
    r"\input{/etc/passwd}",
    r"a}\end{tabular}%",
    "50 % of $x$_1 & #2 ^~",
    "[1cm] a",
    "* b",
    "a--b \"c\" `d` ,,e''",
    "größe – λ 中 e\u0301",
    "\x1b[31m^^M",
]


KNOWN = {"begin", "end", "toprule", "midrule", "bottomrule", "textbf"}
KNOWN |= {command for written in TEX.values() for command in re.findall(r"\\([a-zA-Z]+)", written)}


def lines_of(text):
    """What TeX reads, without comments."""
    read = re.sub(r"(?m)(?<!\\)%.*$", "", text)
    return [line for line in read.splitlines() if line]


def check(text):
    """Parses it: ASCII, commands that are known, braces and dollars in pairs, as many cells in each row."""
    lines = lines_of(text)
    body = "\n".join(lines)
    assert body.isascii(), [one for one in body if not one.isascii()]
    bare = re.sub(r"\\[\\{}$&%#_]", lambda found: "\n" if found[0] == r"\\" else "x", body)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert not depth and not bare.count("$") % 2 and "#" not in bare
    assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= KNOWN
    for table in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", body, re.S):
        rows = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(table[0]) - 1}
        assert not any(row.startswith(("[", "*")) for row in rows)


PROGRAM = next(filter(shutil.which, ("pdflatex", "tectonic", "xelatex", "lualatex")), None)


@pytest.mark.skipif(PROGRAM is None, reason="no TeX here")
def test_tables_compile(fabricated, tmp_path):
    hostile = [fabricated.make(name, fabricated.two_tasks((0.6, 0.9))) for name in HOSTILE]
    text = to_latex(show([*fabricated.toy(), *fabricated.many(), *hostile]))
    start = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "a.tex").write_text(f"{start}\n{text}\\end{{document}}\n", encoding="utf-8")
    options = [] if PROGRAM == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([PROGRAM, *options, "a.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_tables_parse_one_after_another(fabricated):
    records = [*fabricated.toy(), *fabricated.many(), *fabricated.of_pairs()]
    text = to_latex(show(records))
    check(text)
    assert text.count(r"\begin{tabular}") == 3 and text.count("usepackage") == 1
    check(to_latex(arranged(records, records, Wanted(ranks=True))))
    (table,) = arranged(records, records, Wanted(metric="forgetting"))
    check(to_latex([table]))


def test_a_row_reads_as_in_a_paper(fabricated):
    text = to_latex([comparison(fabricated.toy())])
    er = next(line for line in lines_of(text) if line.startswith("er "))
    assert er.startswith(r"er & 3 & \textbf{$\star$ 73.3 $\pm$ 19.0} & \textbf{60.0 $\pm$ 24.8} & ")
    assert r"ACC $\uparrow$" in text and r"forgetting $\downarrow$" in text and r"{$-$20.0 $\pm$ 24.8}" in er
    assert "% ewc on toy_class: failed, ValueError: <b>no</b> & never" in text


def test_bold_is_the_best_of_each_metric_among_the_rows_that_compete(fabricated):
    stale = fabricated.make("mas", fabricated.two_tasks((0.9, 1), (0.9, 1), (0.9, 1)), stale=True)
    few = fabricated.make("gem", fabricated.two_tasks((0.9, 1), (0.9, 1)))
    broken = fabricated.make("hat", status="failed", error={"reason": "no"})
    broken.data = ""  # it broke off before they were read
    records = [*fabricated.toy(), stale, few, broken]
    table = comparison(records)
    equal = {"er", r"avalanche\_replay"}
    place = [column.name for column in table.columns].index("forgetting") + 2
    bold = {"acc": set(), "forgetting": set(), "seconds": set()}
    for line in lines_of(to_latex([table])):
        cells = line.removesuffix(r" \\").split(" & ")
        if len(cells) > 5:
            bold["acc"] |= {cells[0]} if "textbf" in cells[2] else set()
            bold["forgetting"] |= {cells[0]} if "textbf" in cells[place] else set()
            bold["seconds"] |= {cells[0]} if "textbf" in cells[-4] else set()
    assert bold == {"acc": equal, "forgetting": equal, "seconds": set()}
    mixed = [replace(one, data="d2") if one.strategy == "lwf" else one for one in records]
    assert "textbf" not in to_latex([comparison(mixed)])


def test_an_imported_row_is_not_bold_for_ours_of_its_name(fabricated):
    imported = Imported("smoke", "toy_class", "er", "acc", 0.1, None, 3, "a paper")
    tables = with_imported([comparison(fabricated.toy())], [imported])
    ours, theirs = (line for line in lines_of(to_latex(tables)) if line.startswith("er"))
    assert "textbf" in ours and "textbf" not in theirs


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name, fabricated):
    record = fabricated.make(name, fabricated.two_tasks((0.6, 0.9)), benchmark=f"b {name}")
    check(to_latex(show([record]) + show([record], "acc")))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a_b$%#&~^", r"a\_b\$\%\#\&\textasciitilde{}\textasciicircum{}"),
        ("--", "-{}-"),
        ("– ★ ≈ † ‡ × ±", r"-- $\star$ $\approx$ $\dagger$ $\ddagger$ $\times$ $\pm$"),
        ("ü Å e\u0301 ß", r"\"{u} \r{A} \'{e} \ss{}"),
        ("λ中", "U+03BBU+4E2D"),
        ("ệ", "U+1EC7"),
    ],
)
def test_characters(text, written):
    assert tex(text) == written and doctest.testmod(latex).failed == 0


def test_every_sign_and_heading_of_ours_has_a_form_of_its_own():
    ours = "".join([*SIGNS.values(), *TITLES.values(), *(one.title for one in METRICS.values()), "–±↑↓"])
    assert not [one for one in ours if not one.isascii() and one not in TEX]
    assert unicodedata.is_normalized("NFC", "".join(TEX))
