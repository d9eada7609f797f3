"""One forward pass on the meta device, and everything that it executed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.efficiency.counting.observers import DataDependent, Modules, Operators
from harness.errors import HarnessError

_CONVOLUTION = "aten.convolution"


@dataclass(frozen=True, slots=True)
class Convolution:
    """One execution of a convolution, transposed or not.

    Attributes:
        weights: Elements of the kernel, over all channels.
        input_px: Pixels of the grid it reads.
        output_px: Pixels of the grid it writes; for a transposed one the stride's multiple
            of what it reads, rows that padding adds or cuts at the border aside.
        outputs: Elements it writes, over all channels.
        biased: Whether it adds a bias.
        transposed: Whether it is a transposed convolution.
    """

    weights: int
    input_px: int
    output_px: int
    outputs: int
    biased: bool
    transposed: bool

    @property
    def executed(self) -> int:
        """Multi-Adds needed: a transposed kernel is applied once per input pixel."""
        return self.weights * (self.input_px if self.transposed else self.output_px)

    @property
    def on_output_grid(self) -> int:
        """Multi-Adds with the kernel charged per output pixel, transposed or not."""
        return self.weights * self.output_px


@dataclass(frozen=True, slots=True)
class Trace:
    """What one forward pass executed.

    Attributes:
        lr_px: Width and height of the LR image.
        products: Multiplications by operator, of all convolutions, linear layers and
            matrix products: what ``FlopCounterMode`` counts, halved.
        convolutions: Every execution of a convolution, in order.
        linear_biases: Elements of bias added by linear layers.
        by_module: Multi-Adds of every module that has any, by its name ('' is the network).
        operators: All operators that ran, and how often.
        uncalled: Modules that never ran.
        foldable: Names of the batch normalisations that the convolution right before them
            can take in, each with that convolution's.
    """

    lr_px: tuple[int, int]
    products: Mapping[str, int]
    convolutions: tuple[Convolution, ...]
    linear_biases: int
    by_module: Mapping[str, int]
    operators: Mapping[str, int]
    uncalled: tuple[str, ...]
    foldable: Mapping[str, str]

    @property
    def multi_adds(self) -> int:
        """All multiplications executed."""
        return sum(self.products.values())

    @property
    def other_products(self) -> Mapping[str, int]:
        """Multiplications by operator, without the convolutions."""
        return {name: work for name, work in self.products.items() if name != _CONVOLUTION}

    @property
    def biases(self) -> int:
        """Additions of biases, which some counters take for Multi-Adds."""
        return self.linear_biases + sum(conv.outputs for conv in self.convolutions if conv.biased)


def trace(shadow: nn.Module, *, scale: int, lr_px: tuple[int, int]) -> Trace:
    """Run a network once on an image without content, and note what it executes.

    Args:
        shadow: The network's copy on the meta device (:func:`.meta.shadow`),
            mapping LR ``(1, 3, H, W)`` to SR ``(1, 3, scale H, scale W)``.
        scale: Its upscaling factor.
        lr_px: Width and height of the LR image.

    Raises:
        HarnessError: The forward pass fails, depends on the image's values, or does not
            return an SR image.
    """
    products = _Products()
    counter = FlopCounterMode(display=False, custom_mapping=products.formulas)
    operators, modules = Operators(), Modules(shadow)
    width, height = lr_px
    image = torch.empty(1, 3, height, width, device="meta")
    with torch.inference_mode(False), torch.no_grad(), _naming(shadow, lr_px):
        with modules.watching(), operators, counter:
            output = shadow(image)
        _check_output(output, scale=scale, lr_px=lr_px)
    counts = counter.get_flop_counts()
    root = type(shadow).__name__
    return Trace(
        lr_px=lr_px,
        products={str(name): work // 2 for name, work in counts.get("Global", {}).items()},
        convolutions=tuple(products.convolutions),
        linear_biases=products.linear_biases,
        by_module={
            name.removeprefix(root).removeprefix("."): sum(count.values()) // 2
            for name, count in counts.items()
            if name != "Global"
        },
        operators=dict(operators.runs),
        uncalled=modules.uncalled(),
        foldable=modules.foldable(operators.readings),
    )


class _Products:
    """Formulas for ``FlopCounterMode`` that also write down what they were asked about."""

    def __init__(self) -> None:
        self.convolutions: list[Convolution] = []
        self.linear_biases = 0
        self.formulas = {
            torch.ops.aten.convolution: _raw(self._convolution),
            torch.ops.aten.addmm: _raw(self._addmm),
        }

    def _convolution(
        self,
        inputs: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        _padding: object,
        _dilation: object,
        transposed: bool,
        *_rest: object,
        out_val: Tensor,
    ) -> int:
        input_px = len(inputs) * math.prod(inputs.shape[2:])
        output_px = len(out_val) * math.prod(out_val.shape[2:])
        steps = [*stride] * (inputs.ndim - 2) if len(stride) == 1 else stride
        conv = Convolution(
            weights=kernel.numel(),
            input_px=input_px,
            output_px=input_px * math.prod(steps) if transposed else output_px,
            outputs=out_val.numel(),
            biased=bias is not None,
            transposed=transposed,
        )
        self.convolutions.append(conv)
        return 2 * conv.executed

    def _addmm(
        self, _bias: Tensor, left: Tensor, right: Tensor, *, out_val: Tensor, **_factors: object
    ) -> int:
        self.linear_biases += out_val.numel()
        return 2 * left.numel() * right.shape[-1]


def _raw(formula: Callable[..., int]) -> Callable[..., int]:
    """Return a formula that ``FlopCounterMode`` hands tensors instead of shapes."""

    def wrapped(*args: object, **kwargs: object) -> int:
        return formula(*args, **kwargs)

    wrapped._get_raw = True  # type: ignore[attr-defined]
    return wrapped


@contextmanager
def _naming(network: nn.Module, lr_px: tuple[int, int]) -> Iterator[None]:
    """Turn whatever a network's forward raises into one line that says whose it was."""
    name = type(network).__name__
    try:
        yield
    except HarnessError as error:
        raise HarnessError(f"{name} {error}") from error
    except DataDependent as error:
        raise HarnessError(
            f"{name} cannot be counted: its forward reads values of the image ({error}, as "
            "by .item() or a comparison), so that what it executes depends on the picture"
        ) from error
    except Exception as error:  # a user's forward may raise anything at all
        width, height = lr_px
        first_line = (str(error).strip().splitlines() or [""])[0]
        raise HarnessError(
            f"{name} cannot be counted: its forward failed on an LR image of "
            f"{width}x{height} px: {type(error).__name__}: {first_line}"
        ) from error


def _check_output(output: object, *, scale: int, lr_px: tuple[int, int]) -> None:
    width, height = lr_px
    expected = (1, 3, scale * height, scale * width)
    if not isinstance(output, Tensor):
        raise HarnessError(f"returned a {type(output).__name__}, not an SR image")
    if tuple(output.shape) != expected:
        raise HarnessError(f"returned {tuple(output.shape)}, expected {expected} at x{scale}")
