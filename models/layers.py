"""Parts shared by the networks: convolutions, shortcuts, upsamplers, colour normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean RGB colour of the DIV2K training images, in 0..1 (EDSR, Sec. 4)."""

BLACK = (0.0, 0.0, 0.0)
"""The mean for networks that scale the range and do not shift it."""


def same_conv(channels_in: int, channels_out: int, kernel_size: int) -> nn.Conv2d:
    """Return a weight-normalised convolution with bias, stride 1 and zero "same" padding.

    Every convolution of AWSRN and WDSR is of this kind: one learned gain per output
    channel (Salimans & Kingma, 2016; Sec. 4.2 of the AWSRN paper).

    Args:
        channels_in: Input channels.
        channels_out: Output channels.
        kernel_size: Odd side of the kernel, in pixels.

    Raises:
        ValueError: The kernel size is not odd, so that no padding keeps the size.
    """
    conv = plain_conv(channels_in, channels_out, kernel_size)
    weight_norm(conv)
    return conv


def plain_conv(
    channels_in: int, channels_out: int, kernel_size: int, *, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """Return a convolution without weight norm, stride 1 and zero "same" padding.

    Raises:
        ValueError: The kernel size is not odd, so that no padding keeps the size.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive, not {kernel_size}")
    return nn.Conv2d(
        channels_in, channels_out, kernel_size, padding=kernel_size // 2, groups=groups, bias=bias
    )


def norm_relu(channels: int, *, batch_norm: bool = True) -> nn.Module:
    """Return what stands before a convolution in pre-activation networks."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU()) if batch_norm else nn.ReLU()


def start_he(network: nn.Module, *, mode: Literal["fan_in", "fan_out"] = "fan_in") -> None:
    """Draw the weights of all plain convolutions for ReLUs, set their biases to zero.

    Normal, standard deviation ``sqrt(2 / fan)`` (He et al., ICCV 2015; "msra" in Caffe).
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def in_float32(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a layer in float32, also under autocast.

    For what carries the image itself, whose 256 levels bf16 cannot hold, and for learned
    scalars.
    """
    device = x.device.type
    if device != "meta" and torch.is_autocast_enabled(device):
        with torch.autocast(device, enabled=False):
            return layer(x.float())
    return layer(x)


def weigh(weight: Tensor, x: Tensor) -> Tensor:
    """Return ``weight x`` in the precision of the weight, whatever that of ``x``.

    A product of a 0-dimensional float32 tensor and a bf16 one is bf16, and PyTorch rounds the
    scalar to bf16 first: training would see a learned scalar in steps of 0.4 to 0.8 %, and
    scoring would not. With as many dimensions as the image the scalar keeps its digits, and its
    gradient is summed in float32.

    Args:
        weight: One number, of any shape; or one a sample, ``(N, 1, 1, 1)``.
        x: ``(N, C, H, W)``.
    """
    return (weight.view(1, 1, 1, 1) if weight.numel() == 1 else weight) * x


def weighted_sum(weight_res: Tensor, residual: Tensor, weight_x: Tensor, x: Tensor) -> Tensor:
    """Return ``weight_res residual + weight_x x``, in the precision of ``residual + x``.

    The sum is rounded once: under autocast it is handed on in bf16, as the plain sum of a
    unit without weights is, so that units differ by their weights and not by their rounding.
    """
    total = weigh(weight_res, residual) + weigh(weight_x, x)
    return total.to(torch.result_type(residual, x))


def weighted_residual(
    weight_res: Tensor, body: nn.Module, inputs: Tensor, weight_x: Tensor, x: Tensor
) -> Tensor:
    """Return ``weight_res body(inputs) + weight_x x``, as :func:`weighted_sum` does.

    In training, where the last layer is a convolution, its kernel takes the weight: the same
    without a pass over the map. Scoring keeps the order in which stored weights were scored.

    Args:
        weight_res: One number, of any shape.
        body: A layer, or several in an ``nn.Sequential``.
        inputs: What the body is given, ``(N, C, H, W)``.
        weight_x: As ``weight_res``.
        x: Of the shape of the body's output.
    """
    layers: list[nn.Module] = [body]
    if isinstance(body, nn.Sequential) and len(body) and not _hooked(body):
        layers = list(body)
    *before, last = layers
    if not body.training or not is_plain(last):
        return weighted_sum(weight_res, body(inputs), weight_x, x)
    for layer in before:
        inputs = layer(inputs)
    residual = _weighed_conv(weight_res, last, inputs)
    total = residual + weigh(weight_x, x)
    return total.to(torch.result_type(residual, x))


def is_plain(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether a layer is a convolution and no more, so that its kernel says all it does.

    A subclass with a forward pass of its own, padding other than zeros, and hooks are more.
    """
    own = isinstance(layer, nn.Conv2d) and type(layer).forward is nn.Conv2d.forward
    return own and layer.padding_mode == "zeros" and not _hooked(layer)


def _hooked(layer: nn.Module) -> bool:
    hooks = (layer._forward_hooks, layer._forward_pre_hooks)
    return any(map(len, (*hooks, layer._backward_hooks, layer._backward_pre_hooks)))


def _weighed_conv(weight: Tensor, conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return ``weight conv(x)``; kernel and weight are multiplied in their own precision."""
    factor = weight.reshape(())
    bias = None if conv.bias is None else factor * conv.bias
    return nn.functional.conv2d(
        x, factor * conv.weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )


def check_positive(**values: int) -> None:
    """Refuse counts that no network can have.

    Raises:
        ValueError: A value below 1; the message names it.
    """
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")


class Residual(nn.Module):
    """Layers with an identity shortcut: ``x + scaling * body(x)``."""

    def __init__(self, *layers: nn.Module, scaling: float = 1.0) -> None:
        """Wrap layers that keep the shape; ``scaling`` is a constant, not learned."""
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.scaling = scaling

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        residual: Tensor = self.body(x)
        return x + (residual if self.scaling == 1 else self.scaling * residual)


def shuffle_steps(scale: int) -> tuple[int, ...]:
    """Return the factors of the pixel shuffles that make up a scale: 2s, or one 3.

    Raises:
        ValueError: The scale is not 2, 3, 4 or 8.
    """
    steps = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
    if scale not in steps:
        raise ValueError(f"scale must be one of {', '.join(map(str, steps))}, not {scale}")
    return steps[scale]


class Upsampler(nn.Sequential):
    """Sub-pixel upscaling: per step a 3x3 convolution, an activation, a pixel shuffle.

    An activation that treats all elements alike may as well stand behind the shuffle.
    """

    def __init__(
        self,
        *,
        channels: int,
        scale: int,
        groups: int = 1,
        activation: Callable[[], nn.Module] | None = None,
    ) -> None:
        """Upscale ``channels`` features by ``scale``.

        Raises:
            ValueError: The scale is not 2, 3, 4 or 8.
        """
        layers: list[nn.Module] = []
        for step in shuffle_steps(scale):
            layers.append(plain_conv(channels, step**2 * channels, 3, groups=groups))
            if activation is not None:
                layers.append(activation())
            layers.append(nn.PixelShuffle(step))
        super().__init__(*layers)


class Normalise(nn.Module):
    """Map RGB in 0..255 to the range networks work in: ``(x - 255 mean) / divisor``."""

    mean: Tensor

    def __init__(self, mean: Sequence[float] = DIV2K_MEAN, *, divisor: float = 127.5) -> None:
        """Keep the mean colour as a constant: it is in no checkpoint and is not counted.

        Args:
            mean: Mean RGB colour, in 0..1.
            divisor: 127.5 for AWSRN and WDSR; 255 gives a range of width 1, and 1 only
                shifts.
        """
        super().__init__()
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.divisor = divisor

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalise ``(N, 3, H, W)`` RGB in 0..255."""
        return (rgb - self.mean) / self.divisor

    def inverse(self, normal: Tensor) -> Tensor:
        """Return RGB in 0..255, in float32 whatever the precision of the argument."""
        return normal.float() * self.divisor + self.mean


class GlobalSkip(nn.Module):
    """The global residual path ``f_up`` of Eq. (3): one convolution from the LR image.

    It carries almost the whole image, whose 256 levels bf16 cannot hold, so it is
    computed in float32 also under autocast.
    """

    def __init__(self, *, scale: int, kernel_size: int) -> None:
        """Make a path to ``3 scale^2`` channels at LR size."""
        super().__init__()
        self.conv = same_conv(3, 3 * scale**2, kernel_size)

    def forward(self, normal: Tensor) -> Tensor:
        """Return the convolution of ``f_up(I_LR)``, Eq. (3), before the shuffle.

        Args:
            normal: LR, normalised, ``(N, 3, H, W)``.

        Returns:
            ``(N, 3 scale^2, H, W)``, in float32.
        """
        return in_float32(self.conv, normal)
