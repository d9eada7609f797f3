"""What a shell completes, asked as click's own scripts ask."""

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from harness.cli.main import main


def completed(line):
    """The words that are offered for the last one of a line."""
    *words, last = line.split(" ")
    completer = BashComplete(main, {}, "harness", "_HARNESS_COMPLETE")
    return [item.value for item in completer.get_completions(words, last) if item.type == "plain"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pr", ["protocol", "prune"]),
        ("run aw", ["awms", "awru"]),
        ("run ablation=aw", ["ablation=awms", "ablation=awru"]),
        ("run awru train.bat", ["train.batch="]),
        ("run awru profile=", ["profile=auto", "profile=smoke", "profile=cpu", "profile=paper"]),
        ("train awsrn_s device=c", ["device=cpu", "device=cuda"]),
        ("figures curves aw", ["awms", "awru"]),
        ("figures cu", ["curves"]),
        ("tables aw", ["awms", "awru"]),
        ("eval falsr", ["falsr_a", "falsr_b", "falsr_c"]),
        ("upscale --model falsr", ["falsr_a", "falsr_b", "falsr_c"]),
        ("eval carn --data Set", ["Set5", "Set14"]),
        ("eval carn --protocol luma_un", ["luma_unquantised"]),
        ("compare --group aw", ["awsrn_s", "awsrn_m", "awsrn"]),
        ("bench carn --scale ", ["2", "3", "4", "8"]),
        ("data prepare Urb", ["Urban100"]),
        ("eval carn --data-r", ["--data-root"]),
        ("eval carn --roo", []),
        ("eval carn --device c", ["cpu", "cuda"]),
    ],
)
def test_a_word_is_completed(line, expected):
    assert completed(line) == expected


def test_sets_of_ones_own_are_completed(tiny_root):
    assert completed(f"eval carn --data-root {tiny_root} --data o") == ["own"]


def test_where_there_is_no_data_root_nothing_is_said_about_it(tmp_path):
    assert completed(f"eval carn --data-root {tmp_path / 'none'} --data o") == []


def test_files_are_completed_where_no_name_fits():
    completer = BashComplete(main, {}, "harness", "_HARNESS_COMPLETE")
    (item,) = completer.get_completions(["run"], "mine/own.y")
    assert item.type == "file"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_the_readme_gives_a_script(shell, monkeypatch):
    monkeypatch.setenv("_HARNESS_COMPLETE", f"{shell}_source")
    done = CliRunner().invoke(main, [], prog_name="harness")
    assert done.exit_code == 0
    assert "_HARNESS_COMPLETE=" in done.stdout
    assert "COMP_WORDS" in done.stdout
