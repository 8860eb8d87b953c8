"""The snippets of docs/howto.md are run as they stand."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clbench
from clbench.errors import InputError

HOWTO = (Path(__file__).parent.parent / "docs" / "howto.md").read_text()


def snippet(start: str) -> str:
    """The Python block that contains this text."""
    return next(block for block in re.findall(r"```python\n(.*?)```", HOWTO, re.DOTALL) if start in block)


def test_the_strategy_of_the_howto_runs(tmp_path, monkeypatch):
    (tmp_path / "my_method.py").write_text(snippet("class L2Anchor"))
    monkeypatch.chdir(tmp_path)
    near, free = (clbench.run("blobs_class", spec, seeds=2, profile="smoke")
                  for spec in ("my_method.py:L2Anchor(lam=0.1)", "naive"))
    assert (near.acc != free.acc).any()
    assert near.record.strategy == "my_method.py:L2Anchor(lam=0.1)"


def test_the_benchmark_of_the_howto_runs(tmp_path, monkeypatch):
    (tmp_path / "my_benchmark.py").write_text(snippet("class SplitWine"))
    monkeypatch.chdir(tmp_path)
    result = clbench.run("my_benchmark.py:SplitWine_class", "joint", seeds=2, profile="smoke")
    assert result.acc.shape == (2, 4, 3) and result.metrics()["acc"].mean > 0.8
    with pytest.raises(InputError, match="has to end with one of its scenarios: _class"):
        clbench.run("my_benchmark.py:SplitWine", "joint", seeds=1, profile="smoke")


def test_the_python_example_of_the_howto_runs(tmp_path):
    code = snippet("result = clbench.run") + "\nassert result.metrics()['acc'].n == 5\n"
    (tmp_path / "results").mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
