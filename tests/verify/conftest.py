import sys

import pytest
from forking import ForkingPython


@pytest.fixture(scope="session")
def executable(tmp_path_factory):
    """A stand-in for Python's that has imported torch."""
    forking = ForkingPython(tmp_path_factory.getbasetemp())
    yield str(forking.executable)
    forking.close()


@pytest.fixture
def python(executable, monkeypatch):
    """In this test clbench, too, starts its processes by the stand-in."""
    monkeypatch.setattr(sys, "executable", executable)
    return executable
