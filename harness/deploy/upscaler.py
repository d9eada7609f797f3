"""Upscale one picture by a network, whatever it holds, in tiles that fit the memory."""

from __future__ import annotations

import logging
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn

from harness.data import resize
from harness.deploy import receptive_field
from harness.deploy.photos import Picture, Pixels
from harness.deploy.tile_size import LEAST_TILE, Tiling
from harness.deploy.tiles import count_tiles, tiled
from harness.errors import HarnessError
from harness.evaluation.forms import InBf16, Precision
from harness.evaluation.self_ensemble import SelfEnsemble
from harness.host.device import out_of_memory
from harness.host.progress import TileBar
from harness.models.bicubic import Bicubic

log = logging.getLogger(__name__)

INEXACT_OVERLAP = 32
"""Overlap in LR pixels, for networks whose tiles are never exact."""

_GREY = (0.299, 0.587, 0.114)  # BT.601 luma


class Enlarger:
    """Upscales pictures by one network."""

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        scale: int,
        device: torch.device,
        tiling: Tiling,
        overlap: int | None = None,
        self_ensemble: bool = False,
        precision: Precision = "fp32",
    ) -> None:
        """Take a network, which is moved to the device.

        Args:
            network: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR; in evaluation mode.
            name: What messages call it.
            scale: Its upscaling factor.
            device: Where it runs.
            tiling: How large tiles are.
            overlap: LR pixels around a tile; None for what the network needs.
            self_ensemble: Whether to take the mean over flips and transposes.
            precision: Of the images' way through the network; what it needs is measured in fp32.
        """
        self.network = network.to(device)
        self.name = name
        self.scale = scale
        self.device = device
        self.tiling = tiling
        self._overlap = overlap
        self._self_ensemble = self_ensemble
        self._precision = precision

    @cached_property
    def overlap(self) -> int:
        """LR pixels around a tile; measured on first use; the result is logged."""
        field = receptive_field.measure(self.network, scale=self.scale)
        enough = field.radius if field.exact and field.radius is not None else INEXACT_OVERLAP
        overlap = enough if self._overlap is None else self._overlap
        if not field.exact:
            why = "looks at the whole image" if field.radius is None else "works on a coarse grid"
            log.warning(
                "%s %s, so tiles are never exact: expect differences of several levels, also "
                "across seams; larger tiles differ less, --tile 0 not at all",
                self.name,
                why,
            )
        elif overlap < enough:
            log.warning(
                "%s looks %d px far and tiles overlap by %d: expect seams",
                self.name,
                enough,
                overlap,
            )
        log.info("tiles overlap by %d LR px", overlap)
        return overlap

    def tile(self, height: int, width: int) -> int:
        """Return the side of the tiles of an image of LR pixels, 0 where it needs none.

        Raises:
            UsageError: The memory limit is too small for any.
        """
        if not self.tiling.cuts(height, width):
            return 0
        return self.tiling.tile(height, width, overlap=self.overlap)

    def tiles(self, height: int, width: int) -> int:
        """Return the number of tiles of an image of LR pixels."""
        return count_tiles(height, width, tile=self.tile(height, width))

    def enlarge(self, picture: Picture, bar: TileBar) -> Picture:
        """Upscale a picture: colours by the network, alpha by bicubic.

        Wholly transparent pixels first take the colour of the nearest visible pixel: the colour
        stored there (mostly black) would otherwise leak into the visible edge. Grey is given to
        the network as three equal channels and comes back as luma.

        Args:
            picture: Any.
            bar: Advanced by each tile.

        Returns:
            A picture with the same channels, depth and profile.

        Raises:
            HarnessError: The network's output is not finite or of another size, or the
                smallest tiles do not fit the memory.
        """
        pixels = picture.pixels
        if not picture.has_alpha:
            return Picture(self._colours(pixels, bar), picture.icc)
        colours = self._colours(flow_out(pixels[..., :-1], pixels[..., -1]), bar)
        alpha = upscale_alpha(pixels[..., -1], self.scale)
        return Picture(np.concatenate([colours, alpha[..., None]], 2), picture.icc)

    def _colours(self, pixels: Pixels, bar: TileBar) -> Pixels:
        """Run the network on (H, W, C), C of 1 or 3, with smaller tiles if it must be."""
        deep = pixels.dtype == np.uint16
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
        lr = torch.from_numpy(planes)[None] / (257 if deep else 1)
        height, width = pixels.shape[:2]
        run = _Pass(self._runner(deep=deep), self.device, bar, deep=deep)
        while True:
            tile = self.tile(height, width)
            overlap = self.overlap if tile else 0
            try:
                sr = tiled(
                    run, lr, scale=self.scale, tile=tile, overlap=overlap, done=run.count_tile
                )
                return np.ascontiguousarray(sr[0].numpy().transpose(1, 2, 0))
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            # Outside the handler: the error holds on to the tensors of the failed run.
            before = count_tiles(height, width, tile=tile)
            self._take_smaller_tiles(tile, height, width)
            bar.plan_anew(undone=run.tiles, more=self.tiles(height, width) - before)
            run.tiles = 0

    def _runner(self, *, deep: bool) -> nn.Module:
        network = self.network
        if deep and isinstance(network, Bicubic):
            network = network.unrounded()
        if self._precision == "bf16":
            network = InBf16(network)
        return SelfEnsemble(network) if self._self_ensemble else network

    def _take_smaller_tiles(self, tile: int, height: int, width: int) -> None:
        smaller = self.tiling.halve(tile, height, width)
        if smaller < LEAST_TILE:
            raise HarnessError(
                f"out of memory on {self.device}, even with tiles of {smaller * 2} px "
                f"and an overlap of {self.overlap} px"
            )
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning("out of memory on %s: going on with tiles of %d px", self.device, smaller)


