"""What of a network merges, part by part: layers in a row, units, tails, the AWSRN around them.

Every rule is given a module whose weight norms are folded, in evaluation mode, and returns the one
that takes its place. A part whose class has a forward pass of its own is left as it is. No layer
is changed in place, since it may stand elsewhere, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from harness.models.awms import AWMS
from harness.models.awsrn import AWSRN, LRFU
from harness.models.layers import GlobalSkip, Normalise, Residual
from harness.models.merged import (
    MergedAWSRN,
    MergedFusion,
    MergedUnit,
    merged_branches,
    scaled,
    with_bias,
)
from harness.models.training_form import is_plain
from harness.models.units import AWRU, BasicRU, ScaledRU

_LEAST, _MOST = 2.0**-10, 2.0**10
"""Of the factor between a network's features and those of its merged form."""

_Kind = TypeVar("_Kind", bound=nn.Module)


def merge_sequence(module: nn.Module) -> nn.Module:
    """Let the batch norms of layers in a row go into kernels, and their ReLUs work in place."""
    if not _is(module, nn.Sequential):
        return module
    before = ""  # name of the convolution right before
    for name, layer in list(module._modules.items()):
        conv = module._modules.get(before)
        if conv is not None and type(layer) is nn.BatchNorm2d and layer.running_var is not None:
            module._modules[before] = fuse_conv_bn_eval(cast(nn.Conv2d, conv), layer)
            module._modules[name] = nn.Identity().eval()
            continue
        if conv is not None and type(layer) is nn.ReLU:
            module._modules[name] = nn.ReLU(inplace=True).eval()
        if conv is not None and type(layer) is nn.LeakyReLU:
            module._modules[name] = nn.LeakyReLU(layer.negative_slope, inplace=True).eval()
        before = name if _is_conv(layer) else ""
    return module


def merge_part(module: nn.Module) -> nn.Module:
    """Merge a unit, a fusion or a tail of :mod:`harness.models`."""
    if _is(module, AWRU):
        return _unit(module, module.body, module.lambda_res, module.lambda_x)
    if _is(module, BasicRU):
        return _unit(module, module.body, 1.0, None)
    if _is(module, ScaledRU):
        scale_x = torch.tensor(module.scale_x, dtype=torch.float64)
        return _unit(module, module.body, module.scale_res, None if scale_x == 1 else scale_x)
    if _is(module, Residual) and module.scaling != 1:
        return _unit(module, module.body, module.scaling, None)
    if _is(module, LRFU) and _is_conv(module.conv):
        conv = scaled(module.conv, out=_number(module.lambda_res))
        return MergedFusion(conv, module.lambda_x).eval()
    if _is(module, AWMS):
        return _tail(module)
    return module


def _unit(
    unit: nn.Module, body: nn.Module, weight: Tensor | float, lambda_x: Tensor | None
) -> nn.Module:
    layers = list(body) if _is(body, nn.Sequential) else []
    if not layers or not _is_conv(layers[-1]):
        return unit
    layers[-1] = scaled(layers[-1], out=_number(weight))
    if lambda_x is not None and not isinstance(lambda_x, nn.Parameter):
        lambda_x = lambda_x.to(layers[-1].weight)
    return MergedUnit(nn.Sequential(*layers), lambda_x).eval()


def _tail(tail: AWMS) -> nn.Module:
    convs = list(tail.branches.values())
    if not all(map(_is_same_conv, convs, tail.kernel_sizes)):
        return tail
    alphas = [tail.alpha.get(name, 1.0) for name in tail.branches]
    return merged_branches(cast(list[nn.Conv2d], convs), alphas)


def merge_network(network: nn.Module) -> nn.Module:
    """Merge what stands around the units of an AWSRN or WDSR: range, biases, the sum of Eq. (3)."""
    own_map = type(network).map is AWSRN.map if isinstance(network, AWSRN) else False
    if not _is(network, AWSRN) or not own_map:
        return network
    head, tail, skip, normalise = network.head, network.tail, network.skip, network.normalise
    if not (_is(skip, GlobalSkip) and _is(normalise, Normalise)):
        return network
    if not (_is_conv(head) and _is_conv(tail) and _is_conv(skip.conv)):
        return network
    divisor, mean = normalise.divisor, normalise.mean.detach()
    path = scaled(skip.conv, bias=False)  # of the shifted image: the divisor cancels
    bias = mean.double().reshape(-1).repeat_interleave(network.scale**2)
    for conv in (skip.conv, tail):
        bias = bias + (0 if conv.bias is None else divisor * conv.bias.detach().double())
    return MergedAWSRN(
        scale=network.scale,
        num_units=network.num_units,
        mean=mean,
        head=scaled(head, into=1 / divisor),
        units=list(network.units),
        fusions=list(network.fusions),
        tail=scaled(tail, out=divisor, bias=False),
        skip=with_bias(path, bias),
    ).eval()


