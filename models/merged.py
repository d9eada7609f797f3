"""Parts and networks in the form that is deployed: fewer convolutions, the same output.

:mod:`harness.models.fusing` makes them from trained networks; nothing here is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from harness.models.layers import in_float32, weigh


def rounded_once(residual: Tensor, shortcut: Tensor, x: Tensor) -> Tensor:
    """Return ``residual + shortcut`` in the precision of ``residual + x``.

    The sum takes the memory of the residual where it can: a convolution made that, and nothing
    else reads it.
    """
    if residual.dtype == shortcut.dtype:
        return residual.add_(shortcut)
    return (residual + shortcut).to(torch.result_type(residual, x))


class MergedUnit(nn.Module):
    """A residual unit whose last kernel holds ``lambda_res`` of Eq. (6).

    Attributes:
        body: The layers, a convolution first and last.
        lambda_x: Weight of the shortcut; None where it is 1.
    """

    lambda_x: Tensor | None

    def __init__(self, body: nn.Sequential, lambda_x: Tensor | None) -> None:
        """Take the layers; a weight that is an ``nn.Parameter`` is counted as one."""
        super().__init__()
        self.body = body
        _keep(self, "lambda_x", lambda_x)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        shortcut = x if self.lambda_x is None else weigh(self.lambda_x, x)
        return rounded_once(self.body(x), shortcut, x)


class MergedFusion(nn.Module):
    """The end of a fusion block, its kernel holding ``lambda_res`` of Eq. (4).

    Attributes:
        conv: The convolution of all units' outputs.
        lambda_x: Weight of the block's input; None where it is 1.
    """

    lambda_x: Tensor | None

    def __init__(self, conv: nn.Conv2d, lambda_x: Tensor | None) -> None:
        """Take the convolution; a weight that is an ``nn.Parameter`` is counted as one."""
        super().__init__()
        self.conv = conv
        _keep(self, "lambda_x", lambda_x)

    def forward(self, outputs: Sequence[Tensor], block_input: Tensor) -> Tensor:
        """Fuse one map per unit with the block's input, each ``(N, C, H, W)``."""
        x = block_input
        shortcut = x if self.lambda_x is None else weigh(self.lambda_x, x)
        return rounded_once(self.conv(torch.cat(list(outputs), 1)), shortcut, x)


def _keep(module: nn.Module, name: str, weight: Tensor | None) -> None:
    if weight is None or isinstance(weight, nn.Parameter):
        module.register_parameter(name, weight)
    else:
        module.register_buffer(name, weight)


