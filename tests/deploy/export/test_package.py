"""``harness deploy``: what it writes runs alone and computes what the network computes."""

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from skimage.data import chelsea

from harness.deploy.export import card, extra, int8, int8_loss, onnx_graph
from harness.errors import HarnessError
from harness.models import registry
from harness.weights import described, load

MISSING = f"the extra is not installed: {extra.INSTALL}"
onnx, onnxruntime, _ = (pytest.importorskip(name, reason=MISSING) for name in extra.NEEDED)

ROOT = Path(__file__).parents[3]
FILES = {
    *("README.md", "card.json", "network.onnx", "network.pt2", "network.py"),
    *("network.safetensors", "network_int8.onnx"),
}
IR = {"network.bin", "network.xml"}


@pytest.fixture
def own_weights(tmp_path):
    """A file of weights that says which network, with which options, it is of."""
    path = tmp_path / "own.safetensors"
    options = {"num_units": 1, "channels": 4, "inner_channels": 8}
    network = registry.get("awsrn_s").build(scale=2, **options)
    said = described.Described("awsrn_s", 2, options=options, label="Small")
    save_file(network.state_dict(), path, metadata=said.metadata())
    return path


def photo(folder):
    """A photograph of odd sides in a file."""
    Image.fromarray(chelsea()[60:151, 120:241]).save(folder / "photo.png")
    return folder / "photo.png"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_the_folder_holds_all_files_and_nothing_else(deployed):
    folder, _ = deployed
    expected = FILES | (IR if extra.is_there("openvino") else set())
    assert {path.name for path in folder.iterdir()} == expected
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_script_of_the_readme_upscales_as_the_harness_does(deployed, tmp_path, invoke):
    """It imports ONNX Runtime, NumPy and Pillow alone."""
    folder, _ = deployed
    (script,) = re.findall(
        r"```python\n(.*?)```",
        (ROOT / "harness" / "deploy" / "README.md").read_text("utf-8"),
        re.DOTALL,
    )
    assert script == card.SCRIPT
    assert len(script.splitlines()) <= 15
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [node.names[0].name])
    }
    assert imported == {"sys", "numpy", "onnxruntime", "PIL"}
    (tmp_path / "script.py").write_text(script)
    arguments = [folder / "network.onnx", photo(tmp_path), tmp_path / "sr.png"]
    command = [sys.executable, "-I", "script.py", *arguments]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=120)
    options = ("--model", "awsrn_s", "--scale", 4, "-o", tmp_path / "expected.png")
    result = invoke("upscale", tmp_path / "photo.png", *options)
    assert result.exit_code == 0, result.output
    sr, expected = pixels(tmp_path / "sr.png"), pixels(tmp_path / "expected.png")
    assert sr.shape == expected.shape == (364, 484, 3)
    assert np.abs(sr - expected).max() <= 1


def test_the_module_runs_without_the_harness(deployed, tmp_path):
    folder, _ = deployed
    lr = torch.arange(3 * 7 * 9).view(1, 3, 7, 9) % 256
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import torch\nfrom network import load\n"
        "lr = (torch.arange(3 * 7 * 9).view(1, 3, 7, 9) % 256).float()\n"
        "print(load()(lr).flatten()[::97].tolist())\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'harness'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", script, folder],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    values, loaded = map(ast.literal_eval, done.stdout.splitlines())
    network = load.build("awsrn_s", scale=4, checkpoint=None)
    with torch.no_grad():
        expected = network(lr.float()).flatten()[::97]
    assert loaded == []
    assert np.allclose(values, expected.numpy(), atol=0.01)


@pytest.mark.parametrize("size", [(5, 3), (16, 16), (33, 21)])
def test_onnx_takes_any_size_and_equals_the_network(deployed, size):
    """Run by ONNX Runtime itself; 1e-4 of white."""
    folder, _ = deployed
    session = onnxruntime.InferenceSession(folder / "network.onnx")
    lr = torch.randint(256, (1, 3, *size), generator=torch.Generator().manual_seed(1)).float()
    (sr,) = session.run(None, {"lr": lr.numpy()})
    with torch.no_grad():
        expected = load.build("awsrn_s", scale=4, checkpoint=None)(lr).numpy()
    assert sr.shape == expected.shape
    assert np.abs(sr - expected).max() <= 255e-4


