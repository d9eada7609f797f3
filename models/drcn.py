"""DRCN (Kim et al., CVPR 2016): one convolution applied sixteen times."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import check_positive, plain_conv, start_he
from harness.models.luma import MixedNetwork


class DRCN(MixedNetwork):
    """DRCN with 16 recursions of 256 channels (Sec. 3).

    The authors' layer list was not at hand; this layout hits both published totals exactly.
    After every recursion the image is reconstructed by the same two convolutions; the
    predictions are mixed with learned weights. In the published training each of them is
    supervised, with a share of the loss that decays (Secs. 3.2 and 3.3).
    """

    def __init__(self, *, scale: int, channels: int = 256, num_recursions: int = 16) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; the layers do not depend on it.
            channels: Features everywhere.
            num_recursions: How often the shared convolution is applied.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale, num_predictions=num_recursions)
        check_positive(channels=channels)
        self.embedding = nn.Sequential(
            plain_conv(1, channels, 3), nn.ReLU(), plain_conv(channels, channels, 3), nn.ReLU()
        )
        self.recursion = plain_conv(channels, channels, 3)
        self.reconstruction = nn.Sequential(
            plain_conv(channels, channels, 3), nn.ReLU(), plain_conv(channels, 1, 3)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al., the recursion as identity (Sec. 4.2), all predictions alike."""
        start_he(self)
        nn.init.dirac_(self.recursion.weight)
        nn.init.constant_(self.mixture, 1 / len(self.mixture))

    def predict(self, y: Tensor) -> list[Tensor]:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to one prediction per recursion."""
        features = self.embedding(y)
        predictions = []
        for _ in range(len(self.mixture)):
            features = self.recursion(features).relu()
            predictions.append(y + self.reconstruction(features).float())
        return predictions
