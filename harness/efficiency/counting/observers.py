"""Watch a forward pass: its operators, and what feeds the batch normalisations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils._python_dispatch import TorchDispatchMode

from harness.efficiency.counting.dataflow import READS_VALUES, DataDependent, Dataflow, tensors_in
from harness.efficiency.counting.shapes import SHAPES


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Note every operator that runs, and how often each tensor is read.

    Attributes:
        runs: How often each operator ran, by its name without the overload.
        readings: How often each tensor was an argument, by its ``id``.
        written: Elements that each operator wrote, of its first result.
        averaged: Elements that means were taken of.
    """

    def __init__(self, dataflow: Dataflow, *, on_values: bool) -> None:
        """Start with nothing noted.

        Args:
            dataflow: Is told of every operator, too.
            on_values: Whether the tensors have values, so that they may be read.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.runs: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.averaged = 0
        self.readings: Counter[int] = Counter()
        self._dataflow = dataflow
        self._on_values = on_values
        self._kept: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Note one operator and run it.

        Raises:
            DataDependent: It would hand a value to Python, and there is none.
        """
        kwargs = kwargs or {}
        name = _name(func)
        by_value = name in READS_VALUES or (name == "aten.index" and _by_mask(args[1]))
        if by_value and not self._on_values:
            raise DataDependent(name)
        self.runs[name] += 1
        tensors = [*tensors_in((*args, *kwargs.values()))]
        for tensor in tensors:
            self.readings[id(tensor)] += 1
        self._kept += tensors  # so that no later tensor gets the id of one
        depends = self._dataflow.follow(name, args, tensors)
        output = SHAPES.run(func, args, kwargs)
        self._dataflow.arrive(func, args, output, depends)
        self._add_elements(name, args, output)
        return output

    def _add_elements(self, name: str, args: Any, output: object) -> None:
        first = output[0] if isinstance(output, tuple | list) and output else output
        if isinstance(first, Tensor):
            self.written[name] += first.numel()
            self.averaged += args[0].numel() if name == "aten.mean" else 0


@cache
def _name(func: Any) -> str:
    return str(func._overloadpacket)


def _by_mask(indices: Iterable[Tensor | None]) -> bool:
    """Tell whether an indexing selects by a mask, so that values decide how many it finds."""
    return any(index is not None and index.dtype == torch.bool for index in indices)


class Modules:
    """Note how often modules of a network run, and which feeds a batch normalisation."""

    def __init__(self, network: nn.Module) -> None:
        """Watch a network, from the moment that ``watching`` is entered."""
        self._names = {module: name for name, module in network.named_modules()}
        self._calls: Counter[nn.Module] = Counter()
        self._makers: dict[int, nn.Module] = {}
        self._feeds: dict[nn.Module, tuple[nn.Module, int]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what runs inside the block."""
        handle = register_module_forward_hook(self._after)
        try:
            yield
        finally:
            handle.remove()

    def _after(self, module: nn.Module, args: tuple[object, ...], output: object) -> None:
        if module not in self._names:
            return
        self._calls[module] += 1
        if isinstance(module, nn.modules.conv._ConvNd):
            self._makers[id(output)] = module
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and args:
            maker = self._makers.get(id(args[0]))
            if maker is not None:
                self._feeds[module] = (maker, id(args[0]))

    def foldable(self, readings: Counter[int]) -> dict[str, str]:
        """Return the batch normalisations that a convolution right before them can take in.

        Both must run once, and nothing else may read the convolution's output.

        Args:
            readings: How often each tensor was read, by its ``id``.

        Returns:
            Names of the batch normalisations, each with its convolution's.
        """
        return {
            self._names[norm]: self._names[conv]
            for norm, (conv, output) in self._feeds.items()
            if readings[output] == 1 and self._calls[conv] == self._calls[norm] == 1
        }
