"""Where results and pages go when no folder is named.

The folders that are committed, `results/` and `reports/`, are read and written only by name: by the Makefile,
the tools and the tests of this project.
"""

from pathlib import Path

RESULTS = Path("my_results")
REPORTS = Path("my_reports")
