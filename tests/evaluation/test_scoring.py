"""Weights that are scored leave a record, which is kept and completed."""

import hashlib
import threading
import time
from dataclasses import replace

import pytest
import torch
from PIL import Image

from harness.config import protocols
from harness.data.catalogue import find_test
from harness.errors import CheckpointError, UsageError
from harness.evaluation import audit, recording, scoring
from harness.experiment import checkpoints
from harness.models import espcn, registry
from harness.records import released
from harness.records.record import load_all
from harness.weights import load, networks

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Weights of the smallest registered network."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    checkpoints.write_weights(folder, registry.get("espcn").build(scale=2))
    return folder / checkpoints.WEIGHTS_FILE


def score(file, root, results, *, protocol="awsrn", sets=("own",)):
    return scoring.score(
        "espcn",
        scale=2,
        checkpoint=file,
        sets=sets,
        protocol=protocol,
        root=root,
        device="cpu",
        results=results,
    )


def test_nothing_is_recorded_unless_asked_for(file, tiny_root, tmp_path):
    score(file, tiny_root, None)
    assert load_all(tmp_path) == []


def test_record_says_which_file_was_scored_and_how(file, tiny_root, tmp_path):
    scores = score(file, tiny_root, tmp_path, protocol="rgb")
    (record,) = load_all(tmp_path)
    assert record.data.weights.file == file.name
    assert record.data.weights.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (record.protocol, record.group, record.seed, record.steps) == ("rgb", "", None, 0)
    assert record.scores == tuple(scores)
    assert record.provenance.commit


def test_record_says_which_state_dict_of_several_was_scored(file, tiny_root, tmp_path):
    weights = load.load("espcn", scale=2, checkpoint=file).network.state_dict()
    several = tmp_path / "several.pth"
    torch.save({"params": weights, "params_ema": weights}, several)
    scoring.score(
        "espcn",
        scale=2,
        checkpoint=several,
        sets=("own",),
        protocol="awsrn",
        root=tiny_root,
        device="cpu",
        results=tmp_path,
        key="params",
    )
    (record,) = load_all(tmp_path)
    assert record.data.weights.key == "params"


def test_each_protocol_has_a_record_and_sets_are_added_to_it(file, tiny_root, tmp_path):
    score(file, tiny_root, tmp_path)
    score(file, tiny_root, tmp_path, sets=("sample",))
    score(file, tiny_root, tmp_path, protocol="y_rounded")
    by = {record.protocol: record for record in load_all(tmp_path)}
    assert [one.set for one in by["awsrn"].scores] == ["own", "sample"]
    assert [one.set for one in by["y_rounded"].scores] == ["own"]


def test_several_protocols_at_once_score_as_one_by_one(file, tiny_root, tmp_path):
    test = find_test("own", tiny_root, 2)
    loaded = load.load("espcn", scale=2, checkpoint=file)
    scorer = scoring.Scorer(loaded, device=CPU, results=tmp_path)
    every = [each for each in protocols.PROTOCOLS if each.scales is None]
    together = scorer.score(test, every)
    for protocol, one in zip(every, together, strict=True):
        assert [one] == score(file, tiny_root, None, protocol=protocol.name), protocol.name
    assert scorer.missing(test, every) == ()


@pytest.mark.parametrize(
    "change",
    [{"drop": (3,)}, {"overrides": {"channels": 8}}, {"key": "ema"}, {"sha256": "of another file"}],
)
def test_scores_of_a_changed_network_have_a_record_of_their_own(change, file):
    loaded = load.load("espcn", scale=2, checkpoint=file)
    ids = {
        scoring.Scorer(network, device=CPU).record_id(protocols.DEFAULT)
        for network in (loaded, replace(loaded, **change))
    }
    assert len(ids) == 2


@pytest.fixture
def one_file(file, monkeypatch):
    """Make the list of public weights one of that file alone."""
    entry = released.Weights(
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        source="these tests",
        training="authors",
        model="espcn",
        scales=(2,),
        protocol="y_rounded",
        sets=("own",),
    )
    monkeypatch.setattr(released, "load", lambda: (entry,))
    return entry


