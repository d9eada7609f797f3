"""SRMDNF, super-resolution for known degradations, noise-free (Zhang et al., CVPR 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv

BICUBIC_CODE = (
    *(0.0, 0.0, 1.85637958e-02, 0.0, 3.35292965e-02),
    *(0.0, 0.0, -3.16234976e-02, -1.35169253e-02, 0.0),
    *(3.84753793e-02, 0.0, -2.44916752e-01, -8.02213490e-01, -5.40549755e-01),
)
"""The 15 PCA coefficients of the blur kernel that stand for plain bicubic LR images.

As in the public port of the weights (srmd-ncnn-vulkan, MIT), values below 1e-6 as 0.
"""


class SRMDNF(nn.Module):
    """A plain chain of convolutions on the LR image and the maps of its degradation (Sec. 3).

    The degradation of this benchmark is always the bicubic one, so its maps are
    constants; away from the zero-padded border they act as a bias of the first layer.
    The first layer has no batch norm. There is no skip, and the range is 0..1.
    """

    code: Tensor

    def __init__(
        self,
        *,
        scale: int,
        num_hidden: int = 10,
        channels: int = 128,
        batch_norm: bool = True,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_hidden: Hidden convolutions, between the first and the last.
            channels: Features.
            batch_norm: Whether batch norm follows the hidden convolutions; False for
                the released weights, which have it merged in.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, num_hidden=num_hidden, channels=channels)
        self.normalise = Normalise(BLACK, divisor=255)
        self.register_buffer("code", torch.tensor(BICUBIC_CODE).view(1, -1, 1, 1), persistent=False)
        layers = [plain_conv(3 + len(BICUBIC_CODE), channels, 3), nn.ReLU()]
        for _ in range(num_hidden):
            layers.append(plain_conv(channels, channels, 3))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        normal = self.normalise(lr)
        maps = self.code.expand(lr.shape[0], -1, *lr.shape[2:])
        features = self.body(torch.cat([normal, maps], 1))
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))
