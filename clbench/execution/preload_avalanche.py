"""As `clbench.execution.preload`, for runs of Avalanche's rows; where it cannot be imported, the run itself
says why."""

from contextlib import suppress

with suppress(Exception):
    import clbench.avalanche.single  # noqa: F401
