"""What is taken off the names of tensors, and what is left out."""

import pytest
import torch

from harness.weights import prefixes
from harness.weights.contents import Role

NETWORK = ("head.weight", "body.0.weight", "body.1.weight")


def named(*names):
    return {name: torch.zeros(()) if name == "epoch" else torch.zeros(2) for name in names}


def parts(*names):
    """Every part that is the network, in the order in which they come."""
    return [
        part
        for stage in prefixes.stages(named(*names))
        for part in stage
        if tuple(part.tensors) == NETWORK
    ]


@pytest.mark.parametrize(
    "prefix",
    ["_orig_mod.", "module._orig_mod.", "model.", "net.", "generator.", "a.b.c.d."],
)
def test_a_common_prefix_of_any_length_is_taken_off(prefix):
    [part, *_] = parts(*(prefix + name for name in NETWORK))
    assert (part.prefix, part.left_out) == (prefix, ())


@pytest.mark.parametrize(
    "extra",
    [
        ("total_ops", "head.total_params", "body.0.total_ops"),
        ("epoch",),
        ("criterion.vgg.0.weight", "criterion.vgg.2.weight"),
        ("train_psnr.total", "loss_fn.weight"),
        ("n_averaged",),
    ],
)
def test_what_is_no_weight_is_left_out_and_named(extra):
    [part, *_] = parts(*NETWORK, *extra)
    assert (part.prefix, set(part.left_out)) == ("", set(extra))


def test_buffers_of_a_counter_in_a_compiled_network_are_left_out():
    [part, *_] = parts(*(f"_orig_mod.{name}" for name in NETWORK), "_orig_mod.head.total_ops")
    assert part.prefix == "_orig_mod."
    assert part.left_out == ("_orig_mod.head.total_ops",)


def test_one_network_of_several_is_a_part_with_its_role():
    names = [f"{prefix}.{name}" for prefix in ("online", "ema._orig_mod") for name in NETWORK]
    found = {part.prefix: part.role for part in parts(*names)}
    assert found == {"online.": Role.TRAINED, "ema._orig_mod.": Role.AVERAGED}


def test_the_whole_comes_first_and_nothing_is_yielded_without_end():
    stages = list(prefixes.stages(named("x.weight")))
    assert stages[0][0].prefix == ""
    assert len(stages) < 5
