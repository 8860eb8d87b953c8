"""What a run costs: seconds, energy, FLOPs, memory."""
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
    """Seconds by name (`train_s`, `eval_s`, `setup_s`), FLOPs of training, peak memory since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.flops = device, 0
        self.seconds = dict.fromkeys(SECONDS, 0.0)
        self._counting, self._cpu_s, self._energy = False, 0.0, EnergyMeter(device)
        self._reset_peak()

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Adds the wall-clock seconds of the block to `name`; waits for the device at both ends."""
        self._wait()
        self._energy.start()
        start, cpu = time.perf_counter(), time.process_time()
        yield
        self._wait()
        self.seconds[name] += time.perf_counter() - start
        self._cpu_s += time.process_time() - cpu
        self._energy.stop()

    @contextmanager
    def count_flops(self, times: int = 1) -> Iterator[None]:
        """Adds the block's FLOPs (matrix products and convolutions, forward and backward) `times` over.

        Within another count it adds nothing: the outer one sees all.
        """
        if self._counting:
            yield
            return
        self._counting = True
        try:
            with FlopCounter() as counter:
                yield
        finally:
            self._counting = False
        self.flops += times * counter.flops

    def sheet(self) -> dict[str, float | None]:
        """The cost sheet so far, under the names of the record; all seeds together."""
        cuda = self.device.type == "cuda"
        busy = self.seconds["train_s"] + self.seconds["eval_s"]
        return {**self.seconds, "gpu_hours": busy / 3600 if cuda else None,
                "cpu_hours": self._cpu_s / 3600, "energy_wh": self._energy.watt_hours, "flops": self.flops,
                "peak_mb": self._peak()}

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _reset_peak(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif os.access("/proc/self/clear_refs", os.W_OK):
            try:
                Path("/proc/self/clear_refs").write_text("5")          # resets the peak resident set (Linux)
            except OSError:
                pass                                                   # some containers forbid it: the peak is the process's

    def _peak(self) -> float | None:
        """MB (10^6 bytes): of torch's allocator on CUDA, of the process on a Linux CPU, else None."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6
        try:
            status = Path("/proc/self/status").read_text()
        except OSError:
            return None
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
