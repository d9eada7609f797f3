"""The column ``status`` of the published counts: computed, never typed.

A cell of Table 5 that holds a count gets ``exact``, ``explained`` or ``open``; cells that
no count can be compared with stay empty. In the file of networks younger than the paper those of
networks that are not registered get ``printed``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from harness.efficiency.counting.agreement import judge
from harness.efficiency.counting.counted import CountedNetwork
from harness.errors import RecordError
from harness.host.files import write_atomic
from harness.models import registry
from harness.records.counting import Metric
from harness.records.published import Published
from harness.records.published_modern import ModernCell


def statuses(cells: tuple[Published, ...]) -> dict[tuple[str, int, str], str]:
    """Return the status of every cell that holds a count, by label, scale and metric."""
    variants = {variant.label: variant for variant in registry.VARIANTS}
    subjects: dict[tuple[str, int], CountedNetwork] = {}
    by_cell: dict[tuple[str, int, str], str] = {}
    for cell in cells:
        variant = variants.get(cell.label)
        metric: Any = cell.metric
        if variant is None or cell.value is None or metric not in get_args(Metric):
            continue
        key = (cell.label, cell.scale)
        if key not in subjects:
            subjects[key] = CountedNetwork(variant.id, variant.build, scale=cell.scale)
        by_cell[(*key, metric)] = judge(subjects[key], metric, cell.value).status
    return by_cell


def modern_statuses(cells: Iterable[ModernCell]) -> dict[tuple[str, int, str], str]:
    """Return the status of every printed count of networks younger than the paper, likewise."""
    variants = {variant.label: variant for variant in registry.VARIANTS}
    subjects: dict[tuple[str, int, str], CountedNetwork] = {}
    by_cell: dict[tuple[str, int, str], str] = {}
    for cell in cells:
        metric: Any = cell.metric
        variant = variants.get(cell.label)
        if not cell.is_count:
            continue
        status = "printed"
        if variant is not None:
            key = (cell.label, cell.scale, cell.input)
            if key not in subjects:
                subjects[key] = CountedNetwork(
                    variant.id, variant.build, scale=cell.scale, input_px=cell.input_px
                )
            status = judge(subjects[key], metric, cell.value).status
        by_cell[cell.label, cell.scale, cell.metric] = status
    return by_cell


def with_status(text: str, by_cell: dict[tuple[str, int, str], str]) -> str:
    """Return the text of a published CSV file with its column ``status`` filled anew."""
    reader = csv.DictReader(io.StringIO(text))
    columns = [name for name in reader.fieldnames or () if name != "status"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*columns, "status"])
    for row in reader:
        status = by_cell.get((row["label"], int(row["scale"]), row["metric"]), "")
        writer.writerow([*(row[name] for name in columns), status])
    return out.getvalue()


def annotate(path: Path, by_cell: dict[tuple[str, int, str], str]) -> None:
    """Write the column ``status`` of a published CSV file.

    Args:
        path: The file, such as ``results/published/table5.csv``.
        by_cell: The statuses, of :func:`statuses` or :func:`modern_statuses`.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from error
    write_atomic(path, with_status(text, by_cell))
