"""What a file fits, and what is said when it fits nothing that was asked for."""

import hashlib
import os
import re
from threading import Thread

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from harness.config.protocols import DEFAULT
from harness.errors import CheckpointError
from harness.evaluation.scoring import Scorer
from harness.models import registry
from harness.weights import files, load, schemes
from harness.weights.convert import convert, describe


def save(folder, model, scale, change=lambda state: state):
    state = registry.get(model).build(scale=scale).state_dict()
    path = folder / f"{model}.pth"
    torch.save(change(dict(state)), path)
    return path


def test_our_own_weights_fit_their_network_at_its_scale(tmp_path):
    [fit] = schemes.find(files.read(save(tmp_path, "awsrn_sd", 3)).states[0].tensors)
    assert (fit.model, fit.scales, fit.scheme) == ("awsrn_sd", (3,), "this harness")


def test_weights_that_do_not_depend_on_the_scale_fit_all(tmp_path):
    [fit] = schemes.find(files.read(save(tmp_path, "fsrcnn", 2)).states[0].tensors)
    assert (fit.model, fit.scales) == ("fsrcnn", (2, 3, 4, 8))


def test_inspect_names_the_network_and_lists_tensors(tmp_path, invoke):
    path = save(tmp_path, "espcn", 3)
    result = invoke("checkpoint", "inspect", path, "--tensors")
    assert result.exit_code == 0
    assert "espcn.pth: 6 tensors, 22,729 values" in result.output
    assert "fits espcn at x3" in result.output
    assert "(64, 1, 5, 5)" in result.output


def failure(invoke, *arguments):
    result = invoke("eval", *arguments, "--data", "sample")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    return result.output


def test_wrong_scale_says_which_fits(tmp_path, invoke):
    path = save(tmp_path, "espcn", 3)
    said = failure(invoke, "espcn", "--scale", "2", "--checkpoint", path)
    assert "does not hold the weights of espcn x2: they fit espcn at x3" in said


def test_wrong_network_says_which_fits(tmp_path, invoke):
    path = save(tmp_path, "espcn", 2)
    said = failure(invoke, "awsrn_s", "--scale", "2", "--checkpoint", path)
    assert "they fit espcn at x2" in said


def test_names_of_no_scheme_are_said_to_be_that(tmp_path, invoke):
    path = save(tmp_path, "espcn", 2, lambda state: {f"{key}_x": v for key, v in state.items()})
    said = failure(invoke, "espcn", "--scale", "2", "--checkpoint", path)
    assert "nearest is espcn at x2 (all 6 shapes are there" in said
    assert "'features.weight_x' and others, where 'features.weight' and others" in said


def test_tensors_too_many_and_too_few_are_named(tmp_path):
    def change(state):
        del state["output.bias"]
        return state | {"odd.weight": torch.ones(7, 7)}

    said = schemes.hint(torch.load(save(tmp_path, "espcn", 2, change), weights_only=True))
    assert "'output.bias' (4,)" in said
    assert "1 more than it has, such as 'odd.weight' (7, 7)" in said


def inspected(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    network = registry.get("espcn").build(scale=2)
    taken = schemes.load(network, files.read(tmp_path / "a.pth"), name="espcn x2")
    return network.state_dict()["output.bias"].unique().tolist(), taken


def espcn(value, prefix=""):
    state = registry.get("espcn").build(scale=2).state_dict()
    return {prefix + name: torch.full_like(tensor, value) for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (espcn(1, "_orig_mod."), ""),
        ({"state_dict": espcn(1, "module.module.")}, ""),
        ({"state_dict": espcn(1, "model.net."), "epoch": 3}, ""),
        (espcn(1) | {"epoch": 5, "psnr": np.float64(31.5), "loss": torch.tensor(0.5)}, ""),
        (espcn(1, "module._orig_mod.") | {"module._orig_mod.total_ops": torch.ones(1)}, ""),
        ({"params": espcn(0), "params_ema": espcn(1)}, "params_ema"),
        ({"model": espcn(0), "model_ema": {"module": espcn(1)}}, "model_ema.module"),
        ({"generator": espcn(1), "discriminator": {"a": torch.ones(1)}}, "generator"),
        ({"net_d": espcn(0), "net_g": espcn(1)}, "net_g"),
        (espcn(0, "online.") | espcn(1, "ema_model."), "ema_model"),
        ({"params_ema": {"x.weight": torch.ones(1)}, "params": espcn(1)}, "params"),
        ({"model": espcn(1), "state_dict": espcn(1)}, "model"),
    ],
)
def test_the_state_dict_that_is_meant_is_loaded(content, key, tmp_path):
    values, taken = inspected(tmp_path, content)
    assert (values, taken.key) == ([1.0], key)
    convert(tmp_path / "a.pth", tmp_path / "b.safetensors", names="harness", force=False)
    assert load_file(tmp_path / "b.safetensors")["output.bias"].unique().tolist() == [1.0]
    assert "fits espcn at x2" in describe(tmp_path / "a.pth").text()


