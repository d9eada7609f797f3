"""What a file fits, and what is said when it fits nothing that was asked for."""

import pytest
import torch
from safetensors.torch import load_file

from harness.errors import CheckpointError
from harness.models import registry
from harness.weights import files, schemes


def save(folder, model, scale, change=lambda state: state):
    state = registry.get(model).build(scale=scale).state_dict()
    path = folder / f"{model}.pth"
    torch.save(change(dict(state)), path)
    return path


def test_our_own_weights_fit_their_network_at_its_scale(tmp_path):
    [fit] = schemes.find(files.read(save(tmp_path, "awsrn_sd", 3)))
    assert (fit.model, fit.scales, fit.scheme) == ("awsrn_sd", (3,), "this harness")


def test_weights_that_do_not_depend_on_the_scale_fit_all(tmp_path):
    [fit] = schemes.find(files.read(save(tmp_path, "fsrcnn", 2)))
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


def test_renamed_keys_name_the_nearest(tmp_path, invoke):
    path = save(tmp_path, "espcn", 2, lambda state: {f"x.{key}": v for key, v in state.items()})
    said = failure(invoke, "espcn", "--scale", "2", "--checkpoint", path)
    assert "nearest is espcn at x2 (6 of its 6 tensors" in said


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
        schemes.read(tmp_path / "nan.pth")
