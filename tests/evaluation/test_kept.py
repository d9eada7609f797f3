"""Images that are kept for the next network: each is decoded once, and no score depends on it."""

import os
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from torch import nn

from harness.config import protocols
from harness.data import prepare
from harness.data.catalogue import TestSet as ImageSet
from harness.data.catalogue import find_test
from harness.data.images import read_rgb
from harness.errors import DataError, TrainingError
from harness.evaluation import below_bicubic, evaluate, pixels, scoring
from harness.evaluation.in_order import InOrder
from harness.evaluation.kept import Decoded, Kept
from harness.host.device import instructions
from harness.models import registry
from harness.records import record
from harness.weights.load import load

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
EVERY = [protocols.get(name) for name in protocols.names() if name != "ntire_esr"]


def settle(paths):
    """Give files a time of change that is long ago, as those of a benchmark have."""
    for number, path in enumerate(paths):
        os.utime(path, ns=(10**18 + number, 10**18 + number))


@pytest.fixture
def own(tmp_path):
    """Five images, one of them grey."""
    for number in range(5):
        image = Image.fromarray(astronaut()[60 * number : 60 * number + 60, 200:264])
        (image.convert("L") if number == 3 else image).save(tmp_path / f"{number}.png")
    files = tuple(sorted(tmp_path.glob("*.png")))
    settle(files)
    return ImageSet("own", files, None)


@pytest.fixture
def decoded(monkeypatch):
    """Nothing is kept from other tests; gives the files that are decoded."""
    files = []

    def counting(path):
        files.append(path)
        return read_rgb(path)

    monkeypatch.setattr(prepare, "read_rgb", counting)
    monkeypatch.setattr(pixels, "_KEPT", Kept())
    below_bicubic._scored_before.cache_clear()
    return files


class Sharper(nn.Module):
    """Above bicubic, so that nothing more is tried with it."""

    def forward(self, lr):
        soft = nn.functional.avg_pool2d(lr, 3, 1, 1, count_include_pad=False)
        sharp = lr + 0.25 * (lr - soft)
        return nn.functional.interpolate(sharp, scale_factor=2, mode="bicubic")


def scorer_of(network):
    """A scorer of a network that is not bicubic, as far as anybody can tell."""
    scorer = scoring.Scorer(load("bicubic", scale=2, checkpoint=None), device=CPU)
    scorer.network = network
    return scorer


def test_a_network_and_the_bicubic_beside_it_decode_every_image_once(own, decoded):
    scorer_of(Sharper()).score(own, (protocols.DEFAULT,))
    assert sorted(decoded) == sorted(own.hr)


def test_so_they_do_where_hardly_anything_can_be_kept(own, decoded, monkeypatch):
    few = [own.hr[n] for n in (0, 3)]
    monkeypatch.setattr(below_bicubic, "_MOST_IMAGES", len(few))
    room = 2 * (60 * 64 * (3 + 8) + 30 * 32 * 3)
    monkeypatch.setattr(pixels, "_KEPT", Kept(room))
    scorer_of(Sharper()).score(own, (protocols.DEFAULT,))
    assert sorted(decoded) == sorted(own.hr)


def test_several_networks_on_one_set_share_what_was_decoded_and_bicubic(own, decoded, monkeypatch):
    runs = []
    scored = evaluate.score_all

    def noted(network, *arguments, **options):
        runs.append(type(network))
        return scored(network, *arguments, **options)

    monkeypatch.setattr(evaluate, "score_all", noted)
    for network in (Sharper(), Sharper(), Sharper()):
        scorer_of(network).score(own, (protocols.DEFAULT,))
    assert sorted(decoded) == sorted(own.hr)
    assert [kind.__name__ for kind in runs] == ["Bicubic", "Sharper", "Sharper", "Sharper"]


def test_a_file_that_changed_is_decoded_anew(own, decoded):
    network = registry.get("bicubic").build(scale=2)
    before = evaluate.score(network, own, scale=2, device=CPU)
    changed = np.array(Image.open(own.hr[2]))
    changed[5, 5] ^= 255
    Image.fromarray(changed).save(own.hr[2])  # just now: its time tells nothing yet
    after = evaluate.score(network, own, scale=2, device=CPU)
    assert decoded.count(own.hr[2]) == 2
    assert len(decoded) == 6
    assert before.sha256 != after.sha256
    assert [a == b for a, b in zip(before.images, after.images, strict=True)] == [
        *(True, True, False, True, True)
    ]


