"""The large RGB networks in others' names: what their code computes, written out, agrees."""

import pytest
import torch
from torch.nn import functional as F

from harness.errors import CheckpointError
from harness.models import registry
from harness.weights import convert, files, schemes

DIV2K = torch.tensor([0.4488, 0.4371, 0.4040])
DF2K = torch.tensor([0.4690, 0.4490, 0.4036])


class State(dict):
    """A random state dict that grows by the layers it is asked for, and computes them."""

    def layer(self, name, channels_in, channels_out, size=3):
        weight = torch.randn(channels_out, channels_in, size, size)
        self[f"{name}.weight"] = weight / (channels_in * size**2) ** 0.5
        self[f"{name}.bias"] = 0.1 * torch.randn(channels_out)

    def normed(self, name, *shape):
        self.layer(name, *shape)
        weight = self.pop(f"{name}.weight")
        self[f"{name}.weight_g"] = 0.5 + torch.rand(len(weight), 1, 1, 1)
        self[f"{name}.weight_v"] = weight

    def __call__(self, name, x):
        if f"{name}.weight_g" in self:
            gain, raw = self[f"{name}.weight_g"], self[f"{name}.weight_v"]
            weight = gain * raw / raw.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        else:
            weight = self[f"{name}.weight"]
        return F.conv2d(x, weight, self[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def residual(self, first, second, x, scaling=1.0):
        return x + scaling * self(second, F.relu(self(first, x)))

    def up(self, name, x):
        return F.pixel_shuffle(self(name, x), 2)

    def shifts(self, kind):
        span = 1 if kind == "unit range" else 255
        mean = DF2K if kind == "other mean" else DIV2K
        for name, sign in (("sub_mean", -1), ("add_mean", 1)):
            self[f"{name}.weight"] = torch.eye(3).view(3, 3, 1, 1)
            self[f"{name}.bias"] = sign * span * mean
            if kind == "trained":
                self[f"{name}.weight"] += 0.05 * torch.randn(3, 3, 1, 1)
                self[f"{name}.bias"] += 3 * torch.randn(3)
        return span


KINDS = ["as meant", "other mean", "trained", "unit range"]


def pixels():
    return 255 * torch.rand(1, 3, 7, 9)


def agree(state, network, path, expected, x):
    torch.save(dict(state), path)
    schemes.load(network.eval(), path, name="it")
    with torch.no_grad():
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=2e-3)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


def small_edsr(kind="as meant"):
    state = State()
    span = state.shifts(kind)
    state.layer("head.0", 3, 6)
    for block in (0, 1):
        state.layer(f"body.{block}.body.0", 6, 6)
        state.layer(f"body.{block}.body.2", 6, 6)
    state.layer("body.2", 6, 6)
    state.layer("tail.0.0", 6, 24)
    state.layer("tail.0.2", 6, 24)
    state.layer("tail.1", 6, 3)

    def run(x):
        head = y = state("head.0", state("sub_mean", x * span / 255))
        for block in (0, 1):
            y = state.residual(f"body.{block}.body.0", f"body.{block}.body.2", y, 0.1)
        y = state.up("tail.0.2", state.up("tail.0.0", state("body.2", y) + head))
        return state("add_mean", state("tail.1", y)) * 255 / span

    return state, run


@pytest.mark.parametrize("kind", KINDS)
def test_edsr_whatever_became_of_its_mean_shift(kind, tmp_path):
    state, run = small_edsr(kind)
    network = registry.get("edsr").build(scale=4, num_blocks=2, channels=6)
    x = pixels()
    agree(state, network, tmp_path / "a.pt", run(x), x)


def test_a_mean_of_its_own_outlives_conversion(tmp_path):
    state, run = small_edsr("other mean")
    torch.save(dict(state), tmp_path / "theirs.pt")
    _, ours = schemes.readings(files.read(tmp_path / "theirs.pt"))[-1]
    (tmp_path / "ours.safetensors").write_bytes(convert._bytes(ours, ".safetensors"))
    network = registry.get("edsr").build(scale=4, num_blocks=2, channels=6).eval()
    x = pixels()
    assert schemes.load(network, tmp_path / "ours.safetensors", name="it").names == "this harness"
    with torch.no_grad():
        torch.testing.assert_close(network(x), run(x), rtol=1e-4, atol=2e-3)


def test_a_mean_is_refused_by_a_network_that_takes_none_off(tmp_path):
    network = registry.get("rdn").build(scale=2, num_blocks=1, num_layers=1, growth=4, channels=4)
    state = network.state_dict() | {files.MEAN: torch.zeros(1, 3, 1, 1)}
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="does not hold the weights of it"):
        schemes.load(network, tmp_path / "a.pt", name="it")


