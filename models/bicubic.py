"""Bicubic interpolation as a network without parameters: the baseline row of every table."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from harness.models.resampling import contributions


class Bicubic(nn.Module):
    """MATLAB's bicubic ``imresize`` upwards (a = -0.5, symmetric boundary).

    The weighted sums are gathers and element-wise products, so the network counts no
    Multi-Adds, runs on the meta device and is differentiable.

    Args:
        scale: Upscaling factor.
        rounded: Round and clip to 8 bits after each pass, as MATLAB does with uint8 images.
            Then SR is exactly what ``imresize`` gives for 8-bit LR, and has no gradient.
    """

    def __init__(self, *, scale: int, rounded: bool = False) -> None:
        """Keep the options; there is nothing to learn."""
        super().__init__()
        self.scale = scale
        self.rounded = rounded

    def forward(self, lr: Tensor) -> Tensor:
        """Upscale LR to SR.

        Args:
            lr: (N, C, H, W), 0..255.

        Returns:
            SR, (N, C, scale*H, scale*W), float32 or wider; unclipped unless ``rounded``.
        """
        wide = lr.to(torch.promote_types(lr.dtype, torch.float32))
        return self._resize(self._resize(wide, axis=2), axis=3)

    def unrounded(self) -> Bicubic:
        """Return the same interpolation of values that are no 8-bit levels, never rounded."""
        return Bicubic(scale=self.scale)

    def extra_repr(self) -> str:
        """Show the options in the printed form."""
        return f"scale={self.scale}, rounded={self.rounded}"

    def _resize(self, image: Tensor, *, axis: int) -> Tensor:
        length = int(image.shape[axis])  # a tensor while torch.jit traces
        taps = contributions(length, length * self.scale, Fraction(self.scale))
        indices = torch.from_numpy(taps.indices).to(image.device)
        weights = torch.from_numpy(taps.weights).to(image.device, image.dtype)
        along = [-1 if dimension == axis else 1 for dimension in range(4)]
        # Integer weights: sums over 8-bit pixels are exact in float32 (below 2**24).
        total = torch.zeros((), dtype=image.dtype, device=image.device)
        for tap in range(indices.shape[1]):
            total = total + image.index_select(axis, indices[:, tap]) * weights[:, tap].view(along)
        if self.rounded:
            half_up = (2 * total + taps.denominator) / (2 * taps.denominator)
            return half_up.floor().clamp(0, 255)
        return total / taps.denominator
