"""The card of an exported network: what it takes and gives, where it is from, what was checked."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.deploy.export import extra
from harness.deploy.export.onnx_graph import INPUT, OPSET, OUTPUT, TOLERANCE
from harness.host.writing import json_text
from harness.weights import networks
from harness.weights.load import Loaded

JSON, README = "card.json", "README.md"
"""Files of the card."""

_PACKAGES = ("torch", "onnx", "onnxruntime", "onnxscript", "openvino")

_TEXT = """# {title}

Upscales RGB images by {scale}. Written by `harness deploy` of awsrn-harness {version}.

- Weights: `{weights}`, SHA-256 `{sha256}`.
- In: `{input}`, float32 `(1, 3, H, W)`, RGB in 0..255 (8-bit values as floats), H and W of at
  least {least} pixels.
- Out: `{output}`, float32 `(1, 3, {scale} H, {scale} W)`, RGB in 0..255, not clipped: clip to
  0..255, add 0.5 and drop the fraction for 8 bits.
{int8}
| file | what | SHA-256 | differs by, of white |
|---|---|---|---|
{rows}

"Differs" is the largest difference from the network in PyTorch that was given, on noise of
{sizes} LR pixels; up to {tolerance:g} is allowed.

With ONNX Runtime, NumPy and Pillow alone:

```python
{script}```

With PyTorch and safetensors alone:

```python
import torch
from network import load

sr = load()(torch.rand(1, 3, 60, 80) * 255)
```
"""

SCRIPT = """import sys

import numpy as np
import onnxruntime
from PIL import Image

model, photo, output = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
lr = np.asarray(Image.open(photo).convert("RGB"), np.float32)
(sr,) = session.run(None, {"lr": lr.transpose(2, 0, 1)[None]})
levels = np.floor(np.clip(sr[0], 0, 255) + 0.5).astype(np.uint8)
Image.fromarray(levels.transpose(1, 2, 0)).save(output)
"""
"""Upscales a photograph by ``network.onnx``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    Attributes:
        what: It is, in words.
        differs: From the network, of white; None where it is checked with another file.
    """

    what: str
    differs: float | None = None


def write(
    folder: Path,
    loaded: Loaded,
    *,
    least: int,
    sizes: tuple[tuple[int, int], ...],
    entries: Mapping[str, Entry],
    facts: Mapping[str, Any],
    int8: str = "",
) -> None:
    """Write the card into a folder, for people and for programs.

    Args:
        folder: Where the files are.
        loaded: The network and where its weights are from.
        least: The least side of LR, in pixels.
        sizes: Heights and widths that outputs were compared on.
        entries: The files.
        facts: What else programs may want to know.
        int8: Lines about the 8-bit model.
    """
    digests = {name: _sha256(folder / name) for name in entries}
    title = f"{networks.label(loaded.model)} x{loaded.scale}"
    content = {
        "network": loaded.model,
        "scale": loaded.scale,
        "options": dict(loaded.overrides),
        "dropped_branches": list(loaded.drop),
        "removed": str(loaded.removed) if loaded.removed else None,
        "weights": {"file": loaded.file, "sha256": loaded.sha256, "names": loaded.names},
        "input": _layout(INPUT, ["1", "3", "height", "width"]) | {"least_side": least},
        "output": _layout(OUTPUT, ["1", "3", f"{loaded.scale}*height", f"{loaded.scale}*width"])
        | {"clipped": False},
        "files": {
            name: {
                "what": entry.what,
                "sha256": digests[name],
                "bytes": (folder / name).stat().st_size,
                "largest_difference_of_white": entry.differs,
            }
            for name, entry in entries.items()
        },
        "checked_on": [f"{width}x{height}" for height, width in sizes],
        "tolerance_of_white": TOLERANCE,
        "onnx_opset": OPSET,
        **facts,
        "versions": versions(),
    }
    (folder / JSON).write_text(json_text(content) + "\n", encoding="utf-8")
    text = _TEXT.format(
        title=title,
        scale=loaded.scale,
        version=__version__,
        weights=loaded.file,
        sha256=loaded.sha256,
        input=INPUT,
        output=OUTPUT,
        least=least,
        int8=int8,
        rows="\n".join(_row(name, entry, digests[name]) for name, entry in entries.items()),
        sizes=", ".join(content["checked_on"]),
        tolerance=TOLERANCE,
        script=SCRIPT,
    )
    (folder / README).write_text(text, encoding="utf-8")


def _row(name: str, entry: Entry, digest: str) -> str:
    differs = "" if entry.differs is None else f"{entry.differs:.1e}"
    return f"| `{name}` | {entry.what} | `{digest}` | {differs} |"


def _layout(name: str, shape: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "float32",
        "shape": shape,
        "layout": "NCHW",
        "values": "RGB 0..255",
    }


def versions() -> dict[str, str]:
    """Return the versions that a network was exported with."""
    packages = {package: extra.version(package) for package in _PACKAGES}
    own = {"awsrn-harness": __version__, "python": platform.python_version()}
    return own | {package: number for package, number in packages.items() if number}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