class MergedAWSRN(nn.Module):
    """AWSRN or WDSR with one convolution as its tail and no pass for the output's range.

    The tail and the global path give RGB in 0..255: their kernels hold the divisor, and the
    bias of the global path, which is computed in float32, holds both biases and the mean colour.
    The mean is still taken off before: zero padding happens behind that.
    """

    mean: Tensor

    def __init__(
        self,
        *,
        scale: int,
        num_units: int,
        mean: Tensor,
        head: nn.Conv2d,
        units: Sequence[nn.Module],
        fusions: Sequence[nn.Module],
        tail: nn.Conv2d,
        skip: nn.Conv2d,
    ) -> None:
        """Take the parts.

        Args:
            scale: Upscaling factor.
            num_units: Units of a block, where blocks have a fusion.
            mean: Mean RGB in 0..255, ``(1, 3, 1, 1)``.
            head: From the image to features.
            units: The units of all blocks.
            fusions: One a block; none for a chain of units.
            tail: From features to ``3 scale^2`` channels.
            skip: From the image to the same channels.
        """
        super().__init__()
        self.scale = scale
        self.num_units = num_units
        self.register_buffer("mean", mean, persistent=False)
        self.head = head
        self.units = nn.ModuleList(units)
        self.fusions = nn.ModuleList(fusions)
        self.tail = tail
        self.skip = skip

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``, unclipped."""
        shifted = lr - self.mean
        path = in_float32(self.skip, shifted)
        detail = self.tail(self.map(self.head(shifted))).to(path.dtype)
        return nn.functional.pixel_shuffle(path.add_(detail), self.scale)

    def map(self, features: Tensor) -> Tensor:
        """Apply all blocks, Eq. (2): ``(N, C, H, W)`` to the same shape."""
        if not self.fusions:
            for unit in self.units:
                features = unit(features)
            return features
        for block, fusion in enumerate(self.fusions):
            block_input, outputs = features, []
            for unit in self.units[block * self.num_units : (block + 1) * self.num_units]:
                features = unit(features)
                outputs.append(features)
            features = fusion(outputs, block_input)
        return features


def scaled(
    conv: nn.Conv2d, *, out: float = 1.0, into: float | Tensor = 1.0, bias: bool = True
) -> nn.Conv2d:
    """Return a convolution whose output is ``out`` times as large for inputs ``into`` as small.

    Args:
        conv: A convolution and no more; it stays as it is.
        out: Factor of kernel and bias.
        into: Factor of the kernel alone; or one an input channel, ``(C,)``.
        bias: False leaves the bias out.
    """
    kernel = out * _exact(conv.weight)
    kernel = kernel * (into.view(1, -1, 1, 1) if isinstance(into, Tensor) else into)
    kept = out * _exact(conv.bias) if bias and conv.bias is not None else None
    return conv_of(kernel, kept, like=conv)


def with_bias(conv: nn.Conv2d, bias: Tensor) -> nn.Conv2d:
    """Return a convolution with another bias, ``(C_out,)`` in float64."""
    return conv_of(_exact(conv.weight), bias, like=conv)


def conv_of(
    kernel: Tensor,
    bias: Tensor | None,
    *,
    like: nn.Conv2d,
    padding: tuple[int, int] | None = None,
) -> nn.Conv2d:
    """Return a convolution of a kernel in float64, in the precision and place of another.

    Args:
        kernel: ``(C_out, C_in / groups, h, w)``.
        bias: ``(C_out,)``, or None.
        like: Gives precision, device, stride, dilation and groups.
        padding: Zeros around the image; None for those of ``like``.
    """
    conv = nn.Conv2d(
        kernel.shape[1] * like.groups,
        kernel.shape[0],
        cast(tuple[int, int], tuple(kernel.shape[2:])),
        stride=cast(tuple[int, int], like.stride),
        padding=cast(tuple[int, int], like.padding) if padding is None else padding,
        dilation=cast(tuple[int, int], like.dilation),
        groups=like.groups,
        bias=bias is not None,
        device="meta",  # nothing is drawn
    )
    conv.weight = nn.Parameter(kernel.to(like.weight.dtype))
    if bias is not None:
        conv.bias = nn.Parameter(bias.to(like.weight.dtype))
    return conv.eval()


def merged_branches(convs: Sequence[nn.Conv2d], alphas: Sequence[Tensor | float]) -> nn.Conv2d:
    """Return one convolution that gives the weighted sum of several, Eq. (3).

    Args:
        convs: Of one input, each with a bias, odd kernels and zero "same" padding.
        alphas: Their weights.
    """
    largest = max(conv.kernel_size[0] for conv in convs)
    kernels, biases = [], []
    for conv, alpha in zip(convs, alphas, strict=True):
        weight = _exact(alpha) if isinstance(alpha, Tensor) else alpha
        around = (largest - conv.kernel_size[0]) // 2
        kernels.append(nn.functional.pad(weight * _exact(conv.weight), 4 * [around]))
        biases.append(weight * _exact(cast(Tensor, conv.bias)))
    kernel, bias = torch.stack(kernels).sum(0), torch.stack(biases).sum(0)
    return conv_of(kernel, bias, like=convs[0], padding=(largest // 2, largest // 2))


def _exact(weight: Tensor) -> Tensor:
    return weight.detach().double()
