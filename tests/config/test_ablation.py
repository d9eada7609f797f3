"""Reading ablation files, shipped and the user's own."""

import pytest

from harness.config import ablation
from harness.errors import ConfigError, UsageError


def parsed(**content):
    rows = [{"label": "A", "model": "awsrn_s"}, {"label": "B", "model": "awsrn_sd"}]
    return ablation.parse({"rows": rows} | content, default_name="own", source="own.yaml")


def test_awru_is_table_1():
    table = ablation.load("awru")
    assert table.table == 1
    assert table.scale == 2
    assert [row.label for row in table.rows] == ["Basic RU", "wRU", "AWRU"]
    assert table.benchmarks == ("Set5", "Set14", "B100", "Urban100", "Manga109")


@pytest.mark.parametrize("name", ablation.shipped())
def test_shipped_files_are_valid(name):
    assert ablation.load(name).name == name


def test_a_users_own_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "rows:\n"
        "- {label: plain, model: awsrn_s}\n"
        "- {label: narrow, model: awsrn_s, with: {channels: 16}, drop: [7, 9]}\n"
        "config: {train.steps: 10}\n"
    )
    own = ablation.load(str(path))
    assert (own.name, own.base, own.scale, own.seeds) == ("mine", "plain", 2, (0,))
    assert own.rows[1].overrides == {"channels": 16}
    assert own.rows[1].drop == (7, 9)
    assert own.config == {"train.steps": 10}


def test_single_values_stand_for_lists():
    own = parsed(benchmarks="Set5", seeds=3)
    assert (own.benchmarks, own.seeds) == (("Set5",), (3,))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"tittle": "x"}, "unknown key 'tittle' (did you mean 'title'?)"),
        ({"scale": "two"}, "scale: expected a whole number, not str 'two'"),
        ({"seeds": ["a"]}, "seeds: expected a list of int, found str 'a'"),
        ({"base": "AA"}, "base: there is no row 'AA' (did you mean 'A'?)"),
        (
            {"rows": [{"label": "A", "model": "awsrn", "base": "AA"}]},
            "base: there is no row 'AA' (did you mean 'A'?)",
        ),
        (
            {"rows": [{"label": "A", "model": "awsrn", "base": 3}]},
            "base: expected text, not int 3",
        ),
        ({"rows": []}, "rows: expected a list of rows"),
        ({"rows": ["awsrn"]}, "row 1: expected keys and values, not str 'awsrn'"),
        ({"rows": [{"label": "A"}]}, "row 1: model: expected the id of a network, not nothing"),
        (
            {"rows": [{"label": "A", "model": "awsrn", "whit": {}}]},
            "row 1: unknown key 'whit' (did you mean 'with'?)",
        ),
        ({"config": [1]}, "config: expected keys and values, not list [1]"),
    ],
)
def test_problems_name_file_and_place(content, problem):
    with pytest.raises(ConfigError) as caught:
        parsed(**content)
    assert any(found.startswith(f"own.yaml: {problem}") for found in caught.value.problems)


def test_all_problems_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        parsed(tittle="x", scale="two", seeds=["a"])
    assert len(caught.value.problems) == 3


def test_two_rows_of_one_label_are_refused():
    rows = [{"label": "A", "model": "awsrn_s"}] * 2
    with pytest.raises(ConfigError, match="two rows have the label 'A'"):
        parsed(rows=rows)


def test_unknown_name_gives_the_nearest():
    with pytest.raises(UsageError, match=r"no ablation or file 'awr' \(did you mean 'awru'\?\)"):
        ablation.load("awr")


@pytest.mark.parametrize("text", ["rows: [", "\x00", "- just\n- a list\n", "only text"])
def test_a_file_that_is_no_ablation(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"bad\.yaml"):
        ablation.load(str(path))


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="not readable as YAML"):
        ablation.load(str(path))


def test_retrain_leaves_the_branches_out_from_the_start() -> None:
    row = {"label": "w/o 3", "model": "wdsr_awms", "drop": [3], "retrain": True}
    (made,) = ablation.parse({"rows": [row]}, default_name="a", source="a").rows
    assert (made.overrides, made.drop) == ({"kernel_sizes": [5, 7, 9]}, ())


@pytest.mark.parametrize("drop", [[], [11], [3, 5, 7, 9]])
def test_retrain_needs_branches_to_leave_out(drop: list[int]) -> None:
    row = {"label": "a", "model": "wdsr_awms", "drop": drop, "retrain": True}
    with pytest.raises(ConfigError, match="retrain: expected drop to name some, not all"):
        ablation.parse({"rows": [row]}, default_name="a", source="a")
