"""MemNet (Tai et al., ICCV 2017): memory blocks with gates over all that came before."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.models.layers import check_positive, norm_relu, plain_conv, start_he
from harness.models.luma import MixedNetwork


class MemoryBlock(nn.Module):
    """Residual units that share their two convolutions, and a 1x1 gate (Sec. 3.2).

    Batch norm and ReLU stand before every convolution, and batch norm is not shared.
    """

    def __init__(self, *, channels: int, num_units: int, num_memories: int) -> None:
        """Make a block that has ``num_memories`` long-term memories to read."""
        super().__init__()
        self.first_norms = nn.ModuleList(norm_relu(channels) for _ in range(num_units))
        self.first = plain_conv(channels, channels, 3)
        self.second_norms = nn.ModuleList(norm_relu(channels) for _ in range(num_units))
        self.second = plain_conv(channels, channels, 3)
        gated = (num_memories + num_units) * channels
        self.gate_norm = norm_relu(gated)
        self.gate = plain_conv(gated, channels, 1)

    def forward(self, memories: Sequence[Tensor]) -> Tensor:
        """Map the entry and the earlier blocks' outputs, in order, to ``(N, channels, H, W)``."""
        features = memories[-1]
        recent = []
        for first_norm, second_norm in zip(self.first_norms, self.second_norms, strict=True):
            inner = self.first(first_norm(features))
            features = features + self.second(second_norm(inner))
            recent.append(features)
        everything = torch.cat([*memories, *recent], 1)
        return self.gate(self.gate_norm(everything))  # type: ignore[no-any-return]


class MemNet(MixedNetwork):
    """MemNet M6R6 with 64 channels.

    All memories are reconstructed by one shared convolution, each behind a batch norm of
    its own, and mixed with learned weights (Sec. 3.3). Table 5 counts a single
    reconstruction (:func:`with_one_reconstruction`). The weights start at one over the
    number of blocks here, so that the sum begins as an average; the authors' training file
    starts them all at 1.
    """

    def __init__(
        self, *, scale: int, channels: int = 64, num_blocks: int = 6, num_units: int = 6
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; the layers do not depend on it.
            channels: Features everywhere.
            num_blocks: Memory blocks, ``M``.
            num_units: Residual units per block, ``R``.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale, num_predictions=num_blocks)
        check_positive(channels=channels, num_units=num_units)
        self.entry_norm = norm_relu(1)
        self.entry = plain_conv(1, channels, 3)
        self.blocks = nn.ModuleList(
            MemoryBlock(channels=channels, num_units=num_units, num_memories=1 + block)
            for block in range(num_blocks)
        )
        self.output_norms = nn.ModuleList(norm_relu(channels) for _ in range(num_blocks))
        self.output = plain_conv(channels, 1, 3)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al., with all predictions alike."""
        start_he(self)
        nn.init.constant_(self.mixture, 1 / len(self.mixture))

    def predict(self, y: Tensor) -> list[Tensor]:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to one prediction per block."""
        memories = [self.entry(self.entry_norm(y))]
        for block in self.blocks:
            memories.append(block(memories))
        return [
            y + self.output(norm(memory)).float()
            for norm, memory in zip(
                self.output_norms, memories[-len(self.output_norms) :], strict=True
            )
        ]


def with_one_reconstruction(*, scale: int) -> MemNet:
    """Return MemNet as Table 5 counts its Multi-Adds: only the last memory is reconstructed."""
    network = MemNet(scale=scale)
    network.output_norms = network.output_norms[-1:]
    network.mixture = nn.Parameter(network.mixture[-1:].detach())
    return network
