"""At a real terminal of 80 and of 140 columns no command prints a longer line.

One process runs all commands, as starting one for each takes long; it sets the size of its
terminal as a user does who pulls at the window.
"""

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from harness.records import plans, record
from harness.records.plans import PlannedRecord
from tests.shipped import STEPS

ROOT = Path(__file__).parents[2]
AWRU, BASE = f"wdsr_awru-x2@{STEPS}", f"wdsr_basic-x2@{STEPS}"
MARK = "<<<{}>>>"
CHILD = """
import fcntl, json, struct, sys, termios
from harness.cli.main import main
for columns, words in json.loads(sys.argv[1]):
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    print(f"<<<{columns} {' '.join(words)}>>>", flush=True)
    try:
        main(words, prog_name="harness")
    except SystemExit as error:
        print(f"<<<code {error.code}>>>", flush=True)
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def at_a_terminal(commands, widths=(80, 140), **env):
    """Run commands at every width; returns what each printed, and the exit codes."""
    jobs = [(columns, [*map(str, words)]) for columns in widths for words in commands]
    main_end, child_end = pty.openpty()
    fcntl.ioctl(child_end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    kept = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(jobs)],
        stdin=child_end,
        stdout=child_end,
        stderr=child_end,
        cwd=ROOT,
        env=kept | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)} | env,
    )
    os.close(child_end)
    said = b""
    while True:
        try:
            piece = os.read(main_end, 65536)
        except OSError:  # the process has ended
            break
        if not piece:
            break
        said += piece
    os.close(main_end)
    assert process.wait() == 0, said[-2000:]
    text = said.decode("utf-8").replace("\r\n", "\n")
    parts = re.split(r"<<<((?:80|140) .*?)>>>\n", text, flags=re.DOTALL)[1:]
    found = {}
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        printed, _, code = part.rpartition("<<<code ")
        found[" ".join(name.split())] = (printed, int(code.partition(">>>")[0]))
    return found


def too_long(printed, columns):
    """Lines that are longer than the terminal, but for a single word such as a path."""
    shown = ESCAPE.sub("", printed)
    lines = [piece for line in shown.split("\n") for piece in line.split("\r")]
    return [line for line in lines if len(line) > columns and len(line.split()) > 1]


def assert_it_fits(found):
    for name, (printed, code) in found.items():
        assert printed.strip(), name
        assert "Traceback" not in printed, printed
        assert too_long(printed, int(name.split()[0])) == [], name
        assert code in (0, 3, 4) or "Error: " in printed, printed


@pytest.fixture(scope="module")
def status_root(tmp_path_factory):
    """A results root where a run was planned, and one record is there."""
    root = tmp_path_factory.mktemp("status")
    stored = next((ROOT / "results" / "runs").glob("wdsr_basic-x2-s0-*/record.json"))
    sets = tuple(score.set for score in record.read_file(stored).scores)
    rows = [
        PlannedRecord(name, name, f"a row with a long label, {name}", "wdsr_basic", 2, 0, sets, 100)
        for name in ("done", "missing")
    ]
    plans.write(root, "mine", rows)
    folder = record.folder(root, "done")
    folder.mkdir(parents=True)
    shutil.copy(stored, folder / record.FILE_NAME)
    return root


def test_lists_and_tables_of_records_fit(status_root, tmp_path):
    for folder in (ROOT / "results" / "runs").glob("wdsr_*wru-x2-s0-*"):
        shutil.copytree(folder, tmp_path / "results" / "runs" / folder.name)
    found = at_a_terminal(
        [
            ("list",),
            ("list", "awsrn_"),
            ("list", "no such network anywhere in the whole of this very long list of them all"),
            ("records",),
            ("records", "--where", f"steps={STEPS}", "--where", "set=Set5", "--sort", "-psnr_db"),
            ("records", "--where", "step=1500"),
            ("status", "--results", status_root),
            ("settings",),
            ("plan", "awru"),
            ("checklist", "awru"),
            ("tables", "awru", "--results", tmp_path),
            ("data", "list"),
            ("flops", "awsrn_s", "--device", "cpu"),
        ]
    )
    assert_it_fits(found)
    assert "\x1b[" in found["80 list"][0]
    assert "Not shown for lack of width: " in found["80 list"][0]
    assert "params x8" in found["140 list"][0].partition("\u2500")[0]
    by_name = {name.partition(" ")[2]: code for name, (_, code) in found.items()}
    refused = {name for name, code in by_name.items() if code}
    assert refused == {
        "list no such network anywhere in the whole of this very long list of them all",
        "records --where step=1500",
        "flops awsrn_s --device cpu",
    }


def test_what_needs_pytorch_fits(tiny_root, status_root):
    found = at_a_terminal(
        [
            ("compare", AWRU, BASE),
            ("compare", "--group", "awsrn_s", "awsrn_s-x2"),
            ("gate", AWRU, BASE, "--margin", "0.005"),
            ("doctor", "--results", status_root),
            ("eval", "bicubic", "--scale", "2", "--data", "own", "--data-root", tiny_root),
        ],
        NO_COLOR="1",
    )
    assert_it_fits(found)
    assert not [name for name, (_, code) in found.items() if code not in (0, 3)]
    colour = re.compile(r"\x1b\[[\d;]*(?<!\d)[349]\d(;\d+)*m")
    assert not colour.search("".join(printed for printed, _ in found.values()))


def test_help_of_every_command_fits():
    from harness.cli.commands import COMMANDS

    words = [("--help",), *((name, "--help") for name in COMMANDS)]
    words += [("records", "import", "--help"), ("data", "prepare", "--help")]
    assert_it_fits(at_a_terminal(words))


@pytest.mark.slow
def test_what_measures_and_trains_fits(tiny_root, tmp_path):
    """Bars are drawn here, too: each of their states is a line."""
    quick = ("--processes", "1", "--max-seconds", "0.2", "--results", tmp_path)
    weights = "results/pretrained/awsrn_s_x2.safetensors"
    where = ("--data-root", tiny_root)
    trained = ("train", "awsrn_s", "--scale", "2", "profile=smoke", "train.steps=20")
    found = at_a_terminal(
        [
            ("list", "awsrn_s"),
            ("checkpoint", "inspect", weights),
            ("flops", "awsrn_s", "carn"),
            ("run", "awru", "profile=smoke", "--dry-run"),
            ("bench", "espcn", "--scale", "2", "--input-size", "32x32", *quick),
            ("compare", "--ntire", "2026", "span_26", "--processes", "1"),
            (
                *("prune", "awsrn_s", "--scale", "2", "--checkpoint", weights, "--force"),
                *("-o", tmp_path / "b.safetensors", "--data", "own", *where),
            ),
            (*trained, f"results.root={tmp_path}", "tracking.mlflow=false"),
        ]
    )
    assert_it_fits(found)
    assert not [name for name, (_, code) in found.items() if code]


@pytest.mark.slow
@pytest.mark.data
def test_what_scores_public_weights_fits(data_root, public_checkpoints, tmp_path):
    where = ("--results", tmp_path, "--data-root", data_root, "--checkpoints", public_checkpoints)
    assert_it_fits(at_a_terminal([("protocol", "--data", "Set5", *where, "fsrcnn_yjn870_x2.pth")]))
