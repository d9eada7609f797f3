"""Names of networks younger than the paper, whole state dicts of them, there and back."""

import re

import pytest
import torch

from harness.models import registry
from harness.models.modern import MODERN
from harness.weights import schemes

DEEP_ATTENTION = {
    "reduce": "conv1",
    "direct": "conv_f",
    "stride": "conv2",
    "coarse.0": "conv_max",
    "coarse.2": "conv3",
    "coarse.4": "conv3_",
    "expand": "conv4",
}


def renamed(name, rules):
    """Return a name with the first pattern that fits at its start replaced; numbers from 1."""
    for pattern, theirs in rules:
        if match := re.match(pattern, name):
            numbers = [int(number) + 1 for number in match.groups()]
            return theirs.format(*numbers) + name[match.end() :]
    raise AssertionError(name)


def distillation(attention, name):
    """Return a name in the code of RFDN's authors, or of BSRN's, which is made of it."""
    for ours, theirs in DEEP_ATTENTION.items():
        name = name.replace(f"{attention}.{ours}.", f"esa.{theirs}.")
    name = name.replace(".pointwise.", ".pw.").replace(".depthwise.", ".dw.")
    rules = [
        (r"blocks\.(\d)\.distilled\.(\d)", "B{0}.c{1}_d"),
        (r"blocks\.(\d)\.refined\.(\d)", "B{0}.c{1}_r"),
        (r"blocks\.(\d)\.last", "B{0}.c4"),
        (r"blocks\.(\d)\.fusion", "B{0}.c5"),
        (r"blocks\.(\d)\.esa", "B{0}.esa"),
        (r"blocks\.(\d)\.channel\.squeeze", "B{0}.cca.conv_du.0"),
        (r"blocks\.(\d)\.channel\.excite", "B{0}.cca.conv_du.2"),
        (r"blocks\.(\d)\.channel\.gain", "B{0}.cw"),
        (r"blocks\.(\d)\.channel\.fusion", "B{0}.conv_out"),
        (r"head", "fea_conv"),
    ]
    return renamed(name, [*rules, (r"", "")])


def rfdn(name):
    name = distillation("attention", name)
    ends = [(r"fusion", "c.0"), (r"smooth", "LR_conv"), (r"tail", "upsampler.0"), (r"", "")]
    return renamed(name, ends)


def bsrn(name):
    name = distillation("spatial", name)
    ends = [(r"fusion", "c1"), (r"smooth", "c2"), (r"tail", "upsampler.upsampleOneStep.0")]
    return renamed(name, [*ends, (r"", "")])


def swinir(name):
    parts = {
        "norm_attention": "norm1",
        "attention.qkv": "attn.qkv",
        "attention.project": "attn.proj",
        "attention.table": "attn.relative_position_bias_table",
        "norm_perceptron": "norm2",
        "perceptron.0": "mlp.fc1",
        "perceptron.2": "mlp.fc2",
    }
    for ours, theirs in parts.items():
        name = re.sub(
            rf"groups\.(\d)\.blocks\.(\d)\.{re.escape(ours)}",
            rf"layers.\1.residual_group.blocks.\2.{theirs}",
            name,
        )
    name = re.sub(r"groups\.(\d)\.conv", r"layers.\1.conv", name)
    ends = [
        (r"head", "conv_first"),
        (r"norm_first", "patch_embed.norm"),
        (r"norm_last", "norm"),
        (r"smooth", "conv_after_body"),
        (r"tail", "upsample.0"),
    ]
    return renamed(name, [*ends, (r"", "")])


@pytest.mark.parametrize(
    ("model", "theirs", "scheme"),
    [
        ("rfdn", rfdn, "RFDN, the authors'"),
        ("rfdn_l", rfdn, "RFDN, the authors'"),
        ("bsrn", bsrn, "BSRN, the authors'"),
        ("swinir_light", swinir, "SwinIR, the authors'"),
    ],
)
def test_names_there_and_back(model, theirs, scheme):
    state = registry.get(model).build(scale=4).state_dict()
    named = {theirs(name): value for name, value in state.items()}
    assert len(named) == len(state)
    assert not named.keys() & state.keys()
    [fit] = schemes.find(named)
    assert (fit.model, fit.scales, fit.scheme) == (model, (4,), scheme)
    assert all(torch.equal(fit.tensors[name], value) for name, value in state.items())


def test_linear_layers_of_bsrn_s_are_read_as_convolutions():
    state = registry.get("bsrn_s").build(scale=4).state_dict()
    named = {
        bsrn(name): value[:, :, 0, 0] if value.shape[2:] == (1, 1) else value
        for name, value in state.items()
        if "depthwise" not in name
    }
    named |= {bsrn(name): value for name, value in state.items() if "depthwise" in name}
    assert named["B1.cw"].shape == (1, 48)
    assert named["c1.weight"].shape == (48, 240)
    [fit] = schemes.find(named)
    assert fit.model == "bsrn_s"
    assert all(torch.equal(fit.tensors[name], value) for name, value in state.items())


def test_constants_of_swinir_are_left_out():
    state = registry.get("swinir_light").build(scale=2).state_dict()
    named = {swinir(name): value for name, value in state.items()}
    block = "layers.0.residual_group.blocks.1"
    named[f"{block}.attn_mask"] = torch.zeros(64, 64, 64)
    named[f"{block}.attn.relative_position_index"] = torch.zeros(64, 64, dtype=torch.long)
    [fit] = schemes.find(named)
    assert fit.tensors.keys() == state.keys()


@pytest.mark.parametrize("variant", MODERN, ids=lambda variant: variant.id)
def test_our_own_names_fit_one_network(variant):
    """PAN's weights do not tell x2 from x3, nor do the scales of any network share a file else."""
    scale = variant.scales[0]
    [fit] = schemes.find(dict(variant.build(scale=scale).state_dict()))
    assert (fit.model, fit.scheme) == (variant.id, "this harness")
    assert fit.scales == ((2, 3) if variant.id == "pan" else (scale,))
