"""The training loop: schedules against PyTorch's, the loss, the state to go on from."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, OneCycleLR
from torch.utils import deterministic

from harness.config.settings import TrainConfig
from harness.errors import CheckpointError, TrainingError
from harness.experiment import checkpoints
from harness.experiment.trainer import Trainer, learning_rate
from harness.models import registry
from harness.models.initialise import initialise


def rates(make_schedule, steps, lr):
    """Learning rates of a PyTorch schedule, step by step."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = make_schedule(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    return found


@pytest.mark.parametrize(
    ("name", "make_schedule"),
    [
        ("halving", lambda optimizer: MultiStepLR(optimizer, [20, 40], gamma=0.5)),
        ("onecycle", lambda optimizer: OneCycleLR(optimizer, 2e-3, total_steps=50)),
        ("cosine", lambda optimizer: CosineAnnealingLR(optimizer, T_max=50)),
    ],
)
def test_schedules_are_pytorch_s(name, make_schedule):
    config = TrainConfig(steps=50, lr=2e-3, schedule=name, halve_every=20)
    ours = [learning_rate(config, step) for step in range(50)]
    assert ours == pytest.approx(rates(make_schedule, 50, 2e-3), rel=1e-9, abs=1e-15)


def test_the_paper_s_schedule_ends_at_a_sixteenth():
    # Sec. 4.2: 1e-3, halved every 2e5 of 1e6 steps.
    config = TrainConfig()
    assert learning_rate(config, 0) == 1e-3
    assert learning_rate(config, 199_999) == 1e-3
    assert learning_rate(config, 200_000) == 5e-4
    assert learning_rate(config, 999_999) == 1e-3 / 16


