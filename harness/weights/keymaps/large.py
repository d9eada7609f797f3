"""The names of the large RGB networks: EDSR, MDSR, RCAN, MSRN, RDN and WDSR.

Their files differ from ours also in the range of the image and in the mean colour that is
taken off it. Both are folded into the first and the last layer, which is exact; the mean
itself cannot be (zero padding comes after it), so it goes beside the weights as
:data:`MEAN`, where it is another than ours.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from harness.models.layers import DIV2K_MEAN
from harness.weights.files import MEAN, Tensors
from harness.weights.keymaps.light import Rule, rename

_LAST = r"\.(weight|bias)"
_SHIFTS = tuple(f"{name}_mean.{part}" for name in ("sub", "add") for part in ("weight", "bias"))


def edsr(tensors: Tensors) -> Tensors | None:
    """EDSR of its authors' PyTorch code, and RCAN of its authors, whose code is made from it."""
    rules: list[Rule] = [
        (r"head\.0" + _LAST, lambda rest: f"head.{rest}"),
        (r"body\.(\d+)" + _LAST, lambda block, rest: f"body.{block}.{rest}"),
        (
            r"body\.(\d+)\.body\.(\d+)" + _LAST,
            lambda block, layer, rest: f"body.{block}.body.{layer}.{rest}",
        ),
        (
            r"body\.(\d+)\.body\.(\d+)\.body\.([02])" + _LAST,
            lambda group, block, layer, rest: f"body.{group}.body.{block}.body.{layer}.{rest}",
        ),
        (
            r"body\.(\d+)\.body\.(\d+)\.body\.3\.conv_du\.([02])" + _LAST,
            lambda g, block, layer, rest: f"body.{g}.body.{block}.body.3.gate.{layer}.{rest}",
        ),
        (r"tail\.0\.(\d)" + _LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"tail\.1" + _LAST, lambda rest: f"tail.{rest}"),
    ]
    return _shifted(tensors, rules)


def mdsr(tensors: Tensors) -> Tensors | None:
    """MDSR of its authors' PyTorch code, for x2, x3 and x4 in this order."""
    rules: list[Rule] = [
        (r"head\.0" + _LAST, lambda rest: f"head.{rest}"),
        (
            r"pre_process\.([012])\.([01])\.body\.([02])" + _LAST,
            lambda at, block, layer, rest: f"entries.x{int(at) + 2}.{block}.body.{layer}.{rest}",
        ),
        (r"body\.(\d+)" + _LAST, lambda block, rest: f"body.{block}.{rest}"),
        (
            r"body\.(\d+)\.body\.([02])" + _LAST,
            lambda block, layer, rest: f"body.{block}.body.{layer}.{rest}",
        ),
        (
            r"upsample\.([012])\.(\d)" + _LAST,
            lambda at, layer, rest: f"upsamplers.x{int(at) + 2}.{layer}.{rest}",
        ),
        (r"tail\.0" + _LAST, lambda rest: f"tail.{rest}"),
    ]
    return _shifted(tensors, rules)


def msrn(tensors: Tensors) -> Tensors | None:
    """MSRN's authors, the later RGB code."""
    rules: list[Rule] = [
        (r"head\.0" + _LAST, lambda rest: f"head.{rest}"),
        (
            r"body\.(\d+)\.(conv_[35]_[12])" + _LAST,
            lambda block, conv, rest: f"body.{block}.{conv}.{rest}",
        ),
        (r"body\.(\d+)\.confusion" + _LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"tail\.([01])" + _LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"tail\.2\.(\d)" + _LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"tail\.3" + _LAST, lambda rest: f"tail.{rest}"),
    ]
    return _shifted(tensors, rules)


