"""The committed records of public weights against what code other than ours measured.

``files/measured.csv`` was made with networks and metrics written apart from this project.
Scoring itself is tested on Set5 in ``weights/test_public.py``; here stand all sets, by the
records of the nox session ``protocol``.
"""

import csv
from pathlib import Path

import pytest

from harness.errors import CheckpointError, UsageError
from harness.evaluation import audit
from harness.records import released
from harness.records.record import load_all
from harness.records.released import ReleasedScores

with (Path(__file__).parents[1] / "files" / "measured.csv").open(newline="") as file:
    MEASURED = [tuple(row.values()) for row in csv.DictReader(file)]

PSNR_DB, SSIM = 0.005, 0.0003


@pytest.fixture(scope="module")
def scored(request):
    return ReleasedScores(load_all(request.config.rootpath))


@pytest.fixture(scope="module")
def known():
    return {each.file.removesuffix(".pth"): each for each in released.load()}


def rounding(text):
    """Half of the last decimal of a number."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize(("name", "scale", "test", "protocol", "psnr_db", "ssim"), MEASURED)
def test_record_scores_what_others_measured(
    scored, known, name, scale, test, protocol, psnr_db, ssim
):
    score = scored.score(known[name], int(scale), test, protocol)
    assert score is not None, "run the nox session protocol"
    assert score.psnr_db == pytest.approx(float(psnr_db), abs=PSNR_DB + rounding(psnr_db))
    assert score.ssim == pytest.approx(float(ssim), abs=SSIM + rounding(ssim))


# As printed in the figures of the authors' repository (Zheng-MJ/SMFANet at a05e0bb).
SMFANET = [
    ("smfanet_DF2K_x4", 4, "Set5", "32.25", "0.8956"),
    ("smfanet_DF2K_x4", 4, "Set14", "28.71", "0.7833"),
    ("smfanet_DIV2K_x2", 2, "Set5", "38.04", "0.9606"),
    ("smfanet_DIV2K_x2", 2, "Set14", "33.65", "0.9186"),
    ("smfanetp_DIV2K_x4", 4, "Set5", "32.43", "0.8979"),
    ("smfanetp_DIV2K_x4", 4, "Set14", "28.77", "0.7849"),
    ("smfanetp_DF2K_x4", 4, "Set5", "32.51", "0.8985"),
    ("smfanetp_DF2K_x4", 4, "Set14", "28.87", "0.7872"),
]


@pytest.mark.parametrize(("name", "scale", "test", "psnr_db", "ssim"), SMFANET)
def test_smfanet_scores_every_printed_digit(scored, known, name, scale, test, psnr_db, ssim):
    score = scored.score(known[name], scale, test, "awsrn")
    assert (f"{score.psnr_db:.2f}", f"{score.ssim:.4f}") == (psnr_db, ssim)


@pytest.mark.parametrize(
    ("name", "scale", "ssim"),
    [
        ("smfanet_DF2K_x4", 4, 0.7377),
        ("smfanet_DIV2K_x2", 2, 0.8999),
        ("smfanetp_DIV2K_x4", 4, 0.7400),
        ("smfanetp_DF2K_x4", 4, 0.7412),
    ],
)
def test_smfanet_on_b100_is_near_the_print_by_ssim(scored, known, name, scale, ssim):
    """LR of our B100 is made from images of 321x480 pixels."""
    score = scored.score(known[name], scale, "B100", "awsrn")
    assert abs(score.ssim - ssim) <= 0.0002 + 0.00005


def test_the_protocol_is_no_accident(scored, known):
    """Rounded luma, and RGB, are far from the default on the same pixels of SR."""
    imdn = known["imdn_x2"]
    by = {
        protocol: scored.score(imdn, 2, "Set5", protocol).psnr_db
        for protocol in ("awsrn", "y_rounded", "rgb")
    }
    assert by["awsrn"] - by["y_rounded"] > 0.03
    assert by["awsrn"] - by["rgb"] > 0.03


def test_every_row_of_table_5_with_public_weights_is_scored_by_the_default(scored, known):
    for name, each in known.items():
        for scale in each.scales:
            record = scored.record(each, scale, "awsrn")
            assert record is not None, name
            assert {score.set for score in record.scores} >= set(each.sets), name


def test_a_file_may_lie_in_a_folder_of_the_folder_of_weights(tmp_path):
    with pytest.raises(UsageError, match="there are no public weights"):
        audit.run(tmp_path, root=None, results=tmp_path, files=["spanf_x4.pth"])
    (tmp_path / "modern").mkdir()
    (tmp_path / "modern" / "spanf_x4.pth").write_bytes(b"another file")
    with pytest.raises(CheckpointError, match=r"modern.spanf_x4.pth' is not the file that was"):
        audit.run(tmp_path, root=None, results=tmp_path, files=["spanf_x4.pth"])
