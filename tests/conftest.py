import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CLBENCH_OFFLINE"] = "1"              # no test asks the network

import pytest
import torch

from clbench.processor import one_thread


@pytest.fixture(scope="session", autouse=True)
def processor():
    """As workers compute."""
    with one_thread("cuda" if torch.cuda.is_available() else "cpu"):
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Importing Avalanche writes into the home folder; tests leave the user's alone."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
