"""The git commits of the package's own source."""

import subprocess
from functools import lru_cache
from pathlib import Path

from clbench.errors import InputError
from clbench.results import repository

PACKAGE = Path(__file__).parents[1]


@lru_cache
def current() -> dict:
    """{commit, dirty} of the package: 12 hex digits, and whether its files differ from it; None where git
    does not hold it."""
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")
        changes = _git("status", "--porcelain", "--", ".")
        return {"commit": _git("rev-parse", "--short=12", "HEAD").strip(), "dirty": bool(changes)}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def resolve(revision: str) -> str | None:
    """The full name of a commit; None where this repository does not have it."""
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def commit_of(revision: str) -> str:
    """The full name of a commit. InputError where this repository does not have it."""
    commit = resolve(revision)
    if commit is None and current()["commit"] is None:
        raise InputError(
            f"--against {revision}: {PACKAGE} is in no git repository; "
            "install clbench from a checkout with: pip install -e ."
        )
    if commit is None:
        raise InputError(f'--against "{revision}": this repository has no such commit')
    return commit


def unpack(commit: str, folder: Path) -> Path:
    """Writes the package of a commit into the folder, which is what PYTHONPATH may name."""
    if not repository.unpack(PACKAGE.parent, commit, f"./{PACKAGE.name}", folder / PACKAGE.name):
        raise InputError(f"commit {commit[:12]} has no folder {PACKAGE.name}")
    return folder


def _git(*arguments: str) -> str:
    return repository.git(PACKAGE, *arguments)
