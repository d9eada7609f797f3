"""Values are plain, bounded and of their type; 300 damaged lists give our errors only."""

import random

import pytest

from harness.config import ablation, settings
from harness.config.settings import PROFILES, Config
from harness.errors import ConfigError
from harness.experiment import plan

BY_KEY = settings.settings()


@pytest.mark.parametrize(
    "argument",
    [
        "tracking.uri=${oc.env:HOME}",
        "data.train=a${b}",
        "data.test=Set5,${x}",
        "data.root=???",
        "train.steps=???",
        "train.steps=${train.batch}",
        "train.lr=1e999",
        "train.lr=-1e999",
        "train.lr=nan",
        "train.lr=inf",
        "train.steps=1e999",
        "train.steps=1e400000",
        "train.steps=12345678901234567890",
        "train.steps=" + "9" * 5000,
        "seeds=12345678901234567890",
        "seeds=1,-1e999",
        "seeds=" + "1," * 2000 + "1",
        "threads=10000",
        "devices=1000000",
        "train.batch=1000000",
        "train.patch=100000",
        "data.workers=5000",
        "train.halve_every=1e10",
        "train.steps=١٢",
        "data.train=a\0b",
        "data.train=a\nb",
        "data.train=",
        "data.root=~nobody-of-this-name/x",
        "data.train=" + "x" * 300,
        "results.root=" + "x" * 5000,
        "tracking.mlflow=2",
        "device=cuda:0",
        "profile=cp",
    ],
)
def test_what_is_no_plain_value_in_bounds_is_refused_by_its_key(argument):
    key, _, value = argument.partition("=")
    config, problems = settings.make([{key: value}])
    (problem,) = problems
    assert problem.startswith(f"{key}=")
    assert "expected" in problem
    assert problem.isprintable()
    assert len(problem) < 300
    assert config == Config()


@pytest.mark.parametrize("value", [5, True, None, [["a"]], {"a": 1}, 1.5, ["a", None]])
def test_yaml_values_of_another_type_are_refused(value):
    assert len(settings.make([{"data.train": value}])[1]) == 1
    assert len(settings.make([{"precision": value}])[1]) == 1


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("train.steps", 1000.0, 1000),
        ("train.steps", "1_000", 1000),
        ("train.lr", 1, 1.0),
        ("train.lr", "1e38", 1e38),
        ("tracking.mlflow", "NO", False),
        ("seeds", [0, 4294967295], [0, 4294967295]),
        ("data.test", ["Set5", "a b"], ["Set5", "a b"]),
        ("data.root", "none", None),
        ("data.root", "/a$b/{c}", "/a$b/{c}"),
    ],
)
def test_plain_values_of_the_right_kind_are_taken(key, value, expected):
    config, problems = settings.make([{key: value}])
    assert problems == []
    result = settings.plain(config)
    for part in key.split("."):
        result = result[part]
    assert result == expected
    assert type(result) is type(expected)


def test_every_number_has_two_bounds_that_are_held():
    numbers = [each for each in BY_KEY.values() if "int" in each.kind or each.kind == "float"]
    assert len(numbers) > 12
    for setting in numbers:
        for outside in (setting.minimum - 1, setting.maximum * 2):
            assert len(settings.make([{setting.key: outside}])[1]) == 1, setting.key


ODD = ("", "-1", "0", "1e999", "nan", "${x}", "???", "x" * 9999, "\0", "[", ",", "none", "٣", "~x")


def mutated(choose, arguments):
    """Change one to three arguments, mostly one: a value, a key, a letter; or join two values."""
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        place = choose.randrange(len(arguments))
        key, _, value = arguments[place].partition("=")
        where = choose.randrange(len(arguments[place]) + 1)
        changes = (
            f"{key}={choose.choice(ODD)}",
            f"{choose.choice(list(BY_KEY))}={value}",
            arguments[place][:where] + choose.choice("=.,-$\0 9") + arguments[place][where:],
            arguments[place][:where] + arguments[place][where + 1 :],
            f"{key}={value}{choose.choice(ODD)}",
        )
        arguments[place] = choose.choice(changes)
    return arguments


def valid(choose):
    """Return a list of arguments that is right: those of a profile and some others.

    Settings that mean something only together are there together.
    """
    profile = PROFILES[choose.choice(list(PROFILES))]
    values = profile | {"data.train": "sample", "data.test": "sample", "scale": 2}
    values |= choose.choice(({"seeds": "0,1"}, {"seeds": "auto", "until": "0.03", "max": 5}))
    return [f"{key}={value}" for key, value in values.items()]


def test_300_damaged_lists_give_our_errors_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    choose, accepted, longest = random.Random(0), 0, 0
    two = ablation.parse("rows: [{model: espcn}, {model: fsrcnn}]", default_name="two")
    for _ in range(300):
        values, problems = settings.parse_arguments(mutated(choose, valid(choose)))
        try:
            settings.check(problems + settings.make([values])[1])
            plan.make(two, values)
            accepted += 1
        except ConfigError as error:
            longest = max(longest, *map(len, error.problems), 0)
    assert longest < 1000
    assert 20 < accepted < 200
    assert list(tmp_path.iterdir()) == []
