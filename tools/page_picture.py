"""Writes docs/page.png: the page of results as README shows it. Needs Chromium."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VIEW = "#b=split_mnist_class"
SIZE = "1340,800"


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium on PATH")
    address = (ROOT / "reports" / "index.html").as_uri() + VIEW
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}",
        ]
        options += [
            f"--window-size={SIZE}",
            "--virtual-time-budget=20000",
            "--run-all-compositor-stages-before-draw",
        ]
        picture = ROOT / "docs" / "page.png"
        subprocess.run(
            [browser, *options, f"--screenshot={picture}", address], check=True, capture_output=True
        )
    print(picture.relative_to(ROOT))


if __name__ == "__main__":
    main()
