"""Pruning: networks built so that what each part is worth is known beforehand."""

import json
from shutil import copytree
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from harness.errors import CheckpointError
from harness.models.awms import drop_branches
from harness.models.awsrn import AWSRN, drop_units, units_left
from harness.models.registry import get
from harness.weights.files import read
from harness.weights.pruned import Pruned, write

SIZES: dict[str, Any] = {"num_blocks": 1, "num_units": 3, "channels": 4, "inner_channels": 6}

TINY = """
from torch import nn

from harness.models.awsrn import AWSRN


class Tiny(AWSRN):
    def __init__(self, *, scale):
        super().__init__(scale=scale, num_blocks=1, num_units=3, channels=4, inner_channels=6)


class Unread(Tiny):
    def __init__(self, *, scale):
        super().__init__(scale=scale)
        self.forgotten = nn.Conv2d(3, 3, 1)


class Plain(AWSRN):
    def __init__(self, *, scale):
        super().__init__(
            scale=scale, num_blocks=1, num_units=1, channels=4, inner_channels=6,
            kernel_sizes=(3,), weighted=False,
        )
"""

WORTH = {3: 0.5, 5: 0.0, 7: 0.02, 9: 0.08}
ALPHA = {3: 0.01, 5: 5.0, 7: 0.5, 9: 0.3}


def silence(conv):
    """Let a weight-normalised convolution return zero."""
    conv.parametrizations.weight.original0.zero_()
    conv.bias.zero_()


@torch.no_grad()
def known():
    """A network that repeats pixels: three branches and unit 0 cancel the skip's offset.

    Branch k adds WORTH[k]; unit 0 adds 0.3, through the slot of unit 2 in the fusion; unit
    1 does nothing and unit 2 adds 0.05.
    """
    torch.manual_seed(0)
    network = AWSRN(scale=2, **SIZES)
    for size, worth in WORTH.items():
        conv = network.tail.branches[f"k{size}"]
        silence(conv)
        network.tail.alpha[f"k{size}"].fill_(ALPHA[size])
        conv.bias.fill_(worth / ALPHA[size])
    silence(network.head)
    for unit, worth in zip(network.units, (0.3, 0.0, 0.05), strict=True):
        silence(unit.body[2])
        unit.body[2].bias.fill_(worth)
    pick = torch.full((4, 12, 3, 3), 1e-12)  # a row of nothing but zeros has no norm
    pick[range(4), range(8, 12), 1, 1] = 1
    network.fusions[0].conv.weight = pick
    network.fusions[0].conv.bias.zero_()
    carry = torch.full((12, 4, 3, 3), 1e-12)
    carry[:, 0, 1, 1] = 1 / ALPHA[3]
    network.tail.branches["k3"].weight = carry
    repeat = torch.full((12, 3, 3, 3), 1e-12)
    repeat[range(12), [colour for colour in range(3) for _ in range(4)], 1, 1] = 1
    network.skip.conv.weight = repeat
    network.skip.conv.bias.fill_(-sum(WORTH.values()) - 0.35)
    return network.eval()