@pytest.mark.parametrize("schedule", ["halving", "onecycle", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_very_short_runs_have_finite_rates(schedule, steps):
    config = TrainConfig(steps=steps, schedule=schedule)
    for step in range(steps):
        assert 0 <= learning_rate(config, step) <= config.lr


class Noise:
    """Patches: the HR of a step is its LR, doubled in size and brighter."""

    def __getitem__(self, step):
        generator = torch.Generator().manual_seed(step)
        lr = torch.randint(0, 200, (2, 3, 4, 4), generator=generator, dtype=torch.uint8)
        hr = lr.repeat_interleave(2, 2).repeat_interleave(2, 3) + 40
        return lr.numpy(), hr.numpy()


class Bright(nn.Module):
    """SR is LR doubled in size plus a learned brightness."""

    def __init__(self):
        super().__init__()
        self.plus = nn.Parameter(torch.zeros(()))

    def forward(self, lr):
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3) + self.plus


def trainer(config, network=None, *, precision: Any = "32-true", **options):
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    torch.manual_seed(0)
    return Trainer(network or Bright(), config, fabric=fabric, fingerprint="f", **options)


CONFIG = TrainConfig(steps=40, lr=2.0, schedule="cosine", log_every=7)


def test_l1_in_grey_levels_falls_to_nothing():
    training = trainer(CONFIG)
    losses = [step.loss.item() for step in training.steps(Noise())]
    assert losses[0] == pytest.approx(40)  # 40 levels too dark
    assert training.original.plus.item() == pytest.approx(40, abs=4)
    assert losses[-1] < 4


def test_first_step_is_adam_s():
    # Adam's first step is the learning rate times the sign of the gradient.
    training = trainer(CONFIG)
    next(iter(training.steps(Noise())))
    assert training.original.plus.item() == pytest.approx(2.0, rel=1e-5)


def test_n_steps_are_n_steps():
    training = trainer(CONFIG)
    numbers = [step.number for step in training.steps(Noise())]
    assert numbers == list(range(1, 41))


def test_state_goes_on_to_the_same_bits():
    whole = trainer(CONFIG)
    list(whole.steps(Noise()))
    first = trainer(CONFIG)
    for step in first.steps(Noise()):
        if step.number == 17:
            break
    state = first.state()
    second = trainer(CONFIG, resume=state)
    assert [step.number for step in second.steps(Noise())] == list(range(18, 41))
    assert torch.equal(whole.original.plus, second.original.plus)
    assert second.loss == pytest.approx(whole.loss)
    assert second.seconds >= state.seconds > 0


def awsrn_in_training(*, channels_last, resume=None):
    config = replace(CONFIG, steps=6, lr=1e-3, channels_last=channels_last)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    network = registry.get("awsrn_s").build(scale=2, channels=8, inner_channels=16)
    initialise(network, seed=0)
    return Trainer(network, config, fabric=fabric, fingerprint="f", resume=resume)


def test_channels_last_trains_the_same_network_but_for_rounding():
    losses = {}
    for channels_last in (False, True):
        training = awsrn_in_training(channels_last=channels_last)
        losses[channels_last] = [step.loss.item() for step in training.steps(Noise())]
        kernel = training.original.skip.conv.parametrizations.weight.original1
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert losses[True] == pytest.approx(losses[False], rel=1e-4)


def test_a_stored_state_with_channels_last_goes_on_to_the_same_bits(tmp_path):
    whole = awsrn_in_training(channels_last=True)
    list(whole.steps(Noise()))
    first = awsrn_in_training(channels_last=True)
    for step in first.steps(Noise()):
        if step.number == 3:
            break
    checkpoints.write_state(tmp_path, first.state())
    resume = checkpoints.read_state(tmp_path, fingerprint="f")
    second = awsrn_in_training(channels_last=True, resume=resume)
    list(second.steps(Noise()))
    expected, found = whole.original.state_dict(), second.original.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    checkpoints.write_weights(tmp_path, second.original)
    stored = load_file(tmp_path / checkpoints.WEIGHTS_FILE)
    assert all(torch.equal(stored[name], tensor) for name, tensor in expected.items())


MEMORY: Any = deterministic


class Watching(nn.Module):
    """A network that notes whether new memory is filled; ``always`` fills it."""

    def __init__(self, network, *, always):
        super().__init__()
        self.network, self.always, self.filled = network, always, []

    def forward(self, lr):
        self.filled.append(MEMORY.fill_uninitialized_memory)
        if self.always:
            MEMORY.fill_uninitialized_memory = True
        return self.network(lr)


@pytest.fixture
def _deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("_deterministic")
def test_memory_that_is_not_filled_trains_to_the_same_bits():
    weights = []
    for always in (True, False):
        network = registry.get("awsrn_s").build(scale=2, channels=8, inner_channels=16)
        initialise(network, seed=0)
        watching = Watching(network, always=always)
        config = replace(CONFIG, steps=30, lr=1e-3)
        list(trainer(config, watching, precision="bf16-mixed").steps(Noise()))
        weights.append(network.state_dict())
        assert watching.filled == [True] + 29 * [False]
        assert MEMORY.fill_uninitialized_memory
    assert all(torch.equal(weights[1][name], tensor) for name, tensor in weights[0].items())


@pytest.mark.usefixtures("_deterministic")
def test_a_network_that_reads_what_it_has_not_written_is_seen():
    class Careless(Bright):
        def forward(self, lr):
            return super().forward(lr) + torch.empty(1)

    with pytest.raises(TrainingError, match="became nan at step 1 "):
        list(trainer(CONFIG, Careless()).steps(Noise()))


def test_loss_that_is_not_finite_names_step_and_rate():
    class Spoilt(Noise):
        def __getitem__(self, step):
            lr, hr = super().__getitem__(step)
            return (lr.astype("float32") / (step != 5)) if step == 5 else lr, hr

    training = trainer(CONFIG)
    with (
        pytest.warns(RuntimeWarning, match="divide by zero"),
        pytest.raises(TrainingError, match=r"became (inf|nan) at step 6 \(learning rate 1\.9"),
    ):
        list(training.steps(Spoilt()))
    with pytest.raises(TrainingError):
        training.state()


@pytest.mark.parametrize(
    "change",
    [
        {"network": {}},
        {"optimizer": {}},
        {"optimizer": {"state": {}, "param_groups": 3}},
        {"rng": torch.zeros(3, dtype=torch.uint8)},
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_is_refused_with_a_way_out(change):
    """Each value is of its kind, and the digest would be right."""
    state = trainer(CONFIG).state()
    with pytest.raises(CheckpointError, match=r"step 0 does not fit .*delete it"):
        trainer(CONFIG, resume=replace(state, **change))
