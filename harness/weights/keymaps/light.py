"""The names that others give to tensors: one small function per family of files.

Each takes a whole state dict and returns it in our names, or None where some name is not
of its scheme. Nothing is guessed: every tensor is named by a rule, or dropped by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from harness.weights.files import Tensors

Rule = tuple[str, Callable[..., str]]

_WEIGHT_OR_BIAS = r"(weight|bias)"


def rename(tensors: Tensors, rules: Sequence[Rule], *, drop: str = "(?!)") -> Tensors | None:
    """Name every tensor by the first rule whose pattern matches the whole of its name.

    Args:
        tensors: State dict.
        rules: Patterns, and functions from their groups to our name.
        drop: Pattern of the tensors that we have no use for.

    Returns:
        The state dict in our names; None where a name is of no rule, or two are of one.
    """
    renamed: Tensors = {}
    for name, value in tensors.items():
        if re.fullmatch(drop, name):
            continue
        for pattern, ours in rules:
            if match := re.fullmatch(pattern, name):
                renamed[ours(*match.groups())] = value
                break
        else:
            return None
    dropped = sum(re.fullmatch(drop, name) is not None for name in tensors)
    return renamed if renamed and len(renamed) + dropped == len(tensors) else None


def carn(tensors: Tensors) -> Tensors | None:
    """CARN and CARN-M, the authors' repository; one scale or several."""
    last = r"\.(weight|bias)"

    def single(index: str, rest: str) -> str:
        return f"upsamplers.x{_upsampler_scale(tensors)}.{index}.{rest}"

    def unit(block: str, index: str, layer: str, rest: str) -> str:
        return f"body.units.{int(block) - 1}.units.{int(index) - 1}.0.body.{layer}.{rest}"

    rules: list[Rule] = [
        ("entry" + last, lambda rest: f"head.{rest}"),
        ("exit" + last, lambda rest: f"tail.{rest}"),
        (r"b(\d)\.b(\d)\.body\.(\d)" + last, unit),
        (
            r"b(\d)\.c(\d)\.body\.0" + last,
            lambda b, c, rest: f"body.units.{int(b) - 1}.fusions.{int(c) - 1}.0.{rest}",
        ),
        (r"c(\d)\.body\.0" + last, lambda c, rest: f"body.fusions.{int(c) - 1}.0.{rest}"),
        (
            r"upsample\.up(\d)\.body\.(\d)" + last,
            lambda scale, index, rest: f"upsamplers.x{scale}.{index}.{rest}",
        ),
        (r"upsample\.up\.body\.(\d)" + last, single),
    ]
    return rename(tensors, rules, drop=r"(sub|add)_mean\.shifter\.(weight|bias)")


def _upsampler_scale(tensors: Tensors) -> int:
    """Return the scale of CARN's only upsampler, whose name does not say it."""
    if "upsample.up.body.3.weight" in tensors:
        return 4
    first, entry = tensors.get("upsample.up.body.0.bias"), tensors.get("entry.bias")
    return 3 if first is not None and entry is not None and len(first) == 9 * len(entry) else 2


def carn_numbered(tensors: Tensors) -> Tensors | None:
    """CARN at x2 as MXNet's ``learned_N``: 0..3 the mean shifts, then layer by layer.

    Entry; per block the six convolutions of its units, then its three fusions; the outer
    fusions; the upsampler; the exit, after a gap where the other scales' upsamplers were.
    """
    layers = ["head"]
    for block in range(3):
        layers += [
            f"body.units.{block}.units.{unit}.0.body.{conv}" for unit in range(3) for conv in (0, 2)
        ]
        layers += [f"body.units.{block}.fusions.{fusion}.0" for fusion in range(3)]
    layers += [*(f"body.fusions.{fusion}.0" for fusion in range(3)), "upsamplers.x2.0"]
    numbered = {4 + 2 * index: layer for index, layer in enumerate(layers)} | {74: "tail"}
    places = {str(number): f"{layer}.weight" for number, layer in numbered.items()}
    places |= {str(number + 1): f"{layer}.bias" for number, layer in numbered.items()}
    if tensors.keys() != {f"learned_{number}" for number in (*range(4), *places)}:
        return None
    return rename(tensors, [(r"learned_(\d+)", lambda n: places[n])], drop=r"learned_[0-3]")


def drrn_numbered(tensors: Tensors) -> Tensors | None:
    """DRRN as MXNet's ``learned_N``."""
    layers = ("entry", "first", "second", "output")
    return rename(tensors, [(r"learned_([0-3])", lambda n: f"{layers[int(n)]}.weight")])


def srmdnf(tensors: Tensors) -> Tensors | None:
    """SRMDNF with batch norm merged: one chain, ``model.N``."""
    rules: list[Rule] = [
        (r"model\.22\." + _WEIGHT_OR_BIAS, lambda rest: f"tail.{rest}"),
        (r"model\.(\d+)\." + _WEIGHT_OR_BIAS, lambda index, rest: f"body.{index}.{rest}"),
    ]
    return rename(tensors, rules)


def vdsr_numbered(tensors: Tensors) -> Tensors | None:
    """VDSR, the authors' twenty layers by number."""
    return rename(
        tensors, [(r"(\d+)\." + _WEIGHT_OR_BIAS, lambda index, rest: f"convs.{index}.{rest}")]
    )


