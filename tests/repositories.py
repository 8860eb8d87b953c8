"""A git repository of made-up results, for the commands that read commits."""

import subprocess
from pathlib import Path

from clbench.results import records


class Repository:
    """Its results lie in a folder below the top: sub/results."""

    def __init__(self, top: Path):
        self.top, self.here = top, top / "sub"
        self.results = self.here / "results"
        self.here.mkdir()
        self.git("init", "-q")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.org")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", self.top, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, *made) -> None:
        for record in made:
            records.write(record, self.results)

    def commit(self, *made, title: str = "Results") -> str:
        """Writes records, commits, and gives the short name."""
        self.write(*made)
        self.git("add", "-A")
        self.git("commit", "-qm", title, "--allow-empty")
        return self.git("rev-parse", "--short", "HEAD")
