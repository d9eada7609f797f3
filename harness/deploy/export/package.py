"""Export a trained network into a folder: ``harness deploy``."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.deploy.export import card, extra, int8, int8_loss, onnx_graph, openvino_ir, source
from harness.deploy.export.card import Entry
from harness.deploy.export.int8_loss import Loss
from harness.deploy.export.onnx_graph import OnnxNetwork, largest_difference
from harness.deploy.export.openvino_ir import OpenVinoNetwork
from harness.deploy.export.traced import Traced, trace
from harness.errors import HarnessError, UsageError
from harness.host.files import reason
from harness.host.progress import over
from harness.weights import load, networks
from harness.weights.load import Loaded
from harness.weights.sealed import seal

log = logging.getLogger(__name__)

MODULE, PROGRAM, ONNX, INT8, IR = (
    "network.py",
    "network.pt2",
    "network.onnx",
    "network_int8.onnx",
    "network.xml",
)
"""Names of the files; the module's weights are ``source.WEIGHTS``, those of IR ``network.bin``."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is exported, and how.

    Attributes:
        model: Id, ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``.
        scale: Upscaling factor.
        output: Folder to write: none yet, or an empty one.
        checkpoint: Weights; None for the bundled ones.
        key: Which state dict of the file; None for the one that is wanted first.
        int8: Whether to write a model with 8-bit convolutions, too.
        calibrate: Training set that its ranges are from; None for the bundled images.
        sets: Test sets that its loss is measured on; without any, the paper's that are there.
        root: Data root.
        lr: Folder of the test sets' LR files, or ``made``; None where it is clear.
        tolerance_db: What it may lose on a set.
    """

    model: str
    scale: int
    output: Path
    checkpoint: Path | None = None
    key: str | None = None
    int8: bool = False
    calibrate: str | None = None
    sets: tuple[str, ...] = ()
    root: Path | None = None
    lr: str | None = None
    tolerance_db: float = int8_loss.TOLERANCE_DB


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was written.

    Attributes:
        folder: Where.
        entries: The files that were checked.
        facts: What the card says besides.
        notes: What else to tell the user.
    """

    folder: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def deploy(request: Request) -> Deployed:
    """Export a network; all is checked before the folder is there under its name.

    Raises:
        UsageError: A package, the weights or a set are missing, the network cannot be exported,
            or the folder is there and not empty.
        HarnessError: A file computes something else, or loses too much.
    """
    extra.require(*extra.NEEDED)
    _check_target(request.output)
    patches = tests = None
    if request.int8:
        tests = int8_loss.sets(request.sets, request.root, request.scale, lr=request.lr)
    loaded = load.load(
        request.model, scale=request.scale, checkpoint=request.checkpoint, key=request.key
    )
    if not loaded.file:
        raise UsageError(f"{request.model} has no weights: there is nothing to export")
    if request.int8:
        patches = int8.calibration(request.calibrate, request.root, request.scale)
    name = f"{networks.label(loaded.model)} x{loaded.scale}"
    traced = trace(loaded.network, name=name, scale=loaded.scale)
    done = Deployed(request.output)
    with _staged(request.output) as folder:
        model = onnx_graph.build(traced, name=name)
        writers = (
            partial(_write_torch, folder, traced, loaded.network, name, done),
            partial(_write_onnx, folder, model, traced, loaded.network, done),
            partial(_write_openvino, folder, traced, loaded.network, done),
        )
        for write in over(writers, "write and check files"):
            write()
        text = ""
        if patches is not None and tests is not None:
            quantised = int8.quantise(model, patches)
            _save(quantised, folder / INT8)
            losses = int8_loss.measure(
                loaded.network, OnnxNetwork(folder / INT8), tests, scale=loaded.scale
            )
            measured = [int8_loss.check(one, tolerance_db=request.tolerance_db) for one in losses]
            text = _note_int8(quantised, model, patches.text, measured, done)
        _write_card(folder, loaded, traced, done, text)
    return done


def _write_card(folder: Path, loaded: Loaded, traced: Traced, done: Deployed, text: str) -> None:
    card.write(
        folder,
        loaded,
        least=max(traced.least),
        sizes=traced.sizes(),
        entries=done.entries,
        facts=done.facts,
        int8=text,
    )


