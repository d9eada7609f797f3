"""Ablations and settings are named in one way wherever a command takes them."""

import pytest


@pytest.fixture
def words(tiny):
    """The tiny ablation's file, and its settings without those that are options, too."""
    path = tiny[0].removeprefix("ablation=")
    settings = [one for one in tiny[1:] if not one.startswith(("data.root=", "results.root="))]
    return path, settings


def test_run_takes_the_name_alone_and_roots_as_options(words, tiny, invoke, tiny_root, tmp_path):
    path, settings = words
    options = ("--data-root", tiny_root, "--results", tmp_path, "--scale", "2", "--device", "cpu")
    plan = invoke("run", path, *settings, *options, "--dry-run")
    assert plan.exit_code == 0, plan.output
    assert plan.stdout == invoke("run", *tiny, "scale=2", "device=cpu", "--dry-run").stdout
    assert invoke("run", path, *settings, *options).exit_code == 0
    for name in (path, f"ablation={path}", "tiny"):
        done = invoke("status", name, "--results", tmp_path)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith("tiny: ")
    for name in (path, f"ablation={path}"):
        done = invoke("tables", name, "--results", tmp_path)
        assert done.exit_code == 0, done.output
        assert "tiny_x2" in done.stdout


def test_a_shipped_ablation_is_run_by_its_name(tmp_path, invoke):
    settings = ("profile=smoke", "--results", tmp_path, "--dry-run")
    short = invoke("run", "awru", *settings)
    assert short.exit_code == 0, short.output
    assert short.stdout == invoke("run", "ablation=awru", *settings).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("awruu",), "there is no ablation or file 'awruu' (did you mean 'awru'?)"),
        (("awru", "lfb"), "'lfb': expected KEY=VALUE, and one ablation"),
        (("lfb", "ablation=awru", "seds=1"), "'lfb': expected KEY=VALUE, and one ablation"),
        (("ablation=",), "'ablation=': expected the name of an ablation"),
        (
            ("awru", "data.root=a", "--data-root", "b"),
            "--data-root b and data.root=a are one setting: expected one of them",
        ),
        (("awru", "results.root=a", "--results", "b"), "--results b and results.root=a are one"),
        (("awru", "device=cpu", "--device", "auto"), "--device auto and device=cpu are one"),
        (("awru", "scale=2", "--scale", "2,3"), "--scale 2,3 and scale=2 are one setting"),
    ],
)
def test_what_contradicts_itself_is_refused(words, said, invoke):
    result = invoke("run", *words, "profile=smoke", "--dry-run")
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_is_said_twice_alike_is_taken(tmp_path, invoke):
    twice = (f"results.root={tmp_path}/", "--results", tmp_path, "scale=2,3", "--scale", "2,3")
    done = invoke("run", "awru", "profile=smoke", *twice, "--dry-run")
    assert done.exit_code == 0, done.output


def test_the_environment_does_not_contradict_a_setting(tmp_path, invoke, monkeypatch, tiny_root):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "none"))
    words = ("espcn", "--scale", "2", "profile=smoke", "data.train=own", "data.test=own")
    done = invoke("train", *words, f"data.root={tiny_root}", "--dry-run")
    assert done.exit_code == 0, done.output
    refused = invoke("train", *words, "--dry-run")
    assert refused.exit_code == 2


def test_train_takes_the_scale_as_option_or_setting(invoke):
    rest = ("profile=smoke", "--dry-run")
    option = invoke("train", "espcn", "--scale", "2,3", *rest)
    assert option.exit_code == 0, option.output
    for words in (("scale=2,3",), ("--scale", "2", "--scale", "3")):
        assert invoke("train", "espcn", *words, *rest).stdout == option.stdout
    missing = invoke("train", "espcn", *rest)
    assert missing.exit_code == 2
    assert "Missing option '--scale'" in missing.stderr


@pytest.mark.parametrize("command", ["curves", "pareto", "ranks"])
def test_figures_take_the_name_alone(command, invoke, tmp_path):
    for name in ("awruu", "ablation=awruu"):
        result = invoke("figures", command, name, "--results", tmp_path)
        assert result.exit_code == 2
        assert "did you mean 'awru'" in result.stderr
