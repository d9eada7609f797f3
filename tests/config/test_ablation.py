"""Reading ablation files, shipped and the user's own."""

import random

import pytest
import yaml

from harness.config import ablation, file_limits
from harness.config.settings import settings
from harness.errors import ConfigError, HarnessError, UsageError
from harness.host.paths import bundled
from harness.host.problems import FormatError


def parsed(**content):
    rows = [{"label": "A", "model": "awsrn_s"}, {"label": "B", "model": "awsrn_sd"}]
    return ablation.parse(yaml.safe_dump({"rows": rows} | content), default_name="own")


def problems(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        ablation.load(str(path))
    return [problem.removeprefix(str(path)) for problem in caught.value.problems]


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


def test_pairs_and_a_note_are_read():
    own = parsed(pairs=[{"row": "A", "base": "B", "shows": "the width"}, {"row": "B", "base": "A"}])
    assert [(pair.row, pair.base, pair.shows) for pair in own.pairs] == [
        ("A", "B", "the width"),
        ("B", "A", ""),
    ]
    assert (parsed(note="x").note, parsed().pairs, parsed().note) == ("x", (), "")


def test_pairs_of_table_2_leave_out_the_global_path():
    """Pairs of rows that all have the 3x3 path of AWSRN: none is with the 5x5 one."""
    table = ablation.load("lfb")
    models = {row.label: row.model for row in table.rows}
    assert {(models[pair.row], models[pair.base]) for pair in table.pairs} == {
        ("awsrn_b", "awsrn_na"),
        ("awsrn_b", "awsrn_nl"),
        ("awsrn_b", "wdsr_skip3"),
    }


def test_single_values_stand_for_lists():
    own = parsed(benchmarks="Set5", seeds=3)
    assert (own.benchmarks, own.seeds) == (("Set5",), (3,))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tittle: x\nrows: [{model: a}]", [":1: tittle: unknown key (did you mean 'title'?)"]),
        ("scale: two\nrows: [{model: a}]", [":1: scale: expected a whole number, not 'two'"]),
        ("seeds: [a]\nrows: [{model: a}]", [":1: seeds[0]: expected a whole number, not 'a'"]),
        (
            "rows:\n- {label: A, model: a}\nbase: AA",
            [":3: base: there is no row 'AA' (did you mean 'A'?)"],
        ),
        (
            "rows:\n- {label: A, model: a, base: AA}",
            [":2: row 1: base: there is no row 'AA' (did you mean 'A'?)"],
        ),
        (
            "rows: [{model: a, base: 3}]",
            [':1: row 1: base: expected text, not 3: put it in quotes ("3")'],
        ),
        (
            "rows: [{model: a}, {model: b}]\npairs:\n- {row: a, base: bb}\n- {row: b}",
            [
                ":3: pair 1: base: there is no row 'bb' (did you mean 'b'?)",
                ":4: pair 2: base: missing (label of the row that its difference is taken from)",
            ],
        ),
        (
            "rows: [{model: a}, {model: b}]\npairs: [{row: a, base: a}]",
            [":2: pair 1: 'a' is compared with itself"],
        ),
        (
            "rows: [{model: a, checkpoint: x.pth}, {model: b}]\npairs: [{row: a, base: b}]",
            [
                ":2: pairs: expected none: rows with a checkpoint make a table of whole systems",
            ],
        ),
        ("rows: []", [":1: rows: expected at least one"]),
        ("name: x", [":1: rows: missing (the rows, in table order, each with a model)"]),
        ("rows: [awsrn]", [":1: row 1: expected keys and values, not 'awsrn'"]),
        (
            "rows:\n- label: A",
            [":2: row 1: model: missing (id of a network in `harness list`, or FILE.py:CLASS)"],
        ),
        (
            "rows: [{model: a, whit: {}}]",
            [":1: row 1: whit: unknown key (did you mean 'with'?)"],
        ),
        (
            "rows: [{model: a}]\nconfig: [1]",
            [":2: config: expected keys and values, not a list"],
        ),
        (
            "rows: [{model: a}]\nconfig: {train.steps: 1, train: {steps: 2}}",
            [":2: config: 'train.steps' stands there twice, dotted and nested"],
        ),
        ("rows: [{model: a}, {model: a}]", [":1: rows: two rows have the label 'a'"]),
        (
            "rows:\n- {label: 5, model: a}\n- {label: no, model: a}\n- {label: 1.5, model: a}",
            [
                ':2: row 1: label: expected text, not 5: put it in quotes ("5")',
                ":3: row 2: label: expected text, not no, which YAML reads as false: "
                'put it in quotes ("no")',
                ':4: row 3: label: expected text, not 1.5: put it in quotes ("1.5")',
            ],
        ),
        (
            "rows:\n- {model: a}\nconfig: {x: 1}\nconfig: {y: 1}\nrows:\n- {model: b}",
            [
                ":4: config: stands twice, first in line 3",
                ":5: rows: stands twice, first in line 1",
            ],
        ),
        (
            "base: C\nscale: x\nrows:\n- {model: a, drop: [3], retrain: 1}\n- {model: a}",
            [
                ":1: base: there is no row 'C' (known: a)",
                ":2: scale: expected a whole number, not 'x'",
                ":3: rows: two rows have the label 'a'",
                ":4: row 1: retrain: expected true or false, not 1",
            ],
        ),
    ],
)
def test_every_problem_stands_once_with_line_and_place(tmp_path, text, found):
    listed = problems(tmp_path, text)
    assert sorted(listed) == sorted(found)


