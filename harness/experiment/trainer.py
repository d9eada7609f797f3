"""Train a network: L1 loss, Adam, and a schedule of learning rates (Sec. 4.2).

Lightning Fabric moves tensors, sets the arithmetic and joins several GPUs; it leaves
the loop here in sight, which a full trainer would not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils import deterministic

from harness.config.settings import TrainConfig
from harness.data.patches import Patches
from harness.data.resident import ResidentPatches
from harness.errors import CheckpointError, TrainingError
from harness.experiment.batches import batches
from harness.experiment.compiled import check_compiler, compile_training
from harness.experiment.curve import Curve
from harness.experiment.training_state import TrainingState
from harness.records.readings import LOSS_WINDOW, Readings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def learning_rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of a step, counted from 0.

    ``halving`` is the paper's: halved every ``halve_every`` steps, never restarted.
    ``onecycle`` rises over the first 30 % from lr/25 to lr and falls to lr/250,000, both
    along a cosine (Smith & Topin, 2018, as PyTorch's OneCycleLR has it). ``cosine`` falls
    from lr to 0 over the steps.
    """
    if config.schedule == "halving":
        return config.lr * 0.5 ** (step // config.halve_every)
    last = config.steps - 1
    if config.schedule == "cosine":
        return _cosine(config.lr, 0.0, step / max(1, config.steps))
    start, end = config.lr / 25, config.lr / 250_000
    peak = 0.3 * config.steps - 1
    if step <= peak:
        return _cosine(start, config.lr, step / peak)
    return _cosine(config.lr, end, (step - peak) / max(1e-9, last - peak))


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimiser step did: its number from 1, learning rate and L1 loss."""

    number: int
    lr: float
    loss: Tensor


class Trainer:
    """A network in training: the loop, and the state to stop and go on.

    Iterate over :meth:`steps`; between two steps the state may be read with
    :meth:`state`, and the network may be scored.
    """

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        *,
        fabric: Fabric,
        fingerprint: str,
        resume: TrainingState | None = None,
    ) -> None:
        """Prepare training from the start, or from an earlier state.

        Args:
            network: The network with its start weights; trained in place.
            config: Steps, batch, learning rate, memory format, whether to compile.
            fabric: Device, precision and number of processes.
            fingerprint: Of the cell, written into every state.
            resume: State to go on from.

        Raises:
            CheckpointError: The state does not fit.
            TrainingError: It is to be compiled, and there is no compiler.
        """
        self.config = config
        self.fabric = fabric
        self.fingerprint = fingerprint
        self.done = 0
        self._memory_format = (
            torch.channels_last if config.channels_last else torch.contiguous_format
        )
        network.to(memory_format=self._memory_format)  # type: ignore[call-overload]
        self._losses: list[float] = []
        self._pending: list[Step] = []
        self._before = 0.0
        optimizer = torch.optim.Adam(
            network.parameters(), lr=config.lr, betas=(0.9, 0.999), eps=1e-8, fused=True
        )
        self.network, self.optimizer = fabric.setup(network, optimizer)
        self.original = network
        if config.compile:
            check_compiler(fabric.device.type)
            compile_training(network, fabric.device)
        if resume is not None:  # after set-up: only now is everything on its device
            self._go_on_from(resume)
        self.curve = Curve(config, Readings(**resume.readings) if resume else None)
        self._started = time.monotonic()

    def _go_on_from(self, state: TrainingState) -> None:
        try:
            self.original.load_state_dict(state.network)
            self.optimizer.load_state_dict(state.optimizer)
            torch.set_rng_state(state.rng)
            if state.cuda_rng and torch.cuda.is_available():
                torch.cuda.set_rng_state_all(state.cuda_rng)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise CheckpointError(
                f"the checkpoint of step {state.step:,} does not fit this network and optimiser "
                f"({why[:200]}); delete it to train this run again from the start"
            ) from error
        self.done = state.step
        self._losses = list(state.losses)
        self._before = state.seconds

    def steps(self, patches: Patches | ResidentPatches, *, workers: int = 0) -> Iterator[Step]:
        """Run the steps that are left, yielding after each.

        Args:
            patches: Training batches by step.
            workers: Processes that cut patches ahead; the result does not depend on it.

        Raises:
            TrainingError: The loss is not finite.
        """
        self.network.train()
        first = self.done
        for lr_patches, hr_patches in self._batches(patches, workers):
            rate = learning_rate(self.config, self.done)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            with _new_memory(filled=self.done == first):
                loss = nn.functional.l1_loss(self.network(lr_patches), hr_patches)
                self.fabric.backward(loss)
                self.optimizer.step()
                self.optimizer.zero_grad()
            self.done += 1
            step = Step(self.done, rate, loss.detach())
            self._pending.append(step)
            if len(self._pending) >= self.config.log_every:
                self.check()
            yield step
        self.check()

    def check(self) -> None:
        """Read the losses of the steps since the last call, all in one transfer.

        Raises:
            TrainingError: One of them is not finite; its step and learning rate are named.
        """
        if not self._pending:
            return
        losses: list[float] = torch.stack([step.loss for step in self._pending]).tolist()
        for step, loss in zip(self._pending, losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss became {loss} at step {step.number} (learning rate {step.lr:.3g}); "
                    "the last checkpoint before it is kept. Try a smaller train.lr"
                )
        self._losses = (self._losses + losses)[-LOSS_WINDOW:]
        self._pending.clear()

    def _check_weights(self) -> None:
        """Refuse weights that are not finite: the last step has no loss after it that shows it."""
        for name, weight in self.original.named_parameters():
            if weight.requires_grad and not weight.isfinite().all():
                raise TrainingError(
                    f"'{name}' is not finite any more after step {self.done}; "
                    "the last checkpoint before it is kept. Try a smaller train.lr"
                )

    @property
    def loss(self) -> float:
        """Mean L1 loss over the last steps, in grey levels."""
        self.check()
        return sum(self._losses) / max(1, len(self._losses))

    @property
    def seconds(self) -> float:
        """Training time, that of earlier sessions included, pauses left out."""
        return self._before + time.monotonic() - self._started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the time not count meanwhile, as while the network is scored."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._started += time.monotonic() - began

    def state(self) -> TrainingState:
        """Return everything needed to go on from here.

        Raises:
            TrainingError: The loss or a weight is not finite, so the state is not worth keeping.
        """
        self.check()
        self._check_weights()
        return TrainingState(
            fingerprint=self.fingerprint,
            step=self.done,
            network=self.original.state_dict(),
            optimizer=self.optimizer.state_dict(),
            rng=torch.get_rng_state(),
            cuda_rng=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            losses=list(self._losses),
            seconds=self.seconds,
            readings=asdict(self.curve.readings),
        )

    def _batches(
        self, patches: Patches | ResidentPatches, workers: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield LR and HR of each step, float32 on the device, this process's share."""
        cut = batches(
            patches,
            range(self.done, self.config.steps),
            share=slice(self.fabric.global_rank, None, self.fabric.world_size),
            workers=workers,
            device=self.fabric.device,
        )
        for lr, hr in cut:
            yield self._placed(lr), self._placed(hr)

    def _placed(self, pixels: Tensor) -> Tensor:
        """Return pixels in float32, laid out like the network."""
        return pixels.float().contiguous(memory_format=self._memory_format)


@contextmanager
def _new_memory(*, filled: bool) -> Iterator[None]:
    """Let PyTorch's deterministic mode fill new memory with NaN, as is its default, or not.

    One step filled shows a network that reads what it has not written: its loss is NaN. Filling
    changes no number of any other network, and takes about 5 % of a step on a CPU.
    """
    before = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
    try:
        yield
    finally:
        deterministic.fill_uninitialized_memory = before  # type: ignore[attr-defined]
