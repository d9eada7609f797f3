"""Settings and ablation files, right and wrong: a plan, or every problem in words."""

import random
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.config import ablation
from harness.config.settings import settings
from harness.models import registry
from tests.faults.damage import DAMAGES, TEXTS, VALUES, values
from tests.faults.watch import Watch

LITTLE = {"ablation": "awru", "profile": "smoke", "threads": "1", "tracking.mlflow": "false"}
RIGHT = {
    "scale": ("2", "3", "2,4", "[2]", "8"),
    "seeds": ("0", "0,1,2", "4294967295", "[1, 2]", ""),
    "rows": ("AWRU", "wdsr_basic", "", "Basic RU, AWRU"),
    "precision": ("auto", "fp32", "bf16-mixed"),
    "device": ("cpu", "auto"),
    "profile": ("smoke", "auto", "cpu", "paper"),
    "threads": ("0", "2", "+1"),
    "train.steps": ("1", "10", "1_000", "1e3", "1000000000"),
    "train.batch": ("1", "16", " 8 "),
    "train.patch": ("8", "48"),
    "train.lr": ("1e-3", ".5", "3e38"),
    "train.schedule": ("halving", "onecycle", "cosine"),
    "train.channels_last": ("true", "no", "ON", "0", "none"),
    "train.compile": ("true", "no", "0"),
    "data.resident": ("true", "no", "none"),
    "data.train": ("sample",),
    "data.test": ("sample",),
    "data.lr": ("made", "none", ""),
    "data.root": (".", "none"),
    "data.cache": ("cache",),
    "data.workers": ("0", "4"),
    "results.root": (".", "results", "a/b c"),
    "tracking.uri": ("sqlite:///x.db", "none"),
}


@pytest.fixture(scope="module", autouse=True)
def _all_is_loaded(tmp_path_factory):
    """Plan once before anything is watched: importing torch takes seconds, and makes a folder."""
    path = tmp_path_factory.mktemp("first") / "own.yaml"
    path.write_text(yaml.safe_dump({"rows": ROWS}))
    Watch(path.parent).command("run", "--dry-run", f"ablation={path}", "profile=smoke")


KEYS = (*settings(), "ablation", "train", "trian.steps", "steps", "", ".", "x" * 300, "é", "rows.")


def _mutated(arguments: list[str], chance: random.Random) -> list[str]:
    """Return arguments with one mutation."""
    arguments = list(arguments)
    at = chance.randrange(len(arguments))
    key, _, value = arguments[at].partition("=")
    letter = chance.choice("=,.[]${}?\x00\n\udcff9e-_ é")
    place = chance.randrange(len(value) + 1)
    arguments[at] = chance.choice(
        (
            f"{key}={chance.choice(TEXTS)}",
            f"{key}={chance.choice(TEXTS)}",
            f"{chance.choice(KEYS)}={value}",
            f"{key}={value[:place]}{letter}{value[place:]}",
            f"{key}={value[:place]}{value[place + 1 :]}",
            f"{key}{value}",
            f"{key[:-1]}={value}",
            f"{key}={','.join([value] * chance.choice((2, 3, 1001)))}",
            f"{key}={value}={value}",
            f"{chance.choice(KEYS)}={chance.choice(TEXTS)}",
        )
    )
    if chance.random() < 0.3:
        arguments.append(f"{chance.choice(KEYS)}={chance.choice(TEXTS)}")
    return arguments


@st.composite
def argument_lists(draw):
    """Draw KEY=VALUE lists: how often mutated (-1: anything), and the list."""
    times = draw(st.sampled_from((0, 1, 1, 2, 3, -1, -1, -1)))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    if times < 0:
        pairs = ((chance.choice(KEYS), chance.choice(TEXTS)) for _ in range(chance.randrange(6)))
        anything = [f"{key}={value}" for key, value in pairs]
        return times, [*(f"{key}={value}" for key, value in LITTLE.items()), *anything]
    keys = chance.sample(list(RIGHT), chance.randrange(5))
    chosen = LITTLE | {key: chance.choice(RIGHT[key]) for key in keys}
    arguments = [f"{key}={value}" for key, value in chosen.items()]
    for _ in range(times):
        arguments = _mutated(arguments, chance)
    return times, arguments


@given(argument_lists())
def test_key_value_lists(watch, drawn):
    times, arguments = drawn
    plan = watch.accepted(watch.command, "run", "--dry-run", "--", *arguments)
    if plan is not None:
        assert "training Multi-Adds still to do" in plan
    elif times == 0:  # right each by itself: only together may they not fit, or lack data
        watch.accepted(
            watch.command, "run", "--dry-run", "--", *(f"{k}={v}" for k, v in LITTLE.items())
        )


