"""Results of operators on the meta device, each found once.

A tensor on the meta device is its shape, strides and type. So is what an operator makes of such
tensors, and theirs decide it: PyTorch, which takes up to milliseconds to find it, is asked once
for each combination.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from harness.efficiency.counting.dataflow import memory, tensors_in

_MOST = 20_000
_KINDS = (Tensor, torch.nn.Parameter)


class _Form(NamedTuple):
    """What there is to a tensor on the meta device."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    offset: int


_ITSELF = "the first argument"
_Result = _Form | list[_Form] | str | None
"""A new tensor, several, the first argument as it was, or anything else."""


class _Unknown(Exception):
    """An argument has more to it than what decides a result on the meta device."""


class Shapes:
    """Run operators, and remember what they make of which arguments.

    What is remembered: new tensors, and tensors changed in place that keep their form. Whatever
    else an operator returns or does (views, values, changes of form) is asked of PyTorch every
    time, and so is every operator that is not PyTorch's own.
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._results: dict[tuple[object, ...], _Result] = {}

    def run(self, func: Any, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return the result of an operator.

        Args:
            func: The operator, with its overload.
            args: Its arguments.
            kwargs: Those by name.
        """
        if func.namespace != "aten":
            return func(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            try:
                key = (func, torch.get_default_dtype(), *_key(args), tuple(_key(kwargs.items())))
                result = self._results[key]
            except (_Unknown, TypeError):  # a TypeError: an argument that cannot be a key
                return func(*args, **kwargs)
            except KeyError:
                output = func(*args, **kwargs)
                if len(self._results) < _MOST:
                    self._results[key] = _result(func, args, kwargs, key, output)
                return output
            if result is None:
                return func(*args, **kwargs)
            if isinstance(result, str):
                return args[0]
            return _new(result) if isinstance(result, _Form) else tuple(map(_new, result))


SHAPES = Shapes()
"""What is remembered in this process."""


class Remembering(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Run the operators inside a block with :data:`SHAPES`."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Run one operator."""
        return SHAPES.run(func, args, kwargs or {})


def _key(values: Iterable[object]) -> Iterator[object]:
    """Return what of some arguments decides the result.

    Raises:
        _Unknown: A tensor among them has more to it than a form.
    """
    for value in values:
        kind: type = type(value)
        if isinstance(value, Tensor):
            if kind not in _KINDS or not value.is_meta or value.layout is not torch.strided:
                raise _Unknown
            yield _form(value)
        elif isinstance(value, list | tuple):
            yield kind, *_key(value)
        else:
            yield kind, value  # 1, 1.0 and True are equal, and make tensors of other types


def _form(tensor: Tensor) -> _Form:
    return _Form(tensor.shape, tensor.stride(), tensor.dtype, int(tensor.storage_offset()))


def _new(form: _Form) -> Tensor:
    return torch.empty_strided(form.shape, form.strides, dtype=form.dtype, device="meta")


def _result(
    func: Any,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    key: tuple[object, ...],
    output: object,
) -> _Result:
    """Return what is to be remembered of a result; None for nothing."""
    given = {memory(tensor) for tensor in tensors_in((*args, *kwargs.values()))}
    if not given:
        return None
    if func._schema.is_mutable:
        only = [spec.name for spec in func._schema.arguments if _is_written(spec)] == ["self"]
        kept = only and output is args[0] and (*_key(args),) == key[2:-1]
        return _ITSELF if kept else None
    results = output if isinstance(output, tuple) else (output,)
    for tensor in results:
        if type(tensor) is not Tensor or not tensor.is_meta or tensor.storage_offset():
            return None
        if memory(tensor) in given:  # a view of an argument, or of another result
            return None
        given.add(memory(tensor))
    forms = [*map(_form, results)]
    return forms if isinstance(output, tuple) else forms[0]


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write
