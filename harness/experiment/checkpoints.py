"""Store and read training state and weights, safely.

Training state is a ``torch`` file read with ``weights_only``, so that a file cannot run
code, behind a line with its digest; finished weights are safetensors with a digest. The state
before the last one is kept, and used where the last one is damaged.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import CheckpointError, HarnessError
from harness.experiment.training_state import TrainingState
from harness.host.files import reason, write_atomic
from harness.weights import described, torch_file
from harness.weights.sealed import digest, read_sealed, seal
from harness.weights.torch_file import DamagedError

log = logging.getLogger(__name__)

STATE_FILE = "checkpoint.pt"
EARLIER_STATE_FILE = "checkpoint.earlier.pt"
WEIGHTS_FILE = described.WEIGHTS_FILE

_FORMAT = 1
_HEAD = b"awsrn-harness state, sha256 "


def write_state(folder: Path, state: TrainingState) -> None:
    """Store the training state of a cell, atomically; the one before it is kept beside it.

    Raises:
        CheckpointError: It cannot be written; the earlier state is still there.
    """
    content = {"format": _FORMAT} | {name: getattr(state, name) for name in TrainingState.__slots__}
    # Through memory: torch hides the cause when the disk fails under it.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    payload = buffer.getvalue()
    head = _HEAD + hashlib.sha256(payload).hexdigest().encode() + b"\n"
    path, written = folder / STATE_FILE, folder / f".{STATE_FILE}.new"
    _write(written, head + payload, kept=path.is_file())
    try:
        if path.is_file() and _is_whole(path):
            os.replace(path, folder / EARLIER_STATE_FILE)
        os.replace(written, path)
    except OSError as error:
        raise CheckpointError(f"cannot write '{path}': {reason(error)}") from error


def remove_state(folder: Path) -> None:
    """Remove the training state of a cell that is finished."""
    for name in (STATE_FILE, EARLIER_STATE_FILE):
        (folder / name).unlink(missing_ok=True)


def read_state(folder: Path, *, fingerprint: str) -> TrainingState | None:
    """Read the training state of a cell, or return None where it has none.

    Where the last one is damaged, the one before it is taken, and that is said.

    Raises:
        DamagedError: No file is whole; the message is of the last one.
        CheckpointError: The file would run code, or belongs to another cell.
    """
    damage: DamagedError | None = None
    for name in (STATE_FILE, EARLIER_STATE_FILE):
        path = folder / name
        if not path.is_file():
            continue
        try:
            state = _read_state(path, fingerprint)
        except DamagedError as error:
            damage = damage or error
            continue
        if damage:
            log.warning(
                "'%s' is damaged: the checkpoint before it is taken, of step %d",
                folder / STATE_FILE,
                state.step,
            )
        return state
    if damage:
        raise damage
    return None


def _read_state(path: Path, fingerprint: str) -> TrainingState:
    raw = _load(path)
    form = raw.pop("format", None) if isinstance(raw, dict) else None
    if type(form) is not int or form != _FORMAT:  # a tensor has no single answer to !=
        raise CheckpointError(f"'{path}' is not a training checkpoint of this version{_WAY_OUT}")
    try:
        state = TrainingState(**raw)
    except TypeError as error:
        raise CheckpointError(f"'{path}' is not a training checkpoint: {error}{_WAY_OUT}") from (
            error
        )
    if state.fingerprint != fingerprint:
        raise CheckpointError(
            f"'{path}' belongs to another experiment (fingerprint {str(state.fingerprint)[:12]}, "
            f"expected {fingerprint[:12]}){_WAY_OUT}"
        )
    return state


def write_weights(
    folder: Path, network: nn.Module, metadata: Mapping[str, str] | None = None
) -> None:
    """Store the finished weights of a cell, atomically, with what they are to say of themselves.

    Raises:
        CheckpointError: They cannot be written.
    """
    _write(folder / WEIGHTS_FILE, seal(network.state_dict(), metadata))


def read_weights(path: Path, network: nn.Module) -> str:
    """Load weights into a network, strictly; returns their digest.

    Raises:
        CheckpointError: The file is damaged, holds the weights of another network, or values that
            are not finite.
    """
    try:
        sealed = read_sealed(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error}{_WAY_OUT}") from error
    if sealed.metadata and not sealed.digest:  # what says anything of itself has always had one
        raise CheckpointError(f"'{path}' is damaged: its digest is missing{_WAY_OUT}")
    load_strictly(network, sealed.tensors, source=str(path))
    for name, tensor in sealed.tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"'{path}' holds values that are not finite, in '{name}'{_WAY_OUT}"
            )
    return sealed.digest or digest(sealed.tensors)


def load_strictly(network: nn.Module, tensors: dict[str, Tensor], *, source: str) -> None:
    """Load a state dict whose names, shapes and types all agree with the network's.

    Raises:
        CheckpointError: They do not; the message names the first difference.
    """
    own = network.state_dict()
    difference = next(
        filter(
            None,
            (
                _differs(name, tensors[name], own[name])
                for name in sorted(own.keys() & tensors.keys())
            ),
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


def _differs(name: str, tensor: Tensor, own: Tensor) -> str:
    """Say in what a tensor differs from the network's: shape or type; empty where in neither."""
    for is_it, expected in ((tuple(tensor.shape), tuple(own.shape)), (tensor.dtype, own.dtype)):
        if is_it != expected:
            return f"'{name}' is {is_it}, expected {expected}"
    return ""


_WAY_OUT = "; delete it to begin this run again from the start"


def _write(path: Path, content: bytes, *, kept: bool = False) -> None:
    try:
        write_atomic(path, content)
    except HarnessError as error:
        still_there = " (the earlier one is kept)" if kept or path.is_file() else ""
        raise CheckpointError(f"{error}{still_there}") from error


def _is_whole(path: Path) -> bool:
    """Tell whether a file has the digest that it says, or says none."""
    try:
        _payload(path)
    except CheckpointError:
        return False
    return True


def _payload(path: Path) -> bytes:
    """Return the ``torch`` file within a checkpoint; older checkpoints are nothing else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read '{path}': {reason(error)}") from error
    if not content.startswith(_HEAD):
        return content
    head, _, payload = content.partition(b"\n")
    if head.removeprefix(_HEAD) != hashlib.sha256(payload).hexdigest().encode():
        raise DamagedError(f"'{path}' is damaged: it has another digest than it says{_WAY_OUT}")
    return payload


def _load(path: Path) -> Any:
    payload = _payload(path)
    try:
        return torch_file.load(payload, str(path))
    except CheckpointError as error:
        raise type(error)(f"{error}{_WAY_OUT}") from error
