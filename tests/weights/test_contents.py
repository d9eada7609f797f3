"""Which state dicts are found in the content of a file, and which of them comes first."""

import pytest
import torch

from harness.errors import UsageError
from harness.weights import contents
from harness.weights.contents import Role, StateDict

ONE = {"a.weight": torch.ones(2)}
TWO = {"a.weight": torch.zeros(2)}


def keys(content):
    return [state.key for state in contents.find(content)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ONE, [""]),
        (ONE | {"epoch": 5, "loss": torch.tensor(0.1)}, [""]),
        ({"params": ONE, "params_ema": TWO}, ["params_ema", "params"]),
        ({"model": {"state_dict": ONE}, "model_ema": TWO}, ["model_ema", "model.state_dict"]),
        ({"state_dict": ONE, "ema_state_dict": TWO}, ["ema_state_dict", "state_dict"]),
        ({"netD": TWO, "netG": ONE}, ["netG", "netD"]),
        ({"net_g": ONE, "net_d": TWO, "net_g_ema": TWO}, ["net_g_ema", "net_g", "net_d"]),
        ({"discriminator": TWO, "generator": ONE}, ["generator", "discriminator"]),
        ({"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "net": ONE}, ["net"]),
        ({"step": torch.tensor(5), "network": ONE}, ["network"]),
        ({"epoch": 5}, []),
        ([ONE], []),
    ],
)
def test_state_dicts_are_found_the_wanted_ones_first(content, expected):
    assert keys(content) == expected


def test_a_dictionary_that_holds_itself_ends():
    content: dict[str, object] = {"state_dict": {}}
    content["state_dict"]["state_dict"] = content
    content["self"] = content
    assert keys(content) == []
    content["model"] = dict(ONE)
    content["model"]["model"] = content["model"]
    assert "model" in keys(content)


def test_dictionaries_that_hold_one_another_many_times_end():
    inner: dict[str, object] = {}
    for _ in range(8):
        inner = {str(number): inner for number in range(50)}
    assert keys(inner) == []


def test_the_user_s_key_chooses_by_its_end_and_by_the_names_of_tensors():
    states = contents.find({"params": ONE, "gan": {"net_g": TWO}})
    assert [state.key for state in contents.choose(states, "params")] == ["params"]
    assert [state.key for state in contents.choose(states, "net_g")] == ["gan.net_g"]
    joined = [StateDict("", {"online.a": torch.ones(1), "ema.a": torch.zeros(1)}, Role.TRAINED)]
    [cut] = contents.choose(joined, "online")
    assert cut.tensors == {"a": torch.ones(1)}
    with pytest.raises(UsageError, match=r"--key parms: .*did you mean 'params'"):
        contents.choose(states, "parms")
