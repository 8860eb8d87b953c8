"""Every command that `--help` gives as an example is run as it is printed."""

import json
import re
import shlex

import pytest
from typer.main import get_command

from clbench.cli.main import app

ER = "clbench run -b split_digits_class -s er --seeds 1 --workers 0 --profile smoke"
# How an example begins, and what has to have been typed before it.
BEFORE = {
    "clbench data inspect my_table.csv": ["clbench data example my_table.csv"],
    "clbench data inspect photos": ["clbench data example photos"],
    "clbench test my_method.py": ["clbench new strategy my_method"],
    "clbench run -b split_digits_class -s er+ewc": ["clbench new strategy my_method"],
    "clbench export-method -b split_digits_class -s my_method": ["clbench new strategy my_method"],
    "clbench show": [ER],
    "clbench claims --results": [f"{ER} --out results"],
    "clbench decay": ["clbench run -b driftcaps -s naive -s er --seeds 1 --workers 0 --profile smoke"],
    "clbench costs": [ER],
    "clbench evaluate": [
        "clbench run -b split_digits_class -s er --seeds 1 --workers 0 --profile quick --save-models models"
    ],
    "clbench results remove": [
        "clbench new strategy my_method",
        "clbench run -b split_digits_class -s my_method.py:MyMethod --seeds 1 --workers 0 --profile smoke",
    ],
    "clbench results export": [ER],
    "clbench results import their_rows.zip": [ER, "clbench results export --out their_rows.zip"],
    "clbench results import their_results": [f"{ER} --out their_results"],
}
# What is added to it, so that it ends soon.
MORE = {"clbench run": ["--dry-run"], "clbench results remove -s": ["--yes"]}
# What takes minutes, needs a repository, or is another example again: only its options are read.
READ_ONLY = (
    "clbench verify",
    "clbench check",
    "clbench baseline",
    "clbench compare",
    "clbench history",
    "clbench run --all",
    "clbench claims --claims",
    "clbench test my_method.py:",
)


def examples(command) -> list[str]:
    """The commands in all epilogs, without what is said beside them."""
    lines = [line.strip() for line in (command.epilog or "").splitlines()]
    found = [re.split(r" {3,}", line)[0] for line in lines if line.startswith("clbench ")]
    for inner in getattr(command, "commands", {}).values():
        found += examples(inner)
    return found


EXAMPLES = list(dict.fromkeys(examples(get_command(app))))


def test_there_are_examples():
    assert len(EXAMPLES) > 20 and "clbench data inspect icons --picture samples.png" in EXAMPLES


@pytest.fixture
def typed(here, tmp_path, monkeypatch):
    """typed(line) -> the finished command, in one folder for all lines of a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "folder"
    for year in (2014, 2015, 2016):  # what TiC-CLIP's evaluation leaves
        (folder / "runs" / str(year)).mkdir(parents=True)
        (folder / "runs" / str(year) / "eval_results.jsonl").write_text(
            "".join(map(evaluated, (2014, 2015, 2016)))
        )
    (folder / "numbers_of_a_paper.csv").write_text("benchmark,strategy,metric,mean\nb,s,acc,0.5\n")
    (folder / "rates.toml").write_text("price_per_cpu_hour = 0.05\nwatts_per_cpu = 10\n")
    return lambda line, *more: here(*shlex.split(line)[1:], *more, cwd=folder)


def evaluated(year: int) -> str:
    key, metrics = f"tic/datacomp/retrieval/yearly/{year}", {"mean_recall@1": 0.5, "main_metric": 0.5}
    return json.dumps({"key": key, "dataset": f"TiC-DataComp-{year}", "metrics": metrics}) + "\n"


def of_start(line: str, table: dict) -> list[str]:
    return [one for start, found in table.items() if line.startswith(start) for one in found]


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not line.startswith(READ_ONLY)])
def test_an_example_runs_as_printed(line, typed):
    for before in of_start(line, BEFORE):
        assert typed(before).returncode == 0
    done = typed(line, *of_start(line, MORE))
    if "unavailable: " in done.stdout:
        pytest.skip("its data are not here")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", [line for line in EXAMPLES if line.startswith(READ_ONLY)])
def test_the_options_of_a_long_example_exist(line):
    command, words = get_command(app), shlex.split(line)[1:]
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)
