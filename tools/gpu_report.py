"""Measures on this machine's GPU and packs the results: `make gpu-report`, or `python tools/gpu_report.py
--limit 9m`.

It runs the tests marked `gpu`, measures the targets of tests/speed/test_gpu.py for docs/speed.md, then runs
every pair of profile `full`, or those of `--benchmark` and `--strategy`. A second call goes on where the
first stopped. The archive holds results/full and the speed table, and is to be unpacked in the root of
another checkout.
"""

import argparse
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ARCHIVE = ROOT / "gpu-report.tar.gz"
PACKED = ("results/full", "docs/speed.json", "docs/speed.md")
UNITS = {"s": 1, "m": 60, "h": 3600}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--limit", type=seconds, default=None, help="start nothing new after this: 90s, 9m, 2h"
    )
    parser.add_argument(
        "-b", "--benchmark", action="append", default=[], help="only these (globs); may be repeated"
    )
    parser.add_argument(
        "-s", "--strategy", action="append", default=[], help="only these (globs); may be repeated"
    )
    asked = parser.parse_args(arguments)
    started = time.monotonic()
    import torch

    if not torch.cuda.is_available():
        print("gpu-report: torch sees no CUDA device here", file=sys.stderr)
        return 2
    full = ROOT / "results" / "full"
    full.mkdir(parents=True, exist_ok=True)
    passed = full / "gpu-tests.txt"
    timed = ROOT / ".gpu-speed.json"
    if is_outdated(passed):
        status = run("-m", "pytest", "-q", "-m", "gpu", "tests/gpu")
        if status:
            return status
        device = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
        passed.write_text(f"the tests marked gpu pass on {device}\n")
    if is_outdated(timed):  # a missed target stops nothing
        run(
            "-m",
            "pytest",
            "-q",
            "tests/speed/test_gpu.py",
            "--override-ini",
            "addopts=--import-mode=importlib",
            "--benchmark-disable-gc",
            "--benchmark-json",
            str(timed),
        )
        run("tools/speed_table.py", str(timed))
    pairs = []
    for benchmark in asked.benchmark:
        pairs += ["-b", benchmark]
    for strategy in asked.strategy:
        pairs += ["-s", strategy]
    limit = []
    if asked.limit is not None:
        left = max(1, asked.limit - (time.monotonic() - started))
        limit = ["--time-limit", f"{left:.0f}s"]
    pairs = pairs or ["--all"]
    where = ["--profile", "full", "--device", "cuda", "--out", "results"]
    status = run("-m", "clbench", "run", *pairs, *where, *limit)
    count = pack(ROOT, PACKED, ARCHIVE)
    print(f"packed {count} files into {ARCHIVE.name}; unpack it in the root of another checkout")
    return status


def seconds(text: str) -> float:
    """The seconds that a limit such as 90s, 9m or 2h stands for."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f'"{text}": write 90s, 9m or 2h')
    return float(found[1]) * UNITS[found[2]]


def is_outdated(stamp: Path) -> bool:
    """Whether the file is not there or a source file is newer."""
    if not stamp.exists():
        return True
    sources = (path for folder in ("clbench", "tests") for path in (ROOT / folder).rglob("*.py"))
    return any(path.stat().st_mtime > stamp.stat().st_mtime for path in sources)


def run(*arguments: str) -> int:
    """Runs Python with these arguments in the root; returns its exit status."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT).returncode


def pack(root: Path, names: tuple[str, ...], archive: Path) -> int:
    """Packs these files and folders of the root; returns the number of files."""
    paths = []
    for name in names:
        paths += [root / name, *sorted((root / name).rglob("*"))]
    files = [path for path in paths if path.is_file()]
    with tarfile.open(archive, "w:gz") as packed:
        for path in files:
            packed.add(path, path.relative_to(root))
    return len(files)


if __name__ == "__main__":
    sys.exit(main())