class _Pass:
    """One run of the network on a cut of LR in 0..255, quantised to the depth of the picture."""

    def __init__(
        self, network: nn.Module, device: torch.device, bar: TileBar, *, deep: bool
    ) -> None:
        self.tiles = 0
        self._network = network
        self._device = device
        self._bar = bar
        self._deep = deep

    def __call__(self, cut: Tensor) -> Tensor:
        grey = cut.shape[1] == 1
        rgb = cut.to(self._device).expand(-1, 3, -1, -1)
        with torch.no_grad():
            sr: Tensor = self._network(rgb.contiguous()).float()
            if not sr.isfinite().all():
                raise HarnessError("the network's output is not finite")
            if grey:
                weights = sr.new_tensor(_GREY).view(1, 3, 1, 1)
                sr = (sr.clamp(0, 255) * weights).sum(1, keepdim=True)
            peak = 65535 if self._deep else 255
            levels = (sr * 257 if self._deep else sr).clamp(0, peak).add(0.5).floor().cpu()
        return levels.to(torch.uint16 if self._deep else torch.uint8)

    def count_tile(self) -> None:
        self.tiles += 1
        self._bar.advance()


def flow_out(colours: Pixels, alpha: Pixels) -> Pixels:
    """Give each wholly transparent pixel the colour of the nearest that is not.

    Args:
        colours: (H, W, C).
        alpha: (H, W).

    Returns:
        New colours, or those given where all of them show, or none.
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return colours
    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    flown: Pixels = colours[tuple(nearest)]
    return flown


def upscale_alpha(alpha: Pixels, scale: int) -> Pixels:
    """Upscale alpha (H, W) by MATLAB's bicubic, in its own depth."""
    if alpha.dtype == np.uint8:
        return resize.upscale(alpha.astype(np.uint8), scale)
    wide: NDArray[np.float64] = resize.upscale(alpha.astype(np.float64), scale)
    return np.floor(np.clip(wide, 0, 65535) + 0.5).astype(np.uint16)
