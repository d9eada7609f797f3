"""Build a network and load weights into it, from whatever file they are in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from harness.errors import UsageError
from harness.host.paths import printable
from harness.models.awms import drop_branches
from harness.models.variant import DROP
from harness.weights import files, naming, networks, pretrained, schemes
from harness.weights.pruned import Pruned

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network with the weights of a file.

    Attributes:
        network: The network, in evaluation mode, branches dropped.
        model: Its id.
        scale: Upscaling factor.
        overrides: Constructor arguments that differ from the registered ones.
        drop: Kernel sizes of the AWMS branches that were dropped.
        file: Name of the file; empty for a network that learns nothing.
        sha256: Of the file's bytes.
        names: Whose names the file's tensors have, and under which key they stand where the
            file holds several state dicts.
        key: That key.
        removed: What the file says was pruned from the network; None where it says nothing.
    """

    network: nn.Module
    model: str
    scale: int
    overrides: dict[str, Any] = field(default_factory=dict)
    drop: tuple[int, ...] = ()
    file: str = ""
    sha256: str = ""
    names: str = ""
    key: str = ""
    removed: Pruned | None = None


def build(model: str, *, scale: int, checkpoint: Path | None, key: str | None = None) -> nn.Module:
    """Build a network and load its weights; arguments and errors as for :func:`load`."""
    return load(model, scale=scale, checkpoint=checkpoint, key=key).network


def load(
    model: str,
    *,
    scale: int,
    checkpoint: Path | None,
    overrides: Mapping[str, Any] | None = None,
    drop: Sequence[int] = (),
    key: str | None = None,
) -> Loaded:
    """Build a network and load its weights.

    Args:
        model: Id, ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``.
        scale: Upscaling factor.
        checkpoint: Weights; None for a network that learns nothing, and for the bundled
            weights.
        overrides: Constructor arguments that differ from the registered ones.
        drop: Kernel sizes of AWMS branches to drop.
        key: Which of the file's state dicts; None for the one that is wanted first.

    Raises:
        UsageError: There is no such network, scale or key, or weights are wanting.
        CheckpointError: The weights are of another network, or cannot be read.
    """
    model, own = naming.split(model)
    drop = own.pop(DROP, drop)
    overrides = naming.merged(overrides or {}, own)
    network = networks.build(model, scale=scale, overrides=overrides)
    learns = bool(network.state_dict())
    if checkpoint is None and learns:
        checkpoint = _own_weights(model, scale, as_registered=not overrides)
    if checkpoint is None:
        return Loaded(network.eval(), model, scale, overrides)
    if not learns:
        raise UsageError(f"{model} has no weights: leave out --checkpoint")
    held = files.read(checkpoint)
    taken = schemes.load(network, held, name=f"{model} x{scale}", key=key)
    log.info("'%s' loaded; names: %s", checkpoint, taken)
    try:
        drop_branches(network, drop)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Loaded(
        network.eval(),
        model,
        scale,
        overrides=overrides,
        drop=tuple(drop),
        file=printable(checkpoint.name),
        sha256=held.sha256,
        names=str(taken),
        key=taken.key,
        removed=held.removed,
    )


def _own_weights(model: str, scale: int, *, as_registered: bool) -> Path:
    """Return the bundled weights of a network.

    Raises:
        UsageError: There are none.
    """
    shipped = pretrained.find(model, scale) if as_registered else None
    if shipped is not None:
        log.info("no weights are named: the bundled ones")
        return shipped
    scales = pretrained.scales(model) if as_registered else ()
    listed = ", ".join(f"x{factor}" for factor in scales)
    own = f" (for {listed} some are bundled)" if scales else ""
    raise UsageError(f"{model} x{scale} needs weights: expected --checkpoint FILE{own}")