@pytest.fixture
def files(tmp_path, tiny_root, monkeypatch):
    """A folder with tiny.py and its weights, a.safetensors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(tiny_root))
    (tmp_path / "tiny.py").write_text(TINY)
    save_file(known().state_dict(), tmp_path / "a.safetensors")
    return tmp_path


def prune(invoke, *more, source="a.safetensors", output="b.safetensors"):
    fixed: tuple[object, ...]
    fixed = ("tiny.py:Tiny", "--scale", 2, "--checkpoint", source, "-o", output, "--data", "own")
    for option in {"--data", "--scale"} & set(more):  # given twice, they would be several
        where = fixed.index(option)
        fixed = (*fixed[:where], *fixed[where + 2 :])
    return invoke("prune", *fixed, *more)


def pruned(invoke, *more, **files):
    result = prune(invoke, *more, "--format", "json", **files)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def names(losses):
    return [(loss["candidate"]["kind"], loss["candidate"]["number"]) for loss in losses]


def test_the_useless_branch_goes_though_its_alpha_is_the_largest(files, invoke):
    result = pruned(invoke, "--tolerance-db", 0)
    assert [number for _, number in names(result["ranking"])] == [5, 7, 9, 3]
    assert [loss["candidate"]["scalar"] for loss in result["ranking"]] == pytest.approx(
        [ALPHA[size] for size in (5, 7, 9, 3)]
    )
    assert names(result["removed"]) == [("branch", 5)]
    assert result["removed"][0]["loss_db"] == 0
    # 5x5, 4 to 12 channels: weights, gains, biases, alpha; 640x360 pixels.
    saved = result["before"]["params"] - result["after"]["params"]
    assert saved == 25 * 4 * 12 + 12 + 12 + 1
    saved = result["before"]["multi_adds"] - result["after"]["multi_adds"]
    assert saved == 25 * 4 * 12 * 640 * 360
    assert result["before"]["scores"][0]["psnr_db"] == result["after"]["scores"][0]["psnr_db"]


def test_losses_add_up_against_the_start_and_the_last_branch_stays(files, invoke):
    result = pruned(invoke, "--tolerance-db", 1e6)
    assert names(result["removed"]) == [("branch", 5), ("branch", 7), ("branch", 9)]
    losses = [loss["loss_db"] for loss in result["removed"]]
    assert losses == sorted(losses)
    before, after = (result[when]["scores"][0]["psnr_db"] for when in ("before", "after"))
    assert losses[-1] == pytest.approx(before - after)
    # Taken together, 7 and 9 leave an offset of 0.1, of 127.5: 12.75 levels.
    alone = {
        number: loss["loss_db"]
        for (_, number), loss in zip(names(result["ranking"]), result["ranking"], strict=True)
    }
    assert losses[-1] > alone[9] > alone[7] > 0


def test_an_image_of_infinite_psnr_measures_no_loss(files, invoke):
    """The known network repeats pixels, so that SR of a flat image equals it."""
    (files / "flat").mkdir()
    for number, grey in enumerate((90, 160)):
        Image.new("RGB", (48, 40), (grey, grey, grey)).save(files / "flat" / f"flat{number}.png")
    refused = invoke(
        *("prune", "tiny.py:Tiny", "--scale", 2, "--checkpoint", "a.safetensors"),
        *("-o", "c.safetensors", "--data", files / "flat"),
    )
    assert refused.exit_code == 2
    assert "flat0, flat1" in refused.output
    report = ("--tolerance-db", 0, "--report", files / "flat")
    done = prune(invoke, *report, "--format", "json")
    result = json.loads(done.stdout, parse_constant=pytest.fail)
    assert result["before"]["scores"][0]["psnr_db"] is None
    table = prune(invoke, *report, "--force")
    assert "no change of PSNR" in table.output
    assert "nan" not in table.output


def test_the_tolerance_is_kept(files, invoke):
    alone = {number: loss["loss_db"] for (_, number), loss in _ranking(invoke)}
    between = (alone[7] + alone[9]) / 2
    result = pruned(invoke, "--tolerance-db", between, output="c.safetensors")
    assert names(result["removed"]) == [("branch", 5), ("branch", 7)]


def _ranking(invoke):
    ranking = pruned(invoke, "--tolerance-db", 0)["ranking"]
    return zip(names(ranking), ranking, strict=True)


def test_units_are_ranked_with_branches(files, invoke):
    result = pruned(invoke, "--tolerance-db", 0, "--what", "all")
    assert names(result["removed"]) == [("branch", 5), ("unit", 1)]
    assert names(result["ranking"])[-2:] == [("unit", 0), ("branch", 3)]
    left = load_file(files / "b.safetensors")
    assert not [name for name in left if name.startswith(("units.1.", "tail.branches.k5."))]
    assert left["fusions.0.conv.bias"].shape == (4,)
    # Branch k5 as above; a unit: 4 -> 6 -> 4 channels, two lambdas.
    unit = 9 * 4 * 6 * 2 + 2 * (6 + 4) + 2
    assert result["before"]["params"] - result["after"]["params"] == 1225 + unit


def test_eval_loads_what_was_written_and_scores_the_same(files, invoke):
    result = pruned(invoke, "--tolerance-db", 1, "--what", "all")
    assert result["removed"]
    evaluated = invoke(
        "eval", "tiny.py:Tiny", "--scale", 2, "--checkpoint", "b.safetensors", "--data", "own",
        "--format", "json",
    )  # fmt: skip
    assert evaluated.exit_code == 0, evaluated.output
    [score] = json.loads(evaluated.stdout)["scores"]
    assert score["psnr_db"] == result["after"]["scores"][0]["psnr_db"]


@pytest.mark.parametrize("position", [0.5, 0.7, 0.9, 0.999])
def test_a_flipped_bit_in_what_was_written_is_seen(position, tmp_path):
    path = tmp_path / "b.safetensors"
    write(path, {"a": torch.ones(500), "b": torch.ones(500)}, Pruned("tiny", 2, branches=(5,)))
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="damaged"):
        read(path)


def test_the_lr_that_is_asked_for_is_read(files, tiny_root, invoke):
    own = files / "root" / "benchmark" / "own"
    copytree(tiny_root / "benchmark" / "own", own)
    for path in (own / "HR").iterdir():
        with Image.open(path) as image:
            half = image.resize((image.width // 2, image.height // 2))
        (own / "LR_odd").mkdir(exist_ok=True)
        half.save(own / "LR_odd" / path.name)
    arguments = ("--tolerance-db", 0, "--report", "own", "--data-root", files / "root")
    [read] = pruned(invoke, *arguments, "--lr", "LR_odd")["before"]["scores"]
    [made] = pruned(invoke, *arguments, "--force", "--lr", "made")["before"]["scores"]
    assert (read["lr_from"], made["lr"]) == ("LR_odd", "made")


def test_what_is_pruned_can_be_pruned_further(files, invoke):
    pruned(invoke, "--tolerance-db", 0)
    again = pruned(
        invoke, "--tolerance-db", 0, "--what", "units",
        source="b.safetensors", output="c.safetensors",
    )  # fmt: skip
    assert names(again["removed"]) == [("unit", 1)]
    said = invoke("checkpoint", "inspect", "c.safetensors").output
    assert "pruned: tiny.py:Tiny x2 without k5, unit 1" in said
    nothing = pruned(
        invoke, "--tolerance-db", 0, "--what", "all",
        source="c.safetensors", output="d.safetensors",
    )  # fmt: skip
    assert nothing["removed"] == []
    assert load_file("d.safetensors").keys() == load_file("c.safetensors").keys()


def test_a_pruned_file_is_refused_elsewhere(files, invoke):
    pruned(invoke, "--tolerance-db", 0)
    arguments = ("--scale", 2, "--checkpoint", "b.safetensors", "--data", "own")
    for other in ("awsrn_s", "espcn"):
        result = invoke("eval", other, *arguments)
        assert result.exit_code == 1
        assert "tiny.py:Tiny x2 without k5" in result.output
    result = invoke("checkpoint", "convert", "b.safetensors", "-o", "e.pth")
    assert result.exit_code == 1
    assert "it is pruned (tiny.py:Tiny x2 without k5)" in result.output


def test_a_file_that_merely_lacks_a_unit_is_not_taken_for_a_pruned_one(files, invoke):
    whole = load_file("a.safetensors")
    part = {name: value for name, value in whole.items() if not name.startswith("units.1.")}
    save_file(part, "part.safetensors")
    result = prune(invoke, source="part.safetensors")
    assert result.exit_code == 1
    assert "does not hold the weights of tiny.py:Tiny x2" in result.output


def test_damaged_words_about_the_pruning_are_an_error(files, invoke):
    save_file(load_file("a.safetensors"), "odd.safetensors", {"pruned": '{"model": "x"}'})
    result = prune(invoke, source="odd.safetensors")
    assert result.exit_code == 1
    assert "does not say rightly how it was pruned" in result.output


def test_table_and_warning(files, invoke):
    result = prune(invoke, "--tolerance-db", 0)
    assert "removed k5; 0.0000 dB lost on own" in result.output
    assert "own is both chosen on and reported on, which flatters the result" in result.output
    assert "own PSNR (dB)" in result.output
    other = prune(invoke, "--tolerance-db", 0, "--report", "sample", "--force")
    assert "flatters" not in other.output
    assert "sample PSNR (dB)" in other.output


def test_a_count_in_doubt_is_not_available_and_has_its_reason_below(files, invoke):
    forgotten = {"forgotten.weight": torch.zeros(3, 3, 1, 1), "forgotten.bias": torch.zeros(3)}
    save_file(known().state_dict() | forgotten, "a.safetensors")
    command = ["prune", "tiny.py:Unread", "--scale", 2, "--checkpoint", "a.safetensors"]
    command += ["--data", "own", "--tolerance-db", 0, "-o"]
    result = invoke(*command, "b.safetensors")
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith("Multi-Adds (G"))
    assert line.split()[-3:] == ["n/a"] * 3
    (reason,) = [line for line in result.output.splitlines() if line.startswith("Multi-Adds: ")]
    assert "forgotten" in reason
    states = json.loads(invoke(*command, "c.safetensors", "--format", "json").stdout)
    for when in ("before", "after"):
        assert states[when]["multi_adds"] is None
        assert "forgotten" in states[when]["count_doubts"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tolerance-db", -1), "--tolerance-db must be 0 or more, not -1"),
        (("--tolerance-db", "nan"), "--tolerance-db must be 0 or more, not nan"),
        (("-o", "b.pth"), "is written as .safetensors"),
        (("-o", "a.safetensors"), "use --force to replace it"),
        (("-o", "no/b.safetensors"), "there is no folder 'no'"),
        (("--data", "onw"), "did you mean 'own'"),
        (("--report", "onw"), "did you mean 'own'"),
        (("--protocol", "awsnr"), "did you mean 'awsrn'"),
        (("--scale", 5), "x5"),
    ],
)
def test_arguments_are_checked_first(arguments, message, files, invoke):
    result = prune(invoke, *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert not (files / "b.safetensors").exists()


def test_networks_without_either_are_refused(files, invoke):
    save_file(get("espcn").build(scale=2).state_dict(), "espcn.safetensors")
    fixed = ("--scale", 2, "-o", "b.safetensors", "--data", "own")
    result = invoke("prune", "espcn", "--checkpoint", "espcn.safetensors", *fixed)
    assert result.exit_code == 2
    assert "espcn has no weighted branches that could be removed" in result.output
    plain = AWSRN(scale=2, **SIZES | {"num_units": 1}, kernel_sizes=(3,), weighted=False)
    save_file(plain.state_dict(), "plain.safetensors")
    result = invoke("prune", "tiny.py:Plain", "--checkpoint", "plain.safetensors", *fixed)
    assert result.exit_code == 2
    assert "no weighted branches that could be removed, but residual units: use" in result.output


@pytest.mark.parametrize("fusion", [3, None])
def test_a_dropped_unit_is_one_that_does_nothing(fusion):
    torch.manual_seed(1)
    network = AWSRN(scale=2, **SIZES | {"num_blocks": 2}, fusion_kernel=fusion)
    with torch.no_grad():
        silence(network.units[4].body[2])
    lr = 255 * torch.rand(1, 3, 6, 7)
    with torch.no_grad():
        expected = network(lr)
        drop_units(network, [4])
        torch.testing.assert_close(network(lr), expected)
    assert units_left(network) == (0, 1, 2, 3, 5)


def test_what_cannot_be_dropped():
    network = AWSRN(scale=2, **SIZES)
    drop_units(network, [])
    drop_units(network, [1])
    for gone in (1, 3, -1):
        with pytest.raises(ValueError, match=f"no residual unit {gone}: the units are"):
            drop_units(network, [0, gone])
    assert units_left(network) == (0, 2)
    with pytest.raises(ValueError, match="no residual units"):
        drop_units(torch.nn.Conv2d(3, 3, 1), [0])
    with pytest.raises(ValueError, match="at least one branch"):
        drop_branches(network, (3, 5, 7, 9))
