"""A compiled forward pass: the same network but for rounding, in training only."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from harness.config.settings import TrainConfig
from harness.errors import TrainingError
from harness.experiment import compiled
from harness.experiment.trainer import Trainer
from harness.models import registry
from harness.models.initialise import initialise
from harness.records.record import load_all

NEEDS_CUDA = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
DEVICES = ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)]
CONFIG = TrainConfig(steps=6, lr=1e-3, schedule="cosine", log_every=2, channels_last=True)


def small():
    network = registry.get("awsrn_s").build(
        scale=2, channels=4, inner_channels=8, num_units=1, num_blocks=1
    )
    initialise(network, seed=0)
    return network


class Noise:
    """Patches of a step: 2 of 8x8."""

    def __getitem__(self, step):
        generator = torch.Generator().manual_seed(step)
        lr = torch.randint(0, 255, (2, 3, 8, 8), generator=generator, dtype=torch.uint8)
        return lr.numpy(), lr.repeat_interleave(2, 2).repeat_interleave(2, 3).numpy()


@pytest.fixture(autouse=True)
def _as_in_training():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch._dynamo.reset()


def trainer(device="cpu", *, compile=True, precision="32-true", network=None, resume=None):
    fabric = Fabric(accelerator=device, devices=1, precision=precision)
    config = replace(CONFIG, compile=compile)
    return Trainer(network or small(), config, fabric=fabric, fingerprint="f", resume=resume)


def grads(network, lr):
    """Output and gradients, in float32 on the CPU."""
    output = network(lr)
    output.sub(lr.mean()).abs().mean().backward()
    named = network.named_parameters()
    return output.detach().cpu(), {name: weight.grad.cpu() for name, weight in named}


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_outputs_and_gradients_are_those_of_the_plain_network(device):
    lr = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(255).to(device)
    plain, fused = small().to(device), small().to(device)
    compiled.compile_training(fused, torch.device(device))
    outputs, gradients = zip(*(grads(network, lr) for network in (plain, fused)), strict=True)
    assert fused.state_dict().keys() == plain.state_dict().keys()
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-5, atol=1e-3)
    for name, expected in gradients[0].items():
        largest = expected.abs().max()
        assert (gradients[1][name] - expected).abs().max() <= 1e-4 * largest + 1e-7, name


@pytest.mark.parametrize(
    ("backend", "device"),
    [
        ("aot_eager", "cpu"),  # the graph as it is, without a C++ compiler
        pytest.param("inductor", "cpu", marks=pytest.mark.slow),
        pytest.param("inductor", "cuda", marks=NEEDS_CUDA),
    ],
)
def test_a_training_stops_and_goes_on_to_the_same_bits(backend, device, monkeypatch):
    """In bf16: one graph in all steps, not one per unit, and no other for a second step."""
    if backend != "inductor":
        monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    whole = trainer(device, precision="bf16-mixed")
    losses = [step.loss.item() for step in whole.steps(Noise())]
    counters = torch._dynamo.utils.counters
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]
    first = trainer(device, precision="bf16-mixed")
    for step in first.steps(Noise()):
        if step.number == 3:
            break
    second = trainer(device, precision="bf16-mixed", resume=first.state())
    assert [step.loss.item() for step in second.steps(Noise())] == losses[3:]
    expected = whole.original.state_dict()
    found = second.original.state_dict()
    assert found.keys() == small().state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    plain = [step.loss.item() for step in trainer(device, compile=False).steps(Noise())]
    assert losses == pytest.approx(plain, rel=0.02)


def test_in_evaluation_nothing_is_compiled_whatever_the_size():
    network = small()
    compiled.compile_training(network, torch.device("cpu"))
    network.eval()
    with torch.no_grad():
        for side in (5, 6, 7):
            assert torch.equal(
                network(torch.ones(1, 3, side, side)), small().eval()(torch.ones(1, 3, side, side))
            )
    assert not torch._dynamo.utils.counters["stats"]


def test_the_type_of_a_sum_is_pytorch_s():
    original: Any = torch.result_type
    kinds = (torch.float32, torch.bfloat16, torch.float16, torch.int64)
    maps = [torch.ones(1, dtype=kind) for kind in kinds]
    pairs: list[Any] = [(a, b) for a in maps for b in (*maps, torch.ones(()), 2)]
    pairs += [(b, a) for a, b in pairs]
    expected = [original(a, b) for a, b in pairs]
    with compiled._traceable_types():
        traceable: Any = torch.result_type
        assert traceable is not original
        assert [traceable(a, b) for a, b in pairs] == expected
    assert torch.result_type is original


def test_without_a_compiler_it_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(TrainingError, match="needs a C\\+\\+ compiler, and 'no-such-compiler'"):
        trainer()
    trainer(compile=False)


def test_without_triton_a_gpu_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(compiled, "find_spec", lambda _name: None)
    with pytest.raises(TrainingError, match="pip install triton"):
        compiled.check_compiler("cuda")


def test_the_command_fails_without_a_compiler_and_names_it(tiny, tmp_path, monkeypatch, invoke):
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = invoke("run", *tiny, "train.compile=true", "rows=plain")
    assert result.exit_code == 1
    assert "'no-such-compiler' is not found" in result.stderr
    assert "train.compile=false" in result.stderr
    assert "Traceback" not in result.output
    assert not [record for record in load_all(tmp_path) if record.steps]


@pytest.mark.slow
def test_the_command_trains_compiled_and_records_it(tiny, tmp_path, invoke):
    """Scored for its curve on the way, at another size than that of patches."""
    asked = ("train.compile=true", "train.eval_every=3", "rows=plain")
    assert "compiled" in invoke("run", *tiny, "--dry-run", *asked).stdout
    result = invoke("run", *tiny, *asked)
    assert result.exit_code == 0, result.output
    (record,) = (record for record in load_all(tmp_path) if record.steps)
    assert record.config.train is not None
    assert record.config.train.compile
    raw = json.loads(record.to_json())
    assert raw["config"]["train"]["compile"] is True
    assert "done before" in invoke("run", *tiny, *asked).stderr
    plain = invoke("run", *tiny, "rows=plain")
    assert plain.exit_code == 0
    assert len({record.fingerprint for record in load_all(tmp_path) if record.steps}) == 2


def test_a_network_that_the_compiler_cannot_take_is_told(monkeypatch):
    def refuses(_graph, _inputs):
        raise ValueError("no such thing here")

    usual = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda forward, **options: usual(forward, backend=refuses)
    )
    network = nn.Conv2d(3, 3, 1)
    compiled.compile_training(network, torch.device("cpu"))
    with pytest.raises(Exception, match="no such thing here") as caught:
        network(torch.ones(1, 3, 4, 4))
    told = compiled.failure(caught.value)
    assert told is not None
    assert "cannot be compiled" in str(told)
    assert str(told).endswith("); train.compile=false trains without")
    assert "TORCHDYNAMO" not in str(told)
    assert compiled.failure(ValueError("another")) is None