def basicsr(tensors: Tensors) -> Tensors | None:
    """EDSR and RCAN as BasicSR names them; the mean is in its code, and is ours."""
    convs = {"1": "0", "2": "2"}
    gates = {"1": "0", "3": "2"}
    members = _last(tensors, r"body\.\d+\.residual_group\.(\d+)\..+") + 1
    last = _last(tensors, r"body\.(\d+)\..+") + 1
    rules: list[Rule] = [
        (r"conv_first" + _LAST, lambda rest: f"head.{rest}"),
        (
            r"body\.(\d+)\.conv([12])" + _LAST,
            lambda block, conv, rest: f"body.{block}.body.{convs[conv]}.{rest}",
        ),
        (
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.([02])" + _LAST,
            lambda group, block, conv, rest: f"body.{group}.body.{block}.body.{conv}.{rest}",
        ),
        (
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.([13])" + _LAST,
            lambda g, block, a, rest: f"body.{g}.body.{block}.body.3.gate.{gates[a]}.{rest}",
        ),
        (
            r"body\.(\d+)\.conv" + _LAST,
            lambda group, rest: f"body.{group}.body.{members}.{rest}",
        ),
        (r"conv_after_body" + _LAST, lambda rest: f"body.{last}.{rest}"),
        (r"upsample\.(\d)" + _LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"conv_last" + _LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def rdn(tensors: Tensors) -> Tensors | None:
    """RDN of EDSR's authors' PyTorch code, which has no mean shift."""
    last = _last(tensors, r"UPNet\.(\d+)\..+")

    def exit_layer(layer: str, rest: str) -> str:
        return f"tail.{rest}" if int(layer) == last else f"upsampler.{layer}.{rest}"

    rules: list[Rule] = [
        (r"SFENet1" + _LAST, lambda rest: f"head.{rest}"),
        (r"SFENet2" + _LAST, lambda rest: f"entry.{rest}"),
        (
            r"RDBs\.(\d+)\.convs\.(\d+)\.conv\.0" + _LAST,
            lambda block, layer, rest: f"body.{block}.layers.{layer}.0.{rest}",
        ),
        (r"RDBs\.(\d+)\.LFF" + _LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"GFF\.([01])" + _LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"UPNet\.(\d)" + _LAST, exit_layer),
    ]
    return rename(tensors, rules)


def rdn_unit_range(tensors: Tensors) -> Tensors | None:
    """RDN of yjn870/RDN-pytorch, which works on RGB in 0..1."""
    rules: list[Rule] = [
        (r"sfe1" + _LAST, lambda rest: f"head.{rest}"),
        (r"sfe2" + _LAST, lambda rest: f"entry.{rest}"),
        (
            r"rdbs\.(\d+)\.layers\.(\d+)\.conv" + _LAST,
            lambda block, layer, rest: f"body.{block}.layers.{layer}.0.{rest}",
        ),
        (r"rdbs\.(\d+)\.lff" + _LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"gff\.([01])" + _LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"upscale\.(\d)" + _LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"output" + _LAST, lambda rest: f"tail.{rest}"),
    ]
    return _scaled(
        rename(tensors, rules), {"head.weight": 1 / 255, "tail.weight": 255, "tail.bias": 255}
    )


def wdsr(tensors: Tensors) -> Tensors | None:
    """WDSR of ychfan/wdsr, which works on RGB in 0..1 less one half; ours in -1..1."""
    last = _last(tensors, r"body\.(\d+)\..+")

    def end(layer: str, rest: str) -> str:
        return f"tail.branches.k3.{rest}" if int(layer) == last else f"head.{rest}"

    rules: list[Rule] = [
        (rf"body\.(0|{last})\.((?:bias|parametrizations).*)", end),
        (r"body\.(\d+)\.body\.([02]\..+)", lambda b, rest: f"units.{int(b) - 1}.body.{rest}"),
        (r"skip\.0\.(.+)", lambda rest: f"skip.conv.{rest}"),
    ]
    gain = "parametrizations.weight.original0"
    factors = {f"head.{gain}": 0.5} | dict.fromkeys(
        [f"tail.branches.k3.{gain}", "tail.branches.k3.bias", "skip.conv.bias"], 2
    )
    ours = _scaled(rename(tensors, rules), factors)
    return ours and ours | {MEAN: torch.full((1, 3, 1, 1), 127.5)}


def _last(tensors: Tensors, pattern: str) -> int:
    """Return the highest number that a pattern finds in the names, 0 where it finds none."""
    matches = (re.fullmatch(pattern, name) for name in tensors)
    return max((int(match[1]) for match in matches if match), default=0)


def _scaled(ours: Tensors | None, factors: dict[str, float]) -> Tensors | None:
    if ours is None or not factors.keys() <= ours.keys():
        return None
    return ours | {name: factor * ours[name] for name, factor in factors.items()}


def _shifted(tensors: Tensors, rules: list[Rule]) -> Tensors | None:
    """Rename, with the mean shifts, which are 1x1 convolutions, folded into head and tail.

    In most of this code the shifts were meant to be constants but were trained along.
    """
    if not all(name in tensors for name in _SHIFTS):
        return None
    ours = rename(tensors, rules, drop="|".join(map(re.escape, _SHIFTS)))
    shifts = [tensors[name].double() for name in _SHIFTS]
    if ours is None or not {"head.weight", "tail.weight", "tail.bias"} <= ours.keys():
        return None
    if [tuple(shift.shape) for shift in shifts] != 2 * [(3, 3, 1, 1), (3,)]:
        return None
    constant = 255 * torch.tensor(DIV2K_MEAN)
    eye = torch.eye(3).view(3, 3, 1, 1)
    if all(
        torch.equal(tensors[name], value)
        for name, value in zip(_SHIFTS, (eye, -constant, eye, constant), strict=True)
    ):
        return ours
    return _fold(ours, *shifts)


def _fold(
    ours: Tensors, sub_weight: Tensor, sub_bias: Tensor, add_weight: Tensor, add_bias: Tensor
) -> Tensors | None:
    into, out = sub_weight[:, :, 0, 0], add_weight[:, :, 0, 0]
    if torch.linalg.matrix_rank(into) < 3:
        return None
    mean = -torch.linalg.solve(into, sub_bias)
    if mean.abs().max() <= 1:  # the image was in 0..1
        mean, into, out, add_bias = 255 * mean, into / 255, 255 * out, 255 * add_bias
    head, tail, bias = (ours[name].double() for name in ("head.weight", "tail.weight", "tail.bias"))
    mean = mean.float()
    return ours | {
        "head.weight": torch.einsum("ochw,ci->oihw", head, into).float(),
        "tail.weight": torch.einsum("oc,cihw->oihw", out, tail).float(),
        "tail.bias": (out @ bias + add_bias - mean).float(),
        MEAN: mean.view(1, 3, 1, 1),
    }
