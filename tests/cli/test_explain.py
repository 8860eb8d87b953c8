"""`clbench list` and `clbench explain`: what there is, on a screen each."""

import json

from clbench import registry


def test_the_list_fits_a_screen_and_leaves_nothing_out(here):
    shown = here("list", env={"COLUMNS": "80"}).stdout
    lines = shown.splitlines()
    assert len(lines) <= 45 and max(map(len, lines)) <= 80
    words = shown.replace(",", " ").split()
    assert {name.removeprefix("avalanche_") for name in registry.strategies()} <= set(words)
    (digits,) = (line for line in lines if line.startswith("split_digits "))
    assert digits.split()[1:4] == ["class", "task", "domain"] and "5 of 2 classes" in digits
    for name, entry in registry.benchmarks().items():
        stem = name.rsplit("_", 1)[0]
        assert entry.hidden or any(line.startswith((f"{name} ", f"{stem} ")) for line in lines), name


def test_every_benchmark_says_its_tasks_and_data(here):
    shown = here("list", env={"COLUMNS": "80"}).stdout.split("strategies")[0]
    assert "–" not in shown


def test_a_strategy_is_explained(here):
    (told,) = json.loads(here("explain", "ewc", "--json").stdout)
    assert told["equation"].startswith("loss = CE + (lam / 2) sum_k")
    assert told["arguments"][0]["name"] == "lam" and told["arguments"][0]["default"] == 1000.0
    assert told["arguments"][0]["about"] == "strength of the penalty"
    assert told["paper"] == "Kirkpatrick et al. 2017" and told["keeps"].startswith("importances")
    assert "lam" in told["tuned"]["split_digits_task"]["smoke"]
    shown = here("explain", "er+avalanche_ewc").stdout
    for word in ("loss = mean of CE over B current rows", "memory=500", "stored examples", "ewc_lambda=1.0"):
        assert word in shown


def test_a_benchmark_is_explained_with_or_without_its_scenario(here):
    (told,) = json.loads(here("explain", "split_digits", "--json").stdout)
    assert told["scenarios"] == ["class", "task", "domain"] and told["budgets"]["smoke"]["steps"] == 40
    shown = here("explain", "split_digits_task").stdout
    assert "5 of 2 classes" in shown and "smoke    steps=40, rows=32" in shown
    rows = next(line for line in shown.splitlines() if line.strip().startswith("rows="))
    assert "new examples per step" in rows
    (told,) = json.loads(here("explain", "labelled_domain", "--json").stdout)
    about = {one["name"]: one["about"] for one in told["arguments"]}
    assert about["net"].startswith("Any that `clbench.models.by_name` knows; None: small_conv of images")
    assert "efficientnet_lite0 for images" in about["features"] and about["path"].startswith("a folder of")


def test_a_file_of_ones_own_is_explained(here, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom clbench import Part\n\n@dataclass\nclass Mine(Part):\n"
        '    """Mine.\n\n        loss = 0\n    Nothing more."""\n    rate: float = 0.5  # of nothing\n'
    )
    (told,) = json.loads(here("explain", "mine.py:Mine", "--json").stdout)
    assert told["equation"] == "loss = 0" and told["family"] == "own"
    assert [one["about"] for one in told["arguments"]] == ["of nothing"]
    assert json.loads(here("explain", "mine.py", "--json").stdout) == [told]
    (tmp_path / "mine.py").write_text("class Nothing: pass\n")
    assert "derived from clbench.Part" in here("explain", "mine.py").stderr


def test_a_group_of_commands_alone_prints_its_help_and_no_empty_line(here):
    done = here("results")
    assert "remove" in done.stdout + done.stderr and "clbench: " not in done.stderr


def test_an_unknown_name_is_a_line_with_what_would_be_right(here):
    wrong = here("explain", "ewcc")
    assert (
        wrong.returncode == 2
        and 'there is no strategy or benchmark "ewcc": did you mean "ewc"?' in wrong.stderr
    )
    for name in ("er", "split_digits", "split_digits_class"):
        wrong = here("explain", f"{name}(memry=3)")
        assert wrong.returncode == 2 and 'has no argument "memry": did you mean "memory"?' in wrong.stderr
