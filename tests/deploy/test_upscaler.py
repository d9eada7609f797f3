"""One picture through a network: grey, alpha, depth, tiles, want of memory."""

import logging

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import nn

from harness.data import resize
from harness.deploy.photos import Picture
from harness.deploy.tile_size import Tiling
from harness.deploy.upscaler import Enlarger, flow_out
from harness.errors import HarnessError
from harness.evaluation import evaluate
from harness.host.progress import TileBar
from harness.models import registry
from harness.models.bicubic import Bicubic
from harness.models.initialise import initialise

CPU = torch.device("cpu")
RGB = astronaut()[:40, 180:231]
ALPHA = (np.add.outer(np.arange(40), np.arange(51)) * 2).astype(np.uint8)


@pytest.fixture
def bar():
    bar = TileBar(total=1)
    yield bar
    bar.close()


def build(name):
    network = registry.get(name).build(scale=2).eval()
    initialise(network, seed=0)
    return network


def enlarger(network, *, tile=None, memory=10**12, **options):
    return Enlarger(
        network, name="it", scale=2, device=CPU, tiling=Tiling(memory, 100, forced=tile), **options
    )


@pytest.mark.parametrize("name", ["bicubic", "espcn", "awsrn_s"])
def test_colour_is_what_is_scored(name, bar):
    network = build(name)
    ours = enlarger(network).enlarge(Picture(RGB, b"profile"), bar)
    assert np.array_equal(ours.pixels, evaluate.upscale(network, RGB, CPU))
    assert ours.icc == b"profile"


