"""Store and read training state and weights, safely.

Training state is a ``torch`` file read with ``weights_only``, so that a file cannot run
code; finished weights are safetensors.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from harness.errors import CheckpointError, HarnessError
from harness.host.files import write_atomic

STATE_FILE = "checkpoint.pt"
WEIGHTS_FILE = "weights.safetensors"

_FORMAT = 1


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
    """

    fingerprint: str
    step: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    rng: Tensor
    cuda_rng: list[Tensor]
    losses: list[float]
    seconds: float


def write_state(folder: Path, state: TrainingState) -> None:
    """Replace the training state of a cell, atomically.

    Raises:
        CheckpointError: It cannot be written; the earlier state is still there.
    """
    content = {"format": _FORMAT} | {name: getattr(state, name) for name in TrainingState.__slots__}
    # Through memory: torch hides the cause when the disk fails under it.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    _write(folder / STATE_FILE, buffer.getvalue())


def read_state(folder: Path, *, fingerprint: str) -> TrainingState | None:
    """Read the training state of a cell, or return None where it has none.

    Raises:
        CheckpointError: The file is damaged, would run code, or belongs to another cell.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    raw = _load(path)
    if not isinstance(raw, dict) or raw.pop("format", None) != _FORMAT:
        raise CheckpointError(f"'{path}' is not a training checkpoint of this version{_WAY_OUT}")
    try:
        state = TrainingState(**raw)
    except TypeError as error:
        raise CheckpointError(f"'{path}' is not a training checkpoint: {error}{_WAY_OUT}") from (
            error
        )
    if state.fingerprint != fingerprint:
        raise CheckpointError(
            f"'{path}' belongs to another experiment (fingerprint {state.fingerprint[:12]}, "
            f"expected {fingerprint[:12]}){_WAY_OUT}"
        )
    return state


def write_weights(folder: Path, network: nn.Module) -> None:
    """Store the finished weights of a cell, atomically.

    Raises:
        CheckpointError: They cannot be written.
    """
    # Clones: a tensor that stands under two names must not be refused.
    state = network.state_dict().items()
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state}
    _write(folder / WEIGHTS_FILE, save(tensors))


def read_weights(path: Path, network: nn.Module) -> None:
    """Load weights into a network, strictly.

    Raises:
        CheckpointError: The file is damaged, or holds the weights of another network.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"'{path}' is damaged ({error}){_WAY_OUT}") from error
    load_strictly(network, tensors, source=str(path))


def load_strictly(network: nn.Module, tensors: dict[str, Tensor], *, source: str) -> None:
    """Load a state dict whose names and shapes all agree with the network's.

    Raises:
        CheckpointError: They do not; the message names the first difference.
    """
    own = network.state_dict()
    difference = next(
        (
            f"'{name}' is {tuple(tensors[name].shape)}, expected {tuple(own[name].shape)}"
            for name in own.keys() & tensors.keys()
            if own[name].shape != tensors[name].shape
        ),
        None,
    )
    if missing := sorted(own.keys() - tensors.keys()):
        difference = f"'{missing[0]}' is missing"
    elif unknown := sorted(tensors.keys() - own.keys()):
        difference = f"'{unknown[0]}' is not in the network"
    if difference:
        raise CheckpointError(f"'{source}' holds the weights of another network: {difference}")
    network.load_state_dict(tensors)


_WAY_OUT = "; delete it to train this cell again from the start"


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomic(path, content)
    except HarnessError as error:
        kept = " (the earlier one is kept)" if path.is_file() else ""
        raise CheckpointError(f"{error}{kept}") from error


def _load(path: Path) -> Any:
    if not zipfile.is_zipfile(path):  # torch would try other, older formats
        raise CheckpointError(
            f"'{path}' is damaged or no training checkpoint, so it was not opened{_WAY_OUT}"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise CheckpointError(
                f"'{path}' holds more than tensors and would run code when opened, "
                f"so it was not opened{_WAY_OUT}"
            ) from error
        raise CheckpointError(f"'{path}' is damaged{_WAY_OUT}") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"'{path}' is damaged or incomplete{_WAY_OUT}") from error