def _check_target(output: Path) -> None:
    """Refuse a folder that is not empty.

    Raises:
        UsageError: It is not, or it is none.
    """
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise UsageError(f"'{output}' is no folder: expected a new or an empty one")
    if output.is_dir() and any(output.iterdir()):
        raise UsageError(f"'{output}' exists and is not empty: expected a new or an empty folder")
    if output.is_dir() and output.samefile(Path.cwd()):
        raise UsageError(f"'{output}' is the folder you are in: name a new one")
    if not output.resolve().parent.is_dir():
        raise UsageError(f"there is no folder '{output.parent}' to write '{output.name}' into")


@contextmanager
def _staged(output: Path) -> Iterator[Path]:
    """Give a folder beside another that takes its name when the block ends well.

    Raises:
        HarnessError: It cannot be written.
    """
    final = output.resolve()
    folder = final.with_name(f".{final.name}.partial-{os.getpid()}")
    try:
        folder.mkdir()
        yield folder
        folder.rename(final)  # over an empty folder, too
    except OSError as error:
        raise HarnessError(f"cannot write '{output}': {reason(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_torch(
    folder: Path, traced: Traced, network: nn.Module, name: str, done: Deployed
) -> None:
    text, tensors = source.source(traced, title=name)
    (folder / source.WEIGHTS).write_bytes(seal(tensors))
    (folder / MODULE).write_text(text, encoding="utf-8")
    alone = _imported(folder / MODULE)
    differs = onnx_graph.check(largest_difference(network, alone, traced.sizes()), file=MODULE)
    done.entries[MODULE] = Entry("PyTorch module, imports torch and safetensors alone", differs)
    done.entries[source.WEIGHTS] = Entry("its weights")
    with extra.quiet():
        torch.export.save(traced.program, folder / PROGRAM)
        program = torch.export.load(folder / PROGRAM).module()
    differs = onnx_graph.check(largest_difference(network, program, traced.sizes()), file=PROGRAM)
    done.entries[PROGRAM] = Entry("`torch.export` package", differs)


def _imported(file: Path) -> nn.Module:
    """Return the network of a module, read from its file as a user does."""
    spec = importlib.util.spec_from_file_location("deployed_network", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)
    return module.load()  # type: ignore[no-any-return]


def _write_onnx(
    folder: Path, model: Any, traced: Traced, network: nn.Module, done: Deployed
) -> None:
    _save(model, folder / ONNX)
    differs = largest_difference(network, OnnxNetwork(folder / ONNX), traced.sizes())
    counts = onnx_graph.operators(model)
    done.entries[ONNX] = Entry("ONNX", onnx_graph.check(differs, file=ONNX))
    done.facts["onnx_operators"] = counts
    done.notes.append(f"{ONNX}: {onnx_graph.operators_text(counts)}")


def _save(model: Any, file: Path) -> None:
    file.write_bytes(model.SerializeToString())


def _write_openvino(folder: Path, traced: Traced, network: nn.Module, done: Deployed) -> None:
    if not extra.is_there("openvino"):
        done.notes.append(f"left out: OpenVINO, which is not installed ({extra.INSTALL})")
        return
    openvino_ir.write(folder / ONNX, folder / IR)
    differs = largest_difference(network, OpenVinoNetwork(folder / IR), traced.sizes())
    done.entries[IR] = Entry("OpenVINO", onnx_graph.check(differs, file=IR))
    done.entries[Path(IR).with_suffix(".bin").name] = Entry("its weights")


def _note_int8(quantised: Any, model: Any, patches: str, losses: list[Loss], done: Deployed) -> str:
    counts = onnx_graph.operators(quantised)
    eight, every = int8.quantised(quantised)
    done.entries[INT8] = Entry(f"ONNX, {eight} of {every} convolutions in 8 bits")
    kept = int8.kept_float(model)
    done.facts["int8"] = {
        "convolutions": {"int8": eight, "all": every, "float": kept},
        "operators": counts,
        "calibrated_on": patches,
        "loss": [asdict(loss) | {"db": loss.db} for loss in losses],
    }
    lines = [
        f"{INT8}: {eight} of {every} convolutions in 8 bits; those that read the image in float",
        f"{INT8}: {onnx_graph.operators_text(counts)}",
        f"{INT8}: ranges from {patches}",
        *(f"{INT8}: {loss}" for loss in losses),
    ]
    done.notes.extend(lines)
    return "".join(f"- {line}.\n" for line in lines)
