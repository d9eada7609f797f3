"""Options behind the name of a network."""

import pytest
import torch

from harness.errors import UsageError
from harness.weights import load, naming, networks

NET = """\
from torch import nn


class Wide(nn.Module):
    def __init__(self, in_nc=3, nf=4, upscale=4, **more):
        super().__init__()
        self.more = more
        self.head = nn.Conv2d(in_nc, nf, 3, padding=1)
        self.tail = nn.Conv2d(nf, 3 * upscale**2, 1)
        self.up = nn.PixelShuffle(upscale)

    def forward(self, x):
        assert 0 <= x.min() and x.max() <= 1
        return self.up(self.tail(self.head(x)))


class Declared(Wide):
    expects = {"range": 1}


class Wanting(Wide):
    def __init__(self, nf, scale, act, *parts, **more):
        super().__init__(nf=nf, upscale=scale)


class Fixed(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, channels + 1, padding=channels // 2)

    def forward(self, x):
        return nn.functional.pixel_shuffle(self.conv(x), 2)


def make(upscale_factor, channels=4):
    return Wide(nf=channels, upscale=upscale_factor)
"""


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path}/net.py"


def test_options_stand_behind_in_braces():
    assert naming.split("awsrn_s") == ("awsrn_s", {})
    assert naming.split("a.py:Net{nf: 16, expects: {range: 1}}") == (
        "a.py:Net",
        {"nf": 16, "expects": {"range": 1}},
    )
    joined = naming.joined("n{nf: 8, expects: {range: 1}}", {"nf": 4, "expects": {"pad_to": 8}})
    assert naming.split(joined) == ("n", {"nf": 8, "expects": {"range": 1, "pad_to": 8}})


@pytest.mark.parametrize("name", ["n{nf: 8", "n{nf}}", "n{[1]}", "n{a: 1, a: 2}"])
def test_braces_that_hold_no_options_are_refused(name):
    with pytest.raises(UsageError, match=r"n\{"):
        naming.split(name)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("Wide{nf: 6, act: relu}", 6 * 3 * 9),
        ("make{channels: 6}", 6 * 3 * 9),
        ("Fixed{channels: 6}", 12 * 3 * 7 * 7),
    ],
)
def test_the_scale_has_many_names_and_every_option_is_reached(net, name, weights):
    network = networks.build(f"{net}:{name}", scale=2, overrides={"expects": {"range": 1}})
    assert network(255 * torch.rand(1, 3, 9, 7)).shape == (1, 3, 18, 14)
    assert next(network.parameters()).numel() == weights


def test_what_a_class_expects_holds_unless_the_user_says_otherwise(net):
    image = 255 * torch.rand(1, 3, 8, 8)
    networks.build(f"{net}:Declared", scale=2)(image)
    for name in (f"{net}:Wide", f"{net}:Declared{{expects: {{range: 255}}}}"):
        with pytest.raises(AssertionError):
            networks.build(name, scale=2)(image)
    networks.build(f"{net}:Wide{{expects: {{range: 1}}}}", scale=2)(image)


def test_loaded_weights_know_the_options_and_the_plain_name(net, tmp_path):
    name = f"{net}:Wide{{nf: 6}}"
    torch.save(networks.build(name, scale=2).state_dict(), tmp_path / "w.pth")
    loaded = load.load(name, scale=2, checkpoint=tmp_path / "w.pth")
    assert (loaded.model, loaded.overrides) == (f"{net}:Wide", {"nf": 6})


def test_arguments_without_a_default_are_asked_for_by_the_option_that_gives_them(net):
    with pytest.raises(UsageError) as raised:
        networks.build(f"{net}:Wanting{{nf: 6}}", scale=2)
    assert "--with act=VALUE" in str(raised.value)
    assert "--with nf" not in str(raised.value)
    networks.build(f"{net}:Wanting{{nf: 6, act: relu}}", scale=2)


def test_a_label_has_the_options_in_words_and_what_is_expected_among_them(net):
    name = f"{net}:Wide{{nf: 6, depths: [2, 2.5], idt: false, bias: true, expects: {{range: 1.0}}}}"
    assert networks.variant(name).label == "Wide nf=6 depths=2,2.5 idt=false bias range=1"
