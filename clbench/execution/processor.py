"""The processor: its name, and how torch computes on it."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any


@cache
def describe_processor() -> str:
    """The model, the instruction set that torch uses on it, and what multiplies its matrices if that is our
    choice."""
    import torch

    chosen = ", oneDNN" if _by_onednn() else ""
    return f"{_model()}, {torch.backends.cpu.get_cpu_capability()}{chosen}"


@contextmanager
def one_thread(device: str = "cpu") -> Iterator[None]:
    """Within the block torch computes on one thread, and multiplies matrices by oneDNN where MKL would be
    slow.

    device: where the run computes. Not for a GPU's: torch refuses some mixtures of CUDA's settings with
    oneDNN's.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with onednn_precision("bf16") if device == "cpu" and _by_onednn() else nullcontext():
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def onednn_precision(precision: str) -> Iterator[None]:
    """Within the block torch multiplies float32 matrices on a CPU as this setting has it: "none" is torch's
    default."""
    import torch

    backend: Any = torch.backends.mkldnn  # whose attributes its module does not declare
    setting = backend.matmul
    setting.fp32_precision, before = precision, setting.fp32_precision
    try:
        yield
    finally:
        setting.fp32_precision = before


@cache
def _by_onednn() -> bool:
    """MKL leaves an AMD processor's AVX-512 unused, where oneDNN takes half the time for a product.

    torch offers oneDNN for float32 only as its reduced precision, "bf16". It is reduced where a processor has
    AMX, and there this says no: what is chosen must multiply in float32.
    """
    import torch

    asked = "AMD" in _model() and torch.backends.cpu.get_cpu_capability() == "AVX512"
    if not asked or not hasattr(torch.backends.mkldnn, "matmul"):  # torch before 2.9 has no such setting
        return False
    rows = torch.full((64, 64), 1 + 2**-20)  # bfloat16 has no such number
    with onednn_precision("bf16"):
        return torch.equal(rows @ torch.eye(64), rows)


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
