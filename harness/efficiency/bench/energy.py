"""Energy counters of the hardware: RAPL for CPU packages, NVML for NVIDIA GPUs.

Both count the whole package or board, with what it uses when idle and with what other
processes make it do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_POWERCAP = Path("/sys/class/powercap")
_UNREADABLE = "RAPL counters are for root only here"


@dataclass(frozen=True, slots=True)
class Energy:
    """A reading: joules, or None and the reason; with joules, what they belong to."""

    joules: float | None
    note: str


class Meter(Protocol):
    """Measures the energy of a period of time."""

    def start(self) -> None:
        """Begin the period."""

    def stop(self) -> Energy:
        """End the period and return its energy."""


class NoMeter:
    """The meter where no energy can be measured."""

    def __init__(self, reason: str) -> None:
        """Take the reason."""
        self._reason = reason

    def start(self) -> None:
        """Begin nothing."""

    def stop(self) -> Energy:
        """Return the reason."""
        return Energy(None, self._reason)


class Rapl:
    """The energy counters of the CPU packages, as Linux shows them for Intel and AMD."""

    def __init__(self, zones: list[Path]) -> None:
        """Take the folders of the packages.

        Raises:
            OSError: A counter cannot be read.
        """
        self._zones = zones
        self._ranges = [_number(zone / "max_energy_range_uj") for zone in zones]
        self.start()

    def start(self) -> None:
        """Begin the period."""
        self._before = self._counters()

    def stop(self) -> Energy:
        """Return the joules of all packages; a counter may have wrapped around once."""
        spent = [
            now - before if now >= before else now + span - before
            for now, before, span in zip(self._counters(), self._before, self._ranges, strict=True)
        ]
        count = f"{len(spent)} CPU package{'s' if len(spent) > 1 else ''}"
        return Energy(sum(spent) / 1e6, f"RAPL, {count}, all processes")

    def _counters(self) -> list[int]:
        return [_number(zone / "energy_uj") for zone in self._zones]


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


class Nvml:
    """The energy counter of one NVIDIA GPU (Volta and later)."""

    def __init__(self, library: Any, uuid: str) -> None:
        """Find the GPU.

        Args:
            library: The NVML library.
            uuid: The GPU's name; an index would ignore ``CUDA_VISIBLE_DEVICES``.

        Raises:
            OSError: NVML refuses.
        """
        self._library = library
        self._handle = ctypes.c_void_p()
        self._call("nvmlInit_v2")
        self._call("nvmlDeviceGetHandleByUUID", uuid.encode(), ctypes.byref(self._handle))
        self.start()

    def start(self) -> None:
        """Begin the period."""
        self._before = self._millijoules()

    def stop(self) -> Energy:
        """Return the joules of the board."""
        return Energy((self._millijoules() - self._before) / 1e3, "NVML, whole board")

    def _millijoules(self) -> int:
        value = ctypes.c_ulonglong()
        self._call("nvmlDeviceGetTotalEnergyConsumption", self._handle, ctypes.byref(value))
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            raise OSError(f"NVML: {name} failed with code {code}")


def cpu_meter(powercap: Path = _POWERCAP) -> Meter:
    """Return the meter of this machine's CPU packages, or one that says why there is none.

    Args:
        powercap: Where Linux lists its power zones.
    """
    zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if _is_package(zone)]
    if not zones:
        return NoMeter("no RAPL counters on this machine")
    try:
        return Rapl(zones)
    except PermissionError:
        return NoMeter(_UNREADABLE)
    except (OSError, ValueError) as error:
        return NoMeter(f"RAPL counters cannot be read: {error}")


def _is_package(zone: Path) -> bool:
    """Tell packages from their own parts and from the platform that holds them."""
    try:
        return (zone / "name").read_text(encoding="ascii").startswith("package")
    except OSError:
        return False


def gpu_meter(uuid: str, load: Callable[[str], Any] = ctypes.CDLL) -> Meter:
    """Return the meter of a GPU, or one that says why there is none.

    Args:
        uuid: The GPU's name, such as ``GPU-5d6c...``.
        load: Opens a shared library by name.
    """
    try:
        return Nvml(load("libnvidia-ml.so.1"), uuid)
    except (OSError, AttributeError) as error:
        return NoMeter(str(error) or "NVML is not installed")


def meter(device: str) -> Meter:
    """Return the meter of a device, ``cpu`` or ``cuda``."""
    if device == "cpu":
        return cpu_meter()
    import torch

    return gpu_meter(f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}")