def test_the_graph_is_merged_and_names_its_sides(deployed):
    """8 convolutions of 4 units, fusion, head, tail, global path: 12; no path of this machine."""
    folder, _ = deployed
    model = onnx.load(folder / "network.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert onnx_graph.operators(model)["Conv"] == 12
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "lr": [1, 3, "height", "width"],
        "sr": [1, 3, "4*height", "4*width"],
    }
    for path in folder.iterdir():
        assert str(ROOT).encode() not in path.read_bytes(), path.name


def test_the_export_package_equals_the_network(deployed):
    folder, _ = deployed
    with extra.quiet():
        program = torch.export.load(folder / "network.pt2").module()
    lr = torch.full((1, 3, 11, 6), 100.0)
    with torch.no_grad():
        expected = load.build("awsrn_s", scale=4, checkpoint=None)(lr)
        assert (program(lr) - expected).abs().max() <= 255e-4


def test_openvino_is_used_without_its_telemetry(deployed):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    folder, _ = deployed
    model = openvino.Core().read_model(folder / "network.xml")
    assert {type_.get_element_type().get_type_name() for type_ in model.inputs} == {"f32"}
    assert [side.is_dynamic for side in model.input().partial_shape] == [False, False, True, True]
    assert "openvino_telemetry" not in sys.modules


def test_eight_bits_are_in_the_convolutions_that_do_not_read_the_image(deployed):
    folder, said = deployed
    model = onnx.load(folder / "network_int8.onnx")
    weights = {one.name: one.data_type for one in model.graph.initializer}
    source = {name: node for node in model.graph.node for name in node.output}
    bits = []
    for conv in (node for node in model.graph.node if node.op_type == "Conv"):
        made = [source.get(name) for name in conv.input[:2]]
        of_weights = made[1] and weights[made[1].input[0]]
        bits.append((made[0] and made[0].op_type, of_weights))
    assert bits.count(("DequantizeLinear", onnx.TensorProto.INT8)) == 10
    assert len(bits) == 12
    content = json.loads((folder / "card.json").read_text())
    assert content["int8"]["convolutions"]["int8"] == 10
    assert len(content["int8"]["convolutions"]["float"]) == 2
    assert "10 of 12 convolutions in 8 bits" in said
    assert "64 patches of 48x48 LR pixels of 5 images of sample" in said
    (loss,) = content["int8"]["loss"]
    assert loss["set"] == "own"
    assert loss["db"] == pytest.approx(loss["before_db"] - loss["after_db"])
    assert loss["db"] <= 0.1
    assert f"loses {loss['db']:.3f}" in said


def test_the_card_says_what_the_files_are(deployed):
    folder, said = deployed
    content = json.loads((folder / "card.json").read_text())
    weights = ROOT / "results" / "pretrained" / "awsrn_s_x4.safetensors"
    assert content["weights"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (content["scale"], content["network"]) == (4, "awsrn_s")
    assert content["versions"]["torch"] == torch.__version__
    text = (folder / "README.md").read_text()
    listed = {*content["files"], "README.md", "card.json"}
    assert {path.name for path in folder.iterdir()} == listed
    for name, facts in content["files"].items():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert facts["sha256"] == digest
        assert digest in text
    for name in ("network.py", "network.onnx", "network.pt2"):
        assert 0 <= content["files"][name]["largest_difference_of_white"] <= 1e-4
        assert f"{name}: " in said
    with safe_open(folder / "network.safetensors", "pt") as tensors:
        held = sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118
    assert held == 459_104 + 3  # the merged form's, and the mean colour


def test_int8_that_loses_too_much_leaves_nothing(own_weights, tmp_path, invoke, monkeypatch):
    bad = int8_loss.Loss("own", 30.0, 29.85)
    monkeypatch.setattr(int8_loss, "measure", lambda *arguments, **options: iter([bad]))
    monkeypatch.setattr(int8, "quantise", lambda model, patches: model)
    target = tmp_path / "out"
    result = invoke("deploy", own_weights, "-o", target, "--int8")
    assert result.exit_code == 1
    assert "loses 0.150 dB, expected at most 0.1" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["own.safetensors"]


def test_an_interruption_leaves_nothing(own_weights, tmp_path, invoke, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(onnx_graph, "build", interrupt)
    target = tmp_path / "out"
    result = invoke("deploy", own_weights, "-o", target)
    assert result.exit_code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["own.safetensors"]


def test_a_file_that_computes_something_else_is_no_file():
    with pytest.raises(HarnessError, match=r"network\.onnx differs .* by 2\.0e-04 of white"):
        onnx_graph.check(2e-4, file="network.onnx")
    with pytest.raises(HarnessError, match="nothing is written"):
        onnx_graph.check(float("nan"), file="network.onnx")
