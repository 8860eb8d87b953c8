"""Settings that libraries read from the environment when they are first used."""

import os

# libgomp's threads spin at barriers and stall with a busy neighbour; cuBLAS repeats its bits only with a
# fixed workspace.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def prepare() -> None:
    """Sets what the user has not set; before torch is imported, if all of it is to count."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
