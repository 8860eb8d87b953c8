"""What git says of a folder; for whom there is no git or no repository, None or a line that says so."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from clbench.errors import InputError


class Place(NamedTuple):
    """A folder of a repository, which commits may have and the working tree may not."""

    top: Path  # of the repository
    inside: str  # the folder's path below it; "" for the repository itself


class Commit(NamedTuple):
    name: str  # in full
    short: str
    date: str  # "2026-01-02", of the committer
    title: str


FORMAT = "--format=%H%x00%h%x00%cs%x00%s"


def git(folder: Path, *arguments: str) -> str:
    """What the command prints, run in the folder. OSError without git, CalledProcessError where it fails."""
    command = ["git", "-C", str(folder), "--literal-pathspecs", "-c", "log.showSignature=false", *arguments]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def place_of(folder: Path) -> Place:
    """Where the folder, which need not be there any more, is in its repository. InputError for one that is in
    none."""
    whole = Path(os.path.abspath(folder))
    there = next(parent for parent in [whole, *whole.parents] if parent.is_dir())
    try:
        top, prefix = git(there, "rev-parse", "--show-toplevel", "--show-prefix").split("\n")[:2]
    except OSError:
        raise InputError(f"{folder}: commits are read with git, which is not here") from None
    except subprocess.CalledProcessError:
        raise InputError(f"{folder} is in no git repository") from None
    inside = Path(prefix, whole.relative_to(there)).as_posix()
    return Place(Path(top), "" if inside == "." else inside)


def commit_of(top: Path, revision: str) -> Commit | None:
    """The commit that a revision stands for; None where the repository does not have it."""
    if not revision or revision.startswith("-"):  # no revision begins so, but options do
        return None
    try:
        name = git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
        return _commits(git(top, "log", "-1", FORMAT, name, "--"))[0]
    except (OSError, subprocess.CalledProcessError):
        return None


def commits_of(top: Path, file: str) -> list[Commit]:
    """The commits up to today's that changed a file, oldest first; the file's path is below the top."""
    try:
        return _commits(git(top, "log", "--topo-order", "--reverse", FORMAT, "HEAD", "--", file))
    except (OSError, subprocess.CalledProcessError):  # no commit yet
        return []


def _commits(text: str) -> list[Commit]:
    return [Commit(*line.split("\0", 3)) for line in text.split("\n") if line]


def unpack(top: Path, commit: str, path: str, folder: Path) -> bool:
    """Writes what a commit holds below a path into the folder; git itself keeps no trace of it. Whether the
    commit has a folder of that path."""
    try:
        tree = git(top, "rev-parse", "--verify", "--quiet", f"{commit}:{path}").strip()
        is_folder = git(top, "cat-file", "-t", tree).strip() == "tree"
    except (OSError, subprocess.CalledProcessError):
        return False
    if not is_folder:
        return False
    try:
        packed = subprocess.run(["git", "-C", str(top), "archive", tree], capture_output=True, check=True)
        folder.mkdir(parents=True, exist_ok=True)
        extract = ["tar", "-x", "-C", str(folder)]
        subprocess.run(extract, input=packed.stdout, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(f"commit {commit[:12]}: {path or 'its tree'} cannot be unpacked ({error})") from None
    return True
