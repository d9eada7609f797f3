"""The settings of an experiment: typed, frozen, and checked all at once.

Defaults are the paper's (Sec. 4.2). Over them come, in this order, a profile, the
settings of the ablation's file, and the user's ``KEY=VALUE`` arguments.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.config import paper
from harness.errors import ConfigError, suggest


def _key(default: Any, doc: str, *, choices: tuple[Any, ...] = (), minimum: float = 0) -> Any:
    """Declare a setting: default, one line of documentation, what values it takes."""
    metadata = {"doc": doc, "choices": choices, "minimum": minimum}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained (Sec. 4.2)."""

    steps: int = _key(paper.STEPS, "optimiser steps", minimum=1)
    batch: int = _key(16, "patches per step", minimum=1)
    patch: int = _key(48, "side of an LR patch, in pixels", minimum=1)
    lr: float = _key(1e-3, "learning rate: at the start (halving) or at the peak", minimum=1e-12)
    schedule: str = _key(
        "halving",
        "learning-rate schedule over the steps",
        choices=("halving", "onecycle", "cosine"),
    )
    halve_every: int = _key(200_000, "steps between two halvings", minimum=1)
    channels_last: bool = _key(
        False, "keep channels side by side in memory: faster in bf16 on CPUs with AMX"
    )
    checkpoint_every: int = _key(1000, "steps between two checkpoints", minimum=1)
    log_every: int = _key(50, "steps between two lines of the log", minimum=1)
    eval_every: int = _key(0, "steps between two PSNR readings for the curve; 0: none")


@dataclass(frozen=True)
class DataConfig:
    """What is trained and scored on."""

    root: str | None = _key(None, "folder with train/ and benchmark/; default: $HARNESS_DATA")
    train: str = _key(paper.TRAIN_SET, "training set, several joined by +, or a folder of images")
    test: list[str] = _key([], "sets to score; empty: those of the ablation that are present")
    lr: str | None = _key(
        None, "folder of a set's own LR files, or made; default: LR_bicubic or the only one"
    )
    cache: str | None = _key(None, "folder for prepared images; default: the user's cache folder")
    workers: int = _key(0, "processes that cut patches; 0: the training process itself")


@dataclass(frozen=True)
class ResultsConfig:
    """Where results go."""

    root: str = _key(".", "folder below which results/ and reports/ are written")


@dataclass(frozen=True)
class TrackingConfig:
    """What is logged to MLflow."""

    mlflow: bool = _key(True, "log to MLflow")
    uri: str | None = _key(
        None, "MLflow store; default: $MLFLOW_TRACKING_URI, else results/mlflow.db"
    )


