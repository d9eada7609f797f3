"""Settings: types, comma lists, and every problem at once."""

import dataclasses

import pytest

from harness.config import settings
from harness.errors import ConfigError


def made(*arguments):
    values, problems = settings.parse_arguments(arguments)
    assert problems == []
    result, problems = settings.make([values])
    assert problems == []
    return result


def problems_of(*arguments):
    values, problems = settings.parse_arguments(arguments)
    return problems + settings.make([values])[1]


def test_defaults_are_the_paper_s():
    # Sec. 4.2: batch 16, LR patches 48x48, Adam 1e-3 halved every 2e5 steps; 1e6 steps.
    train = settings.make([settings.PROFILES["paper"]])[0].train
    assert (train.batch, train.patch, train.lr) == (16, 48, 1e-3)
    assert (train.steps, train.schedule, train.halve_every) == (1_000_000, "halving", 200_000)
    assert settings.make([settings.PROFILES["paper"]])[0].data.train == "DIV2K"


def test_every_profile_is_valid_and_only_the_paper_s_halves():
    for name, values in settings.PROFILES.items():
        result, problems = settings.make([values])
        assert problems == []
        assert (result.train.schedule == "halving") == (name == "paper")


def test_example_of_the_readme():
    result = made(
        *[
            "train.steps=200",
            "seeds=0,1,2",
            "scale=2",
            "data.train=T291",
            "data.test=Set5,Set14",
            "profile=cpu",
            "precision=bf16-mixed",
            "device=auto",
        ]
    )
    assert result.train.steps == 200
    assert result.seeds == [0, 1, 2]
    assert result.scale == [2]
    assert result.data.test == ["Set5", "Set14"]
    assert result.precision == "bf16-mixed"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("seeds=7", [7]),
        ("seeds=0,1", [0, 1]),
        ("seeds=[3, 4]", [3, 4]),
        ("seeds=0, 1", [0, 1]),
        ("scale=2,4", [2, 4]),
        ("data.test=Set5", ["Set5"]),
    ],
)
def test_comma_lists_and_single_values(argument, expected):
    result = settings.plain(made(argument))
    for part in argument.partition("=")[0].split("."):
        result = result[part]
    assert result == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("train.steps=1e3", 1000), ("train.steps=2.0e5", 200_000), ("train.steps=12", 12)],
)
def test_whole_numbers_may_be_written_with_an_exponent(argument, expected):
    assert made(argument).train.steps == expected


def test_null_unsets_an_optional_value():
    values = [{"data.root": "/somewhere"}, {"data.root": "null"}]
    assert settings.make(values)[0].data.root is None


def test_later_layers_win():
    assert settings.make([{"train.steps": 5}, {"train.steps": "6"}])[0].train.steps == 6


def test_a_value_may_hold_an_equals_sign():
    assert made("data.root=/a=b").data.root == "/a=b"


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("train.stps=1", "unknown key 'train.stps' (did you mean 'train.steps'?)"),
        ("steps=1", "unknown key 'steps' (did you mean 'train.steps'?)"),
        ("data.steps=1", "unknown key 'data.steps' (did you mean 'train.steps'?)"),
        ("train.steps=many", "train.steps=many: expected a whole number from 1 to 1,000,000,000"),
        ("train.steps=2.5", "train.steps=2.5: expected a whole number from 1 to 1,000,000,000"),
        ("train.steps=0", "train.steps=0: expected a whole number from 1 to 1,000,000,000"),
        ("train.lr=nan", "train.lr=nan: expected a number from 1e-12 to 3e+38"),
        ("train.lr=-1", "train.lr=-1: expected a number from 1e-12 to 3e+38"),
        (
            "seeds=0,x",
            "seeds=0,x: expected whole numbers from 0 to 4,294,967,295, separated by commas, "
            "or auto",
        ),
        (
            "seeds=-1",
            "seeds=-1: expected whole numbers from 0 to 4,294,967,295, separated by commas, "
            "or auto",
        ),
        ("scale=5", "scale=5: expected one of 2, 3, 4, 8"),
        (
            "precision=bf16_mixed",
            "precision=bf16_mixed: expected one of auto, fp32, bf16-mixed "
            "(did you mean 'bf16-mixed'?)",
        ),
        ("tracking.mlflow=maybe", "tracking.mlflow=maybe: expected true or false"),
        ("data.test=,", "data.test=,: expected names, separated by commas"),
        ("nonsense", "'nonsense': expected KEY=VALUE"),
        ("=3", "'=3': expected KEY=VALUE"),
    ],
)
def test_each_problem_says_what_was_expected(argument, problem):
    assert problems_of(argument) == [problem]


def test_all_problems_are_found_and_wrong_values_are_not_kept():
    values, _ = settings.parse_arguments(["seeds=-1", "nothing=1", "train.batch=4", "scale=7"])
    result, problems = settings.make([values])
    assert len(problems) == 3
    assert (result.seeds, result.scale, result.train.batch) == ([], [], 4)
    with pytest.raises(ConfigError, match="3 problems in the configuration:\n  - seeds=-1"):
        settings.check(problems)


def test_the_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        made().train.steps = 3


def test_every_setting_is_documented():
    known = settings.settings()
    assert len(known) > 20
    assert all(setting.doc for setting in known.values())
