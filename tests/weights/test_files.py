"""Every form of file gives the same tensors, and nothing in a file is run."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from harness.errors import CheckpointError
from harness.weights import files

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.tensor([1.0, -1.0])}


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


def tensors(path):
    return files.read(path).states[0].tensors


def same(read):
    return read.keys() == STATE.keys() and all(
        torch.equal(read[name], value) for name, value in STATE.items()
    )


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"epoch": 3, "state_dict": STATE},
        {"params": STATE},
        {"params_ema": STATE},
        {"model": {"state_dict": STATE}, "lr": 0.1},
        {name: value.half() for name, value in STATE.items()},
    ],
)
def test_what_wraps_a_state_dict_is_taken_off(content, tmp_path):
    assert same(tensors(save(tmp_path / "a.pth", content)))


def test_torch_files_from_before_the_zip_form(tmp_path):
    path = save(tmp_path / "a.pth", STATE, _use_new_zipfile_serialization=False)
    assert same(tensors(path))


def test_safetensors_whatever_the_suffix(tmp_path):
    save_file(STATE, tmp_path / "a.bin")
    assert same(tensors(tmp_path / "a.bin"))


def test_old_weight_norm_has_today_s_names(tmp_path):
    new = weight_norm(nn.Conv2d(2, 3, 3))
    values = new.state_dict()
    old = {
        "weight_g": values["parametrizations.weight.original0"],
        "weight_v": values["parametrizations.weight.original1"],
        "bias": values["bias"],
    }
    path = save(tmp_path / "a.pth", old)
    assert tensors(path).keys() == values.keys()
    nested = save(tmp_path / "b.pth", {f"head.0.{name}": value for name, value in old.items()})
    assert "head.0.parametrizations.weight.original1" in tensors(nested)


@pytest.mark.parametrize("packed", [False, True])
def test_matconvnet_filters_are_transposed(packed, tmp_path):
    rng = np.random.default_rng(0)
    torch_layout = {
        "first_f": rng.normal(size=(5, 1, 3, 3)),
        "first_b": rng.normal(size=5),
        "last_f": rng.normal(size=(1, 5, 3, 3)),
        "last_b": rng.normal(size=1),
    }
    params = np.zeros((1, 4), [("name", object), ("value", object)])
    for index, (name, value) in enumerate(torch_layout.items()):
        whole = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value[:, None]
        # MATLAB drops sizes of 1 at the end.
        matlab = whole[..., 0] if value.ndim == 4 and value.shape[0] == 1 else whole
        params[0, index] = (name, matlab)
    savemat(tmp_path / "net.mat", {"net": {"params": params, "meta": 1}}, do_compression=packed)
    read = tensors(tmp_path / "net.mat")
    assert read.keys() == torch_layout.keys()
    for name, value in torch_layout.items():
        np.testing.assert_allclose(read[name].numpy(), value, rtol=1e-6)


def test_a_damaged_matlab_file_ends_in_an_error_and_not_in_the_process(tmp_path):
    """scipy's reader crashes on some of these: types of elements that there are not."""
    params = np.zeros((1, 1), [("name", object), ("value", object)])
    params[0, 0] = ("a_f", np.ones((3, 3, 1, 4)))
    path = tmp_path / "a.mat"
    savemat(path, {"net": {"params": params}})
    whole = path.read_bytes()
    assert tensors(path)["a_f"].shape == (4, 1, 3, 3)
    refused = 0
    for place in range(128, len(whole) - 288, 4):  # before the values
        path.write_bytes(whole[:place] + b"\x20" + whole[place + 1 :])
        try:
            files.read(path)
        except CheckpointError:
            refused += 1
    assert refused > 30


class Bomb:
    def __reduce__(self):
        return (print, ("ran",))


@pytest.mark.parametrize("zipped", [True, False])
def test_file_that_would_run_code_is_refused_with_the_way_out(zipped, tmp_path, capsys):
    path = save(tmp_path / "a.pth", {"m": Bomb()}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"would run code.*not opened; .*state_dict"
    ) as caught:
        files.read(path)
    assert "\n" not in str(caught.value)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "tensor",
    [torch.eye(3).to_sparse(), torch.ones(3, device="meta")],
    ids=["sparse", "meta"],
)
def test_tensors_that_are_not_plain_are_refused_by_kind(tensor, zipped, tmp_path):
    content = STATE | {"odd": tensor}
    path = save(tmp_path / "a.pth", content, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, match=r"a kind that is not read \(torch\._utils\._rebuild_"
    ):
        files.read(path)


def test_whole_pickled_module_is_refused(tmp_path):
    path = save(tmp_path / "a.pth", {"epoch": 1, "model": nn.Conv2d(1, 1, 1)})
    with pytest.raises(CheckpointError, match="would run code"):
        files.read(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".mat"])
def test_truncated_file_is_one_clear_line(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    if suffix == ".pth":
        torch.save(STATE, path)
    elif suffix == ".safetensors":
        save_file(STATE, path)
    else:
        savemat(path, {"net": {"params": np.arange(1000.0)}})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"^[^\n]*a\.[^\n]*damaged[^\n]*$"):
        files.read(path)


def test_torch_may_fail_in_any_way(tmp_path):
    """A pickle that ends with nothing: an IndexError."""
    path = tmp_path / "a.pth"
    path.write_bytes(b"\x80\x02.")
    with pytest.raises(CheckpointError, match="damaged"):
        files.read(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"hello world, this is text"])
def test_what_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"empty|no checkpoint"):
        files.read(path)


def test_plain_pickle_is_refused(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps({"a": [1, 2, 3]}))
    with pytest.raises(CheckpointError):
        files.read(path)


def test_missing_file_and_folder_are_named(tmp_path):
    (tmp_path / "IMDN_x2.pth").touch()
    with pytest.raises(CheckpointError, match=r"IMDN_x3\.pth' \(did you mean 'IMDN_x2\.pth'"):
        files.read(tmp_path / "IMDN_x3.pth")
    with pytest.raises(CheckpointError, match="cannot read"):
        files.read(tmp_path)


def test_file_without_state_dict_is_refused(tmp_path):
    path = save(tmp_path / "a.pth", {"epoch": 3, "loss": [0.1]})
    with pytest.raises(CheckpointError, match="holds no state dict"):
        files.read(path)
