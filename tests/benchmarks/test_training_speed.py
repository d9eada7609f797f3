"""Training steps in bf16 beside plainer ones, step by step in turn: bounds.yaml."""

from functools import partial

import pytest
import torch

from harness.host.device import computes_bf16
from harness.models import registry
from tests.benchmarks import training
from tests.benchmarks.alternate import Apart, claims, timed
from tests.benchmarks.naive import NaiveAWSRN

NEEDS_BF16 = pytest.mark.skipif(not computes_bf16(), reason="the CPU does not multiply bf16")
TRAININGS = [
    name
    for name, claim in claims().items()
    if name.startswith("training ") and claim.device == "cpu"
]


@pytest.mark.parametrize(("model", "blocks"), [("awsrn_s", 1), ("awsrn_m", 3)])
def test_what_we_measure_beside_is_the_same_network(model, blocks):
    ours = registry.get(model).build(scale=2).eval()
    theirs = NaiveAWSRN(scale=2, blocks=blocks)
    theirs.load_state_dict(ours.state_dict())
    lr = torch.rand(1, 3, 9, 11).mul(255)
    with torch.no_grad():
        torch.testing.assert_close(theirs(lr), ours(lr), rtol=1e-5, atol=1e-3)


@NEEDS_BF16
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_step_in_bf16_beside_float32(hold, name):
    _, model, scale_text, *more = name.split()
    scale, threads = int(scale_text.removeprefix("x")), claims()[name].threads
    plainer = training.printed if model in training.BLOCKS else training.itself
    peer = Apart(partial(plainer, model, scale=scale), threads=threads)
    compiled = "compiled" in more
    ours = Apart(partial(training.ours, model, scale=scale, compiled=compiled), threads=threads)
    try:
        hold(name, peer, ours)
    finally:
        peer.close()
        ours.close()


@pytest.fixture
def _as_in_training():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def turn(**options):
    """A step a call, in this process."""
    return timed(partial(next, training.steps(**options)))


@NEEDS_BF16
@pytest.mark.usefixtures("_as_in_training")
@pytest.mark.parametrize("scale", [2, 4])
def test_a_step_beside_the_plain_form(hold, scale):
    plain = turn(scale=scale, channels_last=False, plain=True)
    hold(f"merged form awsrn_s x{scale}", plain, turn(scale=scale, channels_last=True))


@NEEDS_BF16
@pytest.mark.usefixtures("_as_in_training")
def test_channels_last_makes_a_step_faster(hold):
    hold("channels last awsrn_s x2", turn(channels_last=False), turn(channels_last=True))
