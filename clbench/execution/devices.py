"""Which device a run uses."""

import os
import re

from clbench.errors import InputError


def visible_gpus() -> list[str]:
    """The CUDA devices that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    if not torch.cuda.is_available():
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]


def choose_device(device: str) -> str:
    """cpu, cuda or cuda:N of what the user asked for; `auto` takes a GPU where there is one."""
    import torch

    number = checked_form(device)
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and not torch.cuda.is_available():
        raise InputError("torch sees no CUDA device here; use cpu", "device", device)
    if number and int(number) >= torch.cuda.device_count():
        raise InputError(
            f"there are {torch.cuda.device_count()} CUDA devices, counted from 0", "device", device
        )
    return device


def checked_form(device: str) -> str | None:
    """The N of cuda:N."""
    found = re.fullmatch(r"auto|cpu|cuda(?::(\d+))?", device)
    if not found:
        raise InputError("use auto, cpu, cuda or cuda:N", "device", device)
    return found[1]


def default_workers(device: str) -> int:
    """One per core on a CPU, one per GPU."""
    if device == "cpu":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return len(visible_gpus()) if device == "cuda" else 1
