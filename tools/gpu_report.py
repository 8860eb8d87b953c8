"""Measures on this machine's GPU and packs what came out: `make gpu-report`, or `python tools/gpu_report.py --limit 9m`.

The tests marked `gpu`, the targets of tests/speed/test_gpu.py (for docs/speed.md), then every pair of profile `full`, or those
of `--benchmark` and `--strategy`. A second call goes on where the first stopped. The archive holds results/full and the speed
table, and is unpacked in the root of another checkout.
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
    parser.add_argument("--limit", type=seconds, default=None, help="start nothing new after this: 90s, 9m, 2h")
    parser.add_argument("-b", "--benchmark", action="append", default=[], help="only these (globs); again and again")
    parser.add_argument("-s", "--strategy", action="append", default=[], help="only these (globs); again and again")
    asked = parser.parse_args(arguments)
    started = time.monotonic()
    import torch
    if not torch.cuda.is_available():
        print("gpu-report: torch sees no CUDA device here", file=sys.stderr)
        return 2
    full = ROOT / "results" / "full"
    full.mkdir(parents=True, exist_ok=True)
    passed, timed = full / "gpu-tests.txt", ROOT / ".gpu-speed.json"
    if changed_since(passed):
        done = run("-m", "pytest", "-q", "-m", "gpu", "tests/gpu")
        if done:
            return done
        passed.write_text(f"the tests marked gpu pass on {torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    if changed_since(timed):                                 # a missed target is written down and stops nothing
        run("-m", "pytest", "-q", "tests/speed/test_gpu.py", "--override-ini", "addopts=--import-mode=importlib",
            "--benchmark-disable-gc", "--benchmark-json", str(timed))
        run("tools/speed_table.py", str(timed))
    pairs = [word for flag, specs in (("-b", asked.benchmark), ("-s", asked.strategy)) for spec in specs for word in (flag, spec)]
    left = [] if asked.limit is None else ["--time-limit", f"{max(1, asked.limit - (time.monotonic() - started)):.0f}s"]
    status = run("-m", "clbench", "run", *(pairs or ["--all"]), "--profile", "full", "--device", "cuda", *left)
    print(f"packed {pack(ROOT, PACKED, ARCHIVE)} files into {ARCHIVE.name}; unpack it in the root of another checkout")
    return status


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f'"{text}": write 90s, 9m or 2h')
    return float(found[1]) * UNITS[found[2]]


def changed_since(stamp: Path) -> bool:
    """Whether the stamp is not there or a source file is newer."""
    if not stamp.exists():
        return True
    sources = (path for folder in ("clbench", "tests") for path in (ROOT / folder).rglob("*.py"))
    return any(path.stat().st_mtime > stamp.stat().st_mtime for path in sources)


def run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT).returncode


def pack(root: Path, what: tuple[str, ...], archive: Path) -> int:
    """Packs these files and folders of the root; returns the number of files."""
    places = [path for name in what for path in (root / name, *sorted((root / name).rglob("*"))) if path.is_file()]
    with tarfile.open(archive, "w:gz") as packed:
        for path in places:
            packed.add(path, path.relative_to(root))
    return len(places)


if __name__ == "__main__":
    sys.exit(main())
