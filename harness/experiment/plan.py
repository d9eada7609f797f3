"""Turn an ablation and the user's settings into the cells to run, checking everything first."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config import settings
from harness.config.ablation import Ablation, Row
from harness.config.settings import PROFILES, Config
from harness.data.catalogue import TestSet, TrainSet
from harness.errors import suggest
from harness.experiment import costs, resolve
from harness.experiment.costs import CellCost, slug
from harness.models import registry
from harness.records import published_systems, released
from harness.weights import naming, networks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the ablation at one scale with one seed.

    Attributes:
        row: The row.
        label: The network's name in tables.
        scale: Upscaling factor.
        seed: Seed of start weights and patches; None for a network without parameters.
        cost: Parameters and Multi-Adds of the network as it is trained.
        checkpoint: Weights that are loaded instead of trained.
    """

    row: Row
    label: str
    scale: int
    seed: int | None
    cost: CellCost
    checkpoint: Path | None = None

    @property
    def trained(self) -> bool:
        """Whether there is anything to train."""
        return self.seed is not None

    def name(self) -> str:
        """Return a readable name, the beginning of the record's id."""
        parts = [slug(self.row.model), f"x{self.scale}"]
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
        looks: After how many seeds rows are looked at; empty where their number is fixed. The
            cells then are all that there may be.
        whole: The ablation with all of its rows, where ``rows`` chooses some; None where they are
            those of ``ablation``.
    """

    ablation: Ablation
    config: Config
    why: str
    cells: tuple[Cell, ...]
    train: Mapping[int, tuple[TrainSet, ...]]
    tests: Mapping[int, tuple[TestSet, ...]]
    looks: tuple[int, ...] = ()
    whole: Ablation | None = None

    @property
    def tabulated(self) -> Ablation:
        """The ablation with all rows that its written tables have, run now or not."""
        return self.whole or self.ablation

    @property
    def results(self) -> Path:
        """Folder below which results are written."""
        return Path(self.config.results.root)

    def with_seeds(self, seeds: Mapping[tuple[str, int], int]) -> Plan:
        """Return the plan with the first seeds of each row only: how many, by label and scale."""
        cells = [
            cell
            for cell in self.cells
            if cell.seed is None or cell.seed < seeds.get((cell.row.label, cell.scale), 0)
        ]
        return replace(self, cells=tuple(cells))

    def training_multi_adds(self, cell: Cell) -> int | None:
        """Estimate the Multi-Adds of training a cell: forward, and twice that backward.

        None where the count of the network is in doubt, or that of another form than is trained.
        """
        train = self.config.train
        forward = cell.cost.of_lr_pixels(train.patch**2 * train.batch * train.steps, cell.scale)
        return None if forward is None else round(3 * forward)


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
    all_problems = [*problems, *published_systems.problems(ablation.published)]
    profile, why = resolve.profile(settings.make([ablation.config, arguments])[0])
    config, wrong = settings.make([PROFILES[profile], ablation.config, arguments])
    all_problems += wrong
    scales = list(dict.fromkeys(config.scale or [ablation.scale]))
    config = replace(
        config,
        profile=profile,
        scale=scales,
        threads=config.threads or len(os.sched_getaffinity(0)),
    )
    config, looks = resolve.seeds(ablation, config, arguments, all_problems)
    config = resolve.precision(resolve.device(config, all_problems))
    config = resolve.channels_last(config, ablation.rows)
    whole = replace(ablation, rows=tuple(map(_with_own_options, ablation.rows)))
    ablation = _selected(whole, config.rows, all_problems)
    if looks and ablation.rows != whole.rows:
        resolve.check_bases(ablation, all_problems)
    _warn_of_equal_rows(ablation)
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
    return Plan(ablation, config, why, cells, train, tests, looks, whole)


def _cells(ablation: Ablation, config: Config, problems: list[str]) -> tuple[Cell, ...]:
    """Return the cells, the bicubic reference of each scale first."""
    rows = list(ablation.rows)
    if not any(row.model == "bicubic" for row in rows):
        rows.insert(0, Row("Bicubic", "bicubic"))
    cells = []
    for scale in config.scale:
        results = Path(config.results.root)
        planned = [_planned(row, scale, ablation, results, problems) for row in rows]
        for seed in config.seed_list:
            for row, checkpoint, cost in filter(None, planned):
                label = networks.label(row.model)
                own_seed = None if cost.params == 0 or checkpoint else seed
                cells.append(Cell(row, label, scale, own_seed, cost, checkpoint))
    unique = {(cell.row.label, cell.scale, cell.seed): cell for cell in cells}
    return tuple(unique.values())


def _with_own_options(row: Row) -> Row:
    """Return a row whose model has no options behind its name."""
    model, options = naming.split(row.model)
    return replace(row, model=model, overrides=naming.merged(options, row.overrides))


def _warn_of_equal_rows(ablation: Ablation) -> None:
    """Say which rows compare nothing, because they differ in their labels only."""
    for number, row in enumerate(ablation.rows):
        for other in ablation.rows[:number]:
            if replace(row, label=other.label, base=other.base) == other:
                log.warning(
                    "rows '%s' and '%s' are one network: every number of theirs is the same",
                    other.label,
                    row.label,
                )


def _selected(ablation: Ablation, wanted: Sequence[str], problems: list[str]) -> Ablation:
    """Return the ablation with only the rows asked for, by label or model id."""
    names = [name for row in ablation.rows for name in (row.label, row.model)]
    wanted = _whole(wanted, names)
    problems += [
        f"rows: there is no row '{name}'{suggest(name, names)}"
        for name in wanted
        if name not in names
    ]
    rows = tuple(row for row in ablation.rows if {row.label, row.model} & set(wanted))
    return replace(ablation, rows=rows) if rows else ablation


def _whole(wanted: Sequence[str], names: Sequence[str]) -> list[str]:
    """Join again what a list of settings cut at the commas of a name; the longest name wins."""
    cut = {tuple(part.strip() for part in name.split(",")): name for name in names}
    whole, left = [], list(wanted)
    while left:
        known = [n for n in range(len(left), 0, -1) if tuple(left[:n]) in cut]
        taken = known[0] if known else 1
        whole.append(cut.get(tuple(left[:taken]), left[0]))
        del left[:taken]
    return whole


def _planned(
    row: Row, scale: int, ablation: Ablation, results: Path, problems: list[str]
) -> tuple[Row, Path | None, CellCost] | None:
    """Return a row at one scale, with the weights it loads if any, and what it costs.

    Where systems are compared, those that are not defined at the scale are left out.
    """
    row, checkpoint = _with_weights(row, scale, problems)
    registered = row.model in registry.names()
    if ablation.compares_systems and registered and scale not in registry.get(row.model).scales:
        return None
    cost = costs.cost(row, scale=scale, checkpoint=checkpoint, results=results, problems=problems)
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


def single(name: str) -> Ablation:
    """Return the ablation that has one network as its only row.

    Raises:
        UsageError: There is no such network.
    """
    label = networks.label(name)
    model, options = naming.split(name)
    return Ablation(name=slug(model), title=label, rows=(Row(label, model, options),), base=label)
