"""Networks that declare their merged form are counted in it, with the trained parameters beside."""

from typing import Any

import pytest
from torch import nn
from torch.nn.functional import pixel_shuffle

from harness.config.ablation import Row
from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.multi_adds import count
from harness.efficiency.counting.report import row
from harness.experiment import costs
from harness.models.merging import in_a_row, kernel_of, same_conv_of
from harness.records import counts


class Net(nn.Module):
    """A 1x1 and a 3x3 in a row, and a frozen mask that nothing reads once they are merged."""

    def __init__(self, *, scale=2):
        super().__init__()
        self.mix, self.conv = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 12, 3)
        self.mask = nn.Parameter(self.conv.weight.detach().clone(), requires_grad=False)

    def forward(self, lr):
        return pixel_shuffle(self.conv(self.mix(nn.functional.pad(lr, (1, 1, 1, 1)))), 2)

    def deploy(self):
        kernel = in_a_row(kernel_of(self.mix), kernel_of(self.conv))
        return nn.Sequential(same_conv_of(kernel, self.conv.weight), nn.PixelShuffle(2))


class ReadsValues(Net):
    def deploy(self):
        assert self.conv.weight.sum().item() < 1e9
        return super().deploy()


class Fails(Net):
    def deploy(self):
        raise RuntimeError("no such branch")


class ReturnsNothing(Net):
    def deploy(self):
        return None


class Flag(Net):
    deploy: Any = False


KERNEL, OWN = 3 * 12 * 9, 3 * 5 + 5 + 5 * 12 * 9 + 12


@pytest.mark.parametrize("kind", [Net, ReadsValues])
def test_a_users_network_is_counted_in_the_form_it_declares(kind):
    shown = row(CountedNetwork("own", kind, scale=2, input_px=(32, 24)), label="Own")
    assert (shown.params, shown.params_trained, shown.params_deployed) == (
        KERNEL + 12,
        OWN,
        KERNEL + 12,
    )
    assert (shown.multi_adds, shown.convs) == (KERNEL * 32 * 24, 1)
    assert shown.rule_params == KERNEL + 12
    assert shown.note == counts.DEPLOYS
    assert shown.doubts == ()


def test_an_attribute_of_that_name_that_is_no_method_declares_nothing():
    cost = count(Flag(), scale=2, input_px=(32, 24))
    assert (cost.params, cost.params_trained) == (OWN, None)
    assert "540 frozen" not in cost.note  # nothing reads the mask


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Fails, "Fails cannot be counted: Fails.deploy() failed: RuntimeError: no such branch"),
        (ReturnsNothing, "ReturnsNothing.deploy() returned NoneType, expected the merged network"),
    ],
)
def test_a_merged_form_that_cannot_be_made_is_told_in_one_line(kind, said):
    for counted in (
        lambda: count(kind(), scale=2),
        lambda: CountedNetwork("o", kind, scale=2).cost,
    ):
        with pytest.raises(Exception, match="cannot be counted") as error:
            counted()
        assert said in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "trained"), [({}, "2,157,136"), ({"num_blocks": 5}, "1,823,608")]
)
def test_the_cost_of_training_is_not_that_of_the_merged_form(options, trained, tmp_path):
    """A block less: three times 110,864 weights and 312 biases."""
    problems: list[str] = []
    line = Row("SPAN", "span", overrides=options)
    cost = costs.cost(line, scale=4, checkpoint=None, results=tmp_path, problems=problems)
    assert problems == []
    assert cost.remarks == (counts.DEPLOYS, f"in training with {trained} parameters")
    assert cost.of_lr_pixels(48 * 48, 4) is None
    assert cost.params < 500_000