def test_grey_stays_grey_as_luma_of_the_network_s_colours(bar):
    network, grey = build("awsrn_s"), RGB[..., :1]
    ours = enlarger(network).enlarge(Picture(grey), bar).pixels
    colours = evaluate.upscale(network, np.repeat(grey, 3, 2), CPU).astype(float)
    assert np.ptp(colours, axis=2).max() > 0  # not grey any more
    assert ours.shape == (80, 102, 1)
    assert np.abs(ours[..., 0] - colours @ [0.299, 0.587, 0.114]).max() <= 1
    exact = enlarger(build("bicubic")).enlarge(Picture(grey), bar).pixels
    assert np.array_equal(exact[..., 0], resize.upscale(grey[..., 0], 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_bicubic_and_colours_that_show_are_kept(channels, bar):
    network, colours = build("espcn"), RGB[..., :channels]
    alpha = np.maximum(ALPHA, 1)
    plain = enlarger(network).enlarge(Picture(colours), bar).pixels
    ours = enlarger(network).enlarge(Picture(np.dstack([colours, alpha])), bar).pixels
    assert np.array_equal(ours[..., :-1], plain)
    assert np.array_equal(ours[..., -1], resize.upscale(alpha, 2))
    clear = np.dstack([colours, np.zeros_like(ALPHA)])
    assert np.array_equal(enlarger(network).enlarge(Picture(clear), bar).pixels[..., :-1], plain)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_cut_out_disc_gets_no_rim(depth, bar):
    peak = np.iinfo(depth).max
    disc = np.hypot(*np.ogrid[-12:13, -12:13]) < 9
    colour = (np.array([230, 120, 40]) * (peak // 255)).astype(depth)
    picture = np.zeros((25, 25, 4), depth)
    picture[disc] = [*colour, peak]
    ours = enlarger(build("bicubic")).enlarge(Picture(picture), bar).pixels
    shown = ours[..., -1] > 0
    assert np.abs(ours[..., :3].astype(int) - colour).max(axis=2)[shown].max() <= 1


def test_hidden_pixels_have_the_colour_of_the_nearest_that_shows():
    colours = np.arange(5, dtype=np.uint8)[None, :, None]
    alpha = np.array([[0, 9, 0, 0, 255]], np.uint8)
    assert flow_out(colours, alpha).ravel().tolist() == [1, 1, 1, 4, 4]


def deep(channels):
    generator = np.random.default_rng(0)
    return generator.integers(0, 65536, (12, 15, channels), dtype=np.uint16)


@pytest.mark.parametrize("self_ensemble", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_go_through_bicubic_whole(channels, self_ensemble, bar):
    ours = enlarger(build("bicubic"), self_ensemble=self_ensemble)
    output = ours.enlarge(Picture(deep(channels)), bar).pixels
    expected = resize.upscale(deep(channels).astype(np.float64), 2).clip(0, 65535)
    assert output.dtype == np.uint16
    assert np.abs(output - expected).max() < 0.6  # float32 and rounding
    assert (output % 257 != 0).any()


def test_16_bits_that_8_could_say_give_what_8_bits_give(bar):
    network = build("espcn")
    wide = enlarger(network).enlarge(Picture(RGB.astype(np.uint16) * 257), bar).pixels
    narrow = enlarger(network).enlarge(Picture(RGB), bar).pixels
    assert np.abs(wide / 257 - narrow).max() < 0.51


def test_self_ensemble_changes_the_result(bar):
    network = build("espcn")
    plain, plus = (
        enlarger(network, self_ensemble=flag).enlarge(Picture(RGB), bar).pixels.astype(float)
        for flag in (False, True)
    )
    assert np.abs(plain - plus).max() > 0


@pytest.mark.parametrize("options", [{"tile": 13}, {"memory": 100 * 24**2}])
def test_tiles_change_nothing(options, bar):
    network = build("espcn")
    in_tiles = enlarger(network, **options)
    assert in_tiles.tiles(40, 51) > 4
    whole = enlarger(network).enlarge(Picture(RGB), bar).pixels
    difference = np.abs(in_tiles.enlarge(Picture(RGB), bar).pixels.astype(int) - whole)
    assert difference.max() <= 1  # where the order of additions decides a tie
    assert difference.mean() < 1e-3


@pytest.mark.parametrize(
    ("name", "overlap", "message"),
    [
        ("espcn", 4, ""),
        ("espcn", 3, "it looks 4 px far and tiles overlap by 3: expect seams"),
        ("imdn", None, "it looks at the whole image, so tiles are never exact"),
        ("wdsr_wru", None, "it looks at the whole image, so tiles are never exact"),
    ],
)
def test_inexact_tiles_are_announced_once(name, overlap, message, caplog):
    caplog.set_level(logging.WARNING, "harness")
    chosen = enlarger(build(name), tile=16, overlap=overlap)
    assert not caplog.messages  # no tiles, no word
    assert chosen.tiles(40, 51) == chosen.tiles(51, 40) == 12
    assert [text for text in caplog.messages if text.startswith(message)] == caplog.messages
    assert len(caplog.messages) == bool(message)


class Hungry(nn.Module):
    """Bicubic with memory for so many LR pixels at once."""

    def __init__(self, most_px):
        super().__init__()
        self.most_px = most_px
        self.bicubic = Bicubic(scale=2, rounded=True)

    def forward(self, lr):
        if lr.shape[2] * lr.shape[3] > self.most_px:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return self.bicubic(lr)


class Bar:
    """Counts as a bar does."""

    def __init__(self, total):
        self.total, self.done = total, 0

    def advance(self):
        self.done += 1

    def plan_anew(self, *, undone, more):
        self.done -= undone
        self.total += more


def test_tiles_are_halved_until_they_fit(caplog):
    caplog.set_level(logging.WARNING, "harness")
    chosen, bar = enlarger(Hungry(900)), Bar(1)
    ours = chosen.enlarge(Picture(RGB), bar).pixels
    assert np.array_equal(ours, resize.upscale(RGB, 2))
    # A side of 51 is too much; 25 with an overlap of 2 fits.
    assert caplog.messages == ["out of memory on cpu: going on with tiles of 25 px"]
    assert (bar.done, bar.total) == (6, 6)
    chosen.enlarge(Picture(RGB), bar)  # the next image begins with what has worked
    assert len(caplog.messages) == 1


def test_it_gives_up_when_the_smallest_tiles_do_not_fit():
    with pytest.raises(HarnessError, match=r"out of memory on cpu, even with tiles of 2. px"):
        enlarger(Hungry(50)).enlarge(Picture(RGB), Bar(1))


def test_other_errors_of_a_network_are_not_taken_for_want_of_memory(bar):
    class Broken(nn.Module):
        def forward(self, lr):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        enlarger(Broken()).enlarge(Picture(RGB), bar)


def test_output_that_is_not_finite_is_refused(bar):
    class Endless(nn.Module):
        def forward(self, lr):
            return lr.repeat_interleave(2, 2).repeat_interleave(2, 3) / 0

    with pytest.raises(HarnessError, match="not finite"):
        enlarger(Endless()).enlarge(Picture(RGB), bar)
