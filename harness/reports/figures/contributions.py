"""Figure 5 of the paper: what each branch of the multi-scale reconstruction adds to SR."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.data.catalogue import TestSet
from harness.errors import UsageError
from harness.evaluation import evaluate, pixels
from harness.evaluation.metrics import Image
from harness.models.awms import AWMS
from harness.models.awsrn import AWSRN
from harness.reports.figures.crops import CropBox, check_box
from harness.reports.figures.sheet import Sheet
from harness.weights.load import Loaded

_COLUMNS, _NARROW_COLUMNS = 3, 2
_WIDTH_IN, _EDGE_IN, _TITLE_IN = 6.4, 0.1, 0.2
_BAR_IN = 0.7  # right of the images, with its numbers


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one branch adds, the mean over the colour channels, in grey levels of 0..255.

    Attributes:
        title: Kernel size and weight, or ``global path``.
        levels: ``(scale H, scale W)``, positive or negative.
    """

    title: str
    levels: NDArray[np.float64]


def split(network: nn.Module, lr: Tensor) -> list[Contribution]:
    """Return what the global path and each branch add to SR (Eq. 3).

    Their sum is the mean of SR over the colours, less the network's mean colour.

    Args:
        network: AWSRN, WDSR or a variant with weighted branches.
        lr: ``(1, 3, H, W)`` RGB in 0..255.

    Raises:
        UsageError: The network has no weighted branches.
    """
    tail = network.tail if isinstance(network, AWSRN) else None
    if not isinstance(network, AWSRN) or not isinstance(tail, AWMS) or not tail.alpha:
        raise UsageError(
            f"{type(network).__name__} has no weighted multi-scale branches: expected a network "
            "such as awsrn, awsrn_s or wdsr_awms"
        )
    with torch.no_grad():
        normal = network.normalise(lr)
        features = network.map(network.head(normal))
        parts = {"global path": network.skip(normal)}
        for name in tail.branches:
            size, weight = name[1:], tail.alpha[name].item()
            parts[f"{size}x{size}, \u03b1 = {weight:.3f}"] = tail.branch(name, features)
        zero = network.normalise.inverse(torch.zeros(1, 3, 1, 1))
        contributions = []
        for title, part in parts.items():
            image = nn.functional.pixel_shuffle(part.float(), network.scale)
            levels = (network.normalise.inverse(image) - zero)[0].mean(0)
            contributions.append(Contribution(title, levels.numpy().astype(np.float64)))
    return contributions


def draw(
    loaded: Loaded,
    test: TestSet,
    *,
    scale: int,
    box: CropBox | None,
    sheet: Sheet | None = None,
) -> Figure:
    """Return the figure: SR, then every contribution on one symmetric scale.

    Raises:
        UsageError: The network has no weighted branches, or the box is not in the image.
        DataError: The image cannot be read.
    """
    name, lr, hr = next(pixels.pairs(test, scale=scale))
    left, top, width, height = box or (0, 0, hr.shape[1], hr.shape[0])
    check_box((left, top, width, height), hr)
    area = np.s_[top : top + height, left : left + width]
    network = loaded.network.to("cpu")
    batch = torch.from_numpy(np.ascontiguousarray(lr.transpose(2, 0, 1))).unsqueeze(0).float()
    parts = split(network, batch)
    sr: Image = evaluate.upscale(network, lr, torch.device("cpu"))
    branches = [part.levels[area] for part in parts[1:]]
    limit = max(1.0, float(np.percentile(np.abs(branches), 99.5)))
    sheet = sheet or Sheet()
    page = sheet.width_in or _WIDTH_IN
    columns = _NARROW_COLUMNS if sheet.narrow else _COLUMNS
    lines = math.ceil((len(parts) + 1) / columns)
    cell_in = (page - _EDGE_IN - _BAR_IN) / columns * height / width
    text = (
        f"{loaded.model} x{scale}, weights {loaded.file}. Each branch times its weight (Eq. 3), "
        "mean over R, G and B; the global path has a scale of its own."
    )
    below = sheet.note_in(text, page) + _EDGE_IN
    total = lines * (cell_in + _TITLE_IN) + below
    figure = Figure(figsize=(page, total), dpi=72)
    sheet.write_note(figure, text)
    grid = figure.add_gridspec(
        lines,
        columns,
        left=_EDGE_IN / page,
        right=1 - _BAR_IN / page,
        top=1 - _TITLE_IN / total,
        bottom=below / total,
        hspace=_TITLE_IN / cell_in,
        wspace=0.05,
    )
    cells = [figure.add_subplot(grid[divmod(index, columns)]) for index in range(len(parts) + 1)]
    for cell in cells:
        cell.set_axis_off()
    cells[0].imshow(sr[area], interpolation="nearest")
    cells[0].set_title(f"SR of {name}", fontsize=7.5, pad=3)
    shown = None
    for cell, part in zip(cells[1:], parts, strict=True):
        whole = part.title == "global path"
        bound = float(np.abs(part.levels[area]).max()) if whole else limit
        image = cell.imshow(
            part.levels[area], cmap="gray", vmin=-bound, vmax=bound, interpolation="nearest"
        )
        note = f" (\u00b1{bound:.0f})" if whole else ""
        cell.set_title(f"{part.title}{note}", fontsize=7.5, pad=3)
        shown = shown if whole else image
    if shown is not None:
        tall = lines * (cell_in + _TITLE_IN) - _TITLE_IN
        bar_left = page - _BAR_IN + 0.07
        place = (bar_left / page, (below + 0.1 * tall) / total, 0.1 / page, 0.8 * tall / total)
        bar = figure.colorbar(shown, cax=figure.add_axes(place))
        bar.set_label("grey levels added, all branches", fontsize=7)
    return figure
