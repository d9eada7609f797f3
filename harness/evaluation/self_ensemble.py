"""Self-ensemble: the mean over the flips and transposes of an image."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

ForwardPass = Callable[[Tensor], Tensor]


class SelfEnsemble(nn.Module):
    """The "+" of EDSR+ and others: the mean over the 8 flips and transposes of the image.

    Each of them is upscaled and turned back (Timofte et al., CVPR 2016, Sec. 3.3; Lim et al.,
    CVPRW 2017, Sec. 4.4). It costs 8 runs, one after the other, and no more memory than one.
    The mean is of unrounded images.
    """

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network, which keeps its own mode and device."""
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        return ensemble(self.network, lr)


def ensemble(run: ForwardPass, lr: Tensor) -> Tensor:
    """Return the mean of a network's output over the 8 flips and transposes of LR.

    Args:
        run: Maps ``(N, C, H, W)`` to ``(N, C', scale H, scale W)``.
        lr: ``(N, C, H, W)``.
    """
    total: Tensor | None = None
    for transposed in (False, True):
        for flips in ((), (2,), (3,), (2, 3)):
            turned = lr.flip(flips)
            output = run(turned.mT.contiguous()).mT if transposed else run(turned)
            back = output.flip(flips)
            total = back if total is None else total + back
    assert total is not None
    return total / 8
