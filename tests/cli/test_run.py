"""What the user sees of `run` and `train`: plans, and one clear line for each mistake."""

import shlex
import shutil

import pytest
from PIL import Image

from harness.config import ablation, settings
from harness.experiment import plan


def test_run_without_an_ablation_names_the_known_ones(invoke):
    result = invoke("run", "train.steps=5")
    assert result.exit_code == 2
    assert "no ablation is named: expected its name (known: " in result.stderr


def test_every_mistake_is_listed_before_anything_is_trained(tmp_path, invoke):
    path = tmp_path / "own.yaml"
    path.write_text(
        "rows:\n- {label: A, model: awsrm_s}\n- {label: B, model: awsrn_s, with: {chanels: 3}}\n"
        "- {label: C, model: awsrn_s, with: {unit: awruu}}\n"
        "- {label: D, model: awsrn_s, drop: [4]}\n"
    )
    result = invoke(
        "run",
        f"ablation={path}",
        f"results.root={tmp_path}",
        "train.stps=3",
        "train.batch=none",
        "data.train=T219",
        "data.test=samplee,sample",
        "extra",
    )
    assert result.exit_code == 2
    for problem in (
        "9 problems in the configuration",
        "'extra': expected KEY=VALUE",
        "unknown key 'train.stps' (did you mean 'train.steps'?)",
        "train.batch=none: expected a whole number from 1",
        "row 'A': unknown model 'awsrm_s' (did you mean 'awsrn_s'?)",
        "row 'B': awsrn_s has no option 'chanels' (did you mean 'channels'?)",
        "row 'C': unit must be one of basic, wru, awru, scaled, not 'awruu'",
        "row 'D': no branch of kernel size 4",
        "data.train=T219: unknown training set 'T219' (did you mean 'T291'?)",
        "data.test=samplee: unknown test set 'samplee' (did you mean 'sample'?)",
    ):
        assert problem in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.yaml"]


def test_unknown_model_to_train(invoke):
    result = invoke("train", "wdsr_awr", "--scale", "2")
    assert result.exit_code == 2
    assert result.stderr == "Error: unknown model 'wdsr_awr' (did you mean 'wdsr_awru'?)\n"


def test_scale_a_network_does_not_have(invoke, tmp_path):
    result = invoke("train", "carn", "--scale", "8", "profile=smoke", f"results.root={tmp_path}")
    assert result.exit_code == 2
    assert "row 'CARN': carn is defined for x2, x3, x4, not x8" in result.stderr


