"""The names that others give to the tensors of CARN."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def carn(tensors: Tensors) -> Tensors | None:
    """CARN and CARN-M, the authors' repository; one scale or several."""

    def single(index: str, rest: str) -> str:
        return f"upsamplers.x{_upsampler_scale(tensors)}.{index}.{rest}"

    def unit(block: str, index: str, layer: str, rest: str) -> str:
        return f"body.units.{int(block) - 1}.units.{int(index) - 1}.0.body.{layer}.{rest}"

    rules: list[NameRule] = [
        ("entry" + LAST, lambda rest: f"head.{rest}"),
        ("exit" + LAST, lambda rest: f"tail.{rest}"),
        (r"b(\d)\.b(\d)\.body\.(\d)" + LAST, unit),
        (
            r"b(\d)\.c(\d)\.body\.0" + LAST,
            lambda b, c, rest: f"body.units.{int(b) - 1}.fusions.{int(c) - 1}.0.{rest}",
        ),
        (r"c(\d)\.body\.0" + LAST, lambda c, rest: f"body.fusions.{int(c) - 1}.0.{rest}"),
        (
            r"upsample\.up(\d)\.body\.(\d)" + LAST,
            lambda scale, index, rest: f"upsamplers.x{scale}.{index}.{rest}",
        ),
        (r"upsample\.up\.body\.(\d)" + LAST, single),
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


SCHEMES = (
    Scheme("CARN, the authors'", carn),
    Scheme("CARN x2, numbered", carn_numbered),
)
