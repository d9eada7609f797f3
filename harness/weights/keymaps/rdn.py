"""The names that others give to the tensors of RDN."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.image_range import scaled
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, highest_number, rename


def rdn(tensors: Tensors) -> Tensors | None:
    """RDN of EDSR's authors' PyTorch code, which has no mean shift."""
    last = highest_number(tensors, r"UPNet\.(\d+)\..+")

    def exit_layer(layer: str, rest: str) -> str:
        return f"tail.{rest}" if int(layer) == last else f"upsampler.{layer}.{rest}"

    rules: list[NameRule] = [
        (r"SFENet1" + LAST, lambda rest: f"head.{rest}"),
        (r"SFENet2" + LAST, lambda rest: f"entry.{rest}"),
        (
            r"RDBs\.(\d+)\.convs\.(\d+)\.conv\.0" + LAST,
            lambda block, layer, rest: f"body.{block}.layers.{layer}.0.{rest}",
        ),
        (r"RDBs\.(\d+)\.LFF" + LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"GFF\.([01])" + LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"UPNet\.(\d)" + LAST, exit_layer),
    ]
    return rename(tensors, rules)


def rdn_unit_range(tensors: Tensors) -> Tensors | None:
    """RDN of yjn870/RDN-pytorch, which works on RGB in 0..1."""
    rules: list[NameRule] = [
        (r"sfe1" + LAST, lambda rest: f"head.{rest}"),
        (r"sfe2" + LAST, lambda rest: f"entry.{rest}"),
        (
            r"rdbs\.(\d+)\.layers\.(\d+)\.conv" + LAST,
            lambda block, layer, rest: f"body.{block}.layers.{layer}.0.{rest}",
        ),
        (r"rdbs\.(\d+)\.lff" + LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"gff\.([01])" + LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"upscale\.(\d)" + LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"output" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return scaled(
        rename(tensors, rules), {"head.weight": 1 / 255, "tail.weight": 255, "tail.bias": 255}
    )


SCHEMES = (
    Scheme("RDN, EDSR-PyTorch", rdn),
    Scheme("RDN, yjn870", rdn_unit_range),
)
