"""What the networks of a plan cost: as stored, as recorded by an earlier run, or counted now."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config import paper
from harness.config.ablation import Row
from harness.errors import CheckpointError, HarnessError, PartError
from harness.models import registry
from harness.records import counts, record, released
from harness.records.record import Record
from harness.weights import networks, parts

if TYPE_CHECKING:
    from torch import nn

    from harness.efficiency.counting.counted import CountedNetwork
    from harness.efficiency.counting.multi_adds import Cost

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CellCost:
    """What the network of a cell costs.

    Attributes:
        params: Trainable scalars; None where the network cannot be built.
        multi_adds: Multi-Adds executed for a 1280x720 output; None where the count is in doubt.
        doubts: Why it is.
        remarks: What else is to be known of the network, as in its record.
    """

    params: int | None
    multi_adds: int | None
    doubts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def of_lr_pixels(self, pixels: int, scale: int) -> Fraction | None:
        """Return the Multi-Adds of training on that many LR pixels, forward.

        None where they are not known: the count is in doubt, or is that of another form.
        """
        if self.multi_adds is None or not counts.OTHER_FORMS.isdisjoint(self.remarks):
            return None
        return Fraction(self.multi_adds * pixels * scale**2, prod(paper.OUTPUT_PX))


def cost(
    row: Row, *, scale: int, checkpoint: Path | None, results: Path, problems: list[str]
) -> CellCost | None:
    """Return what a row's network costs; note what is wrong with it, and return None then.

    One that is as registered has a stored count. Of another there may be a record, by a network
    of the same code: then nothing is built, and no torch is loaded. Else it is built, without
    memory if its constructor allows it, and counted; one whose weights are the user's own, as
    they are loaded, because their file may lack parts that were pruned.

    Args:
        row: The row.
        scale: Upscaling factor.
        checkpoint: The weights that it loads; None where it is trained.
        results: Results root, below which records lie.
        problems: Where what is wrong is added.
    """
    where = f"row '{row.label}'"
    try:
        # Now: as it is imported, whatever is edited later.
        code = networks.code_digest(row.model, row.overrides)
        own_weights = checkpoint is not None and checkpoint.name not in released.by_file()
        if not own_weights:
            if stored := _stored(row, scale):
                return stored
            if recorded := _recorded(row, scale, code, results):
                return CellCost(
                    recorded.params, recorded.multi_adds, recorded.count_doubts, recorded.remarks
                )
        return _counted(row, scale, checkpoint if own_weights else None)
    except PartError as error:  # its cells will tell, and stop no other
        log.warning("%s: %s", where, error)
        return CellCost(None, None, (str(error),))
    except (TypeError, ValueError, HarnessError) as error:
        problems.append(f"{where}: {error}")
        return None


def _stored(row: Row, scale: int) -> CellCost | None:
    """Return the stored count of a network that is as registered, None of any other."""
    if row.model not in registry.names() or row.overrides or row.drop:
        return None
    networks.get(row.model).check_scale(scale)
    count = counts.of_model(row.model, scale)
    remarks = counts.merged_remarks(count.params_trained)
    return CellCost(count.params, count.multi_adds, remarks=remarks)


def _recorded(row: Row, scale: int, code: str, results: Path) -> Record | None:
    """Return a record of the same network, None where there is none."""
    for found in _records(results.resolve(), f"{slug(row.model)}-x{scale}"):
        same = parts.portable(found.overrides) == parts.portable(row.overrides)
        same = same and sorted(found.drop) == sorted(row.drop)
        if same and code in found.marks.code and not found.data.weights:
            return found
    return None


@cache
def _records(results: Path, prefix: str) -> tuple[Record, ...]:
    """Return the records whose ids begin so, read once; others than whole ones are left out."""

    def readable() -> Iterator[Record]:
        for path in record.files(results, prefix=prefix):
            with suppress(HarnessError):  # its own cell will tell
                yield record.read_again(path)

    return tuple(readable())


def _counted(row: Row, scale: int, own_weights: Path | None) -> CellCost:
    """Build a network and count it."""
    import torch

    from harness.efficiency.counting.counted import CountedNetwork
    from harness.efficiency.counting.multi_adds import count
    from harness.weights import load

    if own_weights is not None:
        with suppress(CheckpointError):  # the cell will tell
            own, drop = row.overrides, row.drop
            loaded = load.load(
                row.model, scale=scale, checkpoint=own_weights, overrides=own, drop=drop
            )
            return _as_counted(count(loaded.network, scale=scale))
    if networks.is_users(row.model) or parts.named(row.overrides):
        # Their constructors may need tensors with values.
        network = CountedNetwork(row.model, partial(_build, row), scale=scale)
        remarks = networks.remarks(row.model, network.built, row.overrides)
        found = _users(network)
        return replace(found, remarks=(*remarks, *found.remarks))
    with torch.device("meta"):
        return _as_counted(count(_build(row, scale=scale), scale=scale))


def _users(network: CountedNetwork) -> CellCost:
    """Return what a network costs; of one whose forward fails, which its cell will tell, params.

    Raises:
        HarnessError: It cannot be built, or does not return an SR image.
    """
    from harness.efficiency.counting.params import trainable
    from harness.efficiency.counting.trace import ForwardFailed

    try:
        return _as_counted(network.cost)
    except ForwardFailed as error:
        return CellCost(trainable(network.built), None, (str(error),))


def _as_counted(cost: Cost) -> CellCost:
    return CellCost(cost.params, cost.sure_multi_adds, cost.doubts, cost.remarks)


def _build(row: Row, *, scale: int) -> nn.Module:
    """Return the network of a row, branches dropped."""
    from harness.models.awms import drop_branches

    network = networks.build(row.model, scale=scale, overrides=row.overrides)
    drop_branches(network, row.drop)
    return network


def slug(model: str) -> str:
    """Return a model's name fit for a folder: a user's class by its own name.

    Example:
        >>> slug("nets/my_net.py:MyNet")
        'MyNet'
    """
    return "".join(letter if letter.isalnum() else "_" for letter in model.rpartition(":")[2])
