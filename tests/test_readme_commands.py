"""Every command of a README is taken from it and run, in a folder with the files that it names.

Trainings are planned, not done (`--dry-run`). Image sets, photographs and weights are made here:
small, of the names that the text has. What is not run stands in NOT_RUN, and is parsed all the
same: commands and options must exist.
"""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage.data import astronaut

from harness.cli.main import main
from harness.models import registry
from harness.weights import networks
from harness.weights.described import WEIGHTS_FILE

ROOT = Path(__file__).parents[1]
FOLDERS = ("ablations", "harness", "models", "reports", "results", "tests")
READMES = [
    ROOT / "README.md",
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("README.md")),
]

INSTALLS = "python -m pip install -c constraints.txt -e ."

NOT_RUN = {
    f"{INSTALLS} && harness run awru profile=smoke results.root=demo": (
        "it installs into this environment; .ci/run begins with it"
    ),
    "python -m pip install nox && python -m nox -s tests": "it sets up an environment, and is this",
    "harness flops --all": "tests/cli/test_flops.py runs it, and checks every row",
    "harness bench awsrn_s carn_m --scale 4": "minutes; tests/efficiency/bench runs it small",
    "harness compare --ntire 2026 imdn": "a minute; tests/efficiency/test_challenge.py",
    "harness status ablation=awru": "nothing was run here; tests/experiment/launch",
    "harness status --watch": "nothing was run here; tests/cli/test_status.py",
    "harness track --replay": "nothing was run here; tests/experiment/launch",
    "harness reproduce wdsr_basic-x2-s0-b77c15635851 --results results/artifact": (
        "it trains for minutes; tests/experiment/test_reproduce.py"
    ),
    "python -m nox -s artifact": "it does all of it again; test_noxfile",
    "harness deploy awsrn_s --scale 4 -o awsrn_s_x4": "tests/deploy/export/test_package.py runs it",
    "harness deploy awsrn_s --scale 4 -o awsrn_s_x4 --int8 --calibrate T291 --data Set5": (
        "tests/deploy/export/test_package.py runs it with sets of its own"
    ),
    "harness bench awsrn_s --scale 4 --threads 1 --backends all --data Set5": (
        "minutes; tests/deploy/test_backends.py runs it small"
    ),
    "harness ui": "it serves until it is stopped; tests/cli/test_ui.py",
    "harness data prepare T291 Set5 Set14 B100": "it downloads; tests/data/fetch",
    "harness figures budget awru awms --pair 'AWRU to Basic RU' "
    "--pair 'AWSRN-B w/ AWMS to AWSRN-B'": (
        "one budget is stored yet; tests/reports/figures/test_budget.py runs it"
    ),
    "harness data prepare T291 Set5 Set14 B100 Urban100": "it downloads; tests/data/fetch",
    "harness data prepare Manga109 --from ~/Manga109": "it wants all 109 files; tests/data/fetch",
    "harness data verify": "no made image has the pixels that are known; tests/data/fetch",
}

FIRST = {"harness tables --check": ("tables",)}
"""What a command goes on from, in the folder below."""

SETS = {
    "train/T291": ("a",),
    "train/General100": ("a",),
    "benchmark/Set5/HR": ("baby", "bird"),
    "benchmark/Set14/HR": ("ppt3",),
    "benchmark/B100/HR": ("a",),
}
WEIGHTS = {  # by the names that the texts give them
    "IMDN_x2.pth": "imdn",
    "imdn_x2.pth": "imdn",
    "carn_x2.pth": "carn",
    "vdsr.pth": "vdsr_biased",
}