def test_state_dicts_that_fit_alike_are_refused_until_a_key_is_named(tmp_path, invoke):
    torch.save({"first": espcn(0), "second": espcn(1)}, tmp_path / "a.pth")
    network = registry.get("espcn").build(scale=2)
    with pytest.raises(CheckpointError, match=r"'first', 'second' \(choose by --key\)"):
        schemes.load(network, files.read(tmp_path / "a.pth"), name="espcn x2")
    schemes.load(network, files.read(tmp_path / "a.pth"), name="espcn x2", key="second")
    assert network.state_dict()["output.bias"].unique().tolist() == [1.0]
    result = invoke("checkpoint", "inspect", tmp_path / "a.pth", "--key", "second")
    assert "of 'second'; it holds 'first', 'second'" in result.output
    assert "(choose by --key)" in invoke("checkpoint", "inspect", tmp_path / "a.pth").output
    arguments = ("checkpoint", "convert", tmp_path / "a.pth", "-o", tmp_path / "b.safetensors")
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert "'first', 'second' (choose by --key)" in result.output
    assert invoke(*arguments, "--key", "second").exit_code == 0
    assert load_file(tmp_path / "b.safetensors")["output.bias"].unique().tolist() == [1.0]


def test_records_of_several_state_dicts_of_a_file_have_ids_of_their_own(tmp_path):
    torch.save({"params": espcn(0), "params_ema": espcn(1)}, tmp_path / "a.pth")

    def record_id(key):
        loaded = load.load("espcn", scale=2, checkpoint=tmp_path / "a.pth", key=key)
        return Scorer(loaded, device=torch.device("cpu")).record_id(DEFAULT)

    assert record_id(None) == record_id("params_ema") != record_id("params")


def test_a_file_is_read_once_for_its_digest_and_its_tensors(tmp_path):
    """A pipe gives its content once."""
    content = save(tmp_path, "espcn", 2).read_bytes()
    os.mkfifo(tmp_path / "pipe.pth")
    writer = Thread(target=(tmp_path / "pipe.pth").write_bytes, args=(content,), daemon=True)
    writer.start()
    loaded = load.load("espcn", scale=2, checkpoint=tmp_path / "pipe.pth")
    assert loaded.sha256 == hashlib.sha256(content).hexdigest()


def test_one_tensor_less_is_not_loaded(tmp_path, invoke):
    def without_last(state):
        state.popitem()
        return state

    path = save(tmp_path, "espcn", 2, without_last)
    said = failure(invoke, "espcn", "--scale", "2", "--checkpoint", path)
    assert "nearest is espcn at x2 (5 of its 6" in said


def test_eval_scores_weights_on_sets(tmp_path, invoke):
    path = save(tmp_path, "espcn", 4)
    arguments = ("eval", "espcn", "--scale", 4, "--checkpoint", path, "--format", "json")
    result = invoke(*arguments, "--data", "sample", "sample")
    assert result.exit_code == 0
    assert result.output.count('"set": "sample"') == 1
    assert '"protocol": "awsrn"' in result.output