def test_proof_scores_by_the_papers_own_protocol_and_the_default(
    file, one_file, tiny_root, tmp_path
):
    run = {"root": tiny_root, "results": tmp_path, "sets": ("own",)}
    assert audit.run(file.parent, **run) == 2
    first = load_all(tmp_path)
    assert {record.protocol for record in first} == {"y_rounded", "awsrn"}
    assert audit.run(file.parent, **run) == 2
    assert load_all(tmp_path) == first, "what is recorded was scored again"


def test_proof_reads_the_lr_that_is_asked_for(file, one_file, tmp_path, invoke):
    own = tmp_path / "benchmark" / "own"
    for folder, side in (("HR", 24), ("LR_bicubic/X2", 12), ("LR_odd/X2", 12)):
        (own / folder).mkdir(parents=True)
        Image.new("RGB", (side, side), (90, 90, 90)).save(own / folder / "a.png")
    arguments = ("protocol", "--checkpoints", file.parent, "--data", "own", "--data-root", tmp_path)
    for more, expected in (((), "LR_bicubic/X2"), (("--lr", "LR_odd"), "LR_odd/X2")):
        results = tmp_path / f"results{len(more)}"
        assert invoke(*arguments, "--results", results, *more).exit_code == 0
        assert {record.scores[0].lr_from for record in load_all(results)} == {expected}


def test_proof_refuses_another_file_of_the_same_name(file, one_file, tiny_root, tmp_path):
    (tmp_path / file.name).write_bytes(file.read_bytes() + b" ")
    with pytest.raises(CheckpointError, match="is not the file that was released"):
        audit.run(tmp_path, root=tiny_root, results=tmp_path, sets=("own",))


def test_proof_names_the_nearest_file(tmp_path):
    with pytest.raises(UsageError, match=r"did you mean 'imdn_x4\.pth'"):
        audit.run(tmp_path, root=None, results=tmp_path, files=["imdn_x3.pth"])


def test_proof_without_any_file(tmp_path):
    with pytest.raises(UsageError, match="there are no public weights in"):
        audit.run(tmp_path, root=None, results=tmp_path)


def test_every_listed_file_names_a_network_its_scales_and_protocols():
    for each in released.load():
        assert set(each.scales) <= set(registry.get(each.model).scales), each.file
        for name in each.protocols("Set5"):
            protocols.get(name)
        assert len(each.sha256) == 64
        for scale in each.scales:
            assert released.printed(each, scale) or each.because or each.model == "rlfn", each.file


def test_weights_are_scored_anew_for_another_network_of_the_name(
    file, tiny_root, tmp_path, monkeypatch
):
    """An edited ESPCN: its record stands beside the old one, which stays as it is."""
    score(file, tiny_root, tmp_path)
    (before,) = load_all(tmp_path)
    forward = espcn.ESPCN.forward_luma
    monkeypatch.setattr(networks, "code_digest", lambda *_: "edited")
    score(file, tiny_root, tmp_path, sets=("sample",))  # another name inside: the same network
    (same,) = load_all(tmp_path)
    assert same.id == before.id
    assert same.marks.code == (*before.marks.code, "edited")
    monkeypatch.setattr(networks, "code_digest", lambda *_: "edited again")
    monkeypatch.setattr(espcn.ESPCN, "forward_luma", lambda net, y: forward(net, y).square())
    score(file, tiny_root, tmp_path)
    records = load_all(tmp_path)
    assert len(records) == 2
    assert same in records
    other = next(record for record in records if record != same)
    assert other.scores[0].psnr_db != same.score("own").psnr_db


def test_sets_that_are_scored_at_the_same_time_are_all_kept(file, tiny_root, tmp_path, monkeypatch):
    """Neither reads what is stored until the other has written."""
    made = recording.make_scored_record

    def slow(*arguments, **options):
        time.sleep(0.5)
        return made(*arguments, **options)

    monkeypatch.setattr(scoring, "make_scored_record", slow)
    threads = [
        threading.Thread(target=score, args=(file, tiny_root, tmp_path), kwargs={"sets": (name,)})
        for name in ("own", "sample")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (record,) = load_all(tmp_path)
    assert {score.set for score in record.scores} == {"own", "sample"}
