"""Adaptive weighted multi-scale reconstruction (Eq. 3) and the removal of its branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from harness.models.layers import same_conv, weigh
from harness.models.training_form import is_plain


class AWMS(nn.Module):
    """Reconstruct ``3 scale^2`` channels by parallel convolutions of several kernel sizes.

    The branches are summed, each times its own scalar ``alpha`` (Eq. 3). The scalars
    start at one over the number of branches, 0.25 for the paper's four (Sec. 4.2).
    One 3x3 branch without weights is the plain tail of WDSR and AWSRN-B.
    """

    def __init__(
        self, *, channels: int, scale: int, kernel_sizes: Sequence[int], weighted: bool
    ) -> None:
        """Make one branch per kernel size.

        Raises:
            ValueError: No kernel size, one twice, an even one, or unweighted branches.
        """
        super().__init__()
        if not kernel_sizes or len(set(kernel_sizes)) != len(kernel_sizes):
            raise ValueError(f"kernel_sizes must be different odd numbers, not {kernel_sizes}")
        if not weighted and len(kernel_sizes) > 1:
            raise ValueError("several branches need weights: weighted must be true")
        self.branches = nn.ModuleDict(
            {f"k{size}": same_conv(channels, 3 * scale**2, size) for size in kernel_sizes}
        )
        start = 1 / len(kernel_sizes)
        self.alpha = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(start)) for name in self.branches} if weighted else {}
        )

    @property
    def kernel_sizes(self) -> tuple[int, ...]:
        """Kernel sizes of the branches that are there, in order."""
        return tuple(int(name[1:]) for name in self.branches)

    def forward(self, features: Tensor) -> Tensor:
        """Return the weighted sum of Eq. (3), without the global path and before the shuffle.

        In training it is one convolution, with the sum of the branches' kernels: convolving is
        linear. Scoring and counting see the branches that the paper has.

        Args:
            features: ``(N, channels, H, W)``.

        Returns:
            ``(N, 3 scale^2, H, W)``.
        """
        sizes = self.kernel_sizes
        if self.training and self.alpha and all(map(_is_same_conv, self.branches.values(), sizes)):
            return self._merged(features)
        first, *others = self.branches
        total = self.branch(first, features)
        for name in others:
            total = total + self.branch(name, features)
        return total

    def _merged(self, features: Tensor) -> Tensor:
        """Return the sum of all branches, their kernels padded with zeros to the largest one."""
        largest = max(self.kernel_sizes)
        kernels, biases = [], []
        for (name, conv), size in zip(self.branches.items(), self.kernel_sizes, strict=True):
            alpha, around = self.alpha[name], (largest - size) // 2
            kernels.append(nn.functional.pad(alpha * cast(Tensor, conv.weight), 4 * [around]))
            biases.append(alpha * cast(Tensor, conv.bias))
        kernel, bias = torch.stack(kernels).sum(0), torch.stack(biases).sum(0)
        return nn.functional.conv2d(features, kernel, bias, padding=largest // 2)

    def branch(self, name: str, features: Tensor) -> Tensor:
        """Return one term ``alpha f_rec(x)`` of the sum in Eq. (3), ``(N, 3 scale^2, H, W)``."""
        output: Tensor = self.branches[name](features)
        return weigh(self.alpha[name], output) if name in self.alpha else output


def _is_same_conv(layer: nn.Module, size: int) -> bool:
    """Tell whether a branch is what :func:`.layers.same_conv` makes, and no more."""
    if not is_plain(layer) or layer.bias is None or layer.groups > 1:
        return False
    same = layer.kernel_size == (size, size) and layer.padding == (size // 2, size // 2)
    return same and layer.stride == layer.dilation == (1, 1)


def drop_branches(network: nn.Module, kernel_sizes: Iterable[int]) -> None:
    """Remove terms from the sum of Eq. (3), in place, as the paper's Table 4 does.

    The network may be trained; the weights of the branches that are left do not change.

    Args:
        network: A network whose ``tail`` is an AWMS module.
        kernel_sizes: Kernel sizes of the branches to remove.

    Raises:
        ValueError: The network has no such branch, or none would be left.
    """
    drop = tuple(kernel_sizes)
    if not drop:
        return
    tail = getattr(network, "tail", None)
    if not isinstance(tail, AWMS) or not tail.alpha:
        raise ValueError("the network has no weighted multi-scale tail to drop branches from")
    missing = sorted(set(drop) - set(tail.kernel_sizes))
    if missing:
        raise ValueError(
            f"no branch of kernel size {missing[0]}: the branches are {tail.kernel_sizes}"
        )
    if set(drop) == set(tail.kernel_sizes):
        raise ValueError("at least one branch must be left")
    for size in set(drop):
        del tail.branches[f"k{size}"]
        del tail.alpha[f"k{size}"]