ROWS = [
    {"label": "plain", "model": "awsrn_s", "with": {"num_units": 1, "channels": 4}},
    {"label": "basic", "model": "awsrn_s", "with": {"num_units": 1, "unit": "basic"}},
]
FILES = (
    {"rows": ROWS},
    {"name": "own", "title": "Mine", "scale": 3, "seeds": [0, 1], "rows": ROWS, "base": "basic"},
    {"rows": [{"model": "espcn"}, {"model": "fsrcnn"}], "benchmarks": ["sample"], "seeds": 2},
    {
        "table": 4,
        "note": "cut",
        "rows": [
            *ROWS,
            {"label": "cut", "model": "awsrn_s", "with": {"num_units": 1}, "drop": [7, 9]},
            {"label": "less", "model": "awsrn_s", "with": {"num_units": 1}, "drop": 3}
            | {"retrain": True, "base": "plain"},
        ],
        "params_from": "awsrn_s",
        "pairs": [{"row": "basic", "base": "cut", "shows": "the unit"}],
        "config": {"train.steps": 10, "train": {"lr": 1e-3, "schedule": "cosine"}},
    },
    {"rows": [{"label": "mine", "model": "net.py:Net"}, {"model": "net.py:Net", "with": {"n": 3}}]},
    {"rows": [{"label": "theirs", "model": "espcn", "checkpoint": "x.pth"}, {"model": "bicubic"}]},
)
NET = """
from torch import nn
class Net(nn.Module):
    def __init__(self, scale, n=1):
        super().__init__()
        self.body = nn.Conv2d(3, 3 * scale**2, n, padding=n // 2)
        self.up = nn.PixelShuffle(scale)
    def forward(self, x):
        return self.up(self.body(x))
class Other:
    pass
def function(scale):
    raise SystemExit(3)
"""
MODELS = (
    *("awsrn_s", "espcn", "carn", "bicubic", "net.py:Net", "net.py:Other", "net.py:function"),
    *("os:abort", "sys:exit", "builtins:exec", "net.py:nn", "./net.py:Net", "torch.nn:ReLU"),
)
YAML_VALUES = (*VALUES, *MODELS, *("plain", "basic", "train.steps", "results.root", "tracking.uri"))
WORDS = (
    *(
        "rows:",
        "config:",
        "- ",
        "  ",
        "    ",
        ": ",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "!!int ",
        "!x ",
        "~",
    ),
    *(
        "model",
        "label",
        "awsrn_s",
        "with",
        "drop",
        "seeds",
        "name",
        "1",
        "010",
        "1:30",
        "no",
        "0b1",
    ),
    *"{}[],'#=\t",
    *('"', ".inf", "2001-01-01"),
    *("\n", "\n", "\n", "| \n", "> \n", "%YAML 1.2\n", "---\n", "...\n"),
    *("\ufeff", "\x85", "\u2028", "\x00", "9" * 5000, "[" * 2000),
)


@st.composite
def ablation_files(draw):
    """Draw the bytes of ablation files."""
    times, content = draw(values(FILES, YAML_VALUES))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    if times < 0 and chance.random() < 0.4:
        variant = chance.choice(registry.VARIANTS)
        options = {name: chance.choice(VALUES) for name in variant.options()[:2]}
        content = {"rows": [{"model": variant.id, "with": options}]}
    elif times < 0 and chance.random() < 0.5:
        words = "".join(chance.choice(WORDS) for _ in range(chance.randrange(40)))
        return times, words.encode(errors="surrogatepass")
    try:
        text = yaml.safe_dump(
            content,
            allow_unicode=True,
            sort_keys=False,
            default_flow_style=chance.choice((None, True, False)),
        )
        written = text.encode()
    except (yaml.YAMLError, ValueError):
        text = str(content)
        written = text.encode(errors="surrogatepass")
    if times != 0 and chance.random() < 0.5:
        if chance.random() < 0.5:
            lines = text.splitlines()
            line = chance.choice(lines or [""])
            change = chance.choice(
                (line, line.strip(), f"  {line}", f"{line}{chance.choice(WORDS)}")
            )
            lines.insert(chance.randrange(len(lines) + 1), change)
            written = "\n".join(lines).encode(errors="surrogatepass")
        else:
            written = chance.choice(DAMAGES)(written, chance)
    return times, written


@given(ablation_files())
def test_ablation_files(watch, drawn):
    times, written = drawn
    (watch.folder / "net.py").write_text(NET)
    path = watch.folder / "own.yaml"
    path.write_bytes(written)
    arguments = ("run", "--dry-run", f"ablation={path}", "profile=smoke", "threads=1")
    plan = watch.accepted(watch.command, *arguments, "tracking.mlflow=false")
    if plan is None:
        assert times or b"x.pth" in written
        return
    chosen = ablation.load(str(path))
    assert re.fullmatch(r"\w[\w-]{0,99}", chosen.name)  # the name of a file, nowhere else
    assert chosen.base in [row.label for row in chosen.rows]
    assert all(type(seed) is int for seed in chosen.seeds)
    assert all(type(row.label) is type(row.model) is str for row in chosen.rows)
    assert all(type(size) is int for row in chosen.rows for size in row.drop)
