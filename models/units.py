"""Residual units of Figure 3 (Basic RU, wRU, AWRU), one with constants, and the gate of wRU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from harness.models.layers import in_float32, same_conv, weighted_sum
from harness.models.parts import Factory, chosen
from harness.models.training_form import weighted_residual


def residual_body(channels: int, inner_channels: int) -> nn.Sequential:
    """Return ``f_res`` of Eq. (5): WDSR's wide activation, 3x3 - ReLU - 3x3."""
    return nn.Sequential(
        same_conv(channels, inner_channels, 3),
        nn.ReLU(inplace=True),  # nothing else reads a convolution's output
        same_conv(inner_channels, channels, 3),
    )


class BasicRU(nn.Module):
    """WDSR's residual unit, ``f_res(x) + x`` (Eq. 5, Fig. 3a)."""

    def __init__(self, *, channels: int, inner_channels: int) -> None:
        """Make a unit on ``channels`` features, widened to ``inner_channels`` inside."""
        super().__init__()
        self.body = residual_body(channels, inner_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``f_res(x) + x``, Eq. (5): ``(N, channels, H, W)`` to the same shape."""
        return x + self.body(x)  # type: ignore[no-any-return]


class AWRU(nn.Module):
    """Adaptive weighted residual unit, ``lambda_res f_res(x) + lambda_x x`` (Eq. 6, Fig. 3c).

    The two weights are free scalars that start at 1 (Sec. 4.2): 2 parameters more than
    BasicRU, and no Multi-Adds in the paper's count.
    """

    def __init__(
        self, *, channels: int, inner_channels: int, lambda_init: Sequence[float] = (1.0, 1.0)
    ) -> None:
        """Make a unit on ``channels`` features, widened to ``inner_channels`` inside.

        ``lambda_init`` is where ``lambda_res`` and ``lambda_x`` start.
        """
        super().__init__()
        start_res, start_x = lambda_init
        self.body = residual_body(channels, inner_channels)
        self.lambda_res = nn.Parameter(torch.tensor(float(start_res)))
        self.lambda_x = nn.Parameter(torch.tensor(float(start_x)))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``lambda_res f_res(x) + lambda_x x``, Eq. (6), with learned scalars.

        Args:
            x: ``(N, channels, H, W)``.

        Returns:
            The same shape.
        """
        return weighted_residual(self.lambda_res, self.body, x, self.lambda_x, x)


class ScaledRU(nn.Module):
    """Eq. (6) with both weights constant: EDSR's residual scaling is ``(0.1, 1)``.

    It has the parameters of BasicRU, and is BasicRU at ``(1, 1)``.
    """

    def __init__(
        self, *, channels: int, inner_channels: int, lambda_init: Sequence[float] = (0.1, 1.0)
    ) -> None:
        """Make a unit; ``lambda_init`` are the constants, of ``f_res(x)`` and of ``x``."""
        super().__init__()
        self.body = residual_body(channels, inner_channels)
        self.scale_res, self.scale_x = map(float, lambda_init)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``scale_res f_res(x) + scale_x x``: Eq. (6) with constants.

        Args:
            x: ``(N, channels, H, W)``.

        Returns:
            The same shape.
        """
        return self.scale_res * self.body(x) + self.scale_x * x  # type: ignore[no-any-return]


class Gate(nn.Module):
    """The squeeze-and-excitation box of Fig. 3(b): two images in, two weights out.

    It is computed in float32 also under autocast: bf16 holds a weight near 1 in steps of 0.4 to
    0.8 %.

    Both branches are average-pooled and concatenated; a weight-normalised 1x1
    convolution reduces them eightfold, a ReLU and a second one give two numbers per
    image. With biases that is 548 parameters for 32 channels, which times 16 units is
    the +8768 of Table 1; no other plain layout of the box hits that number.

    The paper leaves the squashing function and the start of the gate open. This gate is
    ``2 sigmoid(.)`` and starts at exactly 1 (gain and bias of the last layer are zero),
    so that wRU begins as BasicRU. A plain sigmoid would halve both branches of every
    unit at step 0, which costs about 4 dB in a short run.
    """

    reduction = 8

    def __init__(self, *, channels: int) -> None:
        """Make a gate for two branches of ``channels`` features each."""
        super().__init__()
        hidden = max(1, 2 * channels // self.reduction)
        self.squeeze = weight_norm(nn.Conv2d(2 * channels, hidden, 1))
        self.excite = weight_norm(nn.Conv2d(hidden, 2, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Close the last layer, so that both weights are 1."""
        gain = self.excite.parametrizations.weight.original0
        nn.init.zeros_(gain)
        nn.init.zeros_(self.excite.bias)

    def forward(self, residual: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the two weights of Eq. (6) from both branches of a unit.

        Args:
            residual: ``f_res(x)``, ``(N, channels, H, W)``.
            x: The unit's input, of the same shape.

        Returns:
            ``lambda_res`` and ``lambda_x``, each ``(N, 1, 1, 1)`` in 0..2.
        """
        pooled = torch.cat([_pooled(x), _pooled(residual)], 1)
        weights = in_float32(self._weights, pooled)
        return weights[:, :1], weights[:, 1:]

    def _weights(self, pooled: Tensor) -> Tensor:
        return 2 * torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))


def _pooled(features: Tensor) -> Tensor:
    """Return the mean of each map, ``(N, C, 1, 1)``, in float32 or better."""
    dtype = torch.promote_types(features.dtype, torch.float32)
    return features.mean((2, 3), keepdim=True, dtype=dtype)


class WeightedRU(nn.Module):
    """The wRU compared in Table 1: Eq. (6) with both weights computed from the image."""

    def __init__(self, *, channels: int, inner_channels: int) -> None:
        """Make a unit on ``channels`` features, widened to ``inner_channels`` inside."""
        super().__init__()
        self.body = residual_body(channels, inner_channels)
        self.gate = Gate(channels=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``lambda_res f_res(x) + lambda_x x``, Eq. (6), with weights from the gate.

        Args:
            x: ``(N, channels, H, W)``.

        Returns:
            The same shape.
        """
        residual = self.body(x)
        lambda_res, lambda_x = self.gate(residual, x)
        return weighted_sum(lambda_res, residual, lambda_x, x)


UNITS: dict[str, Factory] = {"basic": BasicRU, "wru": WeightedRU, "awru": AWRU, "scaled": ScaledRU}


def unit_class(name: str | Factory, *, lambda_init: Sequence[float] | None = None) -> Factory:
    """Return the residual unit of that name.

    Args:
        name: ``basic``, ``wru``, ``awru`` or ``scaled``; or what makes a unit.
        lambda_init: Where the weights of ``awru`` start, or the constants of ``scaled``, of
            ``f_res(x)`` and of ``x``; None for the unit's own.

    Raises:
        ValueError: There is no such unit, it has no such weights, or they are not two numbers.
    """
    unit = chosen(name, UNITS, option="unit")
    if lambda_init is None:
        return unit
    weighted: dict[str, type[AWRU | ScaledRU]] = {"awru": AWRU, "scaled": ScaledRU}
    if not isinstance(name, str) or name not in weighted:
        raise ValueError(f"unit '{name}' takes no lambda_init: only {' and '.join(weighted)} do")
    numbers = [isinstance(value, int | float) for value in lambda_init]
    if numbers != [True, True]:
        raise ValueError(f"lambda_init must be two numbers, not {lambda_init!r}")
    return partial(weighted[name], lambda_init=tuple(lambda_init))