def test_a_file_that_was_replaced_with_the_times_of_the_old_one_is_decoded_anew(own, decoded):
    network = registry.get("bicubic").build(scale=2)
    before = evaluate.score(network, own, scale=2, device=CPU)
    times, content = own.hr[2].stat(), own.hr[1].read_bytes()
    with own.hr[2].open("r+b") as file:  # the same number on the disk
        file.write(content)
        file.truncate(len(content))
    os.utime(own.hr[2], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert before != evaluate.score(network, own, scale=2, device=CPU)


def test_images_of_another_set_make_room_and_those_of_the_own_do_not(own, decoded):
    size = 60 * 64 * 3 + 30 * 32 * 3
    kept = Kept(3 * size)
    other = replace(own, name="other", hr=own.hr[:2])
    for test in (own, own):
        for index in range(5):
            kept.get(test, index, 2)
    assert len(decoded) == 5 + 2
    kept.get(other, 0, 4)
    for index in range(5):
        kept.get(own, index, 2)
    assert len(decoded) == 5 + 2 + 1 + 3


def test_what_is_kept_can_not_be_written_to(own, decoded):
    for _, lr, hr in pixels.pairs(own, scale=2):
        for image in (lr, hr):
            with pytest.raises(ValueError, match="read-only"):
                image[0, 0] = 0


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_scores_do_not_depend_on_threads_order_or_what_was_kept(own, decoded, workers, monkeypatch):
    network = registry.get("bicubic").build(scale=2)
    monkeypatch.setattr(pixels, "_KEPT", Kept(0))
    alone = [evaluate.score(network, own, scale=2, device=CPU, protocol=p) for p in EVERY]
    monkeypatch.setattr(pixels, "_KEPT", Kept())
    for _ in range(2):  # the second time, of what was kept
        assert (
            list(
                evaluate.score_all(
                    network, own, scale=2, device=CPU, protocols=EVERY, workers=workers
                )
            )
            == alone
        )
    turned = replace(own, hr=own.hr[::-1])
    backwards = evaluate.score_all(network, turned, scale=2, device=CPU, protocols=EVERY[::-1])
    for before, after in zip(alone, backwards[::-1], strict=True):
        assert sorted(before.images, key=str) == sorted(after.images, key=str)


def test_results_come_in_their_order_however_long_each_takes():
    def late(number):
        time.sleep(0.004 * (number % 3 == 0))
        return number

    calls: InOrder[int] = InOrder(4)
    with calls:
        for number in range(12):
            calls.add(partial(late, number))
    assert calls.results == list(range(12))


def test_of_two_failures_that_of_the_earlier_image_is_told():
    late = threading.Event()

    def fail():
        late.wait(5)
        raise DataError("the first image")

    def failing(workers, error):
        calls: InOrder[None] = InOrder(workers)
        with calls:
            calls.add(fail)
            late.set()
            raise error

    with pytest.raises(DataError, match="the first image"):
        failing(2, TrainingError("the second image"))
    with pytest.raises(KeyboardInterrupt):
        failing(1, KeyboardInterrupt())


def stored(name, set_name):
    path = next((ROOT / "results" / "runs").glob(f"{name}/record.json"))
    return record.read_file(path).score(set_name)


@pytest.mark.data
@pytest.mark.parametrize("set_name", ["Set5", "Set14"])
def test_bicubic_has_the_committed_scores_to_the_last_bit(data_root, set_name):
    network = registry.get("bicubic").build(scale=2)
    test = find_test(set_name, data_root, 2, lr="LR_bicubic/X2")
    score = evaluate.score(network, test, scale=2, device=CPU)
    assert replace(score, lr_from="") == replace(stored("bicubic-x2-*", set_name), lr_from="")


@pytest.mark.data
def test_awsrn_s_has_the_committed_scores(data_root):
    """To the last bit with AVX-512, as they were made; other instructions add in another order."""
    weights = ROOT / "results" / "pretrained" / "awsrn_s_x4.safetensors"
    scorer = scoring.Scorer(load("awsrn_s", scale=4, checkpoint=weights), device=CPU)
    test = find_test("Set5", data_root, 4, lr="LR_bicubic/X4")
    (score,) = scorer.score(test, (protocols.DEFAULT,))
    committed = stored("awsrn_s-x4-*", "Set5")
    assert (score.sha256, score.lr) == (committed.sha256, committed.lr)
    assert [one.name for one in score.images] == [one.name for one in committed.images]
    for ours, theirs in zip(score.images, committed.images, strict=True):
        assert ours.psnr_db == pytest.approx(theirs.psnr_db, abs=1e-4)
        assert ours.ssim == pytest.approx(theirs.ssim, abs=1e-5)
    if "avx512f" in instructions():
        assert replace(score, lr_from="") == replace(committed, lr_from="")


def test_bytes_are_counted_while_another_thread_makes_something_of_the_image(own):
    """Scores are measured beside the network: the sum may be taken in the midst of that."""
    image = Decoded(own, 0, 2)

    class Meanwhile(np.ndarray):
        @property
        def nbytes(self):
            image.made(object(), lambda: np.zeros(1))
            return 7

    before = image.nbytes
    image.made("luma", lambda: np.zeros(1).view(Meanwhile))
    assert image.nbytes == before + 7
