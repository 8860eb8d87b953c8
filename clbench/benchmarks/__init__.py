"""The benchmarks, one file for each family. `clbench.benchmarks()` lists them."""

import sys

from clbench.listing import BenchmarksPackage

sys.modules[__name__].__class__ = BenchmarksPackage
