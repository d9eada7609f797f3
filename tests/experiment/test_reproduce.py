"""A recorded training, run again: what differs is said, and the result is compared."""

import json

import pytest

from harness.host.signals import Interrupted
from harness.records import record
from harness.records.record import load_all


@pytest.fixture
def stored(tiny, tmp_path, invoke):
    """The record of a tiny training with seed 0, beside one with seed 1."""
    result = invoke("run", *tiny, "rows=plain", "seeds=0,1")
    assert result.exit_code == 0, result.output
    return next(one for one in load_all(tmp_path) if one.seed == 0)


def again(invoke, stored, tmp_path, tiny_root, *options):
    return invoke("reproduce", stored.id, "--results", tmp_path, "--data-root", tiny_root, *options)


def test_the_same_training_gives_the_same_bytes(stored, tmp_path, tiny_root, invoke):
    result = again(invoke, stored, tmp_path, tiny_root, "--into", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert "nothing differs" in result.output
    assert "weights: the same, byte for byte" in result.output
    assert "the same in every image" in result.output
    (new,) = [one for one in load_all(tmp_path / "new") if one.steps]
    assert new.weights_sha256 == stored.weights_sha256


def changed(tmp_path, stored, **changes):
    """Write a record anew with other contents."""
    path = record.folder(tmp_path, stored.id) / record.FILE_NAME
    raw = json.loads(path.read_text())
    for key, value in changes.items():
        outer, _, inner = key.rpartition("__")
        (raw[outer] if outer else raw)[inner] = value
    path.write_text(json.dumps(raw))


def test_what_differs_is_named_and_the_change_stands_beside_the_seeds(
    stored, tmp_path, tiny_root, invoke
):
    scores = json.loads(stored.to_json())["scores"]
    for image in scores[0]["images"]:
        image["psnr_db"] += 0.5
    scores[0]["psnr_db"] += 0.5
    changed(tmp_path, stored, provenance__torch="1.0", weights_sha256="0" * 64, scores=scores)
    result = again(invoke, stored, tmp_path, tiny_root)
    assert result.exit_code == 0, result.output
    assert "differs: PyTorch: 1.0 recorded" in result.output
    assert "weights: other ones" in result.output
    assert "-0.5000 dB (standard deviation over the recorded seeds" in result.output


def test_another_result_without_a_reason_is_a_failure(stored, tmp_path, tiny_root, invoke):
    changed(tmp_path, stored, weights_sha256="0" * 64)
    result = again(invoke, stored, tmp_path, tiny_root)
    assert result.exit_code == 1
    assert "nothing that decides differs" in result.output


def test_a_dry_run_trains_nothing(stored, tmp_path, tiny_root, invoke):
    result = again(invoke, stored, tmp_path, tiny_root, "--dry-run", "--into", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "new" / "results").exists()


def test_what_cannot_be_run_again_is_refused(stored, tmp_path, tiny_root, invoke):
    several = invoke("reproduce", "awsrn_s-x2", "--results", tmp_path)
    assert several.exit_code == 2
    assert "2 records" in several.output
    mistyped = invoke("reproduce", f"{stored.id[:-1]}?", "--results", tmp_path)
    assert mistyped.exit_code == 2
    assert f"did you mean '{stored.id}'" in mistyped.output
    bicubic = next(one for one in load_all(tmp_path) if one.seed is None)
    untrained = again(invoke, bicubic, tmp_path, tiny_root)
    assert untrained.exit_code == 2
    assert "harness eval" in untrained.output
    here = again(invoke, stored, tmp_path, tiny_root, "--into", tmp_path)
    assert here.exit_code == 2
    file = record.folder(tmp_path, stored.id) / record.FILE_NAME  # whatever --results is then
    itself = invoke("reproduce", file, "--into", tmp_path, "--data-root", tiny_root)
    assert itself.exit_code == 2
    assert "holds the record itself" in itself.output


@pytest.mark.parametrize("into", [True, False])
def test_one_that_is_stopped_promises_to_go_on_only_where_it_can(
    stored, tmp_path, tiny_root, invoke, monkeypatch, into
):
    def stopped(*arguments, **options):
        raise Interrupted("stopped at step 3; the same command goes on from there")

    monkeypatch.setattr("harness.experiment.reproduce.reproduce", stopped)
    kept = ("--into", tmp_path / "new") if into else ()
    result = again(invoke, stored, tmp_path, tiny_root, *kept)
    assert result.exit_code == 130
    assert ("goes on from there" in result.stderr) is into
    assert ("nothing of it is kept" in result.stderr) is not into


def test_a_record_without_a_digest_of_its_weights_is_judged_by_its_scores(
    stored, tmp_path, tiny_root, invoke
):
    changed(tmp_path, stored, weights_sha256="")
    result = again(invoke, stored, tmp_path, tiny_root)
    assert result.exit_code == 0, result.output
    assert "the record has no digest" in result.output
