"""The list of networks."""

import json


def test_list_as_json(invoke):
    rows = {row["id"]: row for row in json.loads(invoke("list", "--format", "json").stdout)}
    assert rows["awsrn"] == {
        "id": "awsrn",
        "label": "AWSRN",
        "scales": [2, 3, 4, 8],
        "source": "Sec. 4.4",
        "params": {"x2": 1396872, "x3": 1476147, "x4": 1587132, "x8": 2348172},
    }
    assert rows["carn"]["scales"] == [2, 3, 4]
    assert "x8" not in rows["carn"]["params"]


def test_list_as_table(invoke):
    lines = invoke("list").stdout.splitlines()
    assert (
        " ".join(lines[0].split())
        == "id label scales source params x2 params x3 params x4 params x8"
    )
    assert any(line.split()[:2] == ["awsrn_sd", "AWSRN-SD"] for line in lines)
