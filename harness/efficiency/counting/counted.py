"""One network at one scale: how to build it, and what it costs once built."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import nn

from harness.config import paper
from harness.efficiency.counting import multi_adds
from harness.efficiency.counting.merged_form import merged_form
from harness.efficiency.counting.meta import has_values
from harness.efficiency.counting.multi_adds import Cost
from harness.efficiency.counting.shapes import Remembering
from harness.efficiency.counting.trace import ForwardFailed
from harness.errors import UsageError
from harness.models.fusing import fused

Size = tuple[int, int]


class CountedNetwork:
    """A network to be counted; built and counted when first asked for, without weights.

    Attributes:
        id: The network's id.
        scale: Its upscaling factor.
    """

    def __init__(
        self,
        id: str,
        build: Callable[..., nn.Module],
        *,
        scale: int,
        output_px: Size = paper.OUTPUT_PX,
        input_px: Size | None = None,
        as_trained: bool = False,
    ) -> None:
        """Take a network and the image size to count it at.

        Args:
            id: Its id.
            build: Takes ``scale`` as a keyword.
            scale: Its upscaling factor.
            output_px: Width and height of the SR image.
            input_px: Width and height of the LR image, instead of ``output_px``.
            as_trained: Count the form that is trained, whatever merged form it declares.
        """
        self.id = id
        self.scale = scale
        self._build = build
        self._output_px = output_px
        self._input_px = input_px
        self._as_trained = as_trained
        self._others: dict[object, CountedNetwork] = {}

    @cached_property
    def built(self) -> nn.Module:
        """The network in evaluation mode, without weights where it can be built so.

        Raises:
            UsageError: The constructor refuses.
        """
        try:
            with torch.device("meta"), Remembering():  # type: ignore[no-untyped-call]
                return self._build(scale=self.scale).eval()
        except Exception:  # constructors may compute with tensors, as in .item()
            return self._build_with_weights().eval()

    @cached_property
    def network(self) -> nn.Module:
        """What is counted: the network, or the merged form that it declares.

        Raises:
            HarnessError: It cannot be built, or merged.
        """
        if self._as_trained:
            return self.built
        try:
            return merged_form(self.built)
        except ForwardFailed:
            if has_values(self.built):
                raise
            return merged_form(self._build_with_weights().eval())

    @cached_property
    def cost(self) -> Cost:
        """Its cost at the image size given.

        Raises:
            HarnessError: Its forward fails, or does not return an SR image.
        """
        try:
            return self._count(self.built)
        except ForwardFailed:
            if has_values(self.built):
                raise
            return self._count(self._build_with_weights().eval())

    def fused_cost(self) -> Cost:
        """Return the cost of its fused form, which ``harness upscale`` runs.

        It is merged with the weights that it starts from.

        Raises:
            CannotMerge: It has no such form.
            HarnessError: It cannot be built or counted.
        """
        twin = fused(self._build_with_weights().eval())
        return self.replace(build=lambda *, scale: twin).cost

    def _count(self, network: nn.Module) -> Cost:
        return multi_adds.count(
            network,
            scale=self.scale,
            output_px=self._output_px,
            input_px=self._input_px,
            as_trained=self._as_trained,
        )

    @property
    def place(self) -> object:
        """All that its cost depends on beside the constructor, as a key."""
        return self.scale, self._output_px, self._input_px, self._as_trained

    def replace(
        self,
        *,
        build: Callable[..., nn.Module] | None = None,
        scale: int | None = None,
        input_px: Size | None = None,
    ) -> CountedNetwork:
        """Return another network, at another scale or image size, and all else alike.

        It is built and counted once, however often it is asked for.

        Args:
            build: Takes ``scale`` as a keyword; None for the same network.
            scale: Its upscaling factor; None for the same.
            input_px: Width and height of the LR image; None for the same image.
        """
        changed = (build or self._build, scale or self.scale, input_px or self._input_px)
        if changed == (self._build, self.scale, self._input_px):
            return self
        if changed not in self._others:
            self._others[changed] = CountedNetwork(
                self.id,
                changed[0],
                scale=changed[1],
                output_px=self._output_px,
                input_px=changed[2],
                as_trained=self._as_trained,
            )
        return self._others[changed]

    def _build_with_weights(self) -> nn.Module:
        try:
            return self._build(scale=self.scale)
        except UsageError:
            raise
        except Exception as error:  # a constructor may raise anything at all
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UsageError(f"cannot build '{self.id}' at x{self.scale}: {first_line}") from error
