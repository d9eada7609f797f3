"""AWSRN in its authors' names: a second network, written out from their scheme, agrees."""

import warnings

import pytest
import torch
from torch import nn

from harness.models import registry
from harness.weights import files, schemes
from harness.weights.keymaps import awsrn


def conv(channels_in, channels_out, size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's old weight norm, which their files come from
        return nn.utils.weight_norm(nn.Conv2d(channels_in, channels_out, size, padding=size // 2))


class Factor(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(1))


class TheirUnit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.res_scale, self.x_scale = Factor(), Factor()
        self.body = nn.Sequential(conv(channels, 128, 3), nn.ReLU(), conv(128, channels, 3))

    def forward(self, x):
        return self.res_scale.scale * self.body(x) + self.x_scale.scale * x


class TheirBlock(nn.Module):
    def __init__(self, channels, units, unified):
        super().__init__()
        made = [TheirUnit(channels) for _ in range(units)]
        if unified:
            self.lfl = nn.ModuleList(made)
        else:
            for index, unit in enumerate(made):
                self.add_module(f"b{index}", unit)
        self.order = made
        self.reduction = conv(units * channels, channels, 3)
        self.res_scale, self.x_scale = Factor(), Factor()

    def forward(self, x):
        features, outputs = x, []
        for unit in self.order:
            features = unit(features)
            outputs.append(features)
        fused = self.reduction(torch.cat(outputs, 1))
        return self.res_scale.scale * fused + self.x_scale.scale * x


class TheirTail(nn.Module):
    def __init__(self, channels, scale):
        super().__init__()
        for size in (3, 5, 7, 9):
            self.add_module(f"tail_k{size}", conv(channels, 3 * scale**2, size))
            self.add_module(f"scale_k{size}", Factor())
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x):
        branches = [
            self.get_submodule(f"scale_k{size}").scale * self.get_submodule(f"tail_k{size}")(x)
            for size in (3, 5, 7, 9)
        ]
        return sum(self.shuffle(branch) for branch in branches)


class TheirNetwork(nn.Module):
    def __init__(self, *, scale, blocks, units, channels, unified):
        super().__init__()
        self.head = nn.Sequential(conv(3, channels, 3))
        self.body = nn.Sequential(*(TheirBlock(channels, units, unified) for _ in range(blocks)))
        self.tail = TheirTail(channels, scale)
        self.skip = nn.Sequential(conv(3, 3 * scale**2, 3), nn.PixelShuffle(scale))

    def forward(self, x):
        mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
        normal = (x - mean) / 127.5
        return (self.tail(self.body(self.head(normal))) + self.skip(normal)) * 127.5 + mean


SIZES = {
    "awsrn": {"blocks": 4, "units": 4, "channels": 32},
    "awsrn_s": {"blocks": 1, "units": 4, "channels": 32},
    "awsrn_sd": {"blocks": 1, "units": 8, "channels": 16},
}

CASES = [("awsrn", 2), ("awsrn_s", 3), ("awsrn_sd", 4), ("awsrn_sd", 8)]


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize(("model", "scale"), CASES)
def test_their_file_loads_strictly_and_gives_their_output(model, scale, unified, tmp_path):
    torch.manual_seed(0)
    theirs = TheirNetwork(scale=scale, unified=unified, **SIZES[model]).eval()
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours = registry.get(model).build(scale=scale).eval()
    schemes.load(ours, files.read(tmp_path / "a.pth"), name=model)
    lr = 255 * torch.rand(1, 3, 11, 14)
    with torch.no_grad():
        torch.testing.assert_close(ours(lr), theirs(lr), rtol=0, atol=2e-3)


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("model", SIZES)
def test_ours_written_back_is_their_state_dict(model, unified, tmp_path):
    theirs = TheirNetwork(scale=2, unified=unified, **SIZES[model]).state_dict()
    torch.save(theirs, tmp_path / "a.pth")
    ours = awsrn.awsrn(files.read(tmp_path / "a.pth").states[0].tensors)
    assert ours is not None
    back = awsrn.to_awsrn(ours, unified=unified)
    assert back.keys() == theirs.keys()
    assert all(torch.equal(back[name], theirs[name]) for name in theirs)


def test_network_without_fusion_is_none_of_theirs():
    ours = registry.get("awsrn_nl").build(scale=2).state_dict()
    assert awsrn.to_awsrn(ours, unified=False) is None


def test_a_key_too_many_is_another_scheme():
    names = TheirNetwork(scale=2, unified=False, **SIZES["awsrn_s"]).state_dict()
    modern = {files._modern(name): value for name, value in names.items()}
    assert awsrn.awsrn(modern)
    assert awsrn.awsrn(modern | {"extra.weight": torch.ones(1)}) is None
