"""SwinIR in its light form (Liang et al., ICCVW 2021): attention within shifted windows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import Normalise, check_positive, in_float32, plain_conv
from harness.models.padding import on_multiples

WINDOW = 8
"""Side of the windows, in pixels."""

SHIFT = WINDOW // 2
"""Of the windows of every second block."""

FAR = -100.0
"""Added to the attention between pixels that only the shift has brought together."""


class TokenLinear(nn.Linear):
    """A linear layer that starts from a truncated normal of deviation 0.02, bias 0."""

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.trunc_normal_(self.weight, std=0.02)
        nn.init.zeros_(self.bias)


def relative_positions() -> Tensor:
    """Return for each pair of a window's pixels the row of the position table, ``(4096,)``.

    Row ``(dy + 7) 15 + dx + 7`` is that of the pair that lies ``(dy, dx)`` apart.
    """
    rows, columns = (torch.arange(WINDOW**2) // WINDOW, torch.arange(WINDOW**2) % WINDOW)
    far = WINDOW - 1
    down, right = (place[:, None] - place[None, :] + far for place in (rows, columns))
    return (down * (2 * far + 1) + right).flatten()


def shift_mask(height: int, width: int, *, device: torch.device) -> Tensor:
    """Return what keeps apart pixels of one shifted window that are no neighbours.

    Args:
        height: Of the grid, a multiple of 8.
        width: Likewise.
        device: Where to make it.

    Returns:
        ``(windows, 1, 64, 64)``: 0, or -100 for a pair from opposite borders.
    """
    regions = []
    for side in (height, width):
        place = torch.arange(side, device=device)
        regions.append((place >= side - WINDOW).int() + (place >= side - SHIFT).int())
    region = (3 * regions[0][:, None] + regions[1][None, :])[None, :, :, None]
    labels = to_windows(region).view(-1, WINDOW**2)
    return FAR * (labels[:, None, :, None] != labels[:, None, None, :]).float()


def to_windows(x: Tensor) -> Tensor:
    """Cut ``(N, H, W, C)`` into windows, row by row; return their pixels, ``(N H W, C)``."""
    batch, height, width, channels = x.shape
    grid = x.reshape(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return grid.transpose(2, 3).reshape(-1, channels)


def from_windows(pixels: Tensor, size: torch.Size) -> Tensor:
    """Put windows together again, as :func:`to_windows` cut them, to ``size``."""
    batch, height, width, channels = size
    shape = (batch, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
    return pixels.view(shape).transpose(2, 3).reshape(size)


class WindowAttention(nn.Module):
    """Multi-head attention within windows, with a learned bias per head and relative position."""

    positions: Tensor

    def __init__(self, channels: int, num_heads: int) -> None:
        """Make it for ``channels`` features, a multiple of ``num_heads``."""
        super().__init__()
        self.num_heads = num_heads
        self.width = channels // num_heads
        self.scale = self.width**-0.5
        self.qkv = TokenLinear(channels, 3 * channels)
        self.table = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, num_heads))
        self.project = TokenLinear(channels, channels)
        self.register_buffer("positions", relative_positions(), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the position table anew."""
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, pixels: Tensor, mask: Tensor | None) -> Tensor:
        """Map ``(N windows 64, channels)`` to the same shape.

        Args:
            pixels: Those of all windows of every image.
            mask: Of :func:`shift_mask`; None where the windows are not shifted.
        """
        area = WINDOW**2
        split = self.qkv(pixels).view(-1, area, 3, self.num_heads, self.width)
        by_head = split.permute(2, 0, 3, 1, 4).reshape(3, -1, area, self.width)
        query, key, value = by_head.unbind(0)
        bias = self.table[self.positions].view(area, area, -1).permute(2, 0, 1)
        scores = torch.bmm(query * self.scale, key.transpose(1, 2))
        if mask is None:
            scores = scores.view(-1, self.num_heads, area, area) + bias
        else:
            scores = scores.view(-1, mask.shape[0], self.num_heads, area, area) + bias + mask
        mixed = torch.bmm(scores.softmax(-1).view(-1, area, area), value)
        heads_last = mixed.view(-1, self.num_heads, *mixed.shape[1:]).transpose(1, 2)
        return self.project(heads_last.reshape(pixels.shape))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Attention and a perceptron, each behind a layer norm and with a shortcut."""

    def __init__(self, channels: int, num_heads: int, hidden: int, *, shifted: bool) -> None:
        """Make a block on ``channels`` features, ``hidden`` in its perceptron."""
        super().__init__()
        self.shifted = shifted
        self.norm_attention = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels, num_heads)
        self.norm_perceptron = nn.LayerNorm(channels)
        self.perceptron = nn.Sequential(
            TokenLinear(channels, hidden), nn.GELU(), TokenLinear(hidden, channels)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map ``(N, H, W, channels)`` to the same shape; sides are multiples of 8."""
        normal = self.norm_attention(x)
        if self.shifted:
            normal = normal.roll((-SHIFT, -SHIFT), (1, 2))
        pixels = self.attention(to_windows(normal), mask if self.shifted else None)
        mixed = from_windows(pixels, x.shape)
        if self.shifted:
            mixed = mixed.roll((SHIFT, SHIFT), (1, 2))
        x = x + mixed
        flat = self.norm_perceptron(x).reshape(-1, x.shape[-1])
        return x + self.perceptron(flat).view(x.shape)  # type: ignore[no-any-return]


