"""The graph of a network for images of every size, by ``torch.export``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from harness.deploy.export import any_size, extra
from harness.errors import UsageError
from harness.models.fusing import CannotMerge, fused

AROUND = "network."
"""What the names of a graph's tensors begin with, before those of the network's own."""

_EXAMPLE = (67, 74)  # sides that no window and no multiple fits
_KEPT = ("val", "tensor_meta")
_ON_SIZE = "what it does depends on the size of the image, in ways that no one graph can hold"
_MOST = 2**31  # pixels a side: no limit


class ExportError(UsageError):
    """A network cannot be exported."""


class _Whole(nn.Module):
    """A network by a name of its own, so that no tensor of it is called as a graph's method."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        return self.network(lr)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Traced:
    """The graph of a network.

    Attributes:
        program: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR, in float32.
        scale: Upscaling factor.
        least: The least height and width of LR.
    """

    program: ExportedProgram
    scale: int
    least: tuple[int, int]

    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Return heights and widths of LR to try it on: the least, and odd ones."""
        height, width = self.least
        tried = ((height, width + 1), (17, 31), (29, 24), (45, 37))
        return tuple((max(height, rows), max(width, columns)) for rows, columns in tried)


def trace(network: nn.Module, *, name: str, scale: int) -> Traced:
    """Return the graph of a network in its merged form; the network stays as it is.

    Args:
        network: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR; in evaluation mode.
        name: What messages call it.
        scale: Upscaling factor.

    Raises:
        ExportError: One graph cannot hold what it does; the message says why.
    """
    try:
        merged = fused(network).cpu().float()
    except CannotMerge as error:
        raise ExportError(f"{name} cannot be exported: {error}") from error
    any_size.replace_bicubic(merged)
    example = (torch.zeros(1, 3, *_EXAMPLE),)
    sides = ({2: Dim.DYNAMIC, 3: Dim.DYNAMIC},)
    try:
        with torch.no_grad(), extra.quiet(), any_size.symbolic_sides(merged):
            program = export(_Whole(merged), example, dynamic_shapes=sides)
    except Exception as error:  # a network may raise anything at all
        raise ExportError(f"{name} cannot be exported: {_reason(error)}") from error
    _forget_where_it_was_traced(program)
    return Traced(program, scale, _least(program, name))


def _reason(error: Exception) -> str:
    text = str(error)
    if "Constraints violated" in text or "specialized" in text:
        return _ON_SIZE
    if "data-dependent" in text or "GuardOnDataDependent" in type(error).__name__:
        return "what it does depends on the values of pixels, in ways that no one graph can hold"
    return f"{type(error).__name__}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, 300 characters at most; its kind without a text."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:300]


def _forget_where_it_was_traced(program: ExportedProgram) -> None:
    """Take lines of code and names of files of this machine off the graph."""
    for node in program.graph.nodes:
        node.meta = {key: value for key, value in node.meta.items() if key in _KEPT}


def _least(program: ExportedProgram, name: str) -> tuple[int, int]:
    """Return the least height and width that a graph takes, found by trying it on small images.

    Raises:
        ExportError: It takes none, or there is a largest size.
    """
    if any(limits.upper < _MOST for limits in program.range_constraints.values()):
        raise ExportError(f"{name} cannot be exported: its graph has a largest image")
    graph = program.module()
    for side in range(2, min(_EXAMPLE) + 1):
        try:
            graph(torch.zeros(1, 3, side, side + 1))
            graph(torch.zeros(1, 3, side + 1, side))
        except (AssertionError, RuntimeError):  # one of its guards, or a layer
            continue
        return side, side
    raise ExportError(f"{name} cannot be exported: {_ON_SIZE}")


def noise(height: int, width: int) -> Tensor:
    """Return an image of random 8-bit pixels to compare outputs on, ``(1, 3, height, width)``."""
    generator = torch.Generator().manual_seed(height * 4096 + width)
    return torch.randint(256, (1, 3, height, width), generator=generator).float()
