"""The rule by which each published count comes out: whose weights, on which grid.

Table 5 mixes several habits of counting. Each is a named rule here, computed from the
network; no published number stands in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.efficiency.counting import multi_adds, near_misses, params
from harness.efficiency.counting.counted import Subject

Count = Callable[[Subject], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to count.

    Attributes:
        name: Short name.
        params: Parameters by it.
        multi_adds: Multi-Adds by it, at the subject's image size.
        why: What it does that the plain rule does not, for the reader of a table.
        found: Whether it is known to be how the figures came about; False where it is
            only the nearest of all that were tried.
    """

    name: str
    params: Count
    multi_adds: Count
    why: str = ""
    found: bool = True


def rule_of(id: str, scale: int) -> Rule | None:
    """Return the rule of a network's published counts, or None where its layers are unknown.

    A network without published counts goes by the plain rule, the paper's for its own.
    """
    return _BY_SCALE.get((id, scale)) or _BY_ID.get(id, PLAIN)


def _trainable(subject: Subject) -> int:
    return subject.cost.params


def _weights(subject: Subject) -> int:
    return params.conv_weights(subject.network)


def _own_grids(subject: Subject) -> int:
    return subject.cost.multi_adds_paper


def _lr_grid(subject: Subject) -> int:
    return round(_weights(subject) * subject.cost.lr_px)


def _one_reconstruction(subject: Subject) -> int:
    """Leave out all but one pass of MemNet's output convolution, which runs on the HR grid."""
    blocks = len(list(subject.network.get_submodule("blocks").children()))
    kernel = params.conv_weights(subject.network.get_submodule("output"))
    return _own_grids(subject) - round(
        (blocks - 1) * kernel * subject.cost.lr_px * subject.scale**2
    )


def _three_scales(count: Callable[..., int]) -> Count:
    return lambda subject: count(subject.variant(scales=(2, 3, 4)))


def _of_x4(count: Count) -> Count:
    return lambda subject: count(subject.at(4))


def _small_input(subject: Subject) -> int:
    cost = multi_adds.count(subject.network, scale=subject.scale, input_px=(320, 180))
    return cost.multi_adds_paper


def _edited(rule: Rule, edit: Callable[..., None]) -> Rule:
    return replace(
        rule,
        params=lambda subject: rule.params(subject.edited(edit)),
        multi_adds=lambda subject: rule.multi_adds(subject.edited(edit)),
    )


PLAIN = Rule("everything trainable", _trainable, _own_grids)
"""Params: every trainable scalar, weight-norm gains and biases included. Multi-Adds: kernel
elements times pixels, every layer on its own grid, transposed ones on their output grid."""

WEIGHTS = Rule(
    "conv weights only",
    _weights,
    _own_grids,
    "kernel elements alone are counted: no biases, batch norm or PReLU slopes",
)
_X4_WEIGHTS = _of_x4(_weights)

_BY_ID: dict[str, Rule | None] = {
    **dict.fromkeys(("srcnn", "fsrcnn", "vdsr", "drcn", "lapsrn", "drrn", "selnet"), WEIGHTS),
    "memnet": Rule(
        "conv weights only, one reconstruction",
        _weights,
        _one_reconstruction,
        "kernel elements alone are counted, the output layer for one of its six passes",
    ),
    "srdensenet": replace(
        _edited(WEIGHTS, near_misses.shrink_upscaling),
        name="conv weights only, 2x2 transposed convolutions",
        why="with 2x2 transposed convolutions, the nearest of all variants tried",
        found=False,
    ),
    "carn": Rule(
        "three-scale network",
        _three_scales(params.trainable),
        _own_grids,
        "the parameters are those of the network for x2, x3 and x4 together",
    ),
    "carn_m": Rule(
        "three-scale network, conv weights only",
        _three_scales(params.conv_weights),
        _own_grids,
        "the parameters are the kernel elements of the network for x2, x3 and x4 together",
    ),
    "msrn": Rule(
        "every weight x LR grid",
        _trainable,
        _lr_grid,
        "every layer is charged on the LR grid, also those that run on larger ones",
    ),
    "falsr_b": replace(
        _edited(PLAIN, near_misses.widen_third_cell),
        name="48 more channels into cell 2",
        why="the released graph lacks 48 input channels of cell 2 that the figures include",
    ),
    "falsr_c": replace(
        _edited(PLAIN, near_misses.leave_second_cell_out),
        name="without cell 1 in the last concat",
        why="the released graph feeds cell 1 to the last convolution, the figures leave it out",
    ),
    "moremnas_a": None,
}

_BY_SCALE: dict[tuple[str, int], Rule] = {
    ("lapsrn", 2): Rule(
        "x4 network, one level on a 320x180 input",
        _X4_WEIGHTS,
        _small_input,
        "the parameters are the kernel elements of the x4 network, the Multi-Adds those of "
        "one level for a 640x360 output",
    ),
    ("lapsrn", 8): Rule(
        "x4 network",
        _X4_WEIGHTS,
        _own_grids,
        "the parameters are the kernel elements of the x4 network",
    ),
}
