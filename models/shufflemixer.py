"""ShuffleMixer and ShuffleMixer-tiny (Sun et al., NeurIPS 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.channel_norm import ChannelNorm
from harness.models.layers import (
    BLACK,
    Normalise,
    Residual,
    check_positive,
    in_float32,
    plain_conv,
    shuffle_steps,
)

GROUPS = 8
"""In which the channels are shuffled."""

WIDER = 16
"""Channels that the last part of a block adds inside."""


class SplitMixer(nn.Module):
    """A perceptron per pixel on the first half of the channels, then a shuffle of all."""

    def __init__(self, channels: int) -> None:
        """Make it for ``channels`` features, a multiple of 8."""
        super().__init__()
        self.mixed = channels // 2
        self.mix = nn.Sequential(
            plain_conv(self.mixed, channels, 1), nn.SiLU(), plain_conv(channels, self.mixed, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape; channel ``(g d)`` becomes ``(d g)``."""
        both = torch.cat((self.mix(x[:, : self.mixed]), x[:, self.mixed :]), 1)
        batch, channels, height, width = both.shape
        groups = both.view(batch, GROUPS, channels // GROUPS, height, width)
        return groups.transpose(1, 2).reshape(both.shape)


def mixing_layer(channels: int, kernel_size: int) -> nn.Sequential:
    """Return a mixing layer: channels, a large depthwise kernel, channels again."""
    return nn.Sequential(
        Residual(ChannelNorm(channels, eps=1e-5, bias=False), SplitMixer(channels)),
        plain_conv(channels, channels, kernel_size, groups=channels),
        Residual(ChannelNorm(channels, eps=1e-5, bias=False), SplitMixer(channels)),
    )


def mixer_block(channels: int, kernel_size: int) -> nn.Sequential:
    """Return a feature mixing block: two mixing layers, then convolutions."""
    return nn.Sequential(
        Residual(mixing_layer(channels, kernel_size), mixing_layer(channels, kernel_size)),
        Residual(
            plain_conv(channels, channels + WIDER, 3),
            nn.SiLU(),
            plain_conv(channels + WIDER, channels, 1),
        ),
    )


class ShuffleMixer(nn.Module):
    """ShuffleMixer: mixer blocks, and bilinear upscaling beside them.

    RGB in 0..1. No weights of its authors are in public.
    """

    def __init__(
        self, *, scale: int, channels: int = 64, kernel_size: int = 7, num_blocks: int = 5
    ) -> None:
        """Build the network; the defaults are ShuffleMixer's.

        Args:
            scale: Upscaling factor.
            channels: Features, a multiple of 8; 32 in ShuffleMixer-tiny.
            kernel_size: Odd side of the depthwise kernels; 3 in ShuffleMixer-tiny.
            num_blocks: Mixer blocks.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(channels=channels, num_blocks=num_blocks)
        if channels % GROUPS:
            raise ValueError(f"channels must be a multiple of {GROUPS}, not {channels}")
        self.scale = scale
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3, bias=False)
        self.blocks = nn.Sequential(
            *(mixer_block(channels, kernel_size) for _ in range(num_blocks))
        )
        self.upsampling = nn.Sequential()
        for step in shuffle_steps(scale):
            self.upsampling.append(plain_conv(channels, step**2 * channels, 1))
            self.upsampling.append(nn.PixelShuffle(step))
            self.upsampling.append(nn.SiLU())
        self.tail = plain_conv(channels, 3, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        image = self.normalise(lr)
        features = self.upsampling(self.blocks(self.head(image)))
        bilinear = nn.functional.interpolate(
            image, scale_factor=self.scale, mode="bilinear", align_corners=False
        )
        return self.normalise.inverse(in_float32(self.tail, features) + bilinear)
