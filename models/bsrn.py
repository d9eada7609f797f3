"""BSRN and BSRN-S, blueprint separable residual networks (Li et al., CVPRW 2022)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from harness.models.imdn import ContrastAttention
from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.rfdn import DeepSpatialAttention

REPEATS = 4
"""How often the image stands in the first layer's input."""


class BlueprintConv(nn.Module):
    """Blueprint separable convolution: 1x1 over the channels, then depthwise.

    With a stride, the 1x1 convolution still runs on the full grid.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel_size: int = 3,
        *,
        biased: bool = False,
        stride: int = 1,
    ) -> None:
        """Make a convolution.

        Args:
            channels_in: Input channels.
            channels_out: Output channels.
            kernel_size: Odd side of the depthwise kernel.
            biased: Whether the 1x1 convolution has a bias, as in BSRN-S; the other has one.
            stride: Of the depthwise kernel, which is then not padded.
        """
        super().__init__()
        self.pointwise = plain_conv(channels_in, channels_out, 1, bias=biased)
        self.depthwise = nn.Conv2d(
            channels_out,
            channels_out,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 if stride == 1 else 0,
            groups=channels_out,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H, W)``, or fewer pixels."""
        return self.depthwise(self.pointwise(x))  # type: ignore[no-any-return]


class ChannelGain(nn.Module):
    """A learned gain per channel, and a 1x1 convolution: what BSRN-S has for attention."""

    def __init__(self, channels: int) -> None:
        """Start the gains from a normal distribution around 1, deviation 0.2."""
        super().__init__()
        self.gain = nn.Parameter(torch.empty(1, channels, 1, 1))
        self.fusion = plain_conv(channels, channels, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the gains anew."""
        nn.init.normal_(self.gain, 1.0, 0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        return self.fusion(self.gain * x)  # type: ignore[no-any-return]


class DistillationBlock(nn.Module):
    """Efficient separable distillation block."""

    def __init__(self, channels: int, *, small: bool) -> None:
        """Make a block on ``channels`` features; ``small`` as in BSRN-S."""
        super().__init__()
        kept = channels // 2
        separable = partial(BlueprintConv, biased=small)
        self.distilled = nn.ModuleList(plain_conv(channels, kept, 1) for _ in range(3))
        self.refined = nn.ModuleList(separable(channels, channels) for _ in range(3))
        self.last = separable(channels, kept)
        self.fusion = plain_conv(4 * kept, channels, 1)
        self.spatial = DeepSpatialAttention(
            channels, channels // 4, conv=separable, activation=nn.GELU
        )
        if not small:
            stride = BlueprintConv(channels // 4, channels // 4, stride=2)
            self.spatial.stride = stride  # type: ignore[assignment]
        self.channel = ChannelGain(channels) if small else ContrastAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        features, kept = x, []
        for distil, refine in zip(self.distilled, self.refined, strict=True):
            kept.append(nn.functional.gelu(distil(features)))
            features = nn.functional.gelu(refine(features) + features)
        kept.append(nn.functional.gelu(self.last(features)))
        return x + self.channel(self.spatial(self.fusion(torch.cat(kept, 1))))  # type: ignore[no-any-return]


class BSRN(nn.Module):
    """BSRN. RGB in 0..1, four times on the channels; no skip to the image."""

    def __init__(
        self, *, scale: int, channels: int = 64, num_blocks: int = 8, small: bool = False
    ) -> None:
        """Build the network; the defaults are BSRN's.

        Args:
            scale: Upscaling factor.
            channels: Features, at least 4; 48 in BSRN-S.
            num_blocks: Distillation blocks; 5 in BSRN-S.
            small: Whether its layers are those of BSRN-S: biases in all 1x1 convolutions, a
                plain strided convolution, gains instead of channel attention.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks)
        if channels < 4:
            raise ValueError(f"channels must be at least 4, not {channels}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = BlueprintConv(3 * REPEATS, channels, biased=small)
        self.blocks = nn.ModuleList(
            DistillationBlock(channels, small=small) for _ in range(num_blocks)
        )
        self.fusion = plain_conv(num_blocks * channels, channels, 1)
        self.smooth = BlueprintConv(channels, channels, biased=small)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = self.head(torch.cat([self.normalise(lr)] * REPEATS, 1))
        features, outputs = head, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused = nn.functional.gelu(self.fusion(torch.cat(outputs, 1)))
        features = self.smooth(fused) + head
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))
