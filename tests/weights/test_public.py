"""Public weights, as released, score what code other than ours measured for them."""

import dataclasses
from functools import cache

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
    "carn_m_x234": ("carn_m_multi", (2, 3, 4)),
    "carn_x2": ("carn", (2,)),
    "imdn_x2": ("imdn", (2,)),
    "imdn_x4": ("imdn", (4,)),
    "fsrcnn_yjn870_x2": ("fsrcnn", (2, 3, 4, 8)),
    "fsrcnn_yjn870_x3": ("fsrcnn", (2, 3, 4, 8)),
    "fsrcnn_yjn870_x4": ("fsrcnn", (2, 3, 4, 8)),
    "srmdnf_x2": ("srmdnf_merged", (2,)),
    "srmdnf_x4": ("srmdnf_merged", (4,)),
    "vdsr_official_x234": ("vdsr_biased", (2, 3, 4, 8)),
    "vdsr_twtygqyy_x234": ("vdsr", (2, 3, 4, 8)),
    "lapsrn_x2": ("lapsrn", (2,)),
    "lapsrn_x4": ("lapsrn", (4,)),
    "lapsrn_x8": ("lapsrn_d5", (8,)),
    "falsr_a_x2": ("falsr_a", (2,)),
    "falsr_c_x2": ("falsr_c", (2,)),
    "moremnas_d_x2": ("moremnas_d", (2,)),
    "rlfn_ntire22_x4": ("rlfn", (4,)),
    "drrn_b1u25_jt827859032_x234": ("drrn_plain", (2, 3, 4, 8)),
    "vapsr_x4": ("vapsr", (4,)),
    "smfanet_DF2K_x4": ("smfanet", (4,)),
    "smfanet_DIV2K_x2": ("smfanet", (2,)),
    "smfanetp_DF2K_x4": ("smfanet_plus", (4,)),
    "smfanetp_DIV2K_x4": ("smfanet_plus", (4,)),
    "span28_x4": ("span_28", (4,)),
    "span26_x4": ("span_26", (4,)),
    "spanf_x4": ("spanf", (4,)),
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

# Set5, measured with networks and metrics written apart from this project.
QUICK = [
    ("carn_m_x234", 4, "awsrn", 31.883, 0.8910),
    ("carn_m_x234", 4, "y_rounded", 31.863, 0.8899),
    ("imdn_x4", 4, "awsrn", 32.210, 0.8948),
    ("imdn_x4", 4, "y_rounded", 32.187, 0.8936),
    ("fsrcnn_yjn870_x2", 2, "luma_unquantised", 37.110, 0.9563),
    ("fsrcnn_yjn870_x2", 2, "luma_png", 37.063, 0.9556),
    ("fsrcnn_yjn870_x3", 3, "luma_unquantised", 32.585, 0.9051),
    ("fsrcnn_yjn870_x3", 3, "luma_png", 32.570, 0.9047),
    ("fsrcnn_yjn870_x4", 4, "luma_unquantised", 30.502, 0.8589),
    ("fsrcnn_yjn870_x4", 4, "luma_png", 30.494, 0.8587),
    ("srmdnf_x4", 4, "awsrn", 31.924, 0.8918),
    ("lapsrn_x2", 2, "luma_png", 37.413, 0.9577),
    ("lapsrn_x2", 2, "lapsrn", 37.517, 0.9591),
    ("lapsrn_x8", 8, "lapsrn", 26.143, 0.7403),
    ("falsr_c_x2", 2, "falsr", 37.658, 0.9586),
    ("rlfn_ntire22_x4", 4, "awsrn", 32.097, 0.8939),
    ("rlfn_ntire22_x4", 4, "y_rounded", 32.075, 0.8928),
    ("vapsr_x4", 4, "awsrn", 32.3998, 0.8974),
    ("smfanet_DF2K_x4", 4, "awsrn", 32.2520, 0.8956),
    ("smfanetp_DF2K_x4", 4, "awsrn", 32.5108, 0.8985),
    ("span28_x4", 4, "awsrn", 31.7390, 0.8897),
    ("span26_x4", 4, "awsrn", 31.7388, 0.8890),
    ("spanf_x4", 4, "awsrn", 31.7748, 0.8896),
    ("rfdn_aim_x4", 4, "awsrn", 32.1589, 0.8946),
    ("pan_x4", 4, "awsrn", 32.1311, 0.8948),
    ("rlfn_s_x4", 4, "awsrn", 32.2395, 0.8954),
    ("bsrn_s_x4", 4, "awsrn", 32.1570, 0.8949),
    ("efdn_x4", 4, "awsrn", 32.0758, 0.8931),
]