def test_cuda_that_is_not_there(invoke, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = invoke("run", "ablation=awru", "device=cuda", "profile=smoke")
    assert result.exit_code == 2
    assert "device=cuda: PyTorch finds no CUDA device here" in result.stderr


def test_devices_that_do_not_divide_the_batch(invoke):
    result = invoke("run", "ablation=awru", "profile=smoke", "devices=3", "device=cpu")
    assert "devices=3: does not divide train.batch=4" in result.stderr


def test_dry_run_prints_the_plan_and_trains_nothing(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    result = invoke("run", *tiny, "seeds=0,1", "--dry-run")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    states = {tuple(line[:4]): " ".join(line[-2:]) for line in lines if len(line) > 6}
    assert states["plain", "awsrn_s", "2", "0"].endswith("done")
    assert states["plain", "awsrn_s", "2", "1"] == "to do"
    assert "training Multi-Adds still to do" in result.stdout
    assert len(list(tmp_path.glob("results/runs/*/record.json"))) == 3


def test_estimated_training_multi_adds(tiny):
    values, _ = settings.parse_arguments(tiny)
    made = plan.make(ablation.load(values.pop("ablation")), values)
    cell = made.cells[1]
    # Head, unit, LRFU, tail, skip at 8x8 pixels; backward costs twice the forward pass.
    weights = 3 * 4 * 9 + 2 * 4 * 8 * 9 + 4 * 4 * 9 + 12 * 4 * (9 + 25 + 49 + 81) + 3 * 12 * 9
    assert made.training_multi_adds(cell) == 3 * weights * 8 * 8 * 2 * 6


def test_default_profile_without_data_is_smoke_and_says_why(invoke):
    result = invoke("run", "ablation=awru", "--dry-run")
    assert "profile smoke (no data root is set (HARNESS_DATA or data.root))" in result.stdout


def test_default_profile_without_t291_is_smoke(invoke, tiny_root):
    result = invoke("run", "ablation=awru", f"data.root={tiny_root}", "--dry-run")
    assert f"there is no training set T291 under '{tiny_root}'" in result.stdout


@pytest.mark.data
def test_default_profile_with_t291_is_cpu(invoke, data_root):
    result = invoke("run", "ablation=awru", f"data.root={data_root}", "--dry-run")
    assert f"profile cpu (the training set T291 is under '{data_root}')" in result.stdout
    (scored,) = (line for line in result.stdout.splitlines() if line.startswith("score on"))
    positions = [scored.index(name) for name in ("Set5", "Set14", "B100")]
    assert positions == sorted(positions)


def test_profile_without_benchmark_sets_names_them(invoke, tiny_root):
    result = invoke(
        "run", "ablation=awru", "profile=cpu", "data.train=own", f"data.root={tiny_root}"
    )
    assert result.exit_code == 2
    assert "none of the benchmark sets Set5, Set14, B100, Urban100, Manga109" in result.stderr
    sets = "Set5 Set14 B100 Urban100 Manga109"
    assert f"`harness data prepare {sets} --data-root {tiny_root}`" in result.stderr


@pytest.mark.parametrize("root", ["none", "elsewhere", "without the sets"])
def test_missing_data_names_the_command_that_gets_it(root, invoke, tmp_path, tiny_root):
    """A data root is not set, not there, or lacks the sets; a set of that use only is named."""
    place = {"none": None, "elsewhere": tmp_path / "a b", "without the sets": tiny_root}[root]
    named = [] if place is None else [f"data.root={place}"]
    asked = ("ablation=awru", "profile=cpu", "data.train=T291", "data.test=Set5")
    result = invoke("run", *asked, *named, f"results.root={tmp_path}")
    assert result.exit_code == 2
    shown = "FOLDER" if place is None else shlex.quote(str(place))
    for name in ("T291", "Set5"):
        assert f"`harness data prepare {name} --data-root {shown}` gets it" in result.stderr
    assert result.stderr.count("harness doctor") == 2
    swapped = invoke("run", "ablation=awru", "data.train=Set5", "data.test=T291", *named)
    assert "harness data prepare" not in swapped.stderr
    assert "`harness data list`" in swapped.stderr


@pytest.mark.parametrize(
    "command",
    [("eval", "bicubic", "--scale", "2"), ("compare", "bicubic", "awsrn_s", "--scale", "2")],
)
def test_scoring_without_data_names_it_too(command, invoke, tmp_path):
    result = invoke(*command, "--data", "Set5", "--results", tmp_path)
    assert result.exit_code == 2
    assert "`harness data prepare Set5 --data-root FOLDER` gets it" in result.stderr
    gone = invoke("data", "list", "--data-root", tmp_path / "gone")
    assert gone.exit_code == 1
    assert f"--data-root {tmp_path / 'gone'}` makes one" in gone.stderr


def test_train_one_network(tiny, tmp_path, invoke):
    arguments = [item for item in tiny if not item.startswith("ablation")]
    result = invoke("train", "awsrn_sd", "--scale", "2,3", *arguments)
    assert result.exit_code == 0, result.output
    assert "AWSRN-SD" in result.stdout
    assert len(list(tmp_path.glob("results/runs/awsrn_sd-*/record.json"))) == 2
    assert not (tmp_path / "reports").exists()


def test_a_users_own_network(tiny, tmp_path, invoke):
    path = tmp_path / "my_net.py"
    path.write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, *, scale, width=4):\n"
        "        super().__init__()\n"
        "        self.parts = nn.Sequential(nn.Conv2d(3, 3 * scale**2, 3, padding=1),\n"
        "                                   nn.PixelShuffle(scale))\n"
        "    def forward(self, lr):\n"
        "        return self.parts(lr)\n"
    )
    arguments = [item for item in tiny if not item.startswith("ablation")]
    result = invoke("train", f"{path}:Net", "--scale", "2", *arguments)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("results/runs/Net-x2-s0-*"))) == 1
    path.write_text(path.read_text() + "# the same network\n")
    invoke("train", f"{path}:Net", "--scale", "2", *arguments)
    assert len(list(tmp_path.glob("results/runs/Net-x2-s0-*"))) == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "at0.png"),
        (lambda path: path.write_text("not an image"), "at0.png: expected an image"),
        (lambda path: Image.new("I;16", (60, 60)).save(path), "expected 8 bits per channel"),
        (lambda path: Image.new("RGBA", (60, 60)).save(path), "transparent pixels"),
        (
            lambda path: Image.new("CMYK", (60, 60)).save(path.with_suffix(".jpg")),
            "at0",
        ),
    ],
)
def test_bad_training_images_stop_before_training(
    spoil, message, tiny, tiny_root, tmp_path, invoke
):
    root = tmp_path / "copy"
    shutil.copytree(tiny_root, root)
    spoil(root / "train/own/at0.png")
    result = invoke("run", *tiny, f"data.root={root}")
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("results/runs/*/record.json"))


