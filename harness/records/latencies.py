"""Latencies measured in turn with IMDN's: results/bench/latency.json, of `nox -s bench`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RecordError
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text

FILE_NAME = "latency.json"


@dataclass(frozen=True, slots=True)
class BesideIMDN:
    """The latency of a network beside IMDN's at the same scale; the fields are the keys.

    Attributes:
        name: Id and scale of the network, such as ``rfdn x4``.
        what: What was measured: size of the output, precision, threads.
        turns: How often both were measured, one after the other.
        ratio: Median over the turns of its time over IMDN's.
        least: The smallest of these ratios.
        most: The largest.
        own_s: Median of its seconds.
        imdn_s: Median of IMDN's.
        machine: The processor.
        amx: Whether it has AMX.
        torch: Version of PyTorch.
        script: What measured it.
    """

    name: str
    what: str
    turns: int
    ratio: float
    least: float
    most: float
    own_s: float
    imdn_s: float
    machine: str
    amx: bool
    torch: str
    script: str


def load(results: Path) -> Mapping[tuple[str, int], BesideIMDN]:
    """Return the latencies of one machine by id and scale; none where none are stored.

    Of several machines it is the one with the most networks, the first by name of those alike:
    ratios of two machines do not compare.

    Args:
        results: Results root, with ``results/bench`` below it.

    Raises:
        RecordError: The file is broken.
    """
    path = results / "results" / "bench" / FILE_NAME
    if not path.exists():
        return {}
    try:
        rows = from_json(tuple[BesideIMDN, ...], read_text(path))
    except FormatError as error:
        raise RecordError(f"{path}: {error}") from error
    by_place: dict[tuple[str, int], BesideIMDN] = {}
    networks = Counter(row.machine for row in rows)
    chosen = min(networks, key=lambda machine: (-networks[machine], machine), default="")
    for number, row in enumerate(rows):
        model, _, scale = row.name.rpartition(" x")
        if not model or not scale.isdecimal():
            raise RecordError(f"{path}: [{number}].name: expected 'ID xSCALE', not '{row.name}'")
        if row.machine == chosen and by_place.setdefault((model, int(scale)), row) is not row:
            raise RecordError(f"{path}: {row.name} of {row.machine} stands there twice")
    return by_place