def test_settings_may_be_dotted_or_nested():
    expected = {"train.steps": 5, "train.lr": 0.1, "precision": "fp32"}
    nested = {"train": {"steps": 5, "lr": 0.1}, "precision": "fp32"}
    assert parsed(config=nested).config == parsed(config=expected).config == expected


def test_no_value_stands_for_the_default():
    own = parsed(config=None, params_from=None, table=None)
    assert (own.config, own.params_from, own.table) == ({}, None, None)


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
    with pytest.raises(UsageError, match="is not UTF-8"):
        ablation.load(str(path))


@pytest.mark.parametrize(
    "key",
    [key for key, setting in settings().items() if setting.users],
)
def test_a_file_does_not_set_what_is_its_users(tmp_path, key):
    section, _, name = key.rpartition(".")
    nested = f"{section}: {{{name}: x}}" if section else f"{key}: x"
    for line in (f"{key}: x", nested):
        (problem,) = problems(tmp_path, f"rows: [{{model: a}}]\nconfig:\n  {line}")
        assert problem.startswith(f":3: config.{key}: ")
        assert f"{key}=VALUE" in problem
        assert "train.steps" in problem


@pytest.mark.parametrize("name", ["../../x", "a/b", ".", "a b", "/tmp/x", "-a", "a.b", "x" * 101])
def test_a_name_is_a_slug(tmp_path, name):
    (problem,) = problems(tmp_path, f"name: {name}\nrows: [{{model: a}}]")
    assert problem.startswith(":1: name: expected letters, digits, - and _")


@pytest.mark.parametrize(
    "name", ["awru", "AWRU", "lfb_x2_T291", "table5", "table5_rescored", "protocol", "modern"]
)
def test_a_file_has_not_the_name_of_a_table_of_the_project(tmp_path, name):
    (problem,) = problems(tmp_path, f"name: {name}\nrows: [{{model: a}}]")
    assert problem.startswith(f": name: expected another than '{name}'")
    path = tmp_path / f"{name}.yaml"
    path.write_text("rows: [{model: a}]")
    with pytest.raises(ConfigError, match="expected another than"):
        ablation.load(str(path))


@pytest.mark.parametrize("name", ["my_awru", "awru2", "table5_mine"])
def test_names_that_are_only_alike_are_free(tmp_path, name):
    path = tmp_path / "own.yaml"
    path.write_text(f"name: {name}\nrows: [{{model: a}}]")
    assert ablation.load(str(path)).name == name
    assert not ablation.load(str(path)).shipped