def test_results_root_that_cannot_be_written(tiny, tmp_path, invoke):
    (tmp_path / "file").write_text("")
    result = invoke("run", *tiny, f"results.root={tmp_path / 'file'}")
    assert result.exit_code == 1
    assert "Not a directory" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_profile_that_does_not_exist_is_the_only_problem(invoke):
    result = invoke("run", "ablation=awru", "profile=cpuu")
    assert result.stderr.splitlines()[1:] == [
        "  - profile=cpuu: expected one of auto, smoke, cpu, paper (did you mean 'cpu'?)"
    ]


def test_not_enough_memory_says_what_to_lower(tiny, tmp_path, invoke, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr("torch.nn.functional.l1_loss", fail)
    result = invoke("run", *tiny)
    assert result.exit_code == 1
    assert "not enough memory to train plain with train.batch=2 and train.patch=8" in result.stderr


def test_damaged_checkpoint_of_a_cell(tiny, tmp_path, invoke):
    arguments = [item for item in tiny if not item.startswith("ablation")]
    invoke("train", "awsrn_sd", "--scale", "2", *arguments)
    (folder,) = tmp_path.glob("results/runs/awsrn_sd*")
    (folder / "record.json").unlink()
    (folder / "weights.safetensors").write_bytes(b"short")
    result = invoke("train", "awsrn_sd", "--scale", "2", *arguments)
    assert result.exit_code == 1
    assert "weights.safetensors' is damaged" in result.stderr
    assert "delete it to begin this run again" in result.stderr


def test_an_ablation_that_compares_nothing_says_so(tmp_path, invoke):
    (tmp_path / "only.yaml").write_text("rows: [{label: A, model: bicubic}]\n")
    own = ["profile=smoke", "data.test=sample", f"results.root={tmp_path}", "tracking.mlflow=false"]
    result = invoke("run", f"ablation={tmp_path}/only.yaml", *own)
    assert result.exit_code == 0, result.output
    assert "'only' compares nothing" in result.stdout
    assert "LaTeX" not in result.stdout
    assert not (tmp_path / "reports").exists()


def test_rows_that_differ_in_their_labels_only_are_named(tmp_path, invoke):
    (tmp_path / "same.yaml").write_text(
        "rows: [{label: A, model: espcn}, {label: B, model: espcn}, {label: C, model: fsrcnn}]\n"
    )
    own = ["profile=smoke", "data.test=sample", f"results.root={tmp_path}"]
    result = invoke("run", f"ablation={tmp_path}/same.yaml", *own, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "rows 'A' and 'B' are one network" in result.stderr
    assert "'C'" not in result.stderr
