"""The one counting rule: what a network executes at a given image size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, prod

from torch import nn
from torch.nn.utils import parametrize

from harness.config import paper
from harness.config.paper import Convention
from harness.efficiency.counting import params
from harness.efficiency.counting.doubts import doubts
from harness.efficiency.counting.merged_form import merged_form
from harness.efficiency.counting.meta import has_values, is_shadow, shadow
from harness.efficiency.counting.trace import ForwardFailed, Trace, trace
from harness.efficiency.counting.with_values import small_traces
from harness.records.counts import DEPLOYS, MERGES, merged_remarks

_FROZEN = "{:,} frozen scalars (requires_grad=False) are in neither Params nor Deployed"


BIAS, POOL, COARSE = "bias", "pool", "coarse"
"""Names of what is no operator's among the elements of a cost."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs.

    Attributes:
        params: Trainable scalars, weight-norm gains included; of a network that declares its
            merged form by ``deploy()``, those of that form.
        params_deployed: Those left with weight norm and batch norm folded, and with kernels
            merged that the forward pass puts together from more weights than they have.
        multi_adds: Multi-Adds executed: multiplications of convolutions, linear layers
            and matrix products; no biases, activations, norms, scalars or interpolation.
        multi_adds_paper: The same with transposed convolutions charged on their output
            grid, as the tables of the field do.
        activations: Elements that convolutions write (NTIRE efficient-SR challenge).
        convs: Convolutions executed, a shared one as often as it runs (ditto).
        lr_px: Pixels of the LR image; a fraction where the scale does not divide the output.
        note: What is unusual about the count, or nothing.
        merges: Whether each forward pass puts kernels together from more weights than they
            have; the count is that of the form that is deployed, in which they stand as they are.
        params_trained: Trainable scalars of the form that is trained, where ``deploy()`` gives
            another one, to which all the rest belongs.
        doubts: Why the count may have missed something; empty where nothing speaks for it.
            Where there are some, what was counted is no more than a lower bound.
        elements: How many elements each operator writes, in proportion to the area where that is
            no whole number of pixels; those that a bias is added to, as :data:`BIAS`, and those
            that are averaged, as :data:`POOL`. Likewise, as :data:`COARSE`, the Multi-Adds that 1x1
            convolutions on coarser grids than that of LR would have on it.
        multi_adds_rounded_up: ``multi_adds_paper`` for an LR image with sides rounded up to whole
            pixels, as counters have it that run one.
    """

    params: int
    params_deployed: int
    multi_adds: int
    multi_adds_paper: int
    activations: int
    convs: int
    lr_px: Fraction
    note: str = ""
    merges: bool = False
    params_trained: int | None = None
    doubts: tuple[str, ...] = ()
    elements: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    multi_adds_rounded_up: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the count by who compares the network with others."""
        return (*((MERGES,) if self.merges else ()), *merged_remarks(self.params_trained))

    @property
    def sure_multi_adds(self) -> int | None:
        """Multi-Adds executed, or None where the count is in doubt."""
        return self.by("executed")

    def by(self, convention: Convention) -> int | None:
        """Return the Multi-Adds by one of the two conventions, None where they are in doubt."""
        if self.doubts:
            return None
        return self.multi_adds_paper if convention == "paper" else self.multi_adds


def count(
    network: nn.Module,
    *,
    scale: int,
    output_px: tuple[int, int] = paper.OUTPUT_PX,
    input_px: tuple[int, int] | None = None,
    as_trained: bool = False,
) -> Cost:
    """Count a network by one forward pass on the meta device, where it can run there.

    ``torch.utils.flop_counter.FlopCounterMode``, halved, on a copy that has shapes but no
    values; neither the network nor its mode changes. Where the scale does not divide the
    output size (1280 px at x3), the exact area is used, as in the paper: two sizes are
    counted, and what grows with the area is scaled. A network where something neither
    grows with the area nor stays as it is (windows, valid convolutions) is counted at the
    LR size rounded up, and the cost's note says so.

    A network that declares its merged form is counted in that one, and the parameters of the form
    that is trained are noted beside. Without declaring it, one whose forward pass in evaluation
    puts its kernels together from more weights is counted in the form that is deployed, too: what
    only makes kernels is not counted, and the note says so.

    A network that reads values, as by ``.item()``, or has an operator without a form for the
    meta device, is run on two small images on the CPU instead. What it executes there is
    scaled where all of it grows with the area or stays as it is, and in doubt elsewhere.

    Whatever may have been missed is among the cost's doubts: see
    :mod:`harness.efficiency.counting.doubts`. A network that leaves parts of itself out on
    purpose names them in an attribute ``unused_modules``, a tuple of prefixes of their names.

    Args:
        network: Maps LR ``(N, 3, H, W)`` RGB to SR.
        scale: Its upscaling factor.
        output_px: Width and height of the SR image.
        input_px: Width and height of the LR image, instead of ``output_px``.
        as_trained: Count the form that is trained, whatever form is declared.

    Raises:
        ForwardFailed: The merged form cannot be made; the forward pass fails, or needs values and
            the network has none.
        HarnessError: It does not return an SR image.

    Example:
        >>> conv = nn.Conv2d(3, 3, 3, padding=1)  # no upscaling: a scale of 1
        >>> count(conv, scale=1, output_px=(10, 8)).multi_adds  # 3 * 3 * 3 * 3 for each pixel
        6480
    """
    if not as_trained:
        merged, trained = merged_form(network), params.trainable(network)
        if merged is not network:
            cost = count(
                merged, scale=scale, output_px=output_px, input_px=input_px, as_trained=True
            )
            return cost if cost.params == trained else _beside(cost, trained)
    if input_px is not None:
        output_px = (scale * input_px[0], scale * input_px[1])
    width, height = (ceil(side / scale) for side in output_px)
    sizes = [(width, height)]
    if (scale * width, scale * height) != output_px:
        sizes.append((width + 8, height + 5))
    area = Fraction(output_px[0] * output_px[1], scale**2)
    try:
        twin = network if is_shadow(network) else shadow(network)
        with parametrize.cached():  # weights are the same for every image
            traces = [trace(twin, scale=scale, lr_px=size) for size in sizes]
    except ForwardFailed as error:
        if not has_values(network):
            raise
        return _with_values(network, error, scale=scale, lr_px=sizes[0], area=area)
    measures = whole = _measures(traces[0])
    note = ""
    if len(traces) > 1:
        exact = _at(area, *traces)
        if exact is None:
            area = Fraction(width * height)
            note = f"not affine in the image area: counted on an LR image of {width}x{height} px"
        else:
            measures = exact
    return _cost(network, traces[0], measures, whole=whole, area=area, note=note)


