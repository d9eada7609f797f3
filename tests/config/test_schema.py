"""The schema of ablation files says what the reader accepts, and describes every key."""

import json

import pytest
import yaml

from harness.config import ablation
from harness.config.schema import ablation_schema
from harness.config.settings import settings
from harness.host.paths import bundled

SCHEMA = json.loads(ablation_schema())
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value, schema):
    """Tell whether a value is right by a schema; of its keywords those that ours use."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return any(fits(value, option) for option in schema["anyOf"])
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (value is True and kind == "integer")):
        return False
    if value not in schema.get("enum", [value]) or (
        "minimum" in schema and value < schema["minimum"]
    ):
        return False
    if "maximum" in schema and value > schema["maximum"]:
        return False
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(
            fits(item, schema.get("items", {})) for item in value
        )
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        missing = set(schema.get("required", ())) - value.keys()
        return not missing and all(
            fits(item, known[key]) if key in known else others is not False
            for key, item in value.items()
        )
    return True


def own(**content):
    return {"rows": [{"model": "awsrn_s"}]} | content


@pytest.mark.parametrize("name", ablation.shipped())
def test_shipped_files_fit(name):
    text = (bundled("ablations") / f"{name}.yaml").read_text(encoding="utf-8")
    assert fits(yaml.safe_load(text), SCHEMA)


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (own(), True),
        (own(seeds=3, benchmarks="Set5"), True),
        (own(config={"train.steps": 5, "data": {"test": ["Set5"]}}), True),
        (own(config={"train": {"steps": 5, "lr": 1e-3}, "scale": 2}), True),
        (own(config=None), True),
        (own(tittle="x"), False),
        (own(scale="two"), False),
        (own(rows=[]), False),
        (own(rows=[{"label": "A"}]), False),
        (own(rows=[{"model": "a", "whit": {}}]), False),
        (own(config={"train.step": 5}), False),
        (own(config={"train": {"steps": 0}}), False),
        (own(config={"precision": "fp16"}), False),
        (own(config={"train": {"steps": 10**10}}), False),
        (own(config={"tracking.uri": "http://somewhere"}), False),
        (own(config={"data": {"root": "/x"}}), False),
    ],
)
def test_schema_tells_right_from_wrong(content, right):
    assert fits(content, SCHEMA) is right


def test_every_key_is_described():
    keys = [
        SCHEMA["properties"],
        SCHEMA["$defs"]["RowEntry"]["properties"],
        SCHEMA["properties"]["config"]["anyOf"][0]["properties"],
    ]
    for properties in keys:
        for key, value in properties.items():
            assert value.get("description") or value["properties"], key
    shared = {key for key, setting in settings().items() if not setting.users}
    assert shared == {key for key in keys[2] if "properties" not in keys[2][key]}
    assert not {"results", "tracking", "results.root", "device"} & keys[2].keys()


def test_the_command_prints_it(invoke):
    result = invoke("settings", "--schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == SCHEMA
