"""A Workflow Run RO-Crate, read by the library of the people who made the format."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from harness.records.record import load_all
from tests.shipped import ROOT


@pytest.fixture
def crate(tiny, tmp_path, invoke):
    """The folder of the crate of a tiny ablation."""
    assert invoke("run", *tiny, "scale=2,3").exit_code == 0
    reports = tmp_path / "reports"
    table = next(reports.glob("*_x2_*.csv"))
    table.write_text("changed\n")
    table.with_name("tiny_other_x2_own_6steps.csv").write_text("of another ablation\n")
    given = Path(next(one for one in tiny if one.startswith("ablation=")).partition("=")[2])
    yaml = shutil.copy(given, given.with_name("tiny #2.yaml"))
    arguments = ("crate", yaml, "--results", tmp_path, "-o", tmp_path / "crate")
    result = invoke(*arguments, "--license", "https://example.org/licence")
    assert result.exit_code == 0, result.output
    return tmp_path / "crate"


def test_the_library_finds_the_workflow_the_runs_and_their_results(crate, tmp_path):
    ROCrate = pytest.importorskip("rocrate.rocrate").ROCrate
    read = ROCrate(str(crate))
    assert read.mainEntity.id == "tiny%20%232.yaml", "ids are URIs"
    assert "https://example.org/licence" in str(read.root_dataset["license"])
    assert "ComputationalWorkflow" in read.mainEntity.type
    actions = [entity for entity in read.get_entities() if entity.type == "CreateAction"]
    stored = load_all(tmp_path)
    trained = [record for record in stored if record.steps]
    assert {action.id for action in actions} == {"#run", *(f"#{one.id}" for one in stored)}
    for action in actions:
        results = action["result"] if isinstance(action["result"], list) else [action["result"]]
        for entity in results:
            found = json.loads((crate / entity.id).read_text())
            assert found["steps"] == (6 if found["id"] in {one.id for one in trained} else 0)
        assert action["instrument"].type
        assert action["startTime"] <= action["endTime"]
    digests = {entity.get("identifier") for entity in read.get_entities()}
    wanted = {f"sha256:{one.scores[0].sha256}" for one in trained}
    wanted |= {f"sha256:{one.data.train.sha256}" for one in trained}
    assert len(wanted) == 4, "other pixels at each scale, of both sets"
    assert wanted <= digests


def test_every_entity_has_an_id_of_its_own_and_names_sets_that_are_there(crate, tmp_path):
    """By hand, where the library, which takes the last of two, is not installed, too."""
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    assert len(by_id) == len(graph)
    for record in load_all(tmp_path):
        sets = [by_id[one["@id"]] for one in by_id[f"#{record.id}"]["object"]]
        own = {record.scores[0].sha256}
        if record.steps:
            own.add(record.data.train.sha256)
        assert {one["identifier"].removeprefix("sha256:") for one in sets} == own


def test_tables_are_those_of_the_records_and_not_what_lies_there(crate, tmp_path):
    """The table of x2 was changed by hand after the run."""
    made = {path.name: path.read_bytes() for path in (crate / "reports").iterdir()}
    assert len(made) == 2 * 3
    assert not list(crate.rglob("tiny_other*"))
    there = {path.name: path.read_bytes() for path in (tmp_path / "reports").glob("tiny_x*")}
    (other,) = [name for name in made if there[name] != made[name]]
    assert there.keys() == made.keys()
    assert there[other] == b"changed\n"


def test_a_comparison_of_systems_has_its_table_and_the_scores_of_public_weights(tmp_path, invoke):
    result = invoke("crate", "comparison", "--results", ROOT, "-o", tmp_path / "crate")
    assert result.exit_code == 0, result.output
    path = tmp_path / "crate" / "reports" / "table5.csv"
    assert path.read_bytes() == (ROOT / "reports" / "table5.csv").read_bytes()
    with path.open(encoding="utf-8", newline="") as file:
        ids = {one for row in csv.DictReader(file) for one in row["record_ids"].split(", ") if one}
    assert any(one.startswith("carn-x2-awsrn") for one in ids)
    there = {file.stem for file in (tmp_path / "crate" / "records").iterdir()}
    assert ids <= there
    assert not any(one.startswith("rlfn-x4-ntire") for one in there), "of another protocol"


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
