"""A trained network in the form that is deployed: fewer convolutions, the same output.

What merges is linear: weight norm and batch norm into kernels; the weighted branches of AWMS into
one kernel (Eq. 3); ``lambda_res`` into the last kernel of a unit (Eqs. 4 and 6); ``lambda_x`` into
the kernels before and behind, by features in other units; the output's range into the last
kernels. A network, or a part of one, may declare a method ``deploy()`` that returns its own
merged form.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, remove_weight_norm
from torch.nn.utils.weight_norm import WeightNorm

from harness.models.adapted import Expects, adapt
from harness.models.fusing_rules import (
    merge_network,
    merge_part,
    merge_sequence,
    rescale_network,
)
from harness.models.merging import DEPLOY, declares

_SIZES = ((16, 20), (64, 64))
_WITHIN = 1e-4
_Rule = Callable[[nn.Module], nn.Module]


class CannotMerge(ValueError):
    """A network that has no merged form, and why."""


def fused(network: nn.Module, *, rescale: bool = True) -> nn.Module:
    """Return a copy of a network in evaluation mode, merged, with an equal output.

    It is made of PyTorch's own layers and operators. Where nothing is to be merged it is a mere
    copy. Whether it gives the network's output is seen on a small image.

    Args:
        network: Maps ``(N, 3, H, W)`` RGB in 0..255 to SR; it stays as it is.
        rescale: Whether ``lambda_x`` goes into kernels as well, where a network's parts are all
            of the kinds that are known here; else every unit keeps it as a scalar.

    Raises:
        CannotMerge: A part of it is more than its weights say, such as one with a hook, or what
            is merged does not give the network's output; the message names the part.

    Example:
        >>> from harness.models import registry
        >>> network = registry.get("awsrn_s").build(scale=4)
        >>> sum(weight.numel() for weight in network.parameters())
        587742
        >>> sum(weight.numel() for weight in fused(network).parameters())
        459104
    """
    twin = _copied(network).eval()
    with torch.no_grad():
        twin = _replaced(twin, _deployed, before=True)
        fold_norms(twin)
        _refuse_what_is_more_than_weights(twin)
        for rule in (merge_sequence, merge_part, merge_network):
            twin = _replaced(twin, rule)
        if rescale:
            twin = _replaced(twin, rescale_network)
    check_equal(network, twin)
    return twin


def deployed(network: nn.Module) -> nn.Module:
    """Return the form in which a network is counted, timed and compared.

    That is what its own method ``deploy()`` returns, called on a copy in evaluation mode and
    without gradients; a network without one itself. What the network was told of its images
    (:mod:`harness.models.adapted`) holds of that form, too. Unlike :func:`fused`, it merges
    nothing that is not declared, and runs nothing.

    Args:
        network: Any network, with or without values.

    Raises:
        CannotMerge: Its ``deploy()`` fails, or returns something other than a network.
    """
    if not declares(network):
        return network
    with torch.no_grad():
        return _deployed(_copied(network).eval())


def _copied(network: nn.Module) -> nn.Module:
    """Return a copy, also where PyTorch's former weight norm keeps what it computed last."""
    computed = [
        value
        for module in network.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    ]
    try:
        return copy.deepcopy(network, {id(value): value.detach().clone() for value in computed})
    except Exception as error:  # what is kept in a user's network may be anything at all
        raise CannotMerge(f"{_kind(network)} cannot be copied: {_first_line(error)}") from error


def check_equal(network: nn.Module, other: nn.Module) -> None:
    """See on a small random image that another form of a network gives the same output.

    A network without values (on the meta device) is not run.

    Raises:
        CannotMerge: It does not, to 1e-4 of the largest value; or it fails.
    """
    weight = next((one for one in network.parameters() if one.is_floating_point()), None)
    device = torch.device("cpu") if weight is None else weight.device
    if device.type == "meta":
        return
    dtype = torch.float32 if weight is None else weight.dtype
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        lr, expected = _first_output(network, device, dtype)
    finally:
        for module, was in training.items():
            module.training = was
    try:
        with torch.no_grad():
            got = other(lr.clone())
    except Exception as error:
        raise CannotMerge(f"{_kind(network)} fails once merged: {_first_line(error)}") from error
    reach = _WITHIN * float(expected.abs().max())
    same = isinstance(got, Tensor) and got.shape == expected.shape
    if not same or not torch.allclose(got.to(expected.dtype), expected, rtol=0, atol=reach):
        apart = f"{float((got - expected).abs().max()):.3g} apart" if same else "of another shape"
        raise CannotMerge(f"{_kind(network)} gives another output once merged: {apart}")