class Group(nn.Module):
    """Residual Swin transformer block: transformer blocks, a 3x3 convolution, a shortcut."""

    def __init__(self, channels: int, num_heads: int, hidden: int, num_blocks: int) -> None:
        """Make a group; every second one of its blocks has shifted windows."""
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(channels, num_heads, hidden, shifted=index % 2 == 1)
            for index in range(num_blocks)
        )
        self.conv = plain_conv(channels, channels, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map ``(N, H, W, channels)`` to the same shape; sides are multiples of 8."""
        features = x
        for block in self.blocks:
            features = block(features, mask)
        return x + self.conv(features.movedim(-1, 1)).movedim(1, -1)  # type: ignore[no-any-return]


class SwinIR(nn.Module):
    """SwinIR with a direct upsampler. RGB in 0..1 less the mean colour.

    Sides are filled up to multiples of the window inside. There is no stochastic depth.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 60,
        num_groups: int = 4,
        num_blocks: int = 6,
        num_heads: int = 6,
        hidden: int = 120,
    ) -> None:
        """Build the network; the defaults are SwinIR-light's.

        Args:
            scale: Upscaling factor.
            channels: Features, a multiple of ``num_heads``.
            num_groups: Groups of transformer blocks.
            num_blocks: Transformer blocks of a group.
            num_heads: Heads of the attention.
            hidden: Features inside the perceptrons.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(
            scale=scale,
            channels=channels,
            num_groups=num_groups,
            num_blocks=num_blocks,
            num_heads=num_heads,
            hidden=hidden,
        )
        if channels % num_heads:
            raise ValueError(f"channels must be a multiple of {num_heads} heads, not {channels}")
        self.scale = scale
        self.normalise = Normalise(divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.norm_first = nn.LayerNorm(channels)
        self.groups = nn.ModuleList(
            Group(channels, num_heads, hidden, num_blocks) for _ in range(num_groups)
        )
        self.norm_last = nn.LayerNorm(channels)
        self.smooth = plain_conv(channels, channels, 3)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        sr = on_multiples(self._whole_windows, self.normalise(lr), WINDOW, self.scale)
        return self.normalise.inverse(sr)

    def _whole_windows(self, image: Tensor) -> Tensor:
        head = self.head(image)
        mask = shift_mask(*image.shape[-2:], device=image.device)
        tokens = self.norm_first(head.movedim(1, -1))
        for group in self.groups:
            tokens = group(tokens, mask)
        features = self.smooth(self.norm_last(tokens).movedim(-1, 1)) + head
        return self.shuffle(in_float32(self.tail, features))  # type: ignore[no-any-return]


def without_position_tables(*, scale: int) -> SwinIR:
    """Return SwinIR-light with its position tables frozen, as its paper counts parameters."""
    network = SwinIR(scale=scale)
    for module in network.modules():
        if isinstance(module, WindowAttention):
            module.table.requires_grad_(False)
    return network


def as_its_authors_count(*, scale: int) -> SwinIR:
    """Return the network that SwinIR-light's printed Multi-Adds are those of.

    Its authors charge the last 3x3 convolution with a third of its kernel, the upsampler as one to
    three channels whatever the scale, and the last layer norm not at all.
    """
    network = SwinIR(scale=scale)
    channels = network.smooth.out_channels
    network.smooth = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0))
    network.norm_last = nn.Identity()  # type: ignore[assignment]
    network.tail = plain_conv(channels, 3, 3)
    network.shuffle = nn.Upsample(scale_factor=scale)  # type: ignore[assignment]
    return network