def _beside(cost: Cost, trained: int) -> Cost:
    """Return the cost of a merged form with the parameters of the trained one beside."""
    note = "; ".join(filter(None, (cost.note, DEPLOYS)))
    return replace(cost, params_trained=trained, note=note)


def _with_values(
    network: nn.Module,
    without: ForwardFailed,
    *,
    scale: int,
    lr_px: tuple[int, int],
    area: Fraction,
) -> Cost:
    """Count a network on small images, once it could not be counted without values.

    Raises:
        HarnessError: It fails on them, too, and not for want of a value before.
    """
    try:
        traces, depends_on_the_picture = small_traces(network, scale=scale, lr_px=lr_px)
    except ForwardFailed as error:
        if without.reads_values:
            return _uncounted(network, area, str(error))
        raise (error if isinstance(without.__cause__, NotImplementedError) else without) from error
    sizes = " and ".join(f"{width}x{height}" for width, height in (t.lr_px for t in traces))
    measures = _at(area, *traces)
    further = []
    if depends_on_the_picture:
        further.append("what it executes depends on the picture")
    if measures is None:
        further.append(
            f"it can be counted on small LR images only ({sizes} px), and what it executes does "
            "not grow with their area"
        )
    note = f"counted on LR images of {sizes} px, and scaled to the size asked for"
    return _cost(
        network,
        traces[0],
        measures or _measures(traces[0]),
        whole=_at(Fraction(prod(lr_px)), *traces) or _measures(traces[0]),
        area=area,
        note=note,
        further=tuple(further),
    )


def _cost(
    network: nn.Module,
    traced: Trace,
    measures: tuple[int, ...],
    *,
    whole: tuple[int, ...],
    area: Fraction,
    note: str,
    further: tuple[str, ...] = (),
) -> Cost:
    merged = traced.dependence.merged
    deployed = params.deployed(network, traced.foldable) + merged.elements - merged.sources
    notes = [note, MERGES if merged.kernels else ""]
    if frozen := traced.dependence.frozen:
        notes.append(_FROZEN.format(frozen))
    multi_adds, on_output_grid, activations, convs = measures
    width, height = traced.lr_px
    running = deployed - params.unused(network)
    return Cost(
        params=params.trainable(network),
        params_deployed=deployed,
        multi_adds=multi_adds,
        multi_adds_paper=on_output_grid,
        activations=activations,
        convs=convs,
        lr_px=area,
        note="; ".join(filter(None, notes)),
        merges=merged.kernels > 0,
        doubts=(*doubts(network, traced, deployed=running, lr_px=width * height), *further),
        elements=_elements(traced, area / (width * height)),
        multi_adds_rounded_up=whole[1],
    )


def _elements(traced: Trace, share: Fraction) -> Mapping[str, Fraction]:
    """Return a share of the elements; a mean of squares is half of a deviation, and no pool."""
    pooled = traced.averaged - traced.written.get("aten.pow", 0)
    named = {**traced.written, BIAS: traced.biases, POOL: pooled, COARSE: traced.coarse}
    return {name: number * share for name, number in named.items()}


def _uncounted(network: nn.Module, area: Fraction, reason: str) -> Cost:
    """Return the cost of a network of which only the parameters can be counted."""
    return Cost(
        params=params.trainable(network),
        params_deployed=params.deployed(network, {}),
        multi_adds=0,
        multi_adds_paper=0,
        activations=0,
        convs=0,
        lr_px=area,
        doubts=(reason,),
    )


def _parts(traced: Trace) -> list[tuple[int, int, int, int]]:
    """Return what adds up to the fields of Cost from ``multi_adds`` to ``convs``."""
    convs = [(conv.executed, conv.on_output_grid, conv.outputs, 1) for conv in traced.convolutions]
    return convs + [(work, work, 0, 0) for _, work in sorted(traced.other_products.items())]


def _measures(traced: Trace) -> tuple[int, ...]:
    return tuple(map(sum, zip((0, 0, 0, 0), *_parts(traced), strict=True)))


def _at(area: Fraction, first: Trace, second: Trace) -> tuple[int, ...] | None:
    """Return the measures at an area, or None where they are not affine in it."""
    areas = [Fraction(traced.lr_px[0] * traced.lr_px[1]) for traced in (first, second)]
    parts = [_parts(first), _parts(second)]
    if len(parts[0]) != len(parts[1]):
        return None
    totals = [Fraction(0)] * 4
    for pair in zip(*parts, strict=True):
        for index, (smaller, larger) in enumerate(zip(*pair, strict=True)):
            if smaller == larger:
                totals[index] += smaller
            elif smaller * areas[1] == larger * areas[0]:
                totals[index] += smaller * area / areas[0]
            else:
                return None
    return tuple(map(round, totals))
