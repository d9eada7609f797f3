"""The schemes of all families: complete, told apart by their names, and named like the networks."""

import importlib
import pkgutil

import pytest

from harness import models
from harness.weights import files, keymaps, schemes

SHARED = {"scheme", "image_range"}
FAMILIES = {info.name for info in pkgutil.iter_modules(keymaps.__path__)} - SHARED


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_is_tried(family):
    module = importlib.import_module(f"harness.weights.keymaps.{family}")
    assert set(module.SCHEMES) <= set(keymaps.SCHEMES)


def test_a_family_has_the_name_of_its_networks():
    assert {info.name for info in pkgutil.iter_modules(models.__path__)} >= FAMILIES


def test_no_two_schemes_have_one_name():
    names = [scheme.name for scheme in schemes.SCHEMES]
    assert len(set(names)) == len(names)


@pytest.mark.data
def test_every_scheme_of_a_light_network_is_that_of_a_released_file(public_checkpoints):
    paths = [path for path in public_checkpoints.rglob("*.pth") if path.stat().st_size < 8e6]
    states = [files.read(path).states[0].tensors for path in paths]
    used = {fit.scheme for state in states for fit in schemes.find(state)}
    large = ("EDSR", "MDSR", "MSRN", "RDN", "WDSR", "AWSRN", "this harness")
    light = {scheme.name for scheme in schemes.SCHEMES if not scheme.name.startswith(large)}
    assert light - {"RLFN, NTIRE 2024"} == used  # whose file is not among them
