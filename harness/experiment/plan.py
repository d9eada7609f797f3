"""Turn an ablation and the user's settings into the cells to run, checking everything first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.config import settings
from harness.config.ablation import Ablation, Row
from harness.config.settings import PROFILES, Config
from harness.data.catalogue import TestSet, TrainSet
from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.multi_adds import Cost, count
from harness.efficiency.counting.params import trainable
from harness.efficiency.counting.trace import ForwardFailed
from harness.errors import CheckpointError, HarnessError, suggest
from harness.experiment import resolve
from harness.models import registry
from harness.models.awms import drop_branches
from harness.models.variant import Variant
from harness.records import counts, released
from harness.records.counts import Count
from harness.weights import load, networks


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the ablation at one scale with one seed.

    Attributes:
        row: The row.
        label: The network's name in tables.
        scale: Upscaling factor.
        seed: Seed of start weights and patches; None for a network without parameters.
        cost: Parameters and Multi-Adds of the network as it is trained, as stored where it
            is as registered.
        checkpoint: Weights that are loaded instead of trained.
    """

    row: Row
    label: str
    scale: int
    seed: int | None
    cost: Cost | Count
    checkpoint: Path | None = None

    @property
    def trained(self) -> bool:
        """Whether there is anything to train."""
        return self.seed is not None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the Multi-Adds may not be right; stored counts have been checked before."""
        return self.cost.doubts if isinstance(self.cost, Cost) else ()

    def name(self) -> str:
        """Return a readable name, the beginning of the record's id."""
        parts = [_slug(self.row.model), f"x{self.scale}"]
        return "-".join([*parts, f"s{self.seed}"] if self.trained else parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one command is about to do.

    Attributes:
        ablation: What is compared.
        config: Settings with every automatic choice made.
        why: Why this profile, in a sentence.
        cells: What to run, in order: all rows of the first seed, then the next.
        train: Parts of the training set, by scale.
        tests: Sets to score, by scale.
    """

    ablation: Ablation
    config: Config
    why: str
    cells: tuple[Cell, ...]
    train: Mapping[int, tuple[TrainSet, ...]]
    tests: Mapping[int, tuple[TestSet, ...]]

    @property
    def results(self) -> Path:
        """Folder below which results are written."""
        return Path(self.config.results.root)

    def training_multi_adds(self, cell: Cell) -> int | None:
        """Estimate the Multi-Adds of training a cell: forward, and twice that backward.

        None where the count of the network is in doubt.
        """
        if cell.doubts:
            return None
        train = self.config.train
        per_pixel = cell.cost.multi_adds / cell.cost.lr_px
        return round(3 * per_pixel * train.patch**2 * train.batch * train.steps)


def make(ablation: Ablation, arguments: Mapping[str, Any], problems: Iterable[str] = ()) -> Plan:
    """Plan an ablation.

    Args:
        ablation: What is compared.
        arguments: The user's settings, text by dotted key.
        problems: Problems found before, reported together with the new ones.

    Raises:
        ConfigError: Anything is unknown, mistyped or cannot be combined; all of it is
            listed, and nothing has been trained.
    """
    all_problems = list(problems)
    profile, why = resolve.profile(settings.make([ablation.config, arguments])[0])
    config, wrong = settings.make([PROFILES[profile], ablation.config, arguments])
    all_problems += wrong
    scales = list(dict.fromkeys(config.scale or [ablation.scale]))
    config = replace(
        config,
        profile=profile,
        scale=scales,
        seeds=list(dict.fromkeys(config.seeds or ablation.seeds)),
        threads=config.threads or len(os.sched_getaffinity(0)),
    )
    config = resolve.device(config, all_problems)
    ablation = _selected(ablation, config.rows, all_problems)
    cells = _cells(ablation, config, all_problems)
    train = {}
    planned = {cell.row.label for cell in cells}
    failed = any(row.label not in planned for row in ablation.rows)
    if failed or any(cell.trained for cell in cells):
        train = {scale: resolve.train_sets(config, scale, all_problems) for scale in scales}
    tests = {scale: resolve.test_sets(ablation, config, scale, all_problems) for scale in scales}
    settings.check(all_problems)
    names = list(dict.fromkeys(test.name for scale in scales for test in tests[scale]))
    config = replace(config, data=replace(config.data, test=names))
    return Plan(ablation, config, why, cells, train, tests)


def _cells(ablation: Ablation, config: Config, problems: list[str]) -> tuple[Cell, ...]:
    """Return the cells, the bicubic reference of each scale first."""
    rows = list(ablation.rows)
    if not any(row.model == "bicubic" for row in rows):
        rows.insert(0, Row("Bicubic", "bicubic"))
    cells = []
    for scale in config.scale:
        planned = [_planned(row, scale, ablation, problems) for row in rows]
        for seed in config.seeds:
            for row, checkpoint, cost in filter(None, planned):
                label = networks.get(row.model).label
                own_seed = seed if cost.params and checkpoint is None else None
                cells.append(Cell(row, label, scale, own_seed, cost, checkpoint))
    unique = {(cell.row.label, cell.scale, cell.seed): cell for cell in cells}
    return tuple(unique.values())


def _selected(ablation: Ablation, wanted: Sequence[str], problems: list[str]) -> Ablation:
    """Return the ablation with only the rows asked for, by label or model id."""
    names = [name for row in ablation.rows for name in (row.label, row.model)]
    problems += [
        f"rows: there is no row '{name}'{suggest(name, names)}"
        for name in wanted
        if name not in names
    ]
    rows = tuple(row for row in ablation.rows if {row.label, row.model} & set(wanted))
    return replace(ablation, rows=rows) if rows else ablation


def _planned(
    row: Row, scale: int, ablation: Ablation, problems: list[str]
) -> tuple[Row, Path | None, Cost | Count] | None:
    """Return a row at one scale, with the weights it loads if any, and what it costs.

    Where systems are compared, those that are not defined at the scale are left out.
    """
    row, checkpoint = _with_weights(row, scale, problems)
    registered = row.model in registry.names()
    if ablation.compares_systems and registered and scale not in registry.get(row.model).scales:
        return None
    cost = _cost(row, scale, checkpoint, problems)
    return (row, checkpoint, cost) if cost else None


def _with_weights(row: Row, scale: int, problems: list[str]) -> tuple[Row, Path | None]:
    """Return the row as its first weights that are there have it, and their file.

    Public weights that are not there are done without: the row is trained. A user's own
    must be there.
    """
    public = released.by_file() if row.checkpoint else {}
    folder = os.environ.get("HARNESS_CHECKPOINTS", "")
    for name in row.checkpoint:
        if known := public.get(name):
            path = Path(folder, name)
            if scale in known.scales and folder and path.is_file():
                return replace(row, model=known.model, overrides={}), path
            continue
        places = [Path(name.replace("{scale}", str(scale))).expanduser()]
        places += [Path(folder) / places[0]] if folder else []
        for path in places:
            if path.is_file():
                return row, path
        problems.append(
            f"row '{row.label}': there is no file '{places[0]}', here or in HARNESS_CHECKPOINTS"
            f"{suggest(name, public, listing=False)}"
        )
    return row, None


def _cost(
    row: Row, scale: int, checkpoint: Path | None, problems: list[str]
) -> Cost | Count | None:
    """Return what a row's network costs; note what is wrong with it.

    One that is as registered has a stored count. Another is built, without memory if its
    constructor allows it, and counted; one whose weights are the user's own, as they are
    loaded, because their file may lack parts that were pruned.
    """
    where = f"row '{row.label}'"
    try:
        variant = networks.get(row.model)
        networks.code_digest(row.model)  # now: as it was imported, whatever is edited later
        options = variant.options() if row.overrides else ()
        unknown = [key for key in row.overrides if key not in options]
        for key in unknown:
            problems.append(f"{where}: {row.model} has no option '{key}'{suggest(key, options)}")
        if unknown:
            return None
        variant.check_scale(scale)
        if checkpoint is not None and checkpoint.name not in released.by_file():
            with suppress(CheckpointError):  # the cell will tell
                own, drop = row.overrides, row.drop
                loaded = load.load(
                    row.model, scale=scale, checkpoint=checkpoint, overrides=own, drop=drop
                )
                return count(loaded.network, scale=scale)
        if networks.is_users(row.model):  # its constructor may need tensors with values
            build = partial(_build, variant, row)
            return _counted(CountedNetwork(row.model, build, scale=scale))
        if not row.overrides and not row.drop:
            return counts.of_model(row.model, scale)
        with torch.device("meta"):
            return count(_build(variant, row, scale=scale), scale=scale)
    except (TypeError, ValueError, HarnessError) as error:
        problems.append(f"{where}: {error}")
        return None


def _counted(network: CountedNetwork) -> Cost:
    """Return what a network costs; of one whose forward fails, which its cell will tell, params.

    Raises:
        HarnessError: It cannot be built, or does not return an SR image.
    """
    try:
        return network.cost
    except ForwardFailed as error:
        params = trainable(network.network)
        return Cost(params, params, 0, 0, 0, 0, lr_px=Fraction(0), doubts=(str(error),))


def _build(variant: Variant, row: Row, *, scale: int) -> nn.Module:
    """Return the network of a row, branches dropped."""
    network: nn.Module = variant.build(scale=scale, **row.overrides)
    drop_branches(network, row.drop)
    return network


def _slug(model: str) -> str:
    """Return a model's name fit for a folder: a user's class by its own name.

    Example:
        >>> _slug("nets/my_net.py:MyNet")
        'MyNet'
    """
    return "".join(letter if letter.isalnum() else "_" for letter in model.rpartition(":")[2])


def single(name: str) -> Ablation:
    """Return the ablation that has one network as its only row.

    Raises:
        UsageError: There is no such network.
    """
    label = networks.get(name).label
    return Ablation(name=_slug(name), title=label, rows=(Row(label, name),), base=label)
