"""Imported once by the process from which a CPU's workers are forked: what each of them would import anew,
for seconds."""

import os

from clbench.engine import run  # noqa: F401
from clbench.execution.seed_group import import_what_a_first_step_needs

os.setsid()  # a terminal's Ctrl-C is for the process that holds the plan
import_what_a_first_step_needs()
