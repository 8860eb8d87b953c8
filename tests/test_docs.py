"""The snippets of docs/howto.md are run as they stand."""

import ast
import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest
import torch

import clbench
from clbench import InputError, registry
from clbench.benchmarks.split_digits import SplitDigits
from clbench.results import folders
from clbench.testing import check_benchmark

HOWTO = (Path(__file__).parent.parent / "docs" / "howto.md").read_text()


def snippet(start: str) -> str:
    """The Python block that contains this text."""
    return next(block for block in re.findall(r"```python\n(.*?)```", HOWTO, re.DOTALL) if start in block)


def test_the_strategy_of_the_howto_runs(tmp_path, monkeypatch):
    (tmp_path / "my_method.py").write_text(snippet("class L2Anchor"))
    monkeypatch.chdir(tmp_path)
    near, free = (
        clbench.run("blobs_class", spec, seeds=2, profile="smoke")
        for spec in ("my_method.py:L2Anchor(lam=0.1)", "naive")
    )
    assert (near.acc != free.acc).any()
    assert near.record.strategy == "my_method.py:L2Anchor(lam=0.1)"


def test_the_benchmark_of_the_howto_runs(tmp_path, monkeypatch):
    (tmp_path / "my_benchmark.py").write_text(snippet("class SplitWine"))
    monkeypatch.chdir(tmp_path)
    result = clbench.run("my_benchmark.py:SplitWine_class", "joint", seeds=2, profile="smoke")
    assert result.acc.shape == (2, 4, 3) and result.metrics()["acc"].mean > 0.8
    with pytest.raises(InputError, match="has to end with one of its scenarios: _class"):
        clbench.run("my_benchmark.py:SplitWine", "joint", seeds=1, profile="smoke")


def test_the_checks_of_the_howto_run(tmp_path, monkeypatch):
    (tmp_path / "my_method.py").write_text(snippet("class L2Anchor"))
    monkeypatch.chdir(tmp_path)
    exec(snippet("check_strategy("), {})
    names = {}
    exec(snippet("strategy_checks("), names)
    (mark,) = names["test_my_method"].pytestmark
    assert mark.args[0] == "check" and len(list(mark.args[1])) >= 27


def test_the_networks_of_the_howto_run(tmp_path, monkeypatch):
    (tmp_path / "my_network.py").write_text(snippet("class TanhDigits"))
    monkeypatch.chdir(tmp_path)
    check_benchmark("my_network.py:TanhDigits_class")
    joint, ewc = (
        clbench.run("my_network.py:TanhDigits_class", spec, seeds=2, profile="smoke")
        for spec in ("joint", "ewc")
    )
    assert joint.metrics()["acc"].mean > 0.7 and ewc.record.settings["network"] == "tanh 64-50-10"
    names = {}
    exec(snippet("class Small(nn.Module)"), names)

    class Gelu(SplitDigits):
        def network(self):
            return names["net"]

    check_benchmark(Gelu, "task")
    assert clbench.run(Gelu, "joint", scenario="class", seeds=1, profile="smoke").metrics()["acc"].mean > 0.7


def test_the_avalanche_row_of_the_howto_runs():
    from clbench.avalanche.run import run
    from clbench.engine.clock import Clock

    names = {}
    exec(snippet("class MAS"), names)
    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    device = torch.device("cpu")
    ended = [
        run(
            benchmark.stream([0], device),
            benchmark.network(),
            [names["MAS"](strength)],
            benchmark.budget("smoke"),
            Clock(device),
        )
        for strength in (0.0, 1000.0)
    ]
    assert [outcome.costs["steps"] for outcome in ended] == [60, 60] and not torch.equal(
        ended[0].acc, ended[1].acc
    )


