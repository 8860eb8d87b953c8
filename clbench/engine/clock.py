"""Measures what a run costs: seconds, energy, FLOPs and memory, for the cost sheet of its record."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from clbench.core.costs import SECONDS
from clbench.engine.energy import EnergyMeter
from clbench.engine.flops import FlopCounter


class Clock:
    """Adds up seconds by name (`train_s`, `eval_s`, `setup_s`), energy and FLOPs, and notes the peak memory.

    The peak is that since the clock began. All figures are of all seeds together.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.flops = 0
        self.seconds = dict.fromkeys(SECONDS, 0.0)
        self._counter: FlopCounter | None = None  # of the open block of `count_flops`
        self._cpu_s = 0.0
        self._apart = [0.0, 0.0]  # seconds by the clock and of the CPU, see `apart`
        self._energy = EnergyMeter(device)
        self._reset_peak()

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Adds the wall-clock seconds of the block to `name`. Waits for the device at both ends."""
        self.wait()
        self._energy.start()
        apart, cpu_apart = self._apart
        start = time.perf_counter()
        cpu = time.process_time()
        yield
        self.wait()
        self.seconds[name] += time.perf_counter() - start - (self._apart[0] - apart)
        self._cpu_s += time.process_time() - cpu - (self._apart[1] - cpu_apart)
        self._energy.stop()

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """Within a block of `measure`: adds the seconds of this block to `name` and to nothing else."""
        self.wait()
        self._energy.stop()
        start, cpu = time.perf_counter(), time.process_time()
        yield
        self.wait()
        taken = time.perf_counter() - start
        self._apart = [self._apart[0] + taken, self._apart[1] + time.process_time() - cpu]
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        self._energy.start()

    @contextmanager
    def count_flops(self, times: int = 1) -> Iterator[None]:
        """Adds the FLOPs of the block, `times` over: those of matrix products and convolutions, both ways.

        Within another such block, which counts it once, it adds the rest.
        """
        if self._counter is not None:
            before = self._counter.flops
            yield
            self._counter.flops += (times - 1) * (self._counter.flops - before)
            return
        try:
            with FlopCounter() as self._counter:
                yield
            self.flops += times * self._counter.flops
        finally:
            self._counter = None

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Within the block nothing is counted, which slows every operator: for repetitions of what was
        counted with their number as `times`."""
        counter, self._counter = self._counter, None
        if counter is None:
            yield
            return
        counter.__exit__(None, None, None)
        try:
            yield
        finally:
            counter.__enter__()
            self._counter = counter

    def repeat(self, times: int) -> Iterator[int]:
        """0 … times - 1, for a loop whose rounds all compute the same: FLOPs are counted in the first and
        taken so many times. The loop must not be left early."""
        if times:
            with self.count_flops(times):
                yield 0
            with self.uncounted():
                yield from range(1, times)

    def sheet(self) -> dict[str, float | None]:
        """The cost sheet so far, by the names that records use."""
        cuda = self.device.type == "cuda"
        busy = self.seconds["train_s"] + self.seconds["eval_s"]
        return {
            **self.seconds,
            "gpu_hours": busy / 3600 if cuda else None,
            "cpu_hours": self._cpu_s / 3600,
            "energy_wh": self._energy.watt_hours,
            "flops": self.flops,
            "peak_mb": self._peak_mb(),
        }

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _reset_peak(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif os.access("/proc/self/clear_refs", os.W_OK):
            try:
                Path("/proc/self/clear_refs").write_text("5")  # resets the peak resident set (Linux)
            except OSError:
                pass  # some containers forbid it: the peak is then the whole process's

    def _peak_mb(self) -> float | None:
        """The peak in MB (10^6 bytes) of torch's allocator on CUDA, of the process on Linux, else None."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6
        try:
            status = Path("/proc/self/status").read_text()
        except OSError:
            return None
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
