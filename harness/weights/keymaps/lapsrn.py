"""The names that LapSRN's authors give to its tensors."""

from __future__ import annotations

import re

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import NameRule, Scheme, rename


def lapsrn(tensors: Tensors) -> Tensors | None:
    """LapSRN's authors (MatConvNet); their first level has the highest number."""
    numbers = [int(match[1]) for name in tensors if (match := re.match(r"level(\d)_", name))]
    parts = {"f": "weight", "b": "bias"}

    def at(level: str) -> str:
        return f"levels.{max(numbers) - int(level)}"

    rules: list[NameRule] = [
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


SCHEMES = (Scheme("LapSRN, the authors'", lapsrn),)
