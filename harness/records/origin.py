"""Where a record comes from: code and machine, training set or weights, settings."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.settings import Schedule


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which code, machine and time a record comes from.

    Attributes:
        commit: Commit of the checkout; None for an installed package.
        dirty: Whether files differed from the commit.
        harness: Version of this package.
        torch: Version of PyTorch, with its build.
        python: Version of Python.
        device: Kind and model, such as ``cpu (AMD EPYC)``.
        threads: CPU threads within an operator.
        started: When the work began, ISO 8601 in UTC.
        finished: When it ended.
        scored_at: Commit of a later scoring that added sets; None where there was none.
            Absent from older records.
        project_commit: Commit of the repository that the user's own network lies in; None where
            the network is ours, or lies in none.
        project_dirty: Whether files of that repository differed from the commit.
    """

    commit: str | None
    dirty: bool
    harness: str
    torch: str
    python: str
    device: str
    threads: int
    started: str
    finished: str
    scored_at: str | None = None
    project_commit: str | None = None
    project_dirty: bool = False


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The images that a network was trained on.

    Attributes:
        name: Name of the set, or of the folder.
        images: How many were large enough for a patch.
        sha256: Digest of the pixels.
        lr: Where LR came from, in words; empty in records of before it was kept.
    """

    name: str
    images: int
    sha256: str
    lr: str = ""


@dataclass(frozen=True, slots=True)
class ScoredWeights:
    """Weights that were not trained here.

    Attributes:
        file: Name of the file; empty for a network that learns nothing.
        sha256: Of its bytes.
        names: Whose names its tensors have.
        key: Under which keys they stand; empty where the file holds nothing else to choose, and
            in records of before it was kept.
    """

    file: str
    sha256: str
    names: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the weights come from: a training, a file, or nothing (bicubic in an ablation).

    Attributes:
        train: What it was trained on here.
        weights: The file it was loaded from.
    """

    train: TrainingSet | None = None
    weights: ScoredWeights | None = None


@dataclass(frozen=True, slots=True)
class RecordedTraining:
    """How a network was trained; the keys are those of the settings ``train.*``.

    Attributes:
        steps: Optimiser steps.
        batch: Patches per step.
        patch: Side of an LR patch, in pixels.
        lr: Learning rate: at the start (halving) or at the peak.
        schedule: Learning-rate schedule.
        halve_every: Steps between two halvings.
        channels_last: Whether channels lay side by side in memory; no in older records.
        compile: Whether the forward pass was compiled; no in older records.
        checkpoint_every: Steps between two checkpoints.
        log_every: Steps between two lines of the log.
        eval_every: Steps between two PSNR readings; 0 for none.
    """

    steps: int
    batch: int
    patch: int
    lr: float
    schedule: Schedule
    halve_every: int = 200_000
    channels_last: bool = False
    compile: bool = False
    checkpoint_every: int = 1000
    log_every: int = 50
    eval_every: int = 0


@dataclass(frozen=True, slots=True)
class RecordedData:
    """What was trained and scored on; the keys are those of the settings ``data.*``.

    Attributes:
        train: Name of the training set.
        test: Sets to score.
        workers: Processes that cut patches.
        lr: Which LR images were asked for; None where nothing was.
    """

    train: str
    test: tuple[str, ...] = ()
    workers: int = 0
    lr: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedSettings:
    """The settings of a run, every automatic choice made, without the folders of the machine.

    Of weights that were only scored nothing is recorded but ``self_ensemble`` and ``form``.

    Attributes:
        profile: The budget.
        scale: Upscaling factors of the run.
        seeds: Seeds of the run.
        rows: Rows that the run was limited to; empty: all, and in older records.
        precision: Arithmetic of training.
        device: ``cpu`` or ``cuda``.
        devices: Processes or GPUs that shared each batch.
        threads: CPU threads.
        train: How networks were trained; None where nothing was recorded.
        data: What they were trained and scored on; None where nothing was recorded.
        self_ensemble: Whether SR was the mean over the eight flips and turns of LR.
        form: In which form the network was scored: ``fused``, ``bf16`` or both; empty for that in
            which it is built, in float32, and in records of before it was kept.
        until: Where seeds were trained until each row was decided (``seeds=auto``), within how many
            dB a difference counts as none; None where their number was fixed, and in older records.
        max: How many seeds a row would have had at most then; 0 where their number was fixed.
    """

    profile: str = ""
    scale: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    rows: tuple[str, ...] = ()
    precision: str = ""
    device: str = ""
    devices: int = 1
    threads: int = 0
    train: RecordedTraining | None = None
    data: RecordedData | None = None
    self_ensemble: bool = False
    form: str = ""
    until: float | None = None
    max: int = 0
