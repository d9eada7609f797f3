"""The settings of an experiment: typed, frozen, and checked all at once.

Defaults are the paper's (Sec. 4.2). Over them come, in this order, a profile, the
settings of the ablation's file, and the user's ``KEY=VALUE`` arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, get_type_hints

from harness.config import paper
from harness.config.looks import LOOKS
from harness.config.values import Setting, kind_of, read, words_of
from harness.errors import ConfigError, suggest
from harness.host.device import DeviceChoice

Profile = Literal["auto", "smoke", "cpu", "paper"]
Schedule = Literal["halving", "onecycle", "cosine"]
Precision = Literal["auto", "fp32", "bf16-mixed"]

_LARGEST_SEED = 2**32 - 1
_MOST_STEPS = 10**9
_LARGEST_LR = 3e38  # of float32


def _key(
    default: Any,
    doc: str,
    *,
    choices: tuple[int, ...] = (),
    minimum: float = 0,
    maximum: float = _MOST_STEPS,
    users: bool = False,
) -> Any:
    """Declare a setting: default, one line of documentation, what numbers it takes.

    What texts it takes, where not any text, is said by its type.

    The ``users`` ones are set on the command line only: they say where things lie and what
    computes, not what the experiment is.
    """
    metadata = {
        "doc": doc,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "users": users,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained (Sec. 4.2)."""

    steps: int = _key(paper.STEPS, "optimiser steps", minimum=1)
    batch: int = _key(16, "patches per step", minimum=1, maximum=65_536)
    patch: int = _key(48, "side of an LR patch, in pixels", minimum=1, maximum=4096)
    lr: float = _key(
        1e-3,
        "learning rate: at the start (halving) or at the peak",
        minimum=1e-12,
        maximum=_LARGEST_LR,
    )
    schedule: Schedule = _key("halving", "learning-rate schedule over the steps")
    halve_every: int = _key(200_000, "steps between two halvings", minimum=1)
    channels_last: bool | None = _key(
        None,
        "keep channels side by side in memory; default: for registered networks in bf16, on CPUs "
        "that multiply bf16",
    )
    compile: bool = _key(
        False,
        "compile the forward pass (torch.compile; captured in CUDA graphs on a GPU): AWSRN-S and "
        "AWSRN-M some 5 % faster on a CPU, CARN slower; needs a C++ compiler",
    )
    checkpoint_every: int = _key(1000, "steps between two checkpoints", minimum=1)
    log_every: int = _key(50, "steps between two lines of the log", minimum=1)
    eval_every: int = _key(0, "steps between two PSNR readings for the curve; 0: none")


@dataclass(frozen=True)
class DataConfig:
    """What is trained and scored on."""

    root: str | None = _key(
        None, "folder with train/ and benchmark/; default: $HARNESS_DATA", users=True
    )
    train: str = _key(paper.TRAIN_SET, "training set, several joined by +, or a folder of images")
    test: list[str] = _key([], "sets to score; empty: those of the ablation that are present")
    lr: str | None = _key(
        None, "folder of a set's own LR files, or made; default: LR_bicubic or the only one"
    )
    cache: str | None = _key(
        None, "folder for prepared images; default: the user's cache folder", users=True
    )
    workers: int = _key(
        0, "processes that cut patches; 0: the training process itself", maximum=256, users=True
    )
    resident: bool | None = _key(
        None,
        "hold the training set in the device's memory and cut patches there; default: on a GPU, "
        "where it takes at most half of the free memory",
        users=True,
    )


@dataclass(frozen=True)
class ResultsConfig:
    """Where results go."""

    root: str = _key(".", "folder below which results/ and reports/ are written", users=True)


@dataclass(frozen=True)
class TrackingConfig:
    """What is logged to MLflow."""

    mlflow: bool = _key(True, "log to MLflow", users=True)
    uri: str | None = _key(
        None, "MLflow store; default: $MLFLOW_TRACKING_URI, else results/mlflow.db", users=True
    )


