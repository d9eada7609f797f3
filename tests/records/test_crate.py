"""A Workflow Run RO-Crate, read by the library of the people who made the format."""

import json

import pytest

from harness.records.record import load_all


@pytest.fixture
def crate(tiny, tmp_path, invoke):
    """The folder of the crate of a tiny ablation."""
    assert invoke("run", *tiny).exit_code == 0
    yaml = next(one for one in tiny if one.startswith("ablation="))
    arguments = ("crate", yaml, "--results", tmp_path, "-o", tmp_path / "crate")
    result = invoke(*arguments, "--license", "https://example.org/licence")
    assert result.exit_code == 0, result.output
    return tmp_path / "crate"


def test_the_library_finds_the_workflow_the_runs_and_their_results(crate, tmp_path):
    ROCrate = pytest.importorskip("rocrate.rocrate").ROCrate
    read = ROCrate(str(crate))
    assert read.mainEntity.id == "tiny.yaml"
    assert "https://example.org/licence" in str(read.root_dataset["license"])
    assert "ComputationalWorkflow" in read.mainEntity.type
    actions = [entity for entity in read.get_entities() if entity.type == "CreateAction"]
    trained = [record for record in load_all(tmp_path) if record.steps]
    assert {action.id for action in actions} == {"#run", *(f"#{one.id}" for one in trained)}
    for action in actions:
        results = action["result"] if isinstance(action["result"], list) else [action["result"]]
        for entity in results:
            assert json.loads((crate / entity.id).read_text())["steps"] == 6
        assert action["instrument"].type
        assert action["startTime"] <= action["endTime"]
    digests = {entity.id: entity.get("identifier") for entity in read.get_entities()}
    assert digests["#test-own"] == f"sha256:{trained[0].scores[0].sha256}"
    assert digests["#train-own"] == f"sha256:{trained[0].data.train.sha256}"


def test_a_folder_that_holds_something_and_an_ablation_without_records_are_refused(
    crate, tmp_path, invoke, tiny
):
    yaml = next(one for one in tiny if one.startswith("ablation="))
    again = invoke("crate", yaml, "--results", tmp_path, "-o", crate)
    assert again.exit_code == 2
    assert "new or empty" in again.output
    none = invoke("crate", "awru", "--results", tmp_path, "-o", tmp_path / "other")
    assert none.exit_code == 2
    assert "no record" in none.output