def test_mdsr_serves_each_of_its_scales(tmp_path):
    state = State()
    state.shifts("as meant")
    state.layer("head.0", 3, 4)
    for at in (0, 1, 2):
        for block in (0, 1):
            state.layer(f"pre_process.{at}.{block}.body.0", 4, 4, 5)
            state.layer(f"pre_process.{at}.{block}.body.2", 4, 4, 5)
    state.layer("body.0.body.0", 4, 4)
    state.layer("body.0.body.2", 4, 4)
    state.layer("body.1", 4, 4)
    for name, factor in (("0.0", 4), ("1.0", 9), ("2.0", 4), ("2.2", 4)):
        state.layer(f"upsample.{name}", 4, factor * 4)
    state.layer("tail.0", 4, 3)
    x = pixels()
    for at, scale in enumerate((2, 3, 4)):
        y = state("head.0", state("sub_mean", x))
        for block in (0, 1):
            where = f"pre_process.{at}.{block}.body"
            y = state.residual(f"{where}.0", f"{where}.2", y)
        y = y + state("body.1", state.residual("body.0.body.0", "body.0.body.2", y))
        y = F.pixel_shuffle(state(f"upsample.{at}.0", y), 3 if scale == 3 else 2)
        if scale == 4:
            y = state.up("upsample.2.2", y)
        network = registry.get("mdsr").build(scale=scale, num_blocks=1, channels=4)
        agree(state, network, tmp_path / "a.pt", state("add_mean", state("tail.0", y)), x)


def gated(state, squeeze, excite, y):
    return y * state(excite, F.relu(state(squeeze, y.mean((2, 3), keepdim=True)))).sigmoid()


@pytest.mark.parametrize("kind", KINDS[:3])
def test_rcan(kind, tmp_path):
    state = State()
    state.shifts(kind)
    state.layer("head.0", 3, 4)
    for where in ("body.0.body.0.body", "body.1.body.0.body"):
        state.layer(f"{where}.0", 4, 4)
        state.layer(f"{where}.2", 4, 4)
        state.layer(f"{where}.3.conv_du.0", 4, 2, 1)
        state.layer(f"{where}.3.conv_du.2", 2, 4, 1)
    for name in ("body.0.body.1", "body.1.body.1", "body.2"):
        state.layer(name, 4, 4)
    state.layer("tail.0.0", 4, 16)
    state.layer("tail.1", 4, 3)
    x = pixels()
    head = y = state("head.0", state("sub_mean", x))
    for group in (0, 1):
        where = f"body.{group}.body.0.body"
        inner = state(f"{where}.2", F.relu(state(f"{where}.0", y)))
        inner = y + gated(state, f"{where}.3.conv_du.0", f"{where}.3.conv_du.2", inner)
        y = y + state(f"body.{group}.body.1", inner)
    y = state.up("tail.0.0", state("body.2", y) + head)
    network = registry.get("rcan").build(
        scale=2, num_groups=2, num_blocks=1, channels=4, reduction=2
    )
    agree(state, network, tmp_path / "a.pt", state("add_mean", state("tail.1", y)), x)


