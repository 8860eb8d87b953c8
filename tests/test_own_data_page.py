"""docs/own-data.md: what it shows runs as it stands, and the examples' data are what it says."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "own-data.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("clbench ")
]
FEW = ["--profile", "smoke", "--seeds", "1", "--workers", "0"]


def test_the_commands_of_the_page_run_one_after_another(here, tmp_path, monkeypatch):
    """Those that train do so for a few steps."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import own_data

    own_data.visits(tmp_path / "visits.csv")
    assert len(COMMANDS) > 8
    said = {}
    for command in COMMANDS:
        words = shlex.split(command)[1:]
        few = FEW if words[0] == "run" else []
        arguments = [
            word.replace(")", ", steps=2, net='mlp')") if "labelled" in word else word for word in words
        ]
        done = here(*arguments, *few)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        said[command] = done.stdout
    assert (tmp_path / "samples.png").is_file()
    before, after = (said[command] for command in COMMANDS if "visits.csv" in command)
    assert before.count("warning: ") == 2 and "warning: " not in after


def test_the_network_of_the_page_learns(here, tmp_path):
    network, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "my_net.py").write_text(network)
    spec = "split_digits_class(net='my_net.py:make')"
    assert here("run", "-b", spec, "-s", "naive", *FEW[:-2]).returncode == 0
    (tmp_path / "my_net.py").write_text(network.replace("nn.Linear(8 * places, ", "nn.LazyLinear("))
    refused = here("run", "-b", spec, "-s", "naive", *FEW[:-2])
    assert refused.returncode in (1, 2) and "Lazy" in refused.stderr + refused.stdout


def test_the_python_of_the_page_runs(capsys):
    _, code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all("on LabelledData_domain" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tickets.csv", "800 texts, 4 classes"),
        ("digits.npz", "1200 images 8x8 in grey, 6 classes"),
    ],
)
def test_the_other_examples_are_read(here, tmp_path, monkeypatch, name, said):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import own_data

    getattr(own_data, name.split(".")[0])(tmp_path / name)
    done = here("data", "inspect", name)
    assert done.returncode == 0 and done.stdout.startswith(said), done.stderr
    assert np.all([word in done.stdout for word in ("slices by", "labelled_domain")])