def test_every_table_of_no_ablation_has_a_name_that_is_kept_free():
    from harness.reports.tables import efficiency, modern, protocol, rescored

    assert {efficiency.NAME, modern.NAME, protocol.NAME, rescored.NAME} <= set(file_limits.TABLES)


def test_a_shipped_file_by_its_path_is_the_shipped_one():
    assert ablation.load(str(bundled("ablations") / "awru.yaml")) == ablation.load("awru")
    assert ablation.load("awru").shipped


@pytest.mark.parametrize("text", ["CARN", "[CARN, IMDN]"])
def test_published_rows_are_one_or_several(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(f"published: {text}\nrows: [{{model: a}}]")
    assert ablation.load(str(path)).published[0] == "CARN"


@pytest.mark.parametrize(
    ("stem", "name"),
    [("my rows (v2)", "my_rows_v2"), ("a.b", "a_b"), ("größe-2", "größe-2"), ("...", "ablation")],
)
def test_without_a_name_it_is_the_file_s_as_a_slug(tmp_path, stem, name):
    path = tmp_path / f"{stem}.yaml"
    path.write_text("rows: [{model: a}]")
    assert ablation.load(str(path)).name == name


def test_retrain_leaves_the_branches_out_from_the_start() -> None:
    row = {"label": "w/o 3", "model": "wdsr_awms", "drop": 3, "retrain": True}
    (made,) = parsed(rows=[row]).rows
    assert (made.overrides, made.drop) == ({"kernel_sizes": [5, 7, 9]}, ())


@pytest.mark.parametrize("drop", [[], [11], [3, 5, 7, 9], [3, 11]])
def test_retrain_needs_branches_to_leave_out(drop: list[int]) -> None:
    row = {"label": "a", "model": "wdsr_awms", "drop": drop, "retrain": True}
    with pytest.raises(FormatError, match="retrain: expected drop to name some, not all"):
        parsed(rows=[row])


@pytest.mark.parametrize("sizes", [[[3]], 3, {"a": 1}, None])
def test_kernel_sizes_that_are_none_cannot_be_left_out(sizes) -> None:
    row = {"model": "a", "drop": [3], "retrain": True, "with": {"kernel_sizes": sizes}}
    with pytest.raises(FormatError, match="retrain"):
        parsed(rows=[row])


WORDS = ("", "no", "010", "1:30", "5", "~", "x", "[x]", "{x: 1}", "&a [*a]", "*b", '"', "1e999")


def mutated(lines, choose):
    """Drop, repeat, break or move one to three lines of a file."""
    for _ in range(choose.randint(1, 3)):
        place = choose.randrange(len(lines))
        line = lines[place]
        change = choose.randrange(4)
        if change == 0 and len(lines) > 1:
            del lines[place]
        elif change == 1:
            lines.insert(choose.randrange(len(lines)), line)
        elif change == 2:
            lines[place] = f"{line.partition(':')[0]}: {choose.choice(WORDS)}"
        else:
            where = choose.randrange(len(line) + 1)
            lines[place] = line[:where] + choose.choice(":{}[],'#-? \t5") + line[where:]
    return "\n".join(lines)


def test_200_damaged_files_give_our_errors_only(tmp_path):
    """Each change is one that people make: a line lost, repeated, mistyped or a key misspelt."""
    path, choose, read, listed = tmp_path / "own.yaml", random.Random(0), 0, []
    originals = [
        (bundled("ablations") / f"{name}.yaml")
        .read_text()
        .replace(f"name: {name}", "name: own")
        .splitlines()
        for name in ("awru", "fixed_scaling", "init", "lrfu_kernel")
    ]
    for number in range(200):
        path.write_text(mutated(list(originals[number % 4]), choose))
        try:
            ablation.load(str(path))
            read += 1
        except HarnessError as error:
            listed += [str(path) in str(error) and len(str(error)) < 4000]
    assert 10 < read < 150
    assert all(listed)
