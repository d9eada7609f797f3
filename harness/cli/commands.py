"""Every command: in which group it stands, what it does in a line, and where it is."""

from __future__ import annotations

from typing import Literal, NamedTuple

Group = Literal["Train", "Measure", "Show", "Use"]

GROUPS: tuple[Group, ...] = ("Train", "Measure", "Show", "Use")


class Entry(NamedTuple):
    """A command as the list of all shows it.

    Attributes:
        group: Under which heading.
        target: ``module:attribute``, imported when the command is used.
        help: The first line of its own help, without the full stop.
    """

    group: Group
    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "run": Entry(
        "Train", "harness.cli.run:run", "Train, score and tabulate every row of an ablation"
    ),
    "train": Entry("Train", "harness.cli.run:train", "Train, score and record one network"),
    "plan": Entry(
        "Train",
        "harness.cli.plan:plan",
        "Say how many seeds find a difference, and in how many hours",
    ),
    "status": Entry(
        "Train", "harness.cli.status:status", "Say how far the runs of an ablation are"
    ),
    "reproduce": Entry(
        "Train",
        "harness.cli.reproduce:reproduce",
        "Train and score a record's run again, and compare",
    ),
    "settings": Entry(
        "Train", "harness.cli.settings:settings", "List the settings that KEY=VALUE can change"
    ),
    "new": Entry(
        "Train", "harness.cli.new:new", "Begin a unit, a network or a workflow of your own"
    ),
    "eval": Entry(
        "Measure", "harness.cli.eval:evaluate", "Score a network with given weights on test sets"
    ),
    "compare": Entry(
        "Measure",
        "harness.cli.compare:compare",
        "Compare networks: cost, scores, differences with intervals",
    ),
    "gate": Entry(
        "Measure", "harness.cli.gate:gate", "Judge in CI whether NEW holds a claim against OLD"
    ),
    "flops": Entry(
        "Measure", "harness.cli.flops:flops", "Count parameters and Multi-Adds, beside the paper's"
    ),
    "bench": Entry(
        "Measure", "harness.cli.bench:bench", "Measure latency, memory and energy of networks"
    ),
    "protocol": Entry(
        "Measure",
        "harness.cli.protocol:protocol",
        "Score public weights by their papers' protocols and by ours",
    ),
    "list": Entry(
        "Show",
        "harness.cli.listing:list_models",
        "List the networks: id, label, scales, source, parameters",
    ),
    "records": Entry(
        "Show", "harness.cli.records:records", "List what has been run, with its scores"
    ),
    "tables": Entry(
        "Show",
        "harness.cli.tables:tables",
        "Render tables from records, as LaTeX, CSV and Markdown",
    ),
    "figures": Entry(
        "Show", "harness.cli.figures:figures", "Draw the paper's figures as SVG, PDF and PNG"
    ),
    "report": Entry(
        "Show", "harness.cli.report:report", "Make one page of tables, plots and records"
    ),
    "checklist": Entry(
        "Show", "harness.cli.checklist:checklist", "Answer a reproducibility checklist from records"
    ),
    "crate": Entry(
        "Show", "harness.cli.crate:crate", "Write an ablation's records and tables as an RO-Crate"
    ),
    "track": Entry(
        "Show", "harness.cli.track:track", "Send to MLflow the records that it does not have"
    ),
    "ui": Entry("Show", "harness.cli.ui:ui", "Open MLflow's page on what was logged"),
    "upscale": Entry(
        "Use", "harness.cli.upscale:upscale", "Upscale images, or all images in folders"
    ),
    "deploy": Entry(
        "Use", "harness.cli.deploy:deploy", "Export a trained network: PyTorch, ONNX, OpenVINO"
    ),
    "prune": Entry(
        "Use", "harness.cli.prune:prune", "Remove the branches and units that cost the least PSNR"
    ),
    "checkpoint": Entry(
        "Use", "harness.cli.checkpoint:checkpoint", "Look into files of weights, and convert them"
    ),
    "data": Entry(
        "Use", "harness.cli.data:data", "List, get and verify the training and test sets"
    ),
    "doctor": Entry(
        "Use", "harness.cli.doctor:doctor", "Say what is here, what is missing, and what mends it"
    ),
}
"""All commands, in the order in which they are shown."""
