"""How much memory a forward pass needs per LR pixel, counted without running it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from harness.efficiency.counting.meta import shadow
from harness.errors import HarnessError

_META_SIDE = 512
_REAL_SIDE = 64


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of all tensors alive that operators made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._known = torch.utils.weak.WeakIdKeyDictionary()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(output):
            if isinstance(leaf, Tensor):
                self._note(leaf.untyped_storage())
        self.peak = max(self.peak, self.now)
        return output

    def _note(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        size = storage.nbytes()
        self._known[storage] = size
        self.now += size
        weakref.finalize(storage, self._forget, size)

    def _forget(self, size: int) -> None:
        self.now -= size


def bytes_per_px(network: nn.Module) -> float:
    """Return the peak of what a forward pass holds at once, per LR pixel, in bytes.

    Feature maps and the output, without the weights and without what convolutions use
    inside, which is about as much again on a CPU. Counted on the meta device; a network that
    reads values of its image is run on a small one instead.

    Args:
        network: Maps ``(N, 3, H, W)`` to SR; in evaluation mode.

    Raises:
        HarnessError: The network does not run on that image either.
    """
    try:
        return _peak(shadow(network), _META_SIDE, "meta") / _META_SIDE**2
    except Exception:  # a user's network may do anything at all
        device = next((str(tensor.device) for tensor in network.parameters()), "cpu")
    try:
        return _peak(network, _REAL_SIDE, device) / _REAL_SIDE**2
    except Exception as error:
        raise HarnessError(
            f"{type(network).__name__} does not run on an image of {_REAL_SIDE}x{_REAL_SIDE} px: "
            f"{type(error).__name__}: {error}"
        ) from error


def _peak(network: nn.Module, side: int, device: str) -> int:
    image = torch.zeros(1, 3, side, side, device=device)
    live = _Live()
    with torch.no_grad(), live:
        network(image)
    return live.peak
