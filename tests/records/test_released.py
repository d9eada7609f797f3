"""Which record stands for a released file: the last finished, of this very state dict."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import ablation
from harness.records.origin import Inputs, RecordedSettings, ScoredWeights
from harness.records.record import Record
from harness.records.released import ReleasedScores, load
from harness.reports.tables import systems

IMDN = next(weights for weights in load() if weights.file == "imdn_x2.pth")


def scored(record_id: str, *, finished: str, key: str = "", model: str = "imdn") -> Record:
    path = Path(__file__).parents[1] / "files" / "record.json"
    template = Record.from_json(path.read_text("utf-8"), source=path.name)
    return replace(
        template,
        id=record_id,
        group="",
        model=model,
        overrides={},
        drop=(),
        scale=2,
        seed=None,
        protocol="awsrn",
        config=RecordedSettings(),
        data=Inputs(weights=ScoredWeights(IMDN.file, IMDN.sha256, "", key)),
        provenance=replace(template.provenance, finished=finished),
    )


EARLIER = scored("imdn-x2-awsrn-f", finished="2025-01-01T00:00:00+00:00")
LATER = scored("imdn-x2-awsrn-0", finished="2025-01-02T00:00:00+00:00")


@pytest.mark.parametrize("records", [[EARLIER, LATER], [LATER, EARLIER]])
def test_the_last_finished_is_taken_whatever_the_order_of_files(records: list[Record]) -> None:
    assert ReleasedScores(records).record(IMDN, 2, "awsrn") is LATER
    (table,) = systems.build(ablation.load("comparison"), records)
    ids = [column.key for column in table.columns].index("record_ids")
    assert {row.cells[ids] for row in table.rows} - {None} == {LATER.id}


@pytest.mark.parametrize(
    "change", [{"key": "params"}, {"model": "edsr"}], ids=["state dict", "network"]
)
def test_scores_of_another_state_dict_or_network_are_passed_over(change: dict[str, str]) -> None:
    other = scored("other", finished="2025-02-01T00:00:00+00:00", **change)
    assert ReleasedScores([EARLIER, other]).record(IMDN, 2, "awsrn") is EARLIER


def test_the_list_may_name_the_state_dict() -> None:
    named = replace(IMDN, key="params_ema")
    records = [
        scored(f"of-{key}", finished="2025-01-01T00:00:00+00:00", key=key)
        for key in ("params", "params_ema")
    ]
    assert ReleasedScores(records).record(named, 2, "awsrn") is records[1]
