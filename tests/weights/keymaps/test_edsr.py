"""EDSR, MDSR and RCAN in others' names: what their code computes, written out, agrees."""

import pytest
import torch
from torch.nn import functional as F

from harness.models import registry

KINDS = ["as meant", "other mean", "trained", "unit range"]
DIV2K = torch.tensor([0.4488, 0.4371, 0.4040])


@pytest.mark.parametrize("kind", KINDS)
def test_edsr_whatever_became_of_its_mean_shift(kind, small_edsr, lr, assert_agree):
    state, run = small_edsr(kind)
    network = registry.get("edsr").build(scale=4, num_blocks=2, channels=6)
    assert_agree(state, network, run(lr), lr)


def test_mdsr_serves_each_of_its_scales(state_dict, lr, assert_agree):
    state = state_dict()
    state.shifts("as meant")
    state.layer("head.0", 3, 4)
    for at in (0, 1, 2):
        for block in (0, 1):
            state.layer(f"pre_process.{at}.{block}.body.0", 4, 4, 5)
            state.layer(f"pre_process.{at}.{block}.body.2", 4, 4, 5)
    state.layer("body.0.body.0", 4, 4)
    state.layer("body.0.body.2", 4, 4)
    state.layer("body.1", 4, 4)
    for name, factor in (("0.0", 4), ("1.0", 9), ("2.0", 4), ("2.2", 4)):
        state.layer(f"upsample.{name}", 4, factor * 4)
    state.layer("tail.0", 4, 3)
    for at, scale in enumerate((2, 3, 4)):
        y = state("head.0", state("sub_mean", lr))
        for block in (0, 1):
            where = f"pre_process.{at}.{block}.body"
            y = state.residual(f"{where}.0", f"{where}.2", y)
        y = y + state("body.1", state.residual("body.0.body.0", "body.0.body.2", y))
        y = F.pixel_shuffle(state(f"upsample.{at}.0", y), 3 if scale == 3 else 2)
        if scale == 4:
            y = state.up("upsample.2.2", y)
        network = registry.get("mdsr").build(scale=scale, num_blocks=1, channels=4)
        assert_agree(state, network, state("add_mean", state("tail.0", y)), lr)


def gated(state, squeeze, excite, y):
    return y * state(excite, F.relu(state(squeeze, y.mean((2, 3), keepdim=True)))).sigmoid()


@pytest.mark.parametrize("kind", KINDS[:3])
def test_rcan(kind, state_dict, lr, assert_agree):
    state = state_dict()
    state.shifts(kind)
    state.layer("head.0", 3, 4)
    for where in ("body.0.body.0.body", "body.1.body.0.body"):
        state.layer(f"{where}.0", 4, 4)
        state.layer(f"{where}.2", 4, 4)
        state.layer(f"{where}.3.conv_du.0", 4, 2, 1)
        state.layer(f"{where}.3.conv_du.2", 2, 4, 1)
    for name in ("body.0.body.1", "body.1.body.1", "body.2"):
        state.layer(name, 4, 4)
    state.layer("tail.0.0", 4, 16)
    state.layer("tail.1", 4, 3)
    head = y = state("head.0", state("sub_mean", lr))
    for group in (0, 1):
        where = f"body.{group}.body.0.body"
        inner = state(f"{where}.2", F.relu(state(f"{where}.0", y)))
        inner = y + gated(state, f"{where}.3.conv_du.0", f"{where}.3.conv_du.2", inner)
        y = y + state(f"body.{group}.body.1", inner)
    y = state.up("tail.0.0", state("body.2", y) + head)
    network = registry.get("rcan").build(
        scale=2, num_groups=2, num_blocks=1, channels=4, reduction=2
    )
    assert_agree(state, network, state("add_mean", state("tail.1", y)), lr)


@pytest.mark.parametrize("attention", [False, True])
def test_basicsr_takes_an_image_in_0_to_1(attention, state_dict, lr, assert_agree):
    state = state_dict()
    state.layer("conv_first", 3, 4)
    for block in (0, 1):
        if attention:
            where = f"body.{block}.residual_group.0.rcab"
            names = [f"{where}.0", f"{where}.2", f"body.{block}.conv"]
            state.layer(f"{where}.3.attention.1", 4, 2, 1)
            state.layer(f"{where}.3.attention.3", 2, 4, 1)
        else:
            names = [f"body.{block}.conv1", f"body.{block}.conv2"]
        for name in names:
            state.layer(name, 4, 4)
    state.layer("conv_after_body", 4, 4)
    state.layer("upsample.0", 4, 16)
    state.layer("conv_last", 4, 3)
    mean = DIV2K.view(1, 3, 1, 1)
    head = y = state("conv_first", (lr / 255 - mean) * 255)
    for block in (0, 1):
        if attention:
            where = f"body.{block}.residual_group.0.rcab"
            inner = state(f"{where}.2", F.relu(state(f"{where}.0", y)))
            inner = y + gated(state, f"{where}.3.attention.1", f"{where}.3.attention.3", inner)
            y = y + state(f"body.{block}.conv", inner)
        else:
            y = state.residual(f"body.{block}.conv1", f"body.{block}.conv2", y)
    y = state("conv_last", state.up("upsample.0", state("conv_after_body", y) + head))
    sizes = {"num_blocks": 1, "num_groups": 2, "reduction": 2} if attention else {"num_blocks": 2}
    model = "rcan" if attention else "edsr_baseline"
    network = registry.get(model).build(scale=2, channels=4, **sizes)
    assert_agree({"params": dict(state)}, network, 255 * (y / 255 + mean), lr)
