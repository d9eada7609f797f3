"""Follow a forward pass from the image and the parameters to the SR image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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


class DataDependent(Exception):
    """The forward pass asked for a value of the image, and the image has none."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """What a forward pass made of the parameters.

    Attributes:
        unread: Parameters that neither the SR image nor a number read by Python depends on.
        folded: Kernels of convolutions that are put together from more weights than they
            have, named by the first parameter of each.
        exits: Methods by which values left PyTorch, such as ``Tensor.numpy``.
        of_the_image: Whether SR depends on the LR image as far as PyTorch can tell.
    """

    unread: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    of_the_image: bool = True


@dataclass(slots=True)
class _Source:
    """A parameter: its names, the bit that stands for it, and its elements."""

    names: list[str]
    bit: int
    elements: int
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
                source = _Source([], 2 << len(self._parameters), parameter.numel())
                self._parameters[id(parameter)] = source
                storage = memory(parameter)
                self._depends[storage] = self._depends.get(storage, 0) | source.bit
            if id(parameter) in self._parameters:
                self._parameters[id(parameter)].names.append(name)
        self._kept: list[Tensor] = [image]
        self._read_by_python = 0
        self._folded: dict[str, None] = {}
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
        depends = 0
        for tensor in tensors:
            depends |= self.of(tensor)
        if name in READS_VALUES:
            self._read_by_python |= depends
        if name == "aten.convolution" and isinstance(args[1], Tensor):
            self._check_kernel(args[1])
        return depends

    def arrive(self, func: Any, args: Sequence[object], output: object, depends: int) -> None:
        """Note the result of an operator, and what it changed in place."""
        if not depends:
            return
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
        reached = self._read_by_python
        for tensor in tensors_in((output,)):
            reached |= self.of(tensor)
        unread = [source for source in self._parameters.values() if not source.bit & reached]
        return Dependence(
            unread=tuple(name for source in unread for name in source.names),
            folded=tuple(self._folded),
            exits=tuple(self._exits),
            of_the_image=bool(reached & _IMAGE),
        )

    def _mark_gain(self, gain: Tensor) -> None:
        depends = self.of(gain)
        for source in self._parameters.values():
            if source.bit & depends:
                source.gain = True

    def _check_kernel(self, kernel: Tensor) -> None:
        """Note a kernel that is made of more weights than it has, gains of weight norm aside."""
        depends = self.of(kernel)
        if depends & _IMAGE or not depends & (depends - 1):  # dynamic, or a parameter itself
            return
        sources = [
            source
            for source in self._parameters.values()
            if source.bit & depends and not source.gain
        ]
        if len(sources) > 1 and 4 * sum(each.elements for each in sources) > 5 * kernel.numel():
            self._folded[sources[0].names[0]] = None


class Exits(TorchFunctionMode):
    """Note where values leave PyTorch for NumPy, another library or a kernel of one's own."""

    def __init__(self, dataflow: Dataflow) -> None:
        """Report to a data flow."""
        super().__init__()
        self._dataflow = dataflow

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
        return func(*args, **(kwargs or {}))


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
