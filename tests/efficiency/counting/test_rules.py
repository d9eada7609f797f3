"""Published rules become counts: of whose network, at which scale and size."""

from fractions import Fraction

import pytest
from torch import nn

from harness.efficiency.counting import rules
from harness.efficiency.counting.agreement import judge
from harness.efficiency.counting.counted import CountedNetwork
from harness.errors import RecordError
from harness.models import memnet, registry
from harness.records import published
from harness.records.counting import CountOf, PublishedRule


class OnLrGrid(nn.Module):
    """One convolution of 81 kernel elements and 3 biases, before the upsampling."""

    def __init__(self, *, scale):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.up = nn.Upsample(scale_factor=scale)

    def forward(self, lr):
        return self.up(self.conv(lr))


class OnHrGrid(OnLrGrid):
    """The same with the convolution after the upsampling."""

    def forward(self, lr):
        return self.conv(self.up(lr))


def rule(params=None, multi_adds=None):
    return rules.resolve(
        PublishedRule(
            "rule",
            CountOf(**{"count": "trainable"} | (params or {})),
            CountOf(**{"count": "own_grids"} | (multi_adds or {})),
            "so",
        )
    )


def subject(build=OnHrGrid, scale=2):
    return CountedNetwork("toy", build, scale=scale, output_px=(64, 32))


@pytest.mark.parametrize(("count", "expected"), [("trainable", 84), ("conv_weights", 81)])
def test_counts_of_parameters(count, expected):
    assert rule(params={"count": count}).params(subject()) == expected


@pytest.mark.parametrize(("count", "px"), [("own_grids", 64 * 32), ("lr_grid", 32 * 16)])
def test_counts_of_multi_adds(count, px):
    assert rule(multi_adds={"count": count}).multi_adds(subject()) == 81 * px


class WithSlopes(OnLrGrid):
    """The same with a PReLU of a slope for each channel."""

    def __init__(self, *, scale):
        super().__init__(scale=scale)
        self.activation = nn.PReLU(3)

    def forward(self, lr):
        return self.up(self.activation(self.conv(lr)))


def test_slopes_may_be_counted_twice_and_all_parameters_on_the_lr_grid():
    """Of 81 kernel elements, 3 biases and 3 slopes."""
    twice = {"count": "slopes_twice_on_lr_grid"}
    both = rule(params={"count": "slopes_twice"}, multi_adds=twice)
    assert both.params(subject(WithSlopes)) == 81 + 3 + 3 + 3
    assert both.multi_adds(subject(WithSlopes)) == 90 * 32 * 16


@pytest.mark.parametrize(
    ("count", "px"), [("own_grids", Fraction(64 * 32, 9)), ("own_grids_rounded_up", 22 * 11)]
)
def test_an_image_may_have_its_sides_rounded_up(count, px):
    found = rule(multi_adds={"count": count}).multi_adds(subject(OnLrGrid, scale=3))
    assert found == round(81 * px)


def test_a_network_that_a_rule_names_is_counted_once_for_all_that_go_by_it(monkeypatch):
    built = []

    def build(*, scale):
        built.append(scale)
        return OnHrGrid(scale=scale)

    monkeypatch.setattr(memnet, "with_one_reconstruction", build)
    other = {"network": "harness.models.memnet:with_one_reconstruction", "scale": 4}
    named = rule(multi_adds=other)
    assert [named.multi_adds(subject(scale=scale)) for scale in (2, 4, 8)] == [81 * 64 * 32] * 3
    assert built == [4]


def test_a_rule_may_be_of_another_scale_or_image():
    lr_layers = subject(OnLrGrid)
    assert rule(multi_adds={"scale": 4}).multi_adds(lr_layers) == 81 * 16 * 8
    assert rule(multi_adds={"input_px": (10, 7)}).multi_adds(lr_layers) == 81 * 10 * 7


def test_a_rule_may_be_of_another_registered_network():
    assert rule(params={"network": "srcnn"}).params(subject()) == 57_281


def test_a_rule_may_be_of_a_network_that_a_function_builds():
    """A baseline whose figures belong to no registered network needs no edit of the harness."""
    other = rule(multi_adds={"network": "harness.models.memnet:with_one_reconstruction"})
    memnet = CountedNetwork("memnet", registry.get("memnet").build, scale=2)
    kernel, passes_left_out = 64 * 9, 5
    left_out = kernel * passes_left_out * 1280 * 720
    assert memnet.cost.multi_adds - other.multi_adds(memnet) == left_out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": "trainible"}, "did you mean 'trainable'"),
        ({"network": "srccnn"}, "did you mean 'srcnn'"),
        ({"network": "harness.models.memnet:with_two"}, "no 'harness.models.memnet:with_two'"),
        ({"network": "harness.models.nothing:at_all"}, "no 'harness.models.nothing:at_all'"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(wrong, message):
    with pytest.raises(RecordError, match=message):
        rule(params=wrong)


def test_every_published_rule_can_be_counted_by():
    assert rules.rules().keys() == {rule.name for rule in rules.published().rules}


def test_no_count_is_without_use():
    used = {
        what.count for rule in rules.published().rules for what in (rule.params, rule.multi_adds)
    }
    assert used == rules.PARAMS.keys() | rules.MULTI_ADDS.keys()


def test_networks_without_a_published_rule_are_counted_plainly():
    assert rules.rule_of("awsrn", 2) is rules.PLAIN
    assert rules.rule_of("of_a.user:Network", 2) is rules.PLAIN
    assert rules.rule_of("moremnas_a", 2) is None


@pytest.mark.parametrize("use", rules.published().networks, ids=lambda use: str(use.rule))
def test_rules_are_of_scales_that_their_networks_have(use):
    for model in use.models:
        assert set(use.scales) <= set(registry.get(model).scales)


@pytest.mark.parametrize("slip", rules.published().slips, ids=lambda slip: slip.model)
def test_every_slip_explains_a_printed_cell(slip):
    variant, scale = registry.get(slip.model), slip.scales[0]
    cell = published.find(published.load(5), label=variant.label, scale=scale, metric=slip.metric)
    assert cell.value is not None
    verdict = judge(CountedNetwork(slip.model, variant.build, scale=scale), slip.metric, cell.value)
    assert (verdict.status, verdict.why) == ("explained", slip.why)
