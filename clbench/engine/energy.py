"""Measures energy: of a GPU by its own counter (NVML), less what it draws when idle; without one, of the
processor packages by theirs (RAPL), whole, since what runs beside cannot be told from it."""

import re
import time
from collections.abc import Callable
from functools import lru_cache
from math import inf, isfinite
from pathlib import Path

import torch

IDLE_SECONDS = 1.0  # for which the idle power is measured
MOST_WATTS = 500.0  # that a package draws: after longer than it takes to turn its counter once, nobody knows
RAPL = Path("/sys/class/powercap")  # of Linux; most machines let only root read the counters in it


class EnergyMeter:
    """Adds up the watt-hours between `start` and `stop`, those of a GPU above idle; always None where there
    is no counter."""

    def __init__(self, device: torch.device) -> None:
        on_gpu = device.type == "cuda"
        self.counter, self.longest = _counter(device) if on_gpu else None, inf
        if not on_gpu and (packages := _packages()):
            self.counter, self.longest = packages
        self.idle = _idle_watts(device) if on_gpu and self.counter else 0.0
        self.joules = 0.0

    def start(self) -> None:
        if self.counter:
            self._joules_before = self.counter()
            self._seconds_before = time.perf_counter()

    def stop(self) -> None:
        if self.counter:
            joules = self.counter() - self._joules_before
            seconds = time.perf_counter() - self._seconds_before
            self.joules += joules - self.idle * seconds if seconds < self.longest else inf

    @property
    def watt_hours(self) -> float | None:
        return max(0.0, self.joules) / 3600 if self.counter and isfinite(self.joules) else None


def _counter(device: torch.device) -> Callable[[], float] | None:
    """A function that gives the joules that the GPU has used since its driver was loaded.

    None without NVML or such a counter.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        # By UUID: NVML numbers all devices, torch only those of CUDA_VISIBLE_DEVICES.
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # no library, no driver, no right, an old device
        return None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000


def _packages() -> tuple[Callable[[], float], float] | None:
    """(A function that gives the joules that all processor packages have used since it was made, seconds
    after which a counter may have turned unseen); None without counters that may be read."""
    try:
        tops = [zone for zone in RAPL.glob("intel-rapl:*") if re.fullmatch(r"intel-rapl:\d+", zone.name)]
        # A zone `psys` beside them has the whole machine, packages included.
        zones = [zone for zone in tops if (zone / "name").read_text().startswith("package")]
        ranges = [int((zone / "max_energy_range_uj").read_text()) for zone in zones]
        last = [int((zone / "energy_uj").read_text()) for zone in zones]
    except (OSError, ValueError):
        return None
    if not zones:
        return None
    used = 0

    def joules() -> float:
        nonlocal used
        for i, (zone, largest) in enumerate(zip(zones, ranges, strict=True)):
            now = int((zone / "energy_uj").read_text())
            used += (now - last[i]) % (largest + 1)  # it begins anew at 0
            last[i] = now
        return used / 1e6

    return joules, min(ranges) / 1e6 / MOST_WATTS


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