def rescale_network(network: nn.Module) -> nn.Module:
    """Let every ``lambda_x`` of a merged AWSRN go into the kernels before and behind it.

    With features ``z = x / s`` in place of ``x``, Eq. (6) is ``z' = lambda_res / s' f(s z) + z``
    for ``s' = lambda_x s``; the tail takes the last ``s`` in. A ``lambda_x`` that is 0, or takes
    ``s`` out of 2^-10..2^10, stays, and ``s`` is 1 behind it.
    """
    if not isinstance(network, MergedAWSRN) or not _all_known(network):
        return network
    scale, blocks = 1.0, len(network.fusions)
    units: list[nn.Module] = []
    fusions: list[nn.Module] = []
    size = network.num_units if blocks else len(network.units)
    for start in range(0, len(network.units), max(size, 1)):
        at_start, factors = scale, []
        for unit in network.units[start : start + size]:
            unit, scale = _rescaled_unit(unit, scale)
            units.append(unit)
            factors.append(scale)
        if blocks:
            fusion = cast(MergedFusion, network.fusions[len(fusions)])
            merged, scale = _rescaled_fusion(fusion, factors, at_start)
            fusions.append(merged)
    network.units, network.fusions = nn.ModuleList(units), nn.ModuleList(fusions)
    network.tail = scaled(network.tail, into=scale)
    return network


def _all_known(network: MergedAWSRN) -> bool:
    """Tell whether all that is between head and tail takes features in other units."""
    parts = [*network.units, *network.fusions]
    if len(set(map(id, parts))) < len(parts):  # one unit for several places would become several
        return False
    return all(isinstance(part, MergedFusion) or _takes_units(part) for part in parts)


def _takes_units(unit: nn.Module) -> bool:
    if isinstance(unit, nn.Identity):
        return True
    return isinstance(unit, MergedUnit) and _is_conv(unit.body[0])


def _rescaled_unit(unit: nn.Module, scale: float) -> tuple[nn.Module, float]:
    """Return a unit of features ``1 / scale`` as large, and the scale behind it."""
    if not isinstance(unit, MergedUnit):
        return unit, scale
    after, lambda_x = _behind(unit.lambda_x, scale)
    layers: list[nn.Module] = list(unit.body)
    layers[0] = scaled(cast(nn.Conv2d, layers[0]), into=scale)
    layers[-1] = scaled(cast(nn.Conv2d, layers[-1]), out=1 / after)
    return MergedUnit(nn.Sequential(*layers), lambda_x).eval(), after


def _rescaled_fusion(
    fusion: MergedFusion, factors: Sequence[float], at_start: float
) -> tuple[MergedFusion, float]:
    """Return the same of a fusion: every unit's output, and the block's input, has its scale."""
    after, lambda_x = _behind(fusion.lambda_x, at_start)
    width = fusion.conv.in_channels // len(factors)
    into = torch.tensor(factors, dtype=torch.float64).repeat_interleave(width)
    conv = scaled(fusion.conv, out=1 / after, into=into.to(fusion.conv.weight.device))
    return MergedFusion(conv, lambda_x).eval(), after


def _behind(lambda_x: Tensor | None, scale: float) -> tuple[float, Tensor | None]:
    """Return the scale behind a shortcut, and the weight that it keeps."""
    if lambda_x is None:
        return scale, None
    after = _number(lambda_x) * scale
    if _LEAST <= abs(after) <= _MOST:
        return after, None
    kept = (scale * lambda_x.detach().double()).to(lambda_x.dtype)
    return 1.0, nn.Parameter(kept) if isinstance(lambda_x, nn.Parameter) else kept


def _number(weight: Tensor | float) -> float:
    """Return a scalar's value; 1 where it has none, on the meta device."""
    if not isinstance(weight, Tensor):
        return float(weight)
    return 1.0 if weight.is_meta else weight.detach().double().item()


def _is(module: nn.Module, kind: type[_Kind]) -> TypeGuard[_Kind]:
    """Tell whether a module's forward pass is that of a kind, and not its own."""
    own = "forward" in vars(module) or type(module).forward is not kind.forward
    return isinstance(module, kind) and not own


def _is_conv(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    return is_plain(layer) and "forward" not in vars(layer)


def _is_same_conv(layer: nn.Module, size: int) -> bool:
    if not _is_conv(layer) or layer.bias is None or layer.groups > 1:
        return False
    same = layer.kernel_size == (size, size) and layer.padding == (size // 2, size // 2)
    return same and layer.stride == layer.dilation == (1, 1)
