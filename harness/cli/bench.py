"""``harness bench``: how long networks take here, what memory and energy they need."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import (
    DATA_ROOT,
    DEVICE,
    FUSED,
    LR,
    PRECISION,
    RESULTS_ROOT,
    SCALES,
    renamed,
)
from harness.cli.output import Output, table_options
from harness.cli.set_options import SetsCommand, set_option
from harness.config import paper

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice

log = logging.getLogger(__name__)


@click.command("bench", cls=SetsCommand)
@click.argument("models", nargs=-1, metavar="ID...", shell_complete=completion.networks)
@SCALES
@click.option(
    "--output-size", metavar="WxH", help=f"Size of the SR image (default {paper.OUTPUT_SIZE})."
)
@click.option("--input-size", metavar="WxH", help="Size of the LR image, instead.")
@DEVICE
@PRECISION
@renamed("--dtype", "it is --precision, as elsewhere")
@click.option("--channels-last", is_flag=True, help="Weights and images in NHWC memory order.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads (default: PyTorch's).")
@click.option("--as-built", is_flag=True, help="Keep weight norms and train forms.")
@FUSED
@click.option(
    "--backends",
    multiple=True,
    metavar="NAME",
    help="Compare what runs networks: eager, fused, fused-bf16, onnxruntime-fp32, -int8, "
    "openvino-f32, -bf16, -int8, or all that is installed; may be repeated. Needs weights.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights for --backends (default: those that are bundled).",
)
@set_option("Set on which --backends are scored.", "test", default="sample")
@DATA_ROOT
@LR
@click.option(
    "--calibrate",
    metavar="SET",
    help="Training set that 8-bit ranges are from (default: the images of scikit-image).",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 99),
    default=6,
    show_default=True,
    help="Times that everything is measured anew, in new processes.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Fewest timed repetitions in a process, unless --max-seconds ends it.",
)
@click.option(
    "--min-seconds",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Shortest timed section of a process.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="No repetition begins after so much of it.",
)
@table_options
@RESULTS_ROOT
@network_options("models")
def bench(
    *,
    models: Sequence[str],
    scales: Sequence[int],
    output_size: str | None,
    input_size: str | None,
    device: DeviceChoice,
    precision: Literal["fp32", "bf16"],
    channels_last: bool,
    threads: int | None,
    as_built: bool,
    fused: bool,
    backends: Sequence[str],
    checkpoint: Path | None,
    test: str,
    root: Path | None,
    lr: str | None,
    calibrate: str | None,
    processes: int,
    repeats: int,
    min_seconds: float,
    max_seconds: float,
    out: Output,
    results: Path,
) -> None:
    """Measure latency, memory and energy of networks.

    Each in processes of its own. ID is from `harness list`, or a class of your own:
    PKG.MODULE:CLASS or FILE.py:CLASS. Rows are kept in results/bench/, one file per device, number
    type and PyTorch version.

    Example: harness bench awsrn_s carn --scale 4

    Example: harness bench awsrn_s --scale 4 --threads 1 --backends all --data Set5
    """
    from tempfile import TemporaryDirectory

    from harness.efficiency.bench import measure
    from harness.efficiency.bench.latency import Effort
    from harness.efficiency.bench.process import Setup
    from harness.efficiency.bench.rows import to_csv
    from harness.host.device import choose_device
    from harness.reports.tables.bench import build

    if as_built and fused:
        raise click.UsageError("--as-built and --fused exclude each other")
    if checkpoint is not None and not backends:
        raise click.UsageError("--checkpoint is for --backends: other rows have random weights")
    setup = Setup(
        device=choose_device(device),
        dtype=precision,
        channels_last=channels_last,
        threads=threads,
        as_built=as_built,
        fused=fused,
    )
    effort = Effort(repeats=repeats, min_s=min(min_seconds, max_seconds), max_s=max_seconds)
    candidates = measure.candidates(
        models,
        scales=scales,
        output_size=output_size,
        input_size=input_size,
        fused=fused,
        as_built=as_built,
    )
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        if backends:
            from harness.deploy import backend_bench

            request = backend_bench.Request(tuple(backends), checkpoint, test, root, lr, calibrate)
            candidates = backend_bench.candidates(candidates, setup, request, folder=Path(folder))
        measure.measure(
            candidates,
            setup,
            effort,
            processes=processes,
            folder=results / "results" / "bench",
            show=lambda rows: out.show(
                build(rows), json=lambda: [asdict(row) for row in rows], csv=lambda: to_csv(rows)
            ),
        )