def commands(text):
    """The commands in the indented and inline code of a text, each in one line, once."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"^ {4}((?:harness|python) .*)$", joined, flags=re.MULTILINE)
    inline = re.findall(r"`(harness [a-z]+ [^`]+)`", joined)
    without_comments = (re.sub(r"\s#.*", "", line) for line in [*lines, *inline])
    return [*dict.fromkeys(" ".join(line.split()) for line in without_comments)]


OWN_BLOCK = re.findall(
    r"## Your own block\n(.*?)\n#", READMES[0].read_text("utf-8"), flags=re.DOTALL
)[0]
IN_ORDER = commands(OWN_BLOCK)
"""Each goes on from what those before it wrote: they are run in one test."""

FOUND = [*dict.fromkeys(line for path in READMES for line in commands(path.read_text("utf-8")))]
RUN = [line for line in FOUND if line not in NOT_RUN and line not in IN_ORDER]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the commands name: sets, photographs, weights, records, an ablation of one's own."""
    root = tmp_path_factory.mktemp("readme")
    photo = Image.fromarray(astronaut()[:200, 200:400])
    for name, files in SETS.items():
        (root / "data" / name).mkdir(parents=True)
        for file in files:
            (photo if "train" in name else photo.crop((0, 0, 96, 96))).save(
                root / "data" / name / f"{file}.png"
            )
    (root / "photos").mkdir()
    for path in ("photo.png", "photos/one.png"):
        photo.crop((0, 0, 40, 32)).save(root / path)
    for file, model in WEIGHTS.items():
        torch.save(registry.get(model).build(scale=2).state_dict(), root / file)
    save_file(registry.get("awsrn").build(scale=2).state_dict(), root / "weights.safetensors")
    (root / "results").mkdir()
    for folder in ("runs", "recipe1"):
        shutil.copytree(ROOT / "results" / folder, root / "results" / folder)
    run = next((ROOT / "results" / "runs").glob("wdsr_awru-*"))
    shutil.copytree(run, root / "other-machine" / "results" / "runs" / run.name)
    for path in (root / "results" / "runs").glob("awsrn_s-*/record.json"):
        taken = {"steps": [1, 2], "seconds": [1.0, 2.0], "losses": [9.0, 8.0], "rates": [0.1, 0.1]}
        row = {"row": "narrow"} if "-x2-" in str(path) else {}
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"readings": taken} | row))
        save_file(registry.get("awsrn_s").build(scale=2).state_dict(), path.with_name(WEIGHTS_FILE))
    (root / "results" / "pretrained").mkdir()
    for file, name in re.findall(r"([\w/]+\.py):(\w+)", " ".join(RUN)):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(
            f"import torch\n\n\nclass {name}(torch.nn.Module):\n"
            "    def __init__(self, *, scale, kernel=3, nf=48):\n"
            "        super().__init__()\n"
            "        self.scale = scale\n"
            "        self.conv = torch.nn.Conv2d(3, 3 * scale**2, kernel, padding=kernel // 2)\n\n"
            "    def forward(self, lr):\n"
            "        return torch.nn.functional.pixel_shuffle(self.conv(lr), self.scale)\n"
        )
    tensors = networks.build(f"{root}/rfdn.py:RFDN", scale=2).state_dict()
    torch.save(tensors, root / "rfdn.pth")
    (root / "mine.yaml").write_text("rows: [{label: A, model: awsrn_s}]\n")
    return root


def shortened(line):
    """The words after `harness`: of a training its plan; CUDA where there is any."""
    words = shlex.split(line)[1:]
    if words[0] in ("run", "train") and "--dry-run" not in words:
        words.append("--dry-run")
    if not torch.cuda.is_available():
        words = [word.replace("device=cuda", "device=cpu") for word in words]
    return words


@pytest.mark.parametrize("line", RUN)
def test_a_command_does_what_it_says(line, folder, monkeypatch, invoke):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HARNESS_DATA", str(folder / "data"))
    if line in FIRST:
        assert invoke(*FIRST[line]).exit_code == 0
    result = invoke(*shortened(line))
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    words = shlex.split(line)
    for option in ("-o", "--output"):
        if option in words:
            written = words[words.index(option) + 1].removeprefix("-")  # "-" is the terminal
            assert [*folder.glob(f"{written}*")], f"{written} was not written"


def test_your_own_block_goes_as_it_is_shown(tiny_root, tmp_path, monkeypatch, invoke):
    """From an empty folder to an interval; the files are those that the text shows."""
    monkeypatch.chdir(tmp_path)
    quick = [
        *("train.steps=2", "train.batch=1", "train.patch=8", "train.eval_every=0", "seeds=0,1"),
        *("data.train=own", "data.test=own", f"data.root={tiny_root}", "tracking.mlflow=false"),
        "threads=1",
    ]
    said = {}
    for line in IN_ORDER:
        words = shlex.split(line)[1:]
        result = invoke(*words, *(quick if words[0] == "run" else []))
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
        said[words[0]] = result.stdout
    shown = dict(re.findall(r"```(\w+)\n(.*?)```", OWN_BLOCK, flags=re.DOTALL))
    assert shown["python"] in (tmp_path / "gated_ru.py").read_text()
    assert shown["yaml"] in (tmp_path / "gated_ru.yaml").read_text()
    table = next((tmp_path / "reports").glob("gated_ru_x2_*.csv")).read_text()
    assert [line.partition(",")[0] for line in table.splitlines()[2:]] == [
        *("Basic RU", "AWRU", "GatedRU")
    ]
    assert re.search(r"GatedRU .*\[[-+]\d", " ".join(said["compare"].split()))


@pytest.mark.parametrize("line", NOT_RUN)
def test_what_is_not_run_is_still_there_and_parsed(line):
    assert line in FOUND, "it is no longer in a README: take it from the list"
    words = os.path.expanduser(line).split()
    if words[0] != "harness":
        return
    command: click.Command | None = main
    context = click.Context(main)
    del words[0]
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        assert command is not None
        context = click.Context(command, info_name=name, parent=context)
    assert command is not None
    command.make_context(command.name, list(words))


def test_all_commands_are_found():
    texts = [path.read_text("utf-8") for path in READMES]
    assert len(commands(texts[0])) > 20
    shown = {name for text in texts for name in re.findall(r"^ {4}harness ([a-z]+)", text, re.M)}
    assert {line.split()[1] for line in FOUND if line.startswith("harness")} >= shown
    lines = commands("    harness a b \\\n        --c  # why\n\nand `harness d e`, `harness f`")
    assert lines == ["harness a b --c", "harness d e"]
