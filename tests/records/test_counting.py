"""By which rule published counts came about: the shipped file, and what is refused."""

import pytest
import yaml

from harness.errors import RecordError
from harness.host.paths import bundled
from harness.records import counting

KERNELS = {"name": "kernels", "params": {"count": "a"}, "multi_adds": {"count": "b"}, "why": "so"}


def load(folder, **changes):
    content = {"rules": [KERNELS], "networks": [], "slips": []} | changes
    (folder / counting.FILE_NAME).write_text(yaml.safe_dump(content), encoding="utf-8")
    return counting.load(folder)


def test_every_rule_of_the_shipped_file_is_used():
    content = counting.load()
    used = {use.rule for use in content.networks}
    assert used - {None} == {rule.name for rule in content.rules}


def test_a_scale_may_have_a_rule_of_its_own(tmp_path):
    other = KERNELS | {"name": "other"}
    uses = [
        {"models": ["m", "n"], "rule": "kernels", "scales": [2, 3]},
        {"models": ["m"], "rule": "other", "scales": [4]},
        {"models": ["o"], "rule": None},
    ]
    content = load(tmp_path, rules=[KERNELS, other], networks=uses)
    assert content.use("m", 3).rule == "kernels"
    assert content.use("m", 4).rule == "other"
    assert content.use("n", 4) is None
    assert content.use("o", 8).rule is None


def test_a_slip_belongs_to_its_scale_and_metric(tmp_path):
    slip = {"model": "m", "scales": [8], "metric": "params_k", "why": "so", "of_scale": 4}
    content = load(tmp_path, slips=[slip])
    assert content.slip("m", 8, "params_k").of_scale == 4
    assert content.slip("m", 8, "multi_adds_g") is None
    assert content.slip("m", 4, "params_k") is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"networks": [{"models": ["m"], "rule": "kernel"}]}, "did you mean 'kernels'"),
        ({"rules": [KERNELS, KERNELS]}, "two rules are named 'kernels'"),
        ({"rules": [KERNELS | {"whence": "x"}]}, "whence"),
        ({"rules": [{"name": "kernels"}]}, "why"),
        ({"networks": [{"models": ["m"], "rule": None, "scales": ["2"]}]}, "scales"),
        (
            {
                "slips": [
                    {"model": "m", "scales": [2], "metric": "params", "why": "so"},
                ]
            },
            "metric",
        ),
        (
            {
                "networks": [
                    {"models": ["m"], "rule": "kernels"},
                    {"models": ["n", "m"], "rule": None, "scales": [2]},
                ]
            },
            "'m' goes by two rules",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes, message, tmp_path):
    with pytest.raises(RecordError) as refusal:
        load(tmp_path, **changes)
    assert message in str(refusal.value)
    assert counting.FILE_NAME in str(refusal.value)


@pytest.mark.parametrize("text", ["rules: [", "- 1\n", "rules: 2026-01-01", ""])
def test_a_broken_file_is_refused(text, tmp_path):
    (tmp_path / counting.FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=counting.FILE_NAME):
        counting.load(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordError, match=counting.FILE_NAME):
        counting.load(tmp_path)


def test_it_stands_with_the_published_numbers():
    assert (bundled("published") / counting.FILE_NAME).is_file()
