"""An ablation: the rows to compare, read from a YAML file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from harness.config import paper
from harness.errors import ConfigError, UsageError, suggest
from harness.host.paths import bundled

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an ablation.

    Attributes:
        label: Name in the table; joins the row to the published numbers.
        model: Id of a network, or ``file.py:Class`` for the user's own.
        overrides: Constructor arguments that differ from the registered ones.
        drop: Kernel sizes of AWMS branches removed after training (Table 4).
        checkpoint: Files of weights to load instead of training, the first that is there
            and for the scale: names in ``results/published/weights.yaml``, or paths, in
            which ``{scale}`` stands for the factor.
        base: Label of the row that its differences are taken from, where that is not the
            ablation's.
    """

    label: str
    model: str
    overrides: dict[str, Any] = field(default_factory=dict)
    drop: tuple[int, ...] = ()
    checkpoint: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True, slots=True)
class Ablation:
    """Rows that differ in one thing each, and the settings they share.

    Attributes:
        name: Short name, used in file names.
        title: What the table shows.
        table: Number of the paper's table it reproduces, if any.
        scale: Upscaling factor, unless the user asks for another.
        benchmarks: Sets to score, those that are present.
        seeds: Seeds, unless the user asks for others.
        base: Label of the row that differences are taken from, unless a row names another.
        params_from: Id of a registered network that differences of parameters are taken from
            instead, where the base row differs from the others in more than what is ablated.
        rows: The rows, in table order.
        config: ``KEY: VALUE`` settings that the rows share, below the user's own.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    base: str
    table: int | None = None
    scale: int = 2
    benchmarks: tuple[str, ...] = paper.SETS
    seeds: tuple[int, ...] = (0,)
    config: dict[str, Any] = field(default_factory=dict)
    params_from: str | None = None

    @property
    def compares_systems(self) -> bool:
        """Whether rows are whole systems, with weights from anywhere, as in Table 5.

        Otherwise they differ in one thing each and are all trained alike.
        """
        return any(row.checkpoint for row in self.rows)


def shipped() -> tuple[str, ...]:
    """Return the names of the ablations that come with the project."""
    return tuple(sorted(path.stem for path in bundled("ablations").glob("*.yaml")))


def load(name: str) -> Ablation:
    """Read an ablation by its name, or from a path to a user's own YAML file.

    Raises:
        UsageError: There is no such ablation or file.
        ConfigError: The file is not an ablation; every problem is listed.
    """
    path = Path(name)
    if name in shipped():
        path = bundled("ablations") / f"{name}.yaml"
    elif not path.is_file():
        raise UsageError(f"there is no ablation or file '{name}'{suggest(name, shipped())}")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"'{path}' is not readable as YAML: {' '.join(str(error).split())}") from (
            error
        )
    return parse(raw, default_name=path.stem, source=str(path))


def parse(raw: object, *, default_name: str, source: str) -> Ablation:
    """Check the content of an ablation file.

    Raises:
        ConfigError: Something is missing, unknown or of the wrong type; every problem
            is listed.
    """
    reader = _Reader(source)
    if not isinstance(raw, dict):
        raise ConfigError([f"{source}: expected keys and values, not {_kind(raw)}"])
    reader.unknown(raw, _KEYS, "")
    rows = reader.rows(raw.get("rows"))
    labels = [row.label for row in rows]
    base = reader.text(raw, "base", labels[0] if labels else "")
    for named in (base, *(row.base for row in rows if row.base)):
        if labels and named not in labels:
            reader.problem(f"base: there is no row '{named}'{suggest(named, labels)}")
    ablation = Ablation(
        name=reader.text(raw, "name", default_name),
        title=reader.text(raw, "title", default_name),
        rows=rows,
        base=base,
        table=reader.whole(raw, "table", None),
        scale=reader.whole(raw, "scale", 2) or 2,
        benchmarks=reader.sequence(raw, "benchmarks", paper.SETS, str),
        seeds=reader.sequence(raw, "seeds", (0,), int),
        config=reader.mapping(raw, "config"),
        params_from=reader.text(raw, "params_from", "") or None,
    )
    reader.finish()
    return ablation


_KEYS = (
    "name",
    "title",
    "table",
    "scale",
    "benchmarks",
    "seeds",
    "base",
    "params_from",
    "rows",
    "config",
)
_ROW_KEYS = ("label", "model", "with", "drop", "retrain", "checkpoint", "base")


class _Reader:
    """Typed look-ups in a YAML mapping that note problems and go on."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(f"{self.source}: {text}")

    def finish(self) -> None:
        if self.problems:
            raise ConfigError(self.problems)

    def unknown(self, raw: dict[Any, Any], known: Iterable[str], where: str) -> None:
        for key in raw:
            if key not in known:
                self.problem(f"{where}unknown key '{key}'{suggest(str(key), known)}")

    def text(self, raw: dict[str, Any], key: str, default: str) -> str:
        value = raw.get(key, default)
        if isinstance(value, str):
            return value
        self.problem(f"{key}: expected text, not {_kind(value)}")
        return default

    def whole(self, raw: dict[str, Any], key: str, default: int | None) -> int | None:
        value = raw.get(key, default)
        if value is default or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.problem(f"{key}: expected a whole number, not {_kind(value)}")
        return default

    def sequence(
        self, raw: dict[str, Any], key: str, default: tuple[_T, ...], kind: type[_T]
    ) -> tuple[_T, ...]:
        value = raw.get(key, default)
        items = value if isinstance(value, list | tuple) else [value]
        wrong = [item for item in items if not isinstance(item, kind) or isinstance(item, bool)]
        if wrong:
            self.problem(f"{key}: expected a list of {kind.__name__}, found {_kind(wrong[0])}")
            return default
        return tuple(items)

    def mapping(self, raw: dict[str, Any], key: str, where: str = "") -> dict[str, Any]:
        value = raw.get(key) or {}
        if isinstance(value, dict):
            return {str(name): item for name, item in value.items()}
        self.problem(f"{where}{key}: expected keys and values, not {_kind(value)}")
        return {}

    def rows(self, value: object) -> tuple[Row, ...]:
        if not isinstance(value, list) or not value:
            self.problem("rows: expected a list of rows, each with a label and a model")
            return ()
        rows = tuple(
            row for number, raw in enumerate(value, 1) if (row := self.row(raw, number)) is not None
        )
        labels = [row.label for row in rows]
        for label in sorted({label for label in labels if labels.count(label) > 1}):
            self.problem(f"rows: two rows have the label '{label}'")
        return rows

    def row(self, raw: object, number: int) -> Row | None:
        where = f"row {number}: "
        if not isinstance(raw, dict):
            self.problem(f"{where}expected keys and values, not {_kind(raw)}")
            return None
        self.unknown(raw, _ROW_KEYS, where)
        model = raw.get("model")
        if not isinstance(model, str):
            self.problem(f"{where}model: expected the id of a network, not {_kind(model)}")
            return None
        overrides = self.mapping(raw, "with", where)
        drop = self.sequence(raw, "drop", (), int)
        if self.truth(raw, "retrain", where):
            overrides, drop = self.without(drop, overrides, where), ()
        return Row(
            label=self.text(raw, "label", model),
            model=model,
            overrides=overrides,
            drop=drop,
            checkpoint=self.sequence(raw, "checkpoint", (), str),
            base=self.text(raw, "base", ""),
        )

    def truth(self, raw: dict[str, Any], key: str, where: str) -> bool:
        value = raw.get(key, False)
        if not isinstance(value, bool):
            self.problem(f"{where}{key}: expected true or false, not {_kind(value)}")
        return value is True

    def without(
        self, drop: tuple[int, ...], overrides: dict[str, Any], where: str
    ) -> dict[str, Any]:
        """Return the options of a network that is trained without some branches."""
        sizes = overrides.get("kernel_sizes", paper.KERNEL_SIZES)
        if not drop or not set(drop) < set(sizes):
            self.problem(
                f"{where}retrain: expected drop to name some, not all, of the branches "
                f"{', '.join(map(str, sizes))}"
            )
        return overrides | {"kernel_sizes": [size for size in sizes if size not in drop]}


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"
