"""Fabricated records, and one report made of them for all tests that only read it."""
import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def fabricated():
    found = importlib.util.spec_from_file_location("fabricated", Path(__file__).with_name("fabricated.py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


@pytest.fixture(scope="session")
def folder(fabricated, tmp_path_factory):
    """A folder with results/ and reports/ in it."""
    from clbench.report.pages import write_reports
    top = tmp_path_factory.mktemp("reported")
    fabricated.write_results(top / "results")
    with fabricated.known():
        write_reports(top / "results", top / "reports")
    return top
