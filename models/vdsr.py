"""VDSR (Kim et al., CVPR 2016): twenty layers that predict what bicubic lacks."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from harness.models.layers import check_positive, plain_conv, start_he
from harness.models.luma import InterpolatedNetwork


class VDSR(InterpolatedNetwork):
    """VDSR (Sec. 3.1), by default without biases, like the public PyTorch version.

    That has the 665K of Table 5 (664,704 weights); the original's biases make it 665,921.
    One model is trained for all scales, by SGD at rate 0.1 with clipped gradients (Secs. 3.2
    and 5.2).
    """

    def __init__(
        self, *, scale: int, num_layers: int = 20, channels: int = 64, bias: bool = False
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; the layers do not depend on it.
            num_layers: Convolutions, first and last included.
            channels: Features between them.
            bias: Whether they have biases, as in the original.

        Raises:
            ValueError: Fewer than 2 layers, or a number below 1.
        """
        super().__init__(scale=scale)
        check_positive(channels=channels)
        if num_layers < 2:
            raise ValueError(f"num_layers must be at least 2, not {num_layers}")
        widths = [1, *(num_layers - 1) * [channels], 1]
        self.convs = nn.ModuleList(
            plain_conv(wide_in, wide_out, 3, bias=bias) for wide_in, wide_out in pairwise(widths)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al., by the number of outputs (``fan_out``)."""
        start_he(self, mode="fan_out")

    def refine(self, y: Tensor) -> Tensor:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to SR luma of the same shape."""
        *hidden, output = self.convs
        features = y
        for conv in hidden:
            features = conv(features).relu()
        return y + output(features).float()  # type: ignore[no-any-return]
