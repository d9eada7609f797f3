"""Follow a forward pass from the image and the parameters to the SR image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import flop_registry

READS_VALUES = frozenset(
    {"aten._local_scalar_dense", "aten.equal", "aten.nonzero", "aten.masked_select"}
)
"""Operators that hand values to Python, or whose result has a size that depends on values."""

_TAKES_ONLY_THE_SHAPE = frozenset(
    f"aten.{creation}_like" for creation in ("empty", "full", "ones", "rand", "randn", "zeros")
) | {f"aten.new_{creation}" for creation in ("empty", "empty_strided", "full", "ones", "zeros")}
_WEIGHT_NORM = frozenset({"aten._weight_norm", "aten._weight_norm_interface"})
_EXITS = frozenset({"numpy", "__array__", "__dlpack__", "data_ptr"})
_IMAGE = 1
_CONVOLUTION = "aten.convolution"


class DataDependent(Exception):
    """The forward pass asked for a value of the image, and the image has none."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Kernels of convolutions that a forward pass puts together from more weights than they have.

    In the form that is deployed they, and their biases, stand in the place of what they are made
    of, and the products by which they are made are gone.

    Attributes:
        kernels: How many there are.
        elements: Of these kernels and their biases.
        sources: Learned scalars that they are made of, and nothing else depends on.
        convolutions: Which convolutions, by their number in the order of execution, only make
            them.
        products: The same for other products: the operator, and its Multi-Adds.
    """

    kernels: int = 0
    elements: int = 0
    sources: int = 0
    convolutions: frozenset[int] = frozenset()
    products: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Dependence:
    """What a forward pass made of the parameters.

    Attributes:
        unread: Parameters that neither the SR image nor a number read by Python depends on.
        merged: Kernels that are put together from more weights than they have.
        frozen: Scalars of parameters that do not learn, and that SR depends on directly.
        exits: Methods by which values left PyTorch, such as ``Tensor.numpy``.
        of_the_image: Whether SR depends on the LR image as far as PyTorch can tell.
    """

    unread: tuple[str, ...] = ()
    merged: Merged = Merged()
    frozen: int = 0
    exits: tuple[str, ...] = ()
    of_the_image: bool = True


@dataclass(slots=True)
class _Source:
    """A parameter: its names, the bit that stands for it, its elements, and whether it learns."""

    names: list[str]
    bit: int
    elements: int
    learns: bool
    gain: bool = field(default=False)


class Dataflow:
    """Note on which parameters each tensor depends; tensors that share memory count as one.

    It is told of every operator. What happens outside of operators, as in NumPy, breaks the
    thread: what went in then seems not to have been read.
    """

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        """Start with the parameters of a network and its input."""
        self._parameters: dict[int, _Source] = {}
        self._depends = {memory(image): _IMAGE}
        for name, parameter in network.named_parameters(remove_duplicate=False):
            if id(parameter) not in self._parameters and parameter.numel():
                bit = 2 << len(self._parameters)
                source = _Source([], bit, parameter.numel(), parameter.requires_grad)
                self._parameters[id(parameter)] = source
                storage = memory(parameter)
                self._depends[storage] = self._depends.get(storage, 0) | source.bit
            if id(parameter) in self._parameters:
                self._parameters[id(parameter)].names.append(name)
        kept = (parameter.data for parameter in network.parameters())  # it may be given others
        self._kept: list[Tensor] = [image, *kept]
        self._read_by_python = 0
        self._merged: dict[tuple[int, torch.Size], int] = {}
        self._making_kernels = 0
        self._making: dict[int, tuple[str, int]] = {}
        self._convolutions = 0
        self._exits: dict[str, None] = {}

    def follow(self, name: str, args: Sequence[object], tensors: Iterable[Tensor]) -> int:
        """Return what an operator's result depends on; call it before the operator runs.

        Args:
            name: The operator's, without the overload.
            args: Its arguments.
            tensors: The tensors among them and among those by name.
        """
        if name in _TAKES_ONLY_THE_SHAPE:
            return 0
        if name in _WEIGHT_NORM and isinstance(args[1], Tensor):
            self._mark_gain(args[1])
        if name == _CONVOLUTION:
            self._convolutions += 1
            if self._merge(args[1], args[2]):
                tensors = [one for one in tensors if one is not args[1] and one is not args[2]]
        depends = 0
        for tensor in tensors:
            depends |= self.of(tensor)
        if name in READS_VALUES:
            self._read_by_python |= depends
        return depends

    def arrive(self, func: Any, args: Sequence[object], output: object, depends: int) -> None:
        """Note the result of an operator, and what it changed in place."""
        if not depends:
            return
        if not depends & _IMAGE and func._overloadpacket in flop_registry:
            depends |= self._note_product(func, args, output)
        written: tuple[object, ...] = ()
        if func._schema.is_mutable:
            pairs = zip(func._schema.arguments, args, strict=False)
            written = tuple(
                arg for spec, arg in pairs if spec.alias_info and spec.alias_info.is_write
            )
        for tensor in tensors_in((output, *written)):
            storage = memory(tensor)
            self._depends[storage] = self._depends.get(storage, 0) | depends
            self._kept.append(tensor)  # so that no later tensor gets its memory

    def leave(self, method: str, tensor: Tensor) -> None:
        """Note that the values of a tensor leave PyTorch, if they are of the network."""
        if self.of(tensor):
            self._exits[f"Tensor.{method}"] = None

    def of(self, tensor: Tensor) -> int:
        """Return what a tensor depends on, one bit a source."""
        source = self._parameters.get(id(tensor))
        return self._depends.get(memory(tensor), 0) | (source.bit if source else 0)

    def result(self, output: object) -> Dependence:
        """Return what is known at the end of the pass."""
        direct = self._read_by_python
        for tensor in tensors_in((output,)):
            direct |= self.of(tensor)
        reached = direct | self._making_kernels
        unread = [source for source in self._parameters.values() if not source.bit & reached]
        return Dependence(
            unread=tuple(name for source in unread for name in source.names),
            merged=self._all_merged(reached & ~direct),
            frozen=sum(one.elements for one in self._sources(direct) if not one.learns),
            exits=tuple(self._exits),
            of_the_image=bool(reached & _IMAGE),
        )

    def _mark_gain(self, gain: Tensor) -> None:
        depends = self.of(gain)
        for source in self._parameters.values():
            if source.bit & depends:
                source.gain = True

    def _note_product(self, func: Any, args: Sequence[object], output: object) -> int:
        """Return a new bit, for a product that no image goes into: it may make a kernel."""
        bit = 2 << (len(self._parameters) + len(self._making))
        name = str(func._overloadpacket)
        if name == _CONVOLUTION:
            self._making[bit] = name, self._convolutions - 1
        else:
            work = flop_registry[func._overloadpacket](*args, out_val=output)
            self._making[bit] = name, work // 2
        return bit

    def _merge(self, kernel: object, bias: object) -> bool:
        """Note a kernel that is made of more weights than it has, gains of weight norm aside.

        One of the same shape, made of the same parameters, is the same one, run again.
        """
        if not isinstance(kernel, Tensor):
            return False
        depends = self.of(kernel)
        if depends & _IMAGE or not depends & (depends - 1):  # dynamic, or a parameter itself
            return False
        sources = [source for source in self._sources(depends) if not source.gain]
        if len(sources) < 2 or 4 * sum(each.elements for each in sources) <= 5 * kernel.numel():
            return False
        elements = kernel.numel()
        if isinstance(bias, Tensor):
            if self.of(bias) & _IMAGE:
                return False
            depends |= self.of(bias)
            elements += bias.numel()
        self._making_kernels |= depends
        of_parameters = depends & ((2 << len(self._parameters)) - 1)
        self._merged[of_parameters, kernel.shape] = elements
        return True

    def _sources(self, depends: int) -> list[_Source]:
        return [source for source in self._parameters.values() if source.bit & depends]

    def _all_merged(self, depends: int) -> Merged:
        """Return what was merged, of parameters and products on which nothing else depends."""
        making = [self._making[bit] for bit in self._making if bit & depends]
        gone = [source for source in self._sources(depends) if source.learns and not source.gain]
        return Merged(
            kernels=len(self._merged),
            elements=sum(self._merged.values()),
            sources=sum(source.elements for source in gone),
            convolutions=frozenset(number for name, number in making if name == _CONVOLUTION),
            products=tuple(one for one in making if one[0] != _CONVOLUTION),
        )


INTERPOLATE = "interpolate."
"""What elements written by :func:`torch.nn.functional.interpolate` go by, before its mode."""

_ARGUMENTS_OF_INTERPOLATE = signature(F.interpolate)


class Functions(TorchFunctionMode):
    """Note what operators do not tell: where values leave PyTorch, and how it interpolates.

    Values leave for NumPy, another library or a kernel of one's own. Bilinear and nearest
    interpolation are taken apart into the same operators, and whether they are depends on what
    the process has done before.
    """

    def __init__(self, dataflow: Dataflow, written: Counter[str]) -> None:
        """Report to a data flow, and add elements that interpolation writes, by its mode."""
        super().__init__()
        self._dataflow = dataflow
        self._written = written

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Run a function of PyTorch, and note it if it hands out values.

        Raises:
            DataDependent: It would hand out values that are not there.
        """
        name = getattr(func, "__name__", "")
        if name in _EXITS and args and isinstance(args[0], Tensor):
            if args[0].is_meta:
                raise DataDependent(f"Tensor.{name}")
            self._dataflow.leave(name, args[0])
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if func is F.interpolate:
            given = _ARGUMENTS_OF_INTERPOLATE.bind(*args, **kwargs).arguments
            self._written[INTERPOLATE + given.get("mode", "nearest")] += output.numel()
        return output


def tensors_in(values: Iterable[object]) -> Iterator[Tensor]:
    """Return the tensors among values, those in lists and tuples included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def memory(tensor: Tensor) -> int:
    """Return what tells the memory of a tensor from that of others; views have the same."""
    with torch._C.DisableTorchFunction():
        storage: int = tensor.untyped_storage()._cdata
        return storage
