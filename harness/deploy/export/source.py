"""A graph as Python source and safetensors: a module that imports nothing of the harness."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.export.graph_signature import InputKind
from torch.fx import Node

from harness.deploy.export.traced import AROUND, ExportError, Traced

WEIGHTS = "network.safetensors"
"""The file of weights that the module reads, beside it."""

_WITHOUT_EFFECT = ("aten._assert_tensor_metadata.default", "aten._assert_scalar.default")

_HEAD = '''"""{title}: needs torch and safetensors, nothing else.

    from network import load
    sr = load()(lr)  # LR (1, 3, H, W) RGB in 0..255, float32 -> SR (1, 3, {scale} H, {scale} W)

SR is not clipped. Sides of LR are at least {least} pixels. Written by `harness deploy`.
"""

{imports}from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

SCALE = {scale}
WEIGHTS = Path(__file__).with_name("{weights}")

aten = torch.ops.aten


class Network(nn.Module):
    """Maps LR to SR, both RGB in 0..255."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, value in weights.items():
            self.register_buffer(name, value)

    @torch.no_grad()
    def forward(self, lr: Tensor) -> Tensor:
'''

_TAIL = '''

def load(weights: str | Path = WEIGHTS) -> Network:
    """Return the network with its weights."""
    return Network(load_file(weights)).eval()
'''


def source(traced: Traced, *, title: str) -> tuple[str, dict[str, Tensor]]:
    """Return the module that does what a graph does, and the tensors that it reads.

    Args:
        traced: The graph.
        title: What the module is called in its first line.

    Raises:
        ExportError: The graph holds what no line of Python says.
    """
    lines = _Lines(traced)
    body = "".join(f"        {line}\n" for line in lines.write())
    head = _HEAD.format(
        title=title,
        imports="import operator\n" if "operator." in body else "",
        scale=traced.scale,
        least=max(traced.least),
        weights=WEIGHTS,
    )
    return head + body + _TAIL, lines.tensors


@dataclass(slots=True)
class _Lines:
    """The lines of ``forward``; a name is given again where its value is read no more."""

    traced: Traced
    tensors: dict[str, Tensor] = field(default_factory=dict)
    _names: dict[Node, str] = field(default_factory=dict)
    _free: list[str] = field(default_factory=list)
    _last: dict[Node, Node] = field(default_factory=dict)
    _made: int = 0

    def write(self) -> list[str]:
        program = self.traced.program
        self._name_inputs()
        idle = without_effect(program.graph.nodes)
        stated = [node for node in program.graph.nodes if node not in idle]
        self._last = {used: node for node in stated for used in node.all_input_nodes}
        lines = []
        for node in stated:
            if node.op == "placeholder":
                continue
            if node.op == "output":
                (result,) = node.args[0]
                lines.append(f"return {self._text(result)}")
            elif node.op == "call_function":
                call = f"{_function(node.target)}({self._arguments(node)})"
                self._release(node)
                lines.append(f"{self._name(node)} = {call}")
            else:
                raise ExportError(f"its graph has a {node.op}, which no line of Python says")
        return lines

    def _name_inputs(self) -> None:
        """Name the image ``lr`` and every tensor as an attribute of the module."""
        program = self.traced.program
        nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
        for spec in program.graph_signature.input_specs:
            node = nodes[spec.arg.name]
            if spec.kind is InputKind.USER_INPUT:
                self._names[node] = "lr"
                continue
            assert spec.target is not None
            kept = {**program.constants, **program.state_dict}
            plain = spec.target.removeprefix(AROUND).replace(".", "_")
            name = plain if not hasattr(torch.nn.Module, plain) else f"{plain}_"
            while name in self.tensors:
                name += "_"
            self.tensors[name] = kept[spec.target].detach().clone()
            self._names[node] = f"self.{name}"

    def _name(self, node: Node) -> str:
        if self._free:
            self._names[node] = self._free.pop()
        else:
            self._made += 1
            self._names[node] = f"x{self._made}"
        return self._names[node]

    def _release(self, node: Node) -> None:
        """Set the names free of values that nothing reads behind a node."""
        for used in node.all_input_nodes:
            name = self._names[used]
            if name.startswith("x") and self._last[used] is node:
                self._free.append(name)

    def _arguments(self, node: Node) -> str:
        named = [f"{key}={self._text(value)}" for key, value in node.kwargs.items()]
        return ", ".join([*map(self._text, node.args), *named])

    def _text(self, value: Any) -> str:
        if isinstance(value, Node):
            return self._names[value]
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self._text, value))}]"
        if isinstance(value, torch.device):
            return "lr.device"
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        return repr(value)


def without_effect(nodes: Iterable[Node]) -> set[Node]:
    """Return the nodes whose results nothing needs, and that change nothing else.

    Args:
        nodes: Of a graph, in the order in which they run.
    """
    idle: set[Node] = set()
    for node in reversed([*nodes]):
        target = node.target
        if node.op != "call_function":
            continue
        changes = isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable
        if str(target) in _WITHOUT_EFFECT or (not changes and idle.issuperset(node.users)):
            idle.add(node)
    return idle


def _function(target: Any) -> str:
    """Return how a function of a graph is called in Python.

    Raises:
        ExportError: It is none of PyTorch's own and none on plain numbers.
    """
    if isinstance(target, torch._ops.OpOverload) and target.namespace == "aten":
        return str(target)
    name = getattr(target, "__name__", str(target))
    for module, prefix in ((operator, "operator"), (torch, "torch")):
        if getattr(module, name, None) is target:
            return f"{prefix}.{name}"
    raise ExportError(f"its graph calls {name}, which no line of Python says")
