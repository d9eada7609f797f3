"""The names that others give to the tensors of WDSR."""

from __future__ import annotations

import torch

from harness.weights.contents import Tensors
from harness.weights.files import MEAN
from harness.weights.keymaps.image_range import scaled
from harness.weights.keymaps.scheme import NameRule, Scheme, highest_number, rename


def wdsr(tensors: Tensors) -> Tensors | None:
    """WDSR of ychfan/wdsr, which works on RGB in 0..1 less one half; ours in -1..1."""
    last = highest_number(tensors, r"body\.(\d+)\..+")

    def end(layer: str, rest: str) -> str:
        return f"tail.branches.k3.{rest}" if int(layer) == last else f"head.{rest}"

    rules: list[NameRule] = [
        (rf"body\.(0|{last})\.((?:bias|parametrizations).*)", end),
        (r"body\.(\d+)\.body\.([02]\..+)", lambda b, rest: f"units.{int(b) - 1}.body.{rest}"),
        (r"skip\.0\.(.+)", lambda rest: f"skip.conv.{rest}"),
    ]
    gain = "parametrizations.weight.original0"
    factors = {f"head.{gain}": 0.5} | dict.fromkeys(
        [f"tail.branches.k3.{gain}", "tail.branches.k3.bias", "skip.conv.bias"], 2
    )
    ours = scaled(rename(tensors, rules), factors)
    return ours and ours | {MEAN: torch.full((1, 3, 1, 1), 127.5)}


SCHEMES = (Scheme("WDSR, ychfan", wdsr),)
