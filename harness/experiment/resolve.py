"""What the names in the settings mean on this machine: the profile, the device, the image sets."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config.ablation import Ablation, Row
from harness.config.looks import AUTO, looks_to
from harness.config.settings import Config, Profile
from harness.data import catalogue
from harness.data.catalogue import TestSet, TrainSet
from harness.data.fetch import advice
from harness.errors import HarnessError, UsageError
from harness.host.device import choose_device, computes_bf16
from harness.models import registry
from harness.records.selection import base_label
from harness.weights import parts

log = logging.getLogger(__name__)

_OF_AUTO = ("until", "max")


def data_root(config: Config) -> Path | None:
    """Return the folder of data sets: ``data.root``, else the environment's, else none."""
    root = config.data.root or os.environ.get("HARNESS_DATA")
    return Path(os.path.expanduser(root)) if root else None


def profile(asked: Config) -> tuple[Profile, str]:
    """Return the profile, and in words why this one, from the settings that were asked for.

    ``auto`` is ``cpu`` where the training set T291 is there, else ``smoke``, which needs no data.
    """
    if asked.profile != "auto":
        return asked.profile, "as asked"
    root = data_root(asked)
    if root is None:
        return "smoke", "no data root is set (HARNESS_DATA or data.root)"
    try:
        catalogue.find_train("T291", root, 2)
    except HarnessError:
        return "smoke", f"there is no training set T291 under '{root}'"
    return "cpu", f"the training set T291 is under '{root}'"


def device(config: Config, problems: list[str]) -> Config:
    """Return the settings with ``auto`` replaced by a device; note what this machine lacks."""
    try:
        chosen = choose_device(config.device, option="device=")
    except UsageError as error:
        problems.append(str(error))
        chosen = "cuda"
    if chosen == "cuda":
        import torch  # not at the top: a plan without a GPU does without

        if config.devices > (gpus := torch.cuda.device_count()):
            problems.append(f"devices={config.devices}: there are {gpus} GPUs")
    if config.train.batch % config.devices:
        problems.append(
            f"devices={config.devices}: does not divide train.batch={config.train.batch}"
        )
    return replace(config, device=chosen)


def precision(config: Config) -> Config:
    """Return the settings with ``auto`` replaced by an arithmetic; log what costs time here.

    Args:
        config: Settings with a device.
    """
    fast = config.device == "cuda" or computes_bf16()
    if config.precision == "auto":
        if not fast:
            log.info("precision fp32: this CPU has no instructions for bf16")
        return replace(config, precision="bf16-mixed" if fast else "fp32")
    if config.precision == "bf16-mixed" and not fast:
        log.warning(
            "precision=bf16-mixed: this CPU has no instructions for bf16, and may take several "
            "times longer in it than in fp32 (precision=fp32, whose records are others)"
        )
    return config


def channels_last(config: Config, rows: Iterable[Row]) -> Config:
    """Return the settings with the layout of memory chosen, where it is left open.

    Channels side by side are chosen for bf16 on a GPU, and on a CPU that multiplies it, where they
    are faster, and where all networks are registered ones: a user's may ask for the usual layout
    (``view``). They are not chosen by a measurement, which might turn out otherwise at the next
    start: the choice changes the last bits of weights, and is in the fingerprint.

    Args:
        config: Settings with a device.
        rows: All rows of the ablation, so that they share the choice.
    """
    if config.train.channels_last is not None:
        return config
    ours = all(row.model in registry.names() and not parts.named(row.overrides) for row in rows)
    multiplies_bf16 = config.device == "cuda" or computes_bf16()
    fast = config.precision == "bf16-mixed" and multiplies_bf16
    return replace(config, train=replace(config.train, channels_last=ours and fast))


def seeds(
    ablation: Ablation, config: Config, asked: Mapping[str, Any], problems: list[str]
) -> tuple[Config, tuple[int, ...]]:
    """Return the settings with every seed that may be trained, and after how many to look.

    Args:
        ablation: What is compared, all of its rows.
        config: The settings.
        asked: The user's own, which are told where they mean nothing.
        problems: Where what is wrong is added.

    Returns:
        Without ``seeds=auto`` there are no looks.
    """
    if config.seeds != AUTO:
        problems += [f"{key}: expected seeds=auto beside it" for key in _OF_AUTO if key in asked]
        chosen = list(dict.fromkeys(config.seed_list or ablation.seeds))
        return replace(config, seeds=chosen, until=0.0), ()
    if not config.until:
        problems.append("seeds=auto: expected until=DB beside it, such as until=0.03")
    if ablation.compares_systems or len(ablation.rows) < 2:
        problems.append("seeds=auto: expected rows that differ in one thing each, two or more")
    looks = looks_to(config.max)
    return replace(config, seeds=list(range(looks[-1]))), looks


def check_bases(ablation: Ablation, problems: list[str]) -> None:
    """Note rows that are to be looked at (``seeds=auto``) and whose base is not to be run.

    Args:
        ablation: With the rows that are run.
        problems: Where what is wrong is added.
    """
    rows = ablation.rows
    labels = {row.label for row in rows}
    for row in rows:
        base = base_label(row, rows, ablation.base)
        if base not in labels:
            problems.append(
                f"rows: seeds=auto looks at '{row.label}' beside '{base}': expected that among "
                "them, too"
            )
    if len(rows) < 2:
        problems.append("rows: seeds=auto looks at the difference of two rows: expected more")


def train_sets(config: Config, scale: int, problems: list[str]) -> tuple[TrainSet, ...]:
    """Return the parts of the training set; none, and a problem noted, where it is not there."""
    try:
        return catalogue.find_train(config.data.train, data_root(config), scale, lr=config.data.lr)
    except HarnessError as error:
        problems.append(f"data.train={config.data.train}: {error}")
        return ()


def test_sets(
    ablation: Ablation, config: Config, scale: int, problems: list[str]
) -> tuple[TestSet, ...]:
    """Return the test sets asked for, or those of the ablation that are present."""
    names = config.data.test
    if not names:
        root = data_root(config)
        present = catalogue.names(root, "test")
        names = [name for name in ablation.benchmarks if name in present]
        if not names:
            problems.append(
                f"none of the benchmark sets {', '.join(ablation.benchmarks)} is under the data "
                f"root ({root or 'not set'}); set HARNESS_DATA, or data.test=sample for bundled "
                f"images{advice.for_missing(ablation.benchmarks, root, 'test')}"
            )
    tests = [_test_set(name, config, scale, problems) for name in names]
    return tuple(test for test in tests if test is not None)


def _test_set(name: str, config: Config, scale: int, problems: list[str]) -> TestSet | None:
    try:
        return catalogue.find_test(name, data_root(config), scale, lr=config.data.lr)
    except HarnessError as error:
        problems.append(f"data.test={name}: {error}")
        return None