@dataclass(frozen=True)
class Config:
    """Every setting of an experiment."""

    profile: str = _key("auto", "budget: see the README", choices=("auto", "smoke", "cpu", "paper"))
    scale: list[int] = _key([], "upscaling factors; empty: the ablation's", choices=(2, 3, 4, 8))
    seeds: list[int] = _key([], "seeds; empty: the ablation's")
    rows: list[str] = _key([], "rows to run, by label or model id; empty: all")
    precision: str = _key("fp32", "arithmetic of training", choices=("fp32", "bf16-mixed"))
    device: str = _key("auto", "where to train", choices=("auto", "cpu", "cuda"))
    devices: int = _key(1, "processes, or GPUs, that share each batch", minimum=1)
    threads: int = _key(0, "CPU threads; 0: one per available core")
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)
    results: ResultsConfig = field(default_factory=ResultsConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


PROFILES: dict[str, dict[str, Any]] = {
    "smoke": {
        "data.train": "sample",
        "data.test": ["sample"],
        "train.steps": 300,
        "train.batch": 8,
        "train.patch": 24,
        "train.lr": 2e-3,
        "train.schedule": "onecycle",
        "train.checkpoint_every": 50,
        "train.eval_every": 100,
    },
    "cpu": {
        "data.train": "T291",
        "precision": "bf16-mixed",
        "train.steps": 6000,
        "train.lr": 2e-3,
        "train.schedule": "onecycle",
        "train.checkpoint_every": 100,
        "train.eval_every": 1000,
    },
    "paper": {
        "data.train": paper.TRAIN_SET,
        "train.eval_every": 10_000,
    },
}
"""What each profile sets. `paper` is Sec. 4.2 as printed; the short ones anneal over
their own length, since a halving every 2e5 steps never happens in them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration, for help texts and error messages."""

    key: str
    kind: str
    default: Any
    doc: str
    choices: tuple[Any, ...]
    minimum: float


def settings() -> dict[str, Setting]:
    """Return every key of the configuration, dotted, in order."""
    return {setting.key: setting for setting in _settings(Config(), "")}


def _settings(node: Any, prefix: str) -> Iterable[Setting]:
    for item in fields(node):
        value = getattr(node, item.name)
        if item.metadata:
            yield Setting(
                prefix + item.name,
                str(item.type),
                value,
                item.metadata["doc"],
                item.metadata["choices"],
                item.metadata["minimum"],
            )
        else:
            yield from _settings(value, f"{prefix}{item.name}.")


def parse_arguments(arguments: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Split ``KEY=VALUE`` arguments.

    Returns:
        The values by key, a later one replacing an earlier one, and the problems.

    Example:
        >>> parse_arguments(["seeds=0,1", "train.lr"])
        ({'seeds': '0,1'}, ["'train.lr': expected KEY=VALUE"])
    """
    values: dict[str, str] = {}
    problems = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key:
            values[key] = value
        else:
            problems.append(f"'{argument}': expected KEY=VALUE")
    return values, problems


def make(layers: Iterable[Mapping[str, Any]]) -> tuple[Config, list[str]]:
    """Lay settings over the defaults.

    OmegaConf holds the types; this adds what it does not do: comma lists, the nearest
    known key, allowed values, and going on after a problem.

    Args:
        layers: Dotted keys to values, text or typed; later layers win.

    Returns:
        The configuration, and the problems found. With problems, the keys concerned
        keep their previous value.
    """
    config = cast(DictConfig, OmegaConf.structured(Config))
    for node in (config, config.train, config.data, config.results, config.tracking):
        OmegaConf.set_readonly(node, False)
    by_key = settings()
    problems: list[str] = []
    for layer in layers:
        for key, value in layer.items():
            if key not in by_key:
                problems.append(f"unknown key '{key}'{_nearest_key(key, by_key)}")
                continue
            problem = _set(config, by_key[key], value)
            if problem:
                problems.append(problem)
    return cast(Config, OmegaConf.to_object(config)), problems


def check(problems: list[str]) -> None:
    """Raise every problem at once, if there is any.

    Raises:
        ConfigError: There are problems.
    """
    if problems:
        raise ConfigError(problems)


def plain(config: Config) -> dict[str, Any]:
    """Return a configuration as nested dictionaries of plain values."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.structured(config)))


def _nearest_key(key: str, keys: Iterable[str]) -> str:
    names = tuple(keys)
    last = {full.rpartition(".")[2]: full for full in names}
    if key.rpartition(".")[2] in last:  # right name, wrong or missing section
        return f" (did you mean '{last[key.rpartition('.')[2]]}'?)"
    return suggest(key, names)


def _set(config: DictConfig, setting: Setting, value: Any) -> str | None:
    """Set one key; returns the problem, if there is one."""
    is_list = setting.kind.startswith("list")
    converted = _split(value) if is_list else _scalar(value, setting.kind)
    wanted = _wanted(setting)
    trial = copy.deepcopy(config)
    try:
        OmegaConf.update(trial, setting.key, converted)
    except OmegaConfBaseException:
        return f"{setting.key}={_shown(value)}: expected {wanted}"
    result = OmegaConf.select(trial, setting.key)
    for item in result if is_list else [result]:
        outside = setting.choices and item not in setting.choices
        small = isinstance(item, int | float) and not item >= setting.minimum  # NaN too
        if outside or small or item == "":
            named = isinstance(item, str) and outside
            hint = suggest(item, setting.choices, listing=False) if named else ""
            return f"{setting.key}={_shown(value)}: expected {wanted}{hint}"
    OmegaConf.update(config, setting.key, result)
    return None


def _split(value: Any) -> list[Any]:
    if isinstance(value, str):
        text = value.strip().removeprefix("[").removesuffix("]")
        return [part.strip() for part in text.split(",")] if text else []
    return list(value) if isinstance(value, list | tuple) else [value]


_WHOLE_FLOAT = re.compile(r"[+-]?\d+(\.0*)?([eE]\+?\d+)?$")


def _scalar(value: Any, kind: str) -> Any:
    if not isinstance(value, str):
        return value
    if "None" in kind and value.lower() in ("", "null", "none"):
        return None
    if kind == "int" and _WHOLE_FLOAT.match(value):
        return int(float(value)) if "e" in value.lower() or "." in value else int(value)
    return value


def _wanted(setting: Setting) -> str:
    if setting.choices:
        return "one of " + ", ".join(map(str, setting.choices))
    kind = setting.kind
    limit = f" of at least {setting.minimum:g}" if setting.minimum else ""
    if kind == "int":
        return f"a whole number{limit or ' of at least 0'}"
    if kind == "float":
        return f"a number{limit}"
    if kind == "bool":
        return "true or false"
    if kind == "list[int]":
        return "whole numbers of at least 0, separated by commas"
    return "names, separated by commas" if kind.startswith("list") else "text"


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
