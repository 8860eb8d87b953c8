"""The strategies, one file each, in a folder for each family. `clbench.strategies()` lists them."""

import sys

from clbench.listing import StrategiesPackage

sys.modules[__name__].__class__ = StrategiesPackage