@pytest.mark.parametrize("attention", [False, True])
def test_basicsr_takes_an_image_in_0_to_1(attention, tmp_path):
    state = State()
    state.layer("conv_first", 3, 4)
    for block in (0, 1):
        if attention:
            where = f"body.{block}.residual_group.0.rcab"
            names = (f"{where}.0", f"{where}.2", f"body.{block}.conv")
            state.layer(f"{where}.3.attention.1", 4, 2, 1)
            state.layer(f"{where}.3.attention.3", 2, 4, 1)
        else:
            names = (f"body.{block}.conv1", f"body.{block}.conv2")
        for name in names:
            state.layer(name, 4, 4)
    state.layer("conv_after_body", 4, 4)
    state.layer("upsample.0", 4, 16)
    state.layer("conv_last", 4, 3)
    x, mean = pixels(), DIV2K.view(1, 3, 1, 1)
    head = y = state("conv_first", (x / 255 - mean) * 255)
    for block in (0, 1):
        if attention:
            where = f"body.{block}.residual_group.0.rcab"
            inner = state(f"{where}.2", F.relu(state(f"{where}.0", y)))
            inner = y + gated(state, f"{where}.3.attention.1", f"{where}.3.attention.3", inner)
            y = y + state(f"body.{block}.conv", inner)
        else:
            y = state.residual(f"body.{block}.conv1", f"body.{block}.conv2", y)
    y = state("conv_last", state.up("upsample.0", state("conv_after_body", y) + head))
    sizes = {"num_blocks": 1, "num_groups": 2, "reduction": 2} if attention else {"num_blocks": 2}
    model = "rcan" if attention else "edsr_baseline"
    network = registry.get(model).build(scale=2, channels=4, **sizes)
    agree({"params": dict(state)}, network, tmp_path / "a.pth", 255 * (y / 255 + mean), x)


def test_msrn(tmp_path):
    state = State()
    state.shifts("trained")
    state.layer("head.0", 3, 4)
    for block in (0, 1):
        for size in (3, 5):
            state.layer(f"body.{block}.conv_{size}_1", 4, 4, size)
            state.layer(f"body.{block}.conv_{size}_2", 8, 8, size)
        state.layer(f"body.{block}.confusion", 16, 4, 1)
    state.layer("tail.0", 12, 4, 1)
    state.layer("tail.1", 4, 4)
    state.layer("tail.2.0", 4, 16)
    state.layer("tail.3", 4, 3)
    x = pixels()
    head = y = state("head.0", state("sub_mean", x))
    kept = []
    for block in (0, 1):
        wide = y
        for step in (1, 2):
            convs = [state(f"body.{block}.conv_{size}_{step}", wide) for size in (3, 5)]
            wide = F.relu(torch.cat(convs, 1))
        y = y + state(f"body.{block}.confusion", wide)
        kept.append(y)
    y = state("tail.1", state("tail.0", torch.cat([*kept, head], 1)))
    expected = state("add_mean", state("tail.3", state.up("tail.2.0", y)))
    network = registry.get("msrn").build(scale=2, num_blocks=2, channels=4)
    agree(state, network, tmp_path / "a.pt", expected, x)


RDN_NAMES = {
    "EDSR-PyTorch": ("SFENet1", "SFENet2", "RDBs", "convs", "conv.0", "LFF", "GFF", "UPNet", None),
    "yjn870": ("sfe1", "sfe2", "rdbs", "layers", "conv", "lff", "gff", "upscale", "output"),
}


