"""The energy meter on a pretended device: 100 W while it works, 40 W when idle; and on pretended packages."""

import sys
import types

import pytest
import torch

from clbench.engine import energy

CUDA = torch.device("cuda", 0)


@pytest.fixture
def device(monkeypatch):
    """`clock[0]` seconds have passed, `joules[0]` were used; sleeping uses 40 W."""
    now = types.SimpleNamespace(seconds=0.0, joules=500.0)

    def sleep(seconds):
        now.seconds, now.joules = now.seconds + seconds, now.joules + 40 * seconds

    monkeypatch.setattr(energy, "time", types.SimpleNamespace(perf_counter=lambda: now.seconds, sleep=sleep))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: types.SimpleNamespace(uuid="1-2-3")
    )
    monkeypatch.setitem(
        sys.modules,
        "pynvml",
        types.SimpleNamespace(
            nvmlInit=lambda: None,
            nvmlDeviceGetHandleByUUID=lambda uuid: {"GPU-1-2-3": "handle"}[uuid],
            nvmlDeviceGetTotalEnergyConsumption=lambda handle: {"handle": 1000 * now.joules}[handle],
        ),
    )
    energy._idle_watts.cache_clear()
    yield now
    energy._idle_watts.cache_clear()


def test_energy_above_idle_adds_up_over_the_spans_that_are_measured(device):
    meter = energy.EnergyMeter(CUDA)
    for _ in range(2):
        meter.start()
        device.seconds, device.joules = device.seconds + 30, device.joules + 3000
        meter.stop()
        device.joules += 999  # not measured
    assert meter.watt_hours == pytest.approx(2 * (3000 - 40 * 30) / 3600)


def test_without_a_counter_there_is_no_figure(monkeypatch, device):
    def no_counter(handle):
        raise RuntimeError("not supported")

    monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetTotalEnergyConsumption", no_counter)
    meter = energy.EnergyMeter(CUDA)
    meter.start(), meter.stop()
    assert meter.watt_hours is None


def test_on_a_cpu_the_packages_count_and_their_counters_begin_anew(monkeypatch, tmp_path):
    # The last but one is a part of the first, and the last is all of the machine.
    zones = {"intel-rapl:0": 900, "intel-rapl:1": 100, "intel-rapl:0:0": 5, "intel-rapl:2": 7}
    called = dict(zip(zones, ("package-0", "package-1", "core", "psys"), strict=True))
    for name, microjoules in zones.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(called[name])
        (tmp_path / name / "max_energy_range_uj").write_text("999\n")
        (tmp_path / name / "energy_uj").write_text(f"{microjoules}\n")
    monkeypatch.setattr(energy, "RAPL", tmp_path)
    monkeypatch.setattr(energy, "MOST_WATTS", 1e-9)
    meter = energy.EnergyMeter(torch.device("cpu"))
    meter.start()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("150")  # 100 to its end, and 150
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("400")
    meter.stop()
    assert meter.watt_hours == pytest.approx((250 + 300) / 1e6 / 3600)
    meter.longest = 0  # it may have turned more than once
    meter.start(), meter.stop()
    assert meter.watt_hours is None
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()  # as where only root may read it
    assert energy.EnergyMeter(torch.device("cpu")).watt_hours is None
