"""Released weights of networks younger than the paper, scored as code other than ours scored them.

Weights that their authors trained on a few sets, by the protocol awsrn: measured with networks
and metrics written apart from this project.
"""

import pytest
import torch

from harness.config import protocols
from harness.data.catalogue import find_test
from harness.evaluation import evaluate
from harness.weights import files, schemes
from harness.weights import load as loading

pytestmark = pytest.mark.data

# Every file: id, scales it fits by shapes.
FILES = {
    "rfdn_aim_x4": ("rfdn", (4,)),
    "pan_x4": ("pan", (4,)),
    "rlfn_x2": ("rlfn_52", (2,)),
    "rlfn_x4": ("rlfn_52", (4,)),
    "rlfn_s_x4": ("rlfn_s", (4,)),
    "bsrn_x2": ("bsrn", (2,)),
    "bsrn_x4": ("bsrn", (4,)),
    "bsrn_s_x4": ("bsrn_s", (4,)),
    "efdn_x4": ("efdn", (4,)),
}

QUICK = [
    ("rfdn_aim_x4", "Set5", 32.1589, 0.8946),
    ("pan_x4", "Set5", 32.1311, 0.8948),
    ("rlfn_s_x4", "Set5", 32.2395, 0.8954),
    ("bsrn_s_x4", "Set5", 32.1570, 0.8949),
    ("efdn_x4", "Set5", 32.0758, 0.8931),
]
LONG = [
    ("pan_x4", "Set14", 28.6107, 0.7822),
    ("rlfn_x2", "Set5", 38.0656, 0.9607),
    ("rlfn_x4", "Set5", 32.2379, 0.8953),
    ("rlfn_x4", "Set14", 28.6205, 0.7814),
    ("rlfn_s_x4", "Set14", 28.6233, 0.7817),
    ("bsrn_x2", "Set5", 38.0830, 0.9608),
    ("bsrn_x4", "Set5", 32.3488, 0.8965),
    ("bsrn_x4", "Set14", 28.7354, 0.7847),
]


@pytest.fixture(scope="module")
def path_of(public_checkpoints):
    def path(file):
        return public_checkpoints / "modern" / f"{file}.pth"

    if not path("pan_x4").is_file():
        pytest.skip("HARNESS_CHECKPOINTS lacks modern/pan_x4.pth")
    return path


@pytest.fixture(scope="module")
def assert_scores(data_root, path_of):
    def assert_scores(file, set_name, psnr_db, ssim):
        model, (scale,) = FILES[file]
        result = evaluate.score(
            loading.build(model, scale=scale, checkpoint=path_of(file)),
            find_test(set_name, data_root, scale),
            scale=scale,
            device=torch.device("cpu"),
            protocol=protocols.DEFAULT,
        )
        assert result.psnr_db == pytest.approx(psnr_db, abs=0.005)
        assert result.ssim == pytest.approx(ssim, abs=0.0003)

    return assert_scores


@pytest.mark.parametrize("file", FILES)
def test_a_released_file_fits_its_network_and_no_other(file, path_of):
    [fit] = schemes.find(files.read(path_of(file)).states[0].tensors)
    assert (fit.model, fit.scales) == FILES[file]


@pytest.mark.parametrize(("file", "set_name", "psnr_db", "ssim"), QUICK)
def test_scores_are_those_measured_elsewhere(file, set_name, psnr_db, ssim, assert_scores):
    assert_scores(file, set_name, psnr_db, ssim)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "set_name", "psnr_db", "ssim"), LONG)
def test_scores_of_slow_files(file, set_name, psnr_db, ssim, assert_scores):
    assert_scores(file, set_name, psnr_db, ssim)
