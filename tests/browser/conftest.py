"""The fabricated records of tests/report, and headless Chromium."""
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--enable-logging=stderr", "--v=0",
         "--host-resolver-rules=MAP * ~NOTFOUND"]         # a test never leaves this machine


@pytest.fixture(scope="session")
def fabricated():
    path = Path(__file__).parent.parent / "report" / "fabricated.py"
    found = importlib.util.spec_from_file_location("fabricated", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def chromium(tmp_path):
    """chromium(*arguments) -> (stdout, stderr) of one run of the browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on PATH (apt-get install chromium)")

    def run(*arguments):
        command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr
    return run
