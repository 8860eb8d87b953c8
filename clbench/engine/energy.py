"""Measures the energy of a GPU by its own counter (NVML), less what it draws when idle."""

import time
from collections.abc import Callable
from functools import lru_cache

import torch

IDLE_SECONDS = 1.0  # for which the idle power is measured


class EnergyMeter:
    """Adds up the watt-hours above idle between `start` and `stop`; always None where there is no counter."""

    def __init__(self, device: torch.device) -> None:
        self.counter = _counter(device)
        self.idle = _idle_watts(device) if self.counter else 0.0
        self.joules = 0.0

    def start(self) -> None:
        if self.counter:
            self._joules_before = self.counter()
            self._seconds_before = time.perf_counter()

    def stop(self) -> None:
        if self.counter:
            joules = self.counter() - self._joules_before
            seconds = time.perf_counter() - self._seconds_before
            self.joules += joules - self.idle * seconds

    @property
    def watt_hours(self) -> float | None:
        return max(0.0, self.joules) / 3600 if self.counter else None


def _counter(device: torch.device) -> Callable[[], float] | None:
    """A function that gives the joules that the device has used since its driver was loaded.

    None without CUDA, NVML or such a counter.
    """
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        # By UUID: NVML numbers all devices, torch only those of CUDA_VISIBLE_DEVICES.
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # no library, no driver, no right, an old device
        return None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000


@lru_cache
def _idle_watts(device: torch.device) -> float:
    """The power of the device while this process leaves it alone; measured once per process, for a second."""
    counter = _counter(device)
    assert counter is not None
    torch.cuda.synchronize(device)
    before = counter()
    start = time.perf_counter()
    time.sleep(IDLE_SECONDS)
    return (counter() - before) / (time.perf_counter() - start)
