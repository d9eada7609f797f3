"""SRCNN (Dong et al., TPAMI 2016): three convolutions on the interpolated image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from harness.models.layers import check_positive, in_float32, plain_conv
from harness.models.luma import InterpolatedNetwork


class SRCNN(InterpolatedNetwork):
    """The 9-5-5 network (Sec. 4.3.2), the one of 57K weights in Table 5; 9-1-5 has 8K.

    Padding is "same" here. The original convolves without padding and so loses a border,
    and trains its last layer ten times slower.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: Sequence[int] = (64, 32),
        kernel_sizes: Sequence[int] = (9, 5, 5),
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features after the first and after the second layer.
            kernel_sizes: Kernel sizes of the three layers.

        Raises:
            ValueError: A number below 1, an even kernel size, or too many or few numbers.
        """
        super().__init__(scale=scale)
        if len(channels) != 2 or len(kernel_sizes) != 3:
            raise ValueError("channels must be two numbers, kernel_sizes three")
        first, second = channels
        check_positive(channels=min(first, second))
        self.patches = plain_conv(1, first, kernel_sizes[0])
        self.mapping = plain_conv(first, second, kernel_sizes[1])
        self.output = plain_conv(second, 1, kernel_sizes[2])

    def refine(self, y: Tensor) -> Tensor:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to SR luma of the same shape."""
        features = self.mapping(self.patches(y).relu()).relu()
        return in_float32(self.output, features)
