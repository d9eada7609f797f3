"""The Adaptive Weighted Super-Resolution Network (Eqs. 1-4, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from harness.models.awms import AWMS
from harness.models.layers import GlobalSkip, Normalise, check_positive, same_conv
from harness.models.parts import Factory, chosen, make
from harness.models.training_form import weighted_residual
from harness.models.units import unit_class


class LRFU(nn.Module):
    """Local residual fusion unit: the end of a local fusion block (Eq. 4).

    ``lambda_res f_red([x^0 .. x^n]) + lambda_x x_{m-1}``, where the ``x^i`` are the
    outputs of the block's residual units and ``x_{m-1}`` is the block's input. The text
    calls ``f_red`` a bottleneck; it is a 3x3 convolution in the authors' network, and
    only that hits the published parameter counts.
    """

    def __init__(self, *, channels: int, num_units: int, kernel_size: int) -> None:
        """Make the fusion of ``num_units`` maps of ``channels`` features."""
        super().__init__()
        self.conv = same_conv(num_units * channels, channels, kernel_size)
        self.lambda_res = nn.Parameter(torch.ones(()))
        self.lambda_x = nn.Parameter(torch.ones(()))

    def forward(self, outputs: Sequence[Tensor], block_input: Tensor) -> Tensor:
        """Fuse the outputs of a block's units with the block's input, Eq. (4).

        Args:
            outputs: One map per unit, each ``(N, channels, H, W)``.
            block_input: What the block was given, ``(N, channels, H, W)``.

        Returns:
            The block's output, ``(N, channels, H, W)``.
        """
        features = torch.cat(list(outputs), 1)
        return weighted_residual(self.lambda_res, self.conv, features, self.lambda_x, block_input)


class AWSRN(nn.Module):
    """AWSRN and every variant of its ablations, told apart by parameters only.

    A local fusion block (LFB) is ``num_units`` residual units and the LRFU behind them.
    The units of all blocks stand in one list, so that the same unit has the same name
    in every variant, with and without fusion.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_blocks: int = 4,
        num_units: int = 4,
        channels: int = 32,
        inner_channels: int = 128,
        unit: str | Factory = "awru",
        fusion: str | Factory = "lrfu",
        fusion_kernel: int | None = 3,
        tail: str | Factory = "awms",
        kernel_sizes: Sequence[int] = (3, 5, 7, 9),
        weighted: bool = True,
        skip_kernel: int = 3,
        lambda_init: Sequence[float] | None = None,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_blocks: LFBs in a row (Eq. 2).
            num_units: Residual units per LFB.
            channels: Features between the units.
            inner_channels: Features inside a unit, before its ReLU.
            unit: ``basic``, ``wru`` or ``awru`` (Fig. 3), or ``scaled``: constant weights; or
                what makes a unit from ``channels`` and ``inner_channels``.
            fusion: ``lrfu`` (Eq. 4), or what makes a fusion from ``channels`` and
                ``num_units``.
            fusion_kernel: Kernel size of the LRFUs; None leaves them out, block
                shortcuts included (AWSRN-NL), but not a fusion of another kind.
            tail: ``awms`` (Eq. 3), or what makes a reconstruction from ``channels`` and
                ``scale``.
            kernel_sizes: Kernel sizes of the reconstruction (Eq. 3).
            weighted: Whether its branches have adaptive weights; False with one
                kernel size is a plain convolution (AWSRN-B).
            skip_kernel: Kernel size of the global path ``f_up`` (Eq. 3).
            lambda_init: Where ``lambda_res`` and ``lambda_x`` of every AWRU start (1 and 1,
                Sec. 4.2), or the constants of every ``scaled`` unit (0.1 and 1).

        A part that is not built in is given ``conv`` besides, the factory of this network's
        convolutions, :func:`harness.models.layers.same_conv`, where it accepts that; a fusion
        ``kernel_size``, and a tail ``kernel_sizes`` and ``weighted``, likewise.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(
            scale=scale,
            num_blocks=num_blocks,
            num_units=num_units,
            channels=channels,
            inner_channels=inner_channels,
        )
        make_unit = unit_class(unit, lambda_init=lambda_init)
        conv: dict[str, Any] = {"conv": same_conv}
        self.scale = scale
        self.num_units = num_units
        self.normalise = Normalise()
        self.head = same_conv(3, channels, 3)
        self.units = nn.ModuleList(
            make(make_unit, offered=conv, channels=channels, inner_channels=inner_channels)
            for _ in range(num_blocks * num_units)
        )
        self.fusions = nn.ModuleList(
            make(
                chosen(fusion, {"lrfu": LRFU}, option="fusion"),
                offered=conv | {"kernel_size": fusion_kernel},
                channels=channels,
                num_units=num_units,
            )
            for _ in range(num_blocks)
            if fusion_kernel is not None or not isinstance(fusion, str)
        )
        self.tail = make(
            chosen(tail, {"awms": AWMS}, option="tail"),
            offered=conv | {"kernel_sizes": kernel_sizes, "weighted": weighted},
            channels=channels,
            scale=scale,
        )
        self.skip = GlobalSkip(scale=scale, kernel_size=skip_kernel)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR to SR by Eqs. (1) to (3).

        Args:
            lr: ``(N, 3, H, W)``, RGB in 0..255.

        Returns:
            SR, ``(N, 3, scale H, scale W)``, RGB in 0..255 but unclipped, in float32.
        """
        normal = self.normalise(lr)
        features = self.map(self.head(normal))  # Eqs. (1) and (2)
        stacked = self.tail(features).float() + self.skip(normal).float()  # Eq. (3)
        return self.normalise.inverse(nn.functional.pixel_shuffle(stacked, self.scale))

    def map(self, features: Tensor) -> Tensor:
        """Apply all LFBs in turn, Eq. (2): ``(N, channels, H, W)`` to the same shape."""
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


def drop_units(network: nn.Module, indices: Iterable[int]) -> None:
    """Replace residual units by the identity, in place: Eq. (5) without ``f_res``.

    A unit then gives its input ``(N, channels, H, W)`` on unchanged. An LRFU (Eq. 4) still
    takes one map per unit, so it keeps its parameters.

    Args:
        network: An AWSRN or WDSR.
        indices: Units to remove, counted from 0 over all blocks.

    Raises:
        ValueError: The network has no such unit, or no longer has it.
    """
    drop = sorted(set(indices))
    if not drop:
        return
    if not isinstance(network, AWSRN):
        raise ValueError("the network has no residual units to drop")
    left = units_left(network)
    missing = [index for index in drop if index not in left]
    if missing:
        raise ValueError(f"no residual unit {missing[0]}: the units are {left}")
    for index in drop:
        network.units[index] = nn.Identity()


def units_left(network: AWSRN) -> tuple[int, ...]:
    """Return the numbers of the residual units that are not dropped."""
    kinds = enumerate(network.units)
    return tuple(index for index, unit in kinds if not isinstance(unit, nn.Identity))