@dataclass(frozen=True)
class Config:
    """Every setting of an experiment."""

    profile: Profile = _key("auto", "budget: see the README")
    scale: list[int] = _key([], "upscaling factors; empty: the ablation's", choices=(2, 3, 4, 8))
    seeds: list[int] | Literal["auto"] = _key(
        [],
        "seeds; empty: the ablation's; auto: as many as each row needs, see until",
        maximum=_LARGEST_SEED,
    )
    until: float = _key(
        0.0,
        "with seeds=auto: a row is done when its interval lies above zero, below zero or within "
        "+-until, in dB",
        maximum=100,
    )
    max: int = _key(LOOKS[-1], "with seeds=auto: most seeds of a row", choices=LOOKS)
    rows: list[str] = _key([], "rows to run, by label or model id; empty: all")
    precision: Precision = _key("fp32", "arithmetic; auto: bf16-mixed where it is fast, else fp32")
    device: DeviceChoice = _key("auto", "where to train", users=True)
    devices: int = _key(
        1, "processes, or GPUs, that share each batch", minimum=1, maximum=64, users=True
    )
    threads: int = _key(0, "CPU threads; 0: one per available core", maximum=256, users=True)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)
    results: ResultsConfig = field(default_factory=ResultsConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)

    @property
    def seed_list(self) -> list[int]:
        """The seeds; none where it is left open how many there will be."""
        return [] if isinstance(self.seeds, str) else self.seeds


PROFILES: dict[str, dict[str, Any]] = {
    "smoke": {
        "data.train": "sample",
        "data.test": ["sample"],
        "train.steps": 300,
        "train.batch": 4,
        "train.patch": 16,
        "train.lr": 2e-3,
        "train.schedule": "onecycle",
        "train.checkpoint_every": 50,
        "train.eval_every": 100,
    },
    "cpu": {
        "data.train": "T291",
        "precision": "auto",
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
"""What each profile sets. `paper` is Sec. 4.2, as long as the authors' code has it; the short ones
anneal over their own length, since a halving every 2e5 steps never happens in them."""


@cache
def settings() -> dict[str, Setting]:
    """Return every key of the configuration, dotted, in order."""
    return {setting.key: setting for setting in _settings(Config(), "")}


def _settings(node: Any, prefix: str) -> Iterable[Setting]:
    types = get_type_hints(type(node))
    for item in fields(node):
        value = getattr(node, item.name)
        if item.metadata:
            kind, texts = kind_of(types[item.name])
            limits = {**item.metadata, "choices": texts or item.metadata["choices"]}
            limits["words"] = words_of(types[item.name])
            yield Setting(prefix + item.name, kind, default=value, **limits)
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
            problems.append(f"{_quoted(argument)}: expected KEY=VALUE")
    return values, problems


def make(layers: Iterable[Mapping[str, Any]]) -> tuple[Config, list[str]]:
    """Lay settings over the defaults.

    After a problem it goes on, so that all of them are found.

    Args:
        layers: Dotted keys to values, text or typed; later layers win.

    Returns:
        The configuration, and the problems found. With problems, the keys concerned
        keep their previous value.
    """
    by_key = settings()
    values: dict[str, Any] = {}
    problems: list[str] = []
    for layer in layers:
        for key, value in layer.items():
            if key not in by_key:
                problems.append(f"unknown key {_quoted(key)}{_nearest_key(key, by_key)}")
                continue
            try:
                values[key] = read(by_key[key], value)
            except ValueError as error:
                problems.append(str(error))
    return _replaced(Config(), values), problems


def _replaced(config: Config, values: Mapping[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    own = sections.pop("", {})
    changed = {name: replace(getattr(config, name), **part) for name, part in sections.items()}
    return replace(config, **own, **changed)


def check(problems: list[str]) -> None:
    """Raise every problem at once, if there is any.

    Raises:
        ConfigError: There are problems.
    """
    if problems:
        raise ConfigError(problems)


def plain(config: Config) -> dict[str, Any]:
    """Return a configuration as nested dictionaries of plain values."""
    return asdict(config)


def _nearest_key(key: str, keys: Iterable[str]) -> str:
    names = tuple(keys)
    last = {full.rpartition(".")[2]: full for full in names}
    if key.rpartition(".")[2] in last:  # right name, wrong or missing section
        return f" (did you mean '{last[key.rpartition('.')[2]]}'?)"
    return suggest(key, names)


def _quoted(text: str) -> str:
    """Return what a user wrote, in quotes, in one line and not at length."""
    short = "".join(letter if letter.isprintable() else "?" for letter in text[:80])
    return f"'{short}...'" if len(text) > 80 else f"'{short}'"