@pytest.mark.parametrize("scale", [3, 4])
@pytest.mark.parametrize("whose", RDN_NAMES)
def test_rdn_in_either_range(whose, scale, tmp_path):
    head, entry, blocks, layers, conv, local, fusion, up, tail = RDN_NAMES[whose]
    steps = {3: (3,), 4: (2, 2)}[scale]
    tail = tail or f"{up}.{2 * len(steps)}"
    span = 255 if whose == "EDSR-PyTorch" else 1
    state = State()
    state.layer(head, 3, 4)
    state.layer(entry, 4, 4)
    for block in (0, 1):
        for layer in (0, 1):
            state.layer(f"{blocks}.{block}.{layers}.{layer}.{conv}", 4 + 4 * layer, 4)
        state.layer(f"{blocks}.{block}.{local}", 12, 4, 1)
    state.layer(f"{fusion}.0", 8, 4, 1)
    state.layer(f"{fusion}.1", 4, 4)
    for index, step in enumerate(steps):
        state.layer(f"{up}.{2 * index}", 4, 4 * step**2)
    state.layer(tail, 4, 3)
    x = pixels()
    shallow = state(head, x * span / 255)
    y, kept = state(entry, shallow), []
    for block in (0, 1):
        dense = y
        for layer in (0, 1):
            new = F.relu(state(f"{blocks}.{block}.{layers}.{layer}.{conv}", dense))
            dense = torch.cat([dense, new], 1)
        y = y + state(f"{blocks}.{block}.{local}", dense)
        kept.append(y)
    y = shallow + state(f"{fusion}.1", state(f"{fusion}.0", torch.cat(kept, 1)))
    for index, step in enumerate(steps):
        y = F.pixel_shuffle(state(f"{up}.{2 * index}", y), step)
    network = registry.get("rdn").build(
        scale=scale, num_blocks=2, num_layers=2, growth=4, channels=4
    )
    agree(state, network, tmp_path / "a.pt", state(tail, y) * 255 / span, x)


def ychfan_wdsr(units, scale):
    state = State()
    state.normed("body.0", 3, 32)
    for unit in range(1, units + 1):
        state.normed(f"body.{unit}.body.0", 32, 128)
        state.normed(f"body.{unit}.body.2", 128, 32)
    state.normed(f"body.{units + 1}", 32, 3 * scale**2)
    state.normed("skip.0", 3, 3 * scale**2, 5)
    return state


def test_wdsr_less_one_half(tmp_path):
    state, x = ychfan_wdsr(2, 3), pixels()
    y = state("body.0", x / 255 - 0.5)
    for unit in (1, 2):
        y = state.residual(f"body.{unit}.body.0", f"body.{unit}.body.2", y)
    y = state("body.3", y) + state("skip.0", x / 255 - 0.5)
    network = registry.get("wdsr_basic").build(scale=3, num_units=2)
    agree(
        {"model_state_dict": dict(state), "epoch": 30},
        network,
        tmp_path / "a.pth",
        255 * (F.pixel_shuffle(y, 3) + 0.5),
        x,
    )


def test_what_is_stored_of_a_network_has_its_mean(tmp_path):
    state, x = ychfan_wdsr(1, 2), pixels()
    torch.save(dict(state), tmp_path / "a.pth")
    first, second = (registry.get("wdsr_basic").build(scale=2, num_units=1).eval() for _ in "ab")
    assert files.MEAN not in schemes.tensors_of(first)
    schemes.load(first, tmp_path / "a.pth", name="it")
    torch.save(schemes.tensors_of(first), tmp_path / "b.pth")
    schemes.load(second, tmp_path / "b.pth", name="it")
    with torch.no_grad():
        assert torch.equal(first(x), second(x))


def test_a_whole_file_fits_the_registered_network(tmp_path):
    torch.save(dict(ychfan_wdsr(16, 2)), tmp_path / "a.pth")
    [fit] = schemes.find(files.read(tmp_path / "a.pth"))
    assert (fit.model, fit.scales, fit.scheme) == ("wdsr_basic", (2,), "WDSR, ychfan")
    assert sum(value.numel() for value in fit.tensors.values()) == 1_190_100 + 3


def test_files_without_shifts_or_with_singular_ones_are_of_no_scheme():
    state, _ = small_edsr()
    assert not [name for name, _ in schemes.readings({"body.x.y": torch.ones(1)})[1:]]
    singular = dict(state) | {"sub_mean.weight": torch.zeros(3, 3, 1, 1)}
    assert [name for name, _ in schemes.readings(singular)] == ["this harness"]
    del state["add_mean.bias"]
    assert [name for name, _ in schemes.readings(state)] == ["this harness"]
