"""The names of AWSRN's authors for its tensors, and back."""

from __future__ import annotations

import re

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import NameRule, Scheme, rename


def awsrn(tensors: Tensors) -> Tensors | None:
    """AWSRN's authors: units ``b0, b1, ..`` (AWSRN, AWSRND), or ``lfl.0, ..`` (unified).

    Their scalars have one dimension, ours none.
    """
    unit = r"body\.(\d+)\.(?:b|lfl\.)(\d+)\."
    units = {match[2] for name in tensors if (match := re.match(unit, name)) and match[1] == "0"}
    count = len(units)

    def at(block: str, index: str) -> str:
        return f"units.{int(block) * count + int(index)}"

    lambdas = {"res_scale": "lambda_res", "x_scale": "lambda_x"}
    rules: list[NameRule] = [
        (r"head\.0\.(.+)", lambda rest: f"head.{rest}"),
        (unit + r"body\.([02]\..+)", lambda b, u, rest: f"{at(b, u)}.body.{rest}"),
        (unit + r"(res_scale|x_scale)\.scale", lambda b, u, s: f"{at(b, u)}.{lambdas[s]}"),
        (r"body\.(\d+)\.reduction\.(.+)", lambda b, rest: f"fusions.{b}.conv.{rest}"),
        (r"body\.(\d+)\.(res_scale|x_scale)\.scale", lambda b, s: f"fusions.{b}.{lambdas[s]}"),
        (r"tail\.tail_(k\d)\.(.+)", lambda k, rest: f"tail.branches.{k}.{rest}"),
        (r"tail\.scale_(k\d)\.scale", lambda k: f"tail.alpha.{k}"),
        (r"skip\.0\.(.+)", lambda rest: f"skip.conv.{rest}"),
    ]
    renamed = rename(tensors, rules)
    return renamed and {
        name: value.reshape(()) if value.shape == (1,) and "bias" not in name else value
        for name, value in renamed.items()
    }


def to_awsrn(tensors: Tensors, *, unified: bool) -> Tensors | None:
    """Return our AWSRN in its authors' names, the inverse of :func:`awsrn`.

    Args:
        tensors: State dict in our names.
        unified: Units as ``lfl.0`` instead of ``b0``.

    Returns:
        None where the network is not one that the authors' code can build.
    """
    fusion = tensors.get("fusions.0.conv.parametrizations.weight.original1")
    if fusion is None:
        return None
    count = fusion.shape[1] // fusion.shape[0]
    scales = {"lambda_res": "res_scale", "lambda_x": "x_scale"}

    def at(index: str) -> str:
        block, unit = divmod(int(index), count)
        return f"body.{block}.{'lfl.' if unified else 'b'}{unit}"

    rules: list[NameRule] = [
        (r"head\.(.+)", lambda rest: f"head.0.{rest}"),
        (r"units\.(\d+)\.body\.(.+)", lambda u, rest: f"{at(u)}.body.{rest}"),
        (r"units\.(\d+)\.(lambda_\w+)", lambda u, s: f"{at(u)}.{scales[s]}.scale"),
        (r"fusions\.(\d+)\.conv\.(.+)", lambda b, rest: f"body.{b}.reduction.{rest}"),
        (r"fusions\.(\d+)\.(lambda_\w+)", lambda b, s: f"body.{b}.{scales[s]}.scale"),
        (r"tail\.branches\.(k\d)\.(.+)", lambda k, rest: f"tail.tail_{k}.{rest}"),
        (r"tail\.alpha\.(k\d)", lambda k: f"tail.scale_{k}.scale"),
        (r"skip\.conv\.(.+)", lambda rest: f"skip.0.{rest}"),
    ]
    renamed = rename(tensors, rules)
    return renamed and {
        _old_weight_norm(name): value.reshape(1) if value.ndim == 0 else value
        for name, value in renamed.items()
    }


def _old_weight_norm(name: str) -> str:
    name = name.replace("parametrizations.weight.original0", "weight_g")
    return name.replace("parametrizations.weight.original1", "weight_v")


SCHEMES = (Scheme("AWSRN, the authors'", awsrn),)
