"""Python source of a graph: what it leaves out, and numbers that Python writes otherwise."""

import operator

import torch
from torch import fx, nn

from harness.deploy.export import source, traced


def test_what_nothing_reads_is_left_out_of_graphs_of_any_depth():
    """RCAN and SwinIR-light are deeper than Python may call functions within each other."""
    graph = fx.Graph()
    value = image = graph.placeholder("lr")
    check = torch.ops.aten._assert_scalar.default
    asserted = graph.call_function(check, (graph.call_function(operator.ge, (image, 2)), "size"))
    unread = graph.call_function(operator.mul, (graph.call_function(operator.add, (image, 1)), 2))
    changing = graph.call_function(torch.ops.aten.add_.Tensor, (image, 1))
    for _ in range(3000):
        value = graph.call_function(operator.add, (value, 1))
    graph.output((value,))
    idle = source.without_effect(graph.nodes)
    assert idle == {asserted, unread, *asserted.all_input_nodes, *unread.all_input_nodes} - {image}
    assert changing not in idle


class NotFinite(nn.Module):
    def forward(self, lr):
        masked = lr.masked_fill(lr < 9, float("nan"))
        return masked.nan_to_num(7.0).masked_fill(lr > 200, float("-inf")).clamp(min=0)


def test_numbers_that_are_not_finite_are_written_as_python_reads_them():
    text, _ = source.source(traced.trace(NotFinite(), name="it", scale=1), title="it")
    names: dict = {"__file__": "/nowhere/network.py", "__name__": "network"}
    exec(compile(text, "network.py", "exec"), names)
    lr = traced.noise(12, 9)
    assert torch.equal(names["Network"]({})(lr), NotFinite()(lr))
