"""Energy from made-up counters, and the reason where there are none."""

import pytest
import torch

from harness.efficiency.bench.energy import Energy, cpu_meter, gpu_meter, meter


@pytest.fixture
def powercap(tmp_path):
    """Two packages, a part of one, and the platform that holds them all."""
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
    }
    for zone, name in zones.items():
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "energy_uj").write_text("1000000\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("9000000\n")
    return tmp_path


def count(powercap, zone, microjoules):
    (powercap / f"intel-rapl:{zone}" / "energy_uj").write_text(f"{microjoules}\n")


def test_packages_add_up_and_nothing_counts_twice(powercap):
    found = cpu_meter(powercap)
    found.start()
    for zone, microjoules in (("0", 3_500_000), ("0:0", 3_000_000), ("1", 2_000_000), ("2", 8_000)):
        count(powercap, zone, microjoules)
    assert found.stop() == Energy(3.5, "RAPL, 2 CPU packages, all processes")


def test_a_counter_that_ran_over_is_put_right(powercap):
    count(powercap, "0", 8_000_000)
    found = cpu_meter(powercap)
    found.start()
    count(powercap, "0", 500_000)
    assert found.stop().joules == 1.5


def test_a_meter_can_be_started_again(powercap):
    found = cpu_meter(powercap)
    count(powercap, "1", 2_000_000)
    found.start()
    count(powercap, "1", 4_000_000)
    assert found.stop().joules == 2


def test_no_counters_give_the_reason(tmp_path):
    found = cpu_meter(tmp_path)
    found.start()
    assert found.stop() == Energy(None, "no RAPL counters on this machine")


def test_the_system_s_refusal_gives_the_reason(powercap, monkeypatch):
    def refuse(path, encoding=None):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("harness.efficiency.bench.energy._number", refuse)
    assert cpu_meter(powercap).stop() == Energy(None, "RAPL counters are for root only here")


def test_broken_counters_give_the_reason(powercap):
    (powercap / "intel-rapl:0" / "energy_uj").write_text("?\n")
    assert cpu_meter(powercap).stop().note.startswith("RAPL counters cannot be read: ")


class Library:
    """What is called of NVML; the handle it gives is 7."""

    def __init__(self, *, supported=True, start_mj=0):
        self.supported = supported
        self.millijoules = start_mj
        self.asked = None

    def nvmlInit_v2(self):
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid, handle):
        self.asked = uuid
        handle._obj.value = 7
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, value):
        assert handle.value == 7
        value._obj.value = self.millijoules
        return 0 if self.supported else 3


def test_a_gpu_is_found_by_its_name_and_its_millijoules_become_joules():
    library = Library(start_mj=5_000)
    found = gpu_meter("GPU-1", load=lambda name: library)
    library.millijoules = 6_000
    found.start()
    library.millijoules = 8_500
    assert found.stop() == Energy(2.5, "NVML, whole board")
    assert library.asked == b"GPU-1"


def test_a_gpu_without_a_counter_gives_the_reason():
    found = gpu_meter("GPU-1", load=lambda name: Library(supported=False))
    reason = "NVML: nvmlDeviceGetTotalEnergyConsumption failed with code 3"
    assert found.stop() == Energy(None, reason)


def test_a_machine_without_nvml_gives_the_reason():
    def load(name):
        raise OSError(f"{name}: cannot open shared object file")

    assert "cannot open" in gpu_meter("GPU-1", load=load).stop().note


def test_the_cpu_of_this_machine_gives_joules_or_a_reason():
    found = meter("cpu")
    found.start()
    used = found.stop()
    assert (used.joules is None) == ("RAPL," not in used.note)
    assert used.note


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_of_this_machine_gives_joules_or_a_reason():
    found = meter("cuda")
    found.start()
    assert found.stop().note