def test_the_pairs_of_the_howto_run(tmp_path, monkeypatch):
    (tmp_path / "spelling.py").write_text(snippet("class Spelling"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    result = clbench.run("spelling.py:Spelling", "naive", seeds=1, profile="smoke")
    assert (
        result.acc.shape == (1, 3, 2) and result.metrics()["stream_id"].mean > result.acc[0, 0].mean() + 0.2
    )


def test_the_python_example_of_the_howto_runs(tmp_path, monkeypatch):
    (tmp_path / "my_results").mkdir()
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(snippet("result = clbench.run"), names)
    assert names["result"].metrics()["acc"].n == 5
    exec(snippet("class Shrink"), names)
    assert (
        names["result"].record.strategy == "Shrink(rate=0.1)+er(memory=50)"
        and len(names["result"].seeds) == 3
    )


def test_the_path_of_the_howto_from_a_benchmark_to_next_month_runs(here, tmp_path):
    def commands(text):
        return [line.split() for line in text.splitlines() if line.startswith("    clbench ")]

    before, after = HOWTO.split("## Take the model with you")[1].split("\n## ")[0].split("```python")
    for _, *arguments in commands(before):
        assert here(*arguments).returncode == 0
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(snippet("clbench.load_model"), {})
    answers = ast.literal_eval(said.getvalue())
    assert sum(one == right for one, right in zip(answers, "01234", strict=True)) >= 4
    for _, *arguments in commands(after):
        done = here(*arguments)
        assert done.returncode == 0, done.stderr
    assert "slice 5" in done.stdout and (tmp_path / "models").rglob("er/seed-0.task-5.safetensors")


# ---- the README's numbers are those of the committed records

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_table_of_the_readme_is_the_one_of_the_records():
    tool = runpy.run_path(str(ROOT / "tools" / "readme_table.py"))
    assert tool["with_table"](README) == README, "run: python tools/readme_table.py"
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    assert len(rows) >= 8 and sum("★" in row for row in rows) == 1


def test_the_tables_of_two_implementations_are_those_of_the_records():
    page = (ROOT / "docs" / "avalanche.md").read_text()
    tool = runpy.run_path(str(ROOT / "tools" / "agreement_docs.py"))
    assert tool["page"](page) == page, "run: python tools/agreement_docs.py"
    equivalent = {line.split("|")[2] for line in page.splitlines() if "| equivalent |" in line}
    assert len(equivalent) >= 9


def test_the_first_screen_of_the_readme_is_short():
    screen = README.split("\n## ")[0]
    assert (
        len(screen.splitlines()) <= 40 and "make run" in screen and "make test" in screen and "![" in screen
    )
    for term in ("ACC", "Forgetting", "Plasticity gap", "Recovered"):
        assert f"**{term}**" in screen


def test_the_page_of_strategies_is_the_one_that_the_docstrings_give():
    page = runpy.run_path(str(ROOT / "tools" / "strategy_docs.py"))["page"]()
    assert (ROOT / "docs" / "strategies.md").read_text() == page, "run: make docs"


def test_the_links_of_the_docs_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_what_contributors_are_shown_is_where_it_is_said_to_be():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = [path for path in re.findall(r"`((?:clbench|tests)/[^`]*)`", text) if "x.py" not in path]
    assert len(paths) > 30 and not [path for path in paths if not (ROOT / path).exists()]
    named = re.findall(r"`(clbench/[^`]*)`: `(\w+)`", text)
    assert len(named) >= 12
    for path, name in named:
        assert re.search(rf"^\s*(def |class |){name}\b", (ROOT / path).read_text(), re.MULTILINE), (
            f"{path}: {name}"
        )


def test_the_makefile_names_the_committed_folders_alone():
    """A command without a folder goes to my_results/; what is committed is written by name."""
    makefile = (ROOT / "Makefile").read_text()
    run, ours = (
        re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1] for target in ("run", "results")
    )
    assert "results" not in run and "--out results" in ours and "--out reports" in ours
    assert all("results" in line for line in ours.splitlines() if "clbench" in line)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"{folders.RESULTS}/" in ignored and f"{folders.REPORTS}/" in ignored


def test_the_workflow_runs_what_there_is():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "make test " in workflow and re.search("^test:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    gate = "clbench check --profile smoke --format github || test $? -eq 3"
    assert gate in workflow and gate in HOWTO


def test_the_commands_of_the_readme_exist():
    from typer.main import get_command

    from clbench.cli.main import app

    known = get_command(app).commands
    for command in re.findall(r"(?:^    |`)clbench ([a-z]+)", README, re.MULTILINE):
        assert command in known, command


def test_the_committed_pages_are_small():
    files = [path for path in (ROOT / "reports").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3e6 and (ROOT / "reports" / "index.html") in files
