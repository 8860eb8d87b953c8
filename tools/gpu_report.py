"""Measures on this machine's GPU and packs what came out: `make gpu-report`, or `python tools/gpu_report.py --limit 9m`.

The tests marked `gpu`, then every pair of profile `full`. A second call goes on where the first stopped. The archive holds
results/full and is unpacked in the root of another checkout.
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
UNITS = {"s": 1, "m": 60, "h": 3600}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=seconds, default=None, help="start nothing new after this: 90s, 9m, 2h")
    limit = parser.parse_args(arguments).limit
    started = time.monotonic()
    import torch
    if not torch.cuda.is_available():
        print("gpu-report: torch sees no CUDA device here", file=sys.stderr)
        return 2
    full = ROOT / "results" / "full"
    full.mkdir(parents=True, exist_ok=True)
    passed = full / "gpu-tests.txt"
    if not passed.exists() or changed_since(passed):
        done = run("-m", "pytest", "-q", "-m", "gpu", "tests/gpu")
        if done:
            return done
        passed.write_text(f"the tests marked gpu pass on {torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    left = [] if limit is None else ["--time-limit", f"{max(1, limit - (time.monotonic() - started)):.0f}s"]
    status = run("-m", "clbench", "run", "--all", "--profile", "full", "--device", "cuda", *left)
    print(f"packed {pack(full, ARCHIVE)} files into {ARCHIVE.name}; unpack it in the root of another checkout")
    return status


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f'"{text}": write 90s, 9m or 2h')
    return float(found[1]) * UNITS[found[2]]


def changed_since(stamp: Path) -> bool:
    """Whether a source file is newer than the stamp."""
    sources = (path for folder in ("clbench", "tests") for path in (ROOT / folder).rglob("*.py"))
    return any(path.stat().st_mtime > stamp.stat().st_mtime for path in sources)


def run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT).returncode


def pack(folder: Path, archive: Path) -> int:
    """Packs the folder as results/full; returns the number of files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with tarfile.open(archive, "w:gz") as packed:
        for path in files:
            packed.add(path, Path("results") / "full" / path.relative_to(folder))
    return len(files)


if __name__ == "__main__":
    sys.exit(main())
