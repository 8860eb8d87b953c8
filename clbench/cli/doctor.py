"""`clbench doctor`: what is installed, which devices and which data are here."""

import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from clbench import registry
from clbench.data.labelled import cifar, sources
from clbench.execution.processor import describe_processor

LIBRARIES = (
    "clbench",
    "torch",
    "torchvision",
    "avalanche-lib",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "distributed",
)


def findings() -> dict[str, dict[str, str]]:
    """topic -> name -> what was found."""
    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        "devices": _devices(),
        "back ends": {"native": "ready", "avalanche": _imports("avalanche")},
        "data": {name: place or _absent() for name, place in _data().items()},
        "registered": {
            "benchmarks": str(sum(not entry.hidden for entry in registry.benchmarks().values())),
            "strategies": str(len(registry.strategies())),
        },
    }


def _data() -> dict[str, str | None]:
    return {name: sources.available(name) for name in sources.NAMES} | {
        name: cifar.available(name) for name in cifar.NAMES
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return f"missing: pip install {name}"


def _devices() -> dict[str, str]:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {"cpu": f"{cores} cores, {describe_processor()}"}
    for i in range(torch.cuda.device_count()):
        found[f"cuda:{i}"] = torch.cuda.get_device_name(i)
    return found if len(found) > 1 else found | {"cuda": "none"}


def _imports(module: str) -> str:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:
        return f"does not import: {type(error).__name__}: {error}"
    return "ready"


def _absent() -> str:
    folders = os.environ.get("CLBENCH_DATA") or "not set"
    return f"not here: downloaded at first use, or looked for in $CLBENCH_DATA ({folders})"
