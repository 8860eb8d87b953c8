"""What all tests share: one thread, no network, a home folder of their own, the command line, fabricated
records."""

import importlib.util
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from clbench.execution.environment import ENVIRONMENT

os.environ.update(ENVIRONMENT, CLBENCH_OFFLINE="1")  # as workers have it; and no test asks the network

import pytest
import torch
import typer.main

from clbench.execution.processor import one_thread


@pytest.fixture(scope="session", autouse=True)
def processor():
    """As workers compute."""
    with one_thread("cuda" if torch.cuda.is_available() else "cpu"):
        yield


@pytest.fixture(scope="session", autouse=True)
def put_together_once():
    """The command line, for all commands of this process: that takes longer than what most of them do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", lru_cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Importing Avalanche writes into the home folder; tests leave the user's alone."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))


@pytest.fixture
def unread():
    """MNIST as if no test had read it: a process keeps what it has read."""
    from clbench.data.labelled import sources

    sources.mnist.cache_clear()


@pytest.fixture
def here(monkeypatch, capfd, tmp_path):
    """here(*arguments, cwd, env) -> `clbench arguments` in this process, as the finished process it would be:
    quicker."""
    from clbench.cli.main import main

    def run(*arguments, cwd=tmp_path, env=None):
        monkeypatch.chdir(cwd)
        for name, value in {"COLUMNS": "200", **(env or {})}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["clbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def fabricated():
    """The module of fabricated records."""
    found = importlib.util.spec_from_file_location(
        "fabricated", Path(__file__).parent / "report" / "fabricated.py"
    )
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def folder(fabricated, tmp_path_factory):
    """A folder with results/ and reports/ in it, of the fabricated records, for all tests that only read
    it."""
    from clbench.report.pages import write_reports

    top = tmp_path_factory.mktemp("reported")
    fabricated.write_results(top / "results")
    with fabricated.known():
        write_reports(top / "results", top / "reports")
    return top