LONG = [
    ("carn_x2", 2, "awsrn", 37.883, 0.9601),
    ("carn_x2", 2, "y_rounded", 37.795, 0.9589),
    ("imdn_x2", 2, "awsrn", 37.996, 0.9605),
    ("imdn_x2", 2, "y_rounded", 37.910, 0.9595),
    ("srmdnf_x4", 4, "y_rounded", 31.904, 0.8907),
    ("lapsrn_x2", 2, "luma_unquantised", 37.460, 0.9584),
    ("lapsrn_x4", 4, "lapsrn", 31.538, 0.8865),
    ("lapsrn_x8", 8, "luma_unquantised", 26.132, 0.7393),
    ("lapsrn_x8", 8, "luma_png", 26.133, 0.7392),
    ("falsr_c_x2", 2, "awsrn", 37.703, 0.9597),
    ("falsr_c_x2", 2, "falsr_selfexsr", 37.660, 0.9586),
    ("moremnas_d_x2", 2, "falsr", 37.569, 0.9585),
    ("vdsr_official_x234", 4, "luma_png", 31.332, 0.8833),
    ("smfanet_DIV2K_x2", 2, "awsrn", 38.0440, 0.9606),
    ("smfanetp_DIV2K_x4", 4, "awsrn", 32.4333, 0.8979),
    ("rlfn_x2", 2, "awsrn", 38.0656, 0.9607),
    ("rlfn_x4", 4, "awsrn", 32.2379, 0.8953),
    ("bsrn_x2", 2, "awsrn", 38.0830, 0.9608),
    ("bsrn_x4", 4, "awsrn", 32.3488, 0.8965),
]


def path_of(file, folder):
    """Return where a file lies: in the folder of public weights, or in one of its folders."""
    (path,) = [path for path in folder.rglob(f"{file}.pth") if path.parent.name != "original"]
    return path


@pytest.fixture(scope="module")
def network(public_checkpoints):
    """Build a network with the weights of a file; each once."""

    @cache
    def load(file, scale):
        path = path_of(file, public_checkpoints)
        return loading.build(FILES[file][0], scale=scale, checkpoint=path)

    return load


@pytest.fixture(scope="module")
def set5(data_root, network):
    def score(file, scale, protocol):
        return evaluate.score(
            network(file, scale),
            find_test("Set5", data_root, scale),
            scale=scale,
            device=torch.device("cpu"),
            protocol=protocol,
        )

    return score


@pytest.mark.parametrize("file", FILES)
def test_a_released_file_fits_its_network_and_no_other(file, public_checkpoints):
    [fit] = schemes.find(files.read(path_of(file, public_checkpoints)).states[0].tensors)
    assert (fit.model, fit.scales) == FILES[file]


@pytest.mark.parametrize(
    ("original", "converted"),
    [
        ("carn_m.pth", "carn_m_x234"),
        ("fsrcnn_yjn870_x2.pth", "fsrcnn_yjn870_x2"),
        ("ntire22_team04_rlfn.pth", "rlfn_ntire22_x4"),
        ("LapSRN_x2.mat", "lapsrn_x2"),
        ("LapSRN_x4.mat", "lapsrn_x4"),
        ("LapSRN_x8.mat", "lapsrn_x8"),
    ],
)
def test_untouched_bytes_give_the_same_tensors(original, converted, public_checkpoints):
    path = public_checkpoints / "original" / original
    if not path.is_file():
        pytest.skip(f"HARNESS_CHECKPOINTS lacks original/{original}")
    files_read = files.read(path), files.read(public_checkpoints / f"{converted}.pth")
    first, second = (held.states[0].tensors for held in files_read)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


ROW = ("file", "scale", "protocol", "psnr_db", "ssim")


@pytest.mark.parametrize(ROW, QUICK)
def test_scores_are_those_measured_elsewhere(file, scale, protocol, psnr_db, ssim, set5):
    result = set5(file, scale, protocols.get(protocol))
    assert result.psnr_db == pytest.approx(psnr_db, abs=0.005)
    assert result.ssim == pytest.approx(ssim, abs=0.0003)


@pytest.mark.slow
@pytest.mark.parametrize(ROW, LONG)
def test_scores_of_slow_networks(file, scale, protocol, psnr_db, ssim, set5):
    result = set5(file, scale, protocols.get(protocol))
    assert result.psnr_db == pytest.approx(psnr_db, abs=0.005)
    assert result.ssim == pytest.approx(ssim, abs=0.0003)


def test_the_protocol_is_no_accident(set5):
    ours = set5("rlfn_ntire22_x4", 4, protocols.DEFAULT).psnr_db
    whole = dataclasses.replace(protocols.DEFAULT, border=0)
    assert abs(set5("rlfn_ntire22_x4", 4, whole).psnr_db - ours) >= 0.03
    assert abs(set5("rlfn_ntire22_x4", 4, protocols.get("rgb")).psnr_db - ours) >= 0.03
