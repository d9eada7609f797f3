"""DRRN (Tai et al., CVPR 2017): one residual unit applied twenty-five times."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import check_positive, norm_relu, plain_conv, start_he
from harness.models.luma import InterpolatedNetwork


class DRRN(InterpolatedNetwork):
    """DRRN B1U25: 52 layers, of which 50 share two convolutions (Sec. 3).

    Every recursion adds the features of the entry, not those of the one before. Batch norm
    and ReLU stand before every convolution, the first one included, and batch norm is not
    shared: each recursion has its own. Table 5 counts neither it nor biases. Published
    training: 31x31 patches, all scales mixed, SGD at 0.1 with clipped gradients (Sec. 4.2).
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 128,
        num_recursions: int = 25,
        batch_norm: bool = True,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; the layers do not depend on it.
            channels: Features everywhere.
            num_recursions: How often the residual unit is applied.
            batch_norm: Whether there is batch norm. False is the public PyTorch version:
                no biases either (297,216 parameters), and since its ReLU works in place,
                what the recursions add is the entry without its negative part.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale)
        check_positive(channels=channels, num_recursions=num_recursions)
        self.rectified = not batch_norm
        self.entry_norm = norm_relu(1, batch_norm=batch_norm)
        self.entry = plain_conv(1, channels, 3, bias=batch_norm)
        self.first_norms = nn.ModuleList(
            norm_relu(channels, batch_norm=batch_norm) for _ in range(num_recursions)
        )
        self.first = plain_conv(channels, channels, 3, bias=batch_norm)
        self.second_norms = nn.ModuleList(
            norm_relu(channels, batch_norm=batch_norm) for _ in range(num_recursions)
        )
        self.second = plain_conv(channels, channels, 3, bias=batch_norm)
        self.output_norm = norm_relu(channels, batch_norm=batch_norm)
        self.output = plain_conv(channels, 1, 3, bias=batch_norm)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al. (Sec. 4.2)."""
        start_he(self)

    def refine(self, y: Tensor) -> Tensor:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to SR luma of the same shape."""
        entry = self.entry(self.entry_norm(y))
        if self.rectified:
            entry = entry.relu()
        features = entry
        for first_norm, second_norm in zip(self.first_norms, self.second_norms, strict=True):
            inner = self.first(first_norm(features))
            features = entry + self.second(second_norm(inner))
        return y + self.output(self.output_norm(features)).float()  # type: ignore[no-any-return]
