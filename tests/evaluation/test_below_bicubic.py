"""Networks that are given images in a form that they were not trained for are found out."""

import logging

import pytest
import torch
from torch import nn

from harness.config.protocols import DEFAULT
from harness.data.catalogue import find_test
from harness.errors import UsageError
from harness.evaluation import below_bicubic, evaluate
from harness.models.adapted import Expects, adapt
from harness.models.bicubic import Bicubic

CPU = torch.device("cpu")


class UnitRange(nn.Module):
    """A good network of images in 0..1."""

    def forward(self, lr):
        lr = (lr * 255).clamp(0, 255)
        return nn.functional.interpolate(lr, scale_factor=2, mode="bicubic") / 255


def said(network, tiny_root, caplog):
    test = find_test("own", tiny_root, 2)
    by = (DEFAULT,)
    scores = evaluate.score_all(network, test, scale=2, device=CPU, protocols=by)
    with caplog.at_level(logging.WARNING):
        below_bicubic.check(network, test, scores, scale=2, device=CPU, protocols=by)
    return caplog.text


def test_a_network_of_0_to_1_is_told_so(tiny_root, caplog):
    text = said(UnitRange(), tiny_root, caplog)
    assert "below the" in text
    assert "with images in 0..1, 'at150' scores" in text


class Grey(nn.Module):
    def forward(self, lr):
        return torch.full((1, 3, 2 * lr.shape[2], 2 * lr.shape[3]), 128.0)


def test_where_no_change_helps_the_causes_are_only_named(tiny_root, caplog):
    text = said(Grey(), tiny_root, caplog)
    assert "0..1" in text
    assert "BGR" in text
    assert "scores" not in text


class Better(nn.Module):
    """Bicubic with a little more contrast at edges: above bicubic itself."""

    def forward(self, lr):
        soft = nn.functional.avg_pool2d(lr, 3, 1, 1, count_include_pad=False)
        sharp = lr + 0.25 * (lr - soft)
        return nn.functional.interpolate(sharp, scale_factor=2, mode="bicubic")


@pytest.mark.parametrize("network", [Better(), Bicubic(scale=2)])
def test_nothing_is_said_of_others(network, tiny_root, caplog):
    assert not said(network, tiny_root, caplog)


class BetterOf0To1(Better):
    def forward(self, lr):
        return super().forward((lr * 255).clamp(0, 255)) / 255


class BetterOf0To255(Better):
    def forward(self, lr):
        return super().forward(lr).round()


def test_a_user_s_network_of_0_to_1_is_refused_with_the_flag_that_mends_it(tiny_root, caplog):
    test = find_test("own", tiny_root, 2)

    def check(network, *, users):
        scores = evaluate.score_all(network, test, scale=2, device=CPU, protocols=(DEFAULT,))
        below_bicubic.check(
            network, test, scores, scale=2, device=CPU, protocols=(DEFAULT,), users=users
        )
        return scores[0].psnr_db

    with pytest.raises(UsageError, match=r"say --range 1$"):
        check(BetterOf0To1(), users=True)
    check(BetterOf0To1(), users=False)  # of ours, the weights are wrong
    check(Grey(), users=True)  # nothing mends it
    adapted = adapt(BetterOf0To1(), Expects(range=1), scale=2)
    better = check(Better(), users=True)
    assert check(adapted, users=True) == pytest.approx(better, abs=0.01)

    wrong = adapt(BetterOf0To255(), Expects(range=1, pad_to=4), scale=2)
    before_db = evaluate.score_all(wrong, test, scale=2, device=CPU, protocols=(DEFAULT,))[0]
    with pytest.raises(UsageError, match=r"say --range 255$"):
        check(wrong, users=True)
    after_db = evaluate.score_all(wrong, test, scale=2, device=CPU, protocols=(DEFAULT,))[0]
    assert after_db == before_db  # trying left it as it was


def test_the_warning_has_what_is_declared(tiny_root, caplog):
    network = adapt(Grey(), Expects(range=1), scale=2)
    assert "(here: RGB in 0..1)" in said(network, tiny_root, caplog)
    assert type(network).__name__ == "Grey"
