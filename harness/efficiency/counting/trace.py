"""One forward pass, without values or with them, and everything that it executed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from harness.efficiency.counting.dataflow import (
    DataDependent,
    Dataflow,
    Dependence,
    Functions,
    Merged,
)
from harness.efficiency.counting.observers import Modules, Operators
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
        pointwise: Whether its kernel is 1x1.
    """

    weights: int
    input_px: int
    output_px: int
    outputs: int
    biased: bool
    transposed: bool
    pointwise: bool

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
            matrix products: what ``FlopCounterMode`` counts, halved; without those by which
            kernels are put together, which are none of the form that is deployed.
        merging: Those.
        convolutions: Every execution of a convolution, in order, without those.
        linear_biases: Elements of bias added by linear layers.
        by_module: Multi-Adds of every module that has any, by its name ('' is the network),
            with those.
        operators: All operators that ran, and how often.
        written: Elements that they wrote, of their first results; of interpolation by mode, too.
        averaged: Elements that means were taken of.
        dependence: What the pass made of the parameters.
        foldable: Names of the batch normalisations that the convolution right before them
            can take in, each with that convolution's.
    """

    lr_px: tuple[int, int]
    products: Mapping[str, int]
    merging: int
    convolutions: tuple[Convolution, ...]
    linear_biases: int
    by_module: Mapping[str, int]
    operators: Mapping[str, int]
    written: Mapping[str, int]
    averaged: int
    dependence: Dependence
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

    @property
    def coarse(self) -> int:
        """Multi-Adds that 1x1 convolutions on coarser grids would have on that of LR."""
        lr_px = math.prod(self.lr_px)
        gates = [conv for conv in self.convolutions if conv.pointwise and conv.output_px < lr_px]
        return lr_px * sum(gate.weights for gate in gates)


class ForwardFailed(HarnessError):
    """The forward pass asks for a value that is not there, or fails.

    Attributes:
        reads_values: Whether it is for want of a value.
    """

    def __init__(self, message: str, *, reads_values: bool = False) -> None:
        """Take the message, and what is behind it."""
        super().__init__(message)
        self.reads_values = reads_values


def trace(
    network: nn.Module, *, scale: int, lr_px: tuple[int, int], image: Tensor | None = None
) -> Trace:
    """Run a network once, and note what it executes.

    Fused attention is taken apart into its products, whatever the device would do.

    Args:
        network: A copy in evaluation mode (:func:`.meta.shadow`), mapping LR
            ``(1, 3, H, W)`` to SR ``(1, 3, scale H, scale W)``.
        scale: Its upscaling factor.
        lr_px: Width and height of the LR image.
        image: That image, on the CPU as the network is; None for one without content, where
            the network is on the meta device.

    Raises:
        ForwardFailed: The forward pass fails, or reads values and there are none.
        HarnessError: It does not return an SR image.
    """
    on_values = image is not None
    if image is None:
        width, height = lr_px
        image = torch.empty(1, 3, height, width, device="meta")
    products = _Products()
    counter = FlopCounterMode(display=False, custom_mapping=products.formulas)
    dataflow = Dataflow(network, image)
    operators, modules = Operators(dataflow, on_values=on_values), Modules(network)
    with torch.inference_mode(False), torch.no_grad(), _naming(network, lr_px):
        functions = Functions(dataflow, operators.written)
        with modules.watching(), _plain_attention(), functions, operators, counter:
            output = network(image)
        _check_output(output, scale=scale, lr_px=lr_px)
    dependence = dataflow.result(output)
    counts = counter.get_flop_counts()
    root = type(network).__name__
    merging = products.of(dependence.merged)
    return Trace(
        lr_px=lr_px,
        products={
            str(name): work // 2 - merging[str(name)]
            for name, work in counts.get("Global", {}).items()
        },
        merging=merging.total(),
        convolutions=tuple(
            conv
            for number, conv in enumerate(products.convolutions)
            if number not in dependence.merged.convolutions
        ),
        linear_biases=products.linear_biases,
        by_module={
            name.removeprefix(root).removeprefix("."): sum(count.values()) // 2
            for name, count in counts.items()
            if name != "Global"
        },
        operators=dict(operators.runs),
        written=dict(operators.written),
        averaged=operators.averaged,
        dependence=dependence,
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

    def of(self, merged: Merged) -> Counter[str]:
        """Return the Multi-Adds, by operator, that only put kernels together."""
        works = Counter({_CONVOLUTION: 0})
        for number in merged.convolutions:
            works[_CONVOLUTION] += self.convolutions[number].executed
        for name, work in merged.products:
            works[name] += work
        return works

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
            pointwise=math.prod(kernel.shape[2:]) == 1,
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
def _plain_attention() -> Iterator[None]:
    """Have attention run as separate products, which are counted, and not as one operator."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _naming(network: nn.Module, lr_px: tuple[int, int]) -> Iterator[None]:
    """Turn whatever a network's forward raises into one line that says whose it was."""
    name = type(network).__name__
    try:
        yield
    except HarnessError as error:
        raise HarnessError(f"{name} {error}") from error
    except DataDependent as error:
        raise ForwardFailed(
            f"{name} cannot be counted without values: its forward reads some ({error}, as by "
            ".item() or a comparison)",
            reads_values=True,
        ) from error
    except Exception as error:  # a user's forward may raise anything at all
        width, height = lr_px
        first_line = (str(error).strip().splitlines() or [""])[0]
        raise ForwardFailed(
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