def test_eval_of_bicubic_needs_no_weights(invoke):
    result = invoke("eval", "bicubic", "--scale", 4, "--data", "sample", "--images")
    assert result.exit_code == 0
    assert "astronaut" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("espcm", "--scale", 2, "--data", "sample"), "did you mean 'espcn'"),
        (("espcn", "--scale", 5, "--data", "sample"), "defined for x2, x3, x4, x8, not x5"),
        (("espcn", "--scale", 2, "--data", "sample"), "expected --checkpoint FILE"),
        (("espcn", "--scale", 2), "no test set is named"),
        (("bicubic", "--scale", 2, "--data", "sample", "--protocol", "awsnr"), "'awsrn'"),
        (("bicubic", "--scale", 2, "--data", "sampel"), "did you mean 'sample'"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(arguments, message, invoke):
    result = invoke("eval", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_convert_goes_there_and_back(tmp_path, invoke):
    path = save(tmp_path, "awsrn_sd", 2)
    theirs, again = tmp_path / "theirs.pth", tmp_path / "again.safetensors"
    assert invoke("checkpoint", "convert", path, "--to", "awsrn", "-o", theirs).exit_code == 0
    names = torch.load(theirs, weights_only=True)
    assert "body.0.b7.body.2.weight_v" in names
    assert names["tail.scale_k9.scale"].shape == (1,)
    assert invoke("checkpoint", "convert", theirs, "-o", again).exit_code == 0
    before, after = torch.load(path, weights_only=True), load_file(again)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("position", [number / 23 for number in range(1, 23)])
def test_a_flipped_bit_in_converted_weights_is_seen(position, tmp_path):
    """Every byte behind the header's names is a value, and values have a digest."""
    path = tmp_path / "a.safetensors"
    convert(save(tmp_path, "espcn", 2), path, names="harness", force=False)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="damaged"):
        files.read(path)


def test_convert_never_overwrites_unless_told(tmp_path, invoke):
    path = save(tmp_path, "awsrn_sd", 2)
    result = invoke("checkpoint", "convert", path, "-o", path)
    assert result.exit_code == 2
    assert "--force" in result.output


def test_convert_refuses_what_the_authors_cannot_build(tmp_path, invoke):
    path = save(tmp_path, "espcn", 2)
    result = invoke("checkpoint", "convert", path, "--to", "awsrn", "-o", tmp_path / "b.pth")
    assert result.exit_code == 1
    assert "espcn is no network that the code of AWSRN's authors can build" in result.output


def test_values_that_are_not_finite_are_named_with_what_they_would_fit(tmp_path):
    state = registry.get("espcn").build(scale=2).state_dict()
    first = next(iter(state))
    state[first][0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(CheckpointError, match=r"not finite, in .*; by their shapes they fit espcn"):
        schemes.choose(files.read(tmp_path / "nan.pth"), None)


def test_rlfn_is_read_under_the_names_of_its_authors(tmp_path):
    gates = {"reduce": "conv1", "direct": "conv_f", "stride": "conv2", "coarse": "conv3"}

    def theirs(name):
        name = name.replace("head.", "conv_1.").replace("smooth.", "conv_2.")
        name = name.replace("tail.", "upsampler.0.").replace("fusion.", "c5.")
        name = re.sub(r"blocks\.(\d)", lambda match: f"block_{int(match[1]) + 1}", name)
        name = re.sub(r"convs\.(\d)", lambda match: f"c{int(match[1]) + 1}_r", name)
        for ours, gate in (gates | {"expand": "conv4"}).items():
            name = name.replace(f"attention.{ours}.", f"esa.{gate}.")
        return name

    state = registry.get("rlfn").build(scale=4).state_dict()
    [fit] = schemes.find({theirs(name): value for name, value in state.items()})
    assert (fit.model, fit.scheme) == ("rlfn", "RLFN, NTIRE 2024")
    assert all(fit.tensors[name] is value for name, value in state.items())


def test_what_differs_from_a_network_of_ones_own_is_said_of_that(tmp_path):
    class Own(torch.nn.Sequential):
        """Two branches for training, one of which a file leaves out."""

        def __init__(self):
            super().__init__()
            self.deployed = torch.nn.Conv2d(3, 9, 3)
            self.trained = torch.nn.Conv2d(3, 18, 1)

    held = {name: value for name, value in Own().state_dict().items() if "deployed" in name}
    torch.save(held, tmp_path / "slim.pth")
    with pytest.raises(CheckpointError) as raised:
        schemes.load(Own(), files.read(tmp_path / "slim.pth"), name="net.py:Own x2")
    said = str(raised.value).partition("net.py:Own x2: ")[2]
    assert said.startswith("2 of its 4 tensors")
    assert "'trained.weight' (18, 3, 1, 1)" in said