def vdsr_pytorch(tensors: Tensors) -> Tensors | None:
    """VDSR of twtygqyy/pytorch-vdsr."""
    rules: list[Rule] = [
        (r"input\.weight", lambda: "convs.0.weight"),
        (r"residual_layer\.(\d+)\.conv\.weight", lambda index: f"convs.{int(index) + 1}.weight"),
        (r"output\.weight", lambda: "convs.19.weight"),
    ]
    return rename(tensors, rules)


def fsrcnn(tensors: Tensors) -> Tensors | None:
    """FSRCNN of yjn870/FSRCNN-pytorch."""
    rules: list[Rule] = [
        (r"first_part\.([01])\." + _WEIGHT_OR_BIAS, lambda index, rest: f"body.{index}.{rest}"),
        (
            r"mid_part\.(\d+)\." + _WEIGHT_OR_BIAS,
            lambda index, rest: f"body.{int(index) + 2}.{rest}",
        ),
        (r"last_part\." + _WEIGHT_OR_BIAS, lambda rest: f"output.{rest}"),
    ]
    return rename(tensors, rules)


def lapsrn(tensors: Tensors) -> Tensors | None:
    """LapSRN's authors (MatConvNet); their first level has the highest number."""
    numbers = [int(match[1]) for name in tensors if (match := re.match(r"level(\d)_", name))]
    parts = {"f": "weight", "b": "bias"}

    def at(level: str) -> str:
        return f"levels.{max(numbers) - int(level)}"

    rules: list[Rule] = [
        (r"input_conv_([fb])", lambda part: f"entry.{parts[part]}"),
        (
            r"level(\d)_conv(\d+)_([fb])",
            lambda level, conv, part: f"{at(level)}.convs.{int(conv) - 1}.{parts[part]}",
        ),
        (r"level(\d)_upconv_([fb])", lambda level, part: f"{at(level)}.upscale.{parts[part]}"),
        (
            r"level(\d)_residual_conv_([fb])",
            lambda level, part: f"{at(level)}.residual.{parts[part]}",
        ),
        (r"level(\d)_img_up_f", lambda level: f"{at(level)}.upscale_image.weight"),
    ]
    return rename(tensors, rules)


def _block(number: str, rest: str) -> str:
    """Return our name of a part of a block that the authors count from 1."""
    return f"blocks.{int(number) - 1}.{rest}"


def imdn(tensors: Tensors) -> Tensors | None:
    """IMDN's authors."""
    gates = {"0": "squeeze", "2": "excite"}

    rules: list[Rule] = [
        (r"fea_conv\." + _WEIGHT_OR_BIAS, lambda rest: f"head.{rest}"),
        (
            r"IMDB(\d)\.c([1-4])\." + _WEIGHT_OR_BIAS,
            lambda b, c, rest: _block(b, f"convs.{int(c) - 1}.{rest}"),
        ),
        (r"IMDB(\d)\.c5\." + _WEIGHT_OR_BIAS, lambda b, rest: _block(b, f"fusion.{rest}")),
        (
            r"IMDB(\d)\.cca\.conv_du\.([02])\." + _WEIGHT_OR_BIAS,
            lambda b, g, rest: _block(b, f"attention.{gates[g]}.{rest}"),
        ),
        (r"c\.0\." + _WEIGHT_OR_BIAS, lambda rest: f"fusion.{rest}"),
        (r"LR_conv\." + _WEIGHT_OR_BIAS, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0\." + _WEIGHT_OR_BIAS, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def rlfn(tensors: Tensors) -> Tensors | None:
    """RLFN in the repository of the NTIRE 2022 challenge."""
    gates = {
        "conv1": "reduce",
        "conv_f": "direct",
        "conv2": "stride",
        "conv3": "coarse",
        "conv4": "expand",
    }

    rules: list[Rule] = [
        (r"fea_conv\." + _WEIGHT_OR_BIAS, lambda rest: f"head.{rest}"),
        (
            r"B(\d)\.c([123])_r\." + _WEIGHT_OR_BIAS,
            lambda b, c, rest: _block(b, f"convs.{int(c) - 1}.{rest}"),
        ),
        (r"B(\d)\.c5\." + _WEIGHT_OR_BIAS, lambda b, rest: _block(b, f"fusion.{rest}")),
        (
            r"B(\d)\.esa\.(conv[1-4]|conv_f)\." + _WEIGHT_OR_BIAS,
            lambda b, g, rest: _block(b, f"attention.{gates[g]}.{rest}"),
        ),
        (r"LR_conv\." + _WEIGHT_OR_BIAS, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0\." + _WEIGHT_OR_BIAS, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def rlfn_2024(tensors: Tensors) -> Tensors | None:
    """RLFN in its authors' repository and in that of the NTIRE 2024 challenge."""
    rules: list[Rule] = [
        (r"conv_1\." + _WEIGHT_OR_BIAS, lambda rest: f"fea_conv.{rest}"),
        (r"block_(\d)\.(.+)", lambda block, rest: f"B{block}.{rest}"),
        (r"conv_2\." + _WEIGHT_OR_BIAS, lambda rest: f"LR_conv.{rest}"),
        (r"(upsampler\.0\..+)", lambda name: name),
    ]
    older = rename(tensors, rules)
    return rlfn(older) if older else None
