"""The runtimes that a bench can compare: each gives what the network gives."""

import subprocess
import sys

import pytest
import torch
from skimage.data import chelsea

from harness.deploy.export import backends, extra, openvino_ir
from harness.deploy.export.int8 import Calibration
from harness.errors import UsageError
from harness.models import registry
from harness.weights import load

for package in extra.NEEDED:
    pytest.importorskip(package, reason=f"the extra is not installed: {extra.INSTALL}")


@pytest.mark.parametrize("name", backends.BACKENDS)
def test_a_backend_gives_what_the_network_gives(name, deployed):
    """Float32 to 1e-4 of white; bf16 and 8 bits to some levels, on a photograph."""
    backend = backends.get(name)
    pytest.importorskip(backend.package, reason=f"{backend.package} is not installed")
    run = backend.open(deployed[0], threads=1)
    lr = torch.from_numpy(chelsea()[100:123, 150:180]).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        expected, sr = load.build("awsrn_s", scale=4, checkpoint=None)(lr), run(lr)
    assert sr.shape == expected.shape
    difference = (sr - expected).abs()
    exact = name in ("onnxruntime-fp32", "openvino-f32")
    assert difference.max() <= (255e-4 if exact else 30)
    assert difference.mean() <= (255e-4 if exact else 2)


def test_what_is_written_for_a_bench_is_what_it_opens(tmp_path):
    torch.manual_seed(0)
    options = {"num_units": 1, "channels": 8, "inner_channels": 8}
    network = registry.get("awsrn_s").build(scale=2, **options).eval()
    patches = Calibration(torch.randint(256, (2, 3, 12, 12)).numpy().astype("uint8"), "noise")
    backends.write(network, tmp_path, name="small", scale=2, patches=patches)
    lr = torch.full((1, 3, 9, 14), 128.0)
    for name in ("onnxruntime-fp32", "onnxruntime-int8"):
        assert backends.get(name).open(tmp_path)(lr).shape == (1, 3, 18, 28)


def test_a_backend_that_is_not_there_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'openvino-int8'"):
        backends.get("openvino-int4")


@pytest.mark.parametrize("name", backends.BACKENDS)
def test_what_a_runtime_cannot_run_is_told_in_one_line(name, tmp_path):
    backend = backends.get(name)
    pytest.importorskip(backend.package, reason=f"{backend.package} is not installed")
    for file in ("network.onnx", "network_int8.onnx"):
        (tmp_path / file).write_bytes(b"no model")
    with pytest.raises(UsageError, match="cannot run it") as refusal:
        backend.open(tmp_path)
    assert "\n" not in str(refusal.value)


def test_openvino_names_what_it_cannot_read(tmp_path):
    pytest.importorskip("openvino", reason="openvino is not installed")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(UsageError, match="OpenVINO cannot read it"):
        openvino_ir.write(tmp_path / "a.onnx", tmp_path / "a.xml")


SIGNAL_AFTER_MODELS = """
import gc, os, signal, sys
from pathlib import Path
from harness.deploy.export.openvino_ir import OpenVinoNetwork
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
models = [OpenVinoNetwork(Path(sys.argv[1])) for _ in range(3)]
while models:
    del models[0]
    gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_a_signal_is_handled_after_models_in_openvino(tmp_path):
    """Each of its cores sets a stack for signal handlers, and gives back the one before it."""
    pytest.importorskip("openvino", reason="openvino is not installed")
    network = registry.get("awsrn_s").build(scale=2, num_units=1, channels=8, inner_channels=8)
    backends.write(network.eval(), tmp_path, name="small", scale=2)
    arguments = (sys.executable, "-c", SIGNAL_AFTER_MODELS, str(tmp_path / "network.onnx"))
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