def _first_output(
    network: nn.Module, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    problem = ""
    for height, width in _SIZES:
        lr = (255 * torch.rand(1, 3, height, width, generator=generator)).to(device, dtype)
        try:
            with torch.no_grad():
                sr = network(lr.clone())
        except Exception as error:  # a network may need larger images, or raise anything at all
            problem = f"fails on an image of {width}x{height} px: {_first_line(error)}"
            continue
        if isinstance(sr, Tensor):
            return lr, sr
        problem = f"returns {type(sr).__name__}, expected a tensor"
    raise CannotMerge(f"{_kind(network)} {problem}")


@torch.enable_grad()  # without, PyTorch leaves the kernel as a tensor that is no parameter
def fold_norms(network: nn.Module) -> int:
    """Replace parametrised weights, of either kind PyTorch has, by their values; count them."""
    folded = 0
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            _part_from_copies(module)
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name)
                folded += 1
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, WeightNorm):
                remove_weight_norm(module, hook.name)
                folded += 1
    return folded


def _part_from_copies(module: nn.Module) -> None:
    """Give a parametrised module a class of its own.

    PyTorch makes one for each, in which the weight is a property, and deletes the property with
    the parametrization; but copies of a module share its class.
    """
    own = {
        name: value
        for name, value in vars(type(module)).items()
        if name not in ("__dict__", "__weakref__")
    }
    module.__class__ = type(type(module).__name__, type(module).__bases__, own)


def _refuse_what_is_more_than_weights(network: nn.Module) -> None:
    for name, module in network.named_modules():
        place = f"'{name}' ({_kind(module)})" if name else _kind(module)
        hooks = (module._forward_hooks, module._forward_pre_hooks)
        if any(map(len, (*hooks, module._backward_hooks, module._backward_pre_hooks))):
            raise CannotMerge(f"{place} has a hook, which a merged network would not call")
        if module.training:
            raise CannotMerge(f"{place} stays in training mode, whose output is not that of use")
        if isinstance(module, torch.jit.ScriptModule):
            raise CannotMerge(f"{place} is a TorchScript module, whose layers cannot be replaced")


def _replaced(network: nn.Module, rule: _Rule, *, before: bool = False) -> nn.Module:
    """Return a network with a rule applied to every module, children first or parents first.

    A module that stands in several places stays one.
    """
    done: dict[int, nn.Module] = {}
    kept: list[nn.Module] = []  # ids are of living modules only

    def visit(module: nn.Module) -> nn.Module:
        if id(module) in done:
            return done[id(module)]
        kept.append(module)
        new = rule(module) if before else module
        done[id(module)] = done[id(new)] = new
        for name, child in list(new._modules.items()):
            if child is not None:
                new._modules[name] = visit(child)
        if not before:
            new = rule(module)
            kept.append(new)
            done[id(module)] = done[id(new)] = new
        return new

    return visit(network)


def _deployed(module: nn.Module) -> nn.Module:
    """Return what a module's own ``deploy()`` gives; the module where it declares none.

    Raises:
        CannotMerge: It fails, or gives no module.
    """
    if not declares(module):
        return module
    expects: Expects | None = vars(module).get("harness_expects")
    if expects is not None:  # the class as it was before harness.models.adapted.adapt
        module.__class__ = type(module).__bases__[1]
    try:
        merged: object = getattr(module, DEPLOY)()
    except Exception as error:  # a user's own code
        raise CannotMerge(
            f"{_kind(module)}.{DEPLOY}() failed: {type(error).__name__}: {_first_line(error)}"
        ) from error
    if not isinstance(merged, nn.Module):
        raise CannotMerge(
            f"{_kind(module)}.{DEPLOY}() returned {type(merged).__name__}, expected the merged "
            "network (torch.nn.Module)"
        )
    if expects is not None:
        merged = adapt(merged, expects, scale=vars(module)["harness_scale"])
    return merged.eval()


def _kind(module: nn.Module) -> str:
    return type(module).__name__


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
