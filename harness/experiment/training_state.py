"""What a training needs to go on where it stopped, held to its declaration."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.records.readings import Readings


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything that training needs to go on as if it had never stopped.

    Attributes:
        fingerprint: Of the cell the state belongs to.
        step: Steps done; also the position of the patch sampler and of the schedule.
        network: State dict of the network.
        optimizer: State dict of the optimiser.
        rng: State of PyTorch's CPU generator.
        cuda_rng: States of its CUDA generators, one per device.
        losses: Loss of the last steps, newest last.
        seconds: Training time so far.
        readings: The fields of the readings so far; empty in states of before they were kept.
    """

    fingerprint: str
    step: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    rng: Tensor
    cuda_rng: list[Tensor]
    losses: list[float]
    seconds: float
    readings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is not of the declared kind, so that no file can bring it in.

        Raises:
            TypeError: A value is not; the message names it.
        """
        for name, (is_right, wanted) in _KINDS.items():
            if not is_right(getattr(self, name)):
                raise TypeError(f"expected {name} to be {wanted}")


def _is_number(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_generator(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype is torch.uint8 and value.ndim == 1


def _is_tensors(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) and not tensor.is_meta
        for name, tensor in value.items()
    )


def _is_list(value: object, of: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and all(map(of, value))


def _is_readings(value: object) -> bool:
    """Tell whether readings are what a record may hold: the fields, with numbers of their kind."""
    if not isinstance(value, dict) or value.keys() - asdict(Readings()).keys():
        return False
    columns = {name: column for name, column in value.items() if name != "set"}
    right = isinstance(value.get("set", ""), str) and all(
        isinstance(column, tuple)
        and all(
            type(number) is int if name.endswith("steps") else _is_number(number)
            for number in column
        )
        for name, column in columns.items()
    )
    try:
        return right and bool(Readings(**value))
    except ValueError:
        return False


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "fingerprint": (lambda value: isinstance(value, str), "text"),
    "step": (lambda value: type(value) is int and value >= 0, "a whole number from 0"),
    "network": (_is_tensors, "tensors by name"),
    "optimizer": (lambda value: isinstance(value, dict), "a state dict"),
    "rng": (_is_generator, "the state of a generator"),
    "cuda_rng": (lambda value: _is_list(value, _is_generator), "states of generators"),
    "losses": (lambda value: _is_list(value, _is_number), "finite numbers"),
    "seconds": (lambda value: _is_number(value) and value >= 0, "a finite number from 0"),
    "readings": (_is_readings, "readings of the training"),
}
"""What the values of a state must be, and how that is said."""
