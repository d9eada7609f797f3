"""An ablation: the rows to compare, read from a YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from harness.config import file_limits, paper
from harness.config.contradictions import contradictions
from harness.errors import ConfigError, UsageError, suggest
from harness.host.declaring import AtLeastOne, OneOrMore
from harness.host.paths import bundled
from harness.host.problems import FormatError, Problem, named
from harness.host.reading import read_text
from harness.host.yaml_reading import from_yaml
from harness.models.variant import EXPECTS


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


def _doc(text: str, *, key: str = "") -> dict[str, str]:
    """Return what a key of the file means, and its name where Python forbids it, for a field."""
    return {"description": text} | ({"alias": key} if key else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two rows that differ in one thing, where the base of the row differs in more."""

    row: str = field(metadata=_doc("label of the row"))
    base: str = field(metadata=_doc("label of the row that its difference is taken from"))
    shows: str = field(default="", metadata=_doc("the one thing that they differ in"))


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
        pairs: Further differences, between rows of which neither is the other's base.
        note: What to know of the comparison, printed under the table.
        published: Labels of published rows to stand beside its own.
        shipped: Whether it comes with the project, so that its tables are those of the paper.
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
    pairs: tuple[Pair, ...] = ()
    note: str = ""
    published: tuple[str, ...] = ()
    shipped: bool = False

    @property
    def compares_systems(self) -> bool:
        """Whether rows are whole systems, with weights from anywhere, as in Table 5.

        Otherwise they differ in one thing each and are all trained alike.
        """
        return any(row.checkpoint for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEntry:
    """One row: a network, and in what it differs."""

    label: str = field(
        default="", metadata=_doc("name in the table; without one, the id of the network")
    )
    model: str = field(metadata=_doc("id of a network in `harness list`, or FILE.py:CLASS"))
    with_: dict[str, Any] | None = field(
        default=None, metadata=_doc("constructor arguments that differ", key="with")
    )
    drop: Annotated[tuple[int, ...], OneOrMore()] = field(
        default=(), metadata=_doc("kernel sizes of AWMS branches removed after training")
    )
    retrain: bool = field(
        default=False, metadata=_doc("train without the branches in `drop` from the start")
    )
    checkpoint: Annotated[tuple[str, ...], OneOrMore()] = field(
        default=(),
        metadata=_doc(
            "weights to load instead of training, the first that is there: names in "
            "results/published/weights.yaml, or paths, in which {scale} stands for the factor"
        ),
    )
    expects: dict[str, Any] | None = field(
        default=None,
        metadata=_doc(
            "what a network of others is given and returns, where it is not RGB in 0..255: "
            "range, mean, pad_to, luma"
        ),
    )
    base: str = field(
        default="", metadata=_doc("row that differences are taken from, if not the ablation's")
    )

    def __post_init__(self) -> None:
        """Refuse branches to leave out that are not there, or none, or all.

        Raises:
            ValueError: ``drop`` is so.
        """
        left = [size for size in self.kernel_sizes if size not in self.drop]
        there = all(size in self.kernel_sizes for size in self.drop)
        if self.retrain and not (self.drop and there and left):
            sizes = ", ".join(map(str, self.kernel_sizes))
            raise ValueError(
                f"retrain: expected drop to name some, not all, of the branches {sizes}"
            )

    @property
    def kernel_sizes(self) -> list[Any]:
        """The branches that the network has, before any is dropped."""
        sizes = (self.with_ or {}).get("kernel_sizes", paper.KERNEL_SIZES)
        return list(sizes) if isinstance(sizes, list | tuple) else []

    def row(self) -> Row:
        """Return the row; one that is trained without branches has them left out of its network."""
        overrides, drop = dict(self.with_ or {}), self.drop
        if self.expects is not None:
            overrides[EXPECTS] = self.expects
        if self.retrain:
            overrides["kernel_sizes"] = [size for size in self.kernel_sizes if size not in drop]
            drop = ()
        return Row(
            self.label or self.model, self.model, overrides, drop, self.checkpoint, self.base
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationFile:
    """An ablation of awsrn-harness: rows that differ in one thing each."""

    name: str = field(
        default="",
        metadata=_doc(
            "short name, used in file names: letters, digits, - and _; without one, the file's"
        ),
    )
    title: str = field(default="", metadata=_doc("what the table shows"))
    table: int | None = field(
        default=None, metadata=_doc("number of the paper's table that it reproduces")
    )
    scale: int = field(
        default=2, metadata=_doc("upscaling factor, unless the user asks for another")
    )
    benchmarks: Annotated[tuple[str, ...], OneOrMore()] = field(
        default=paper.SETS, metadata=_doc("sets to score, those that are present")
    )
    seeds: Annotated[tuple[int, ...], OneOrMore()] = field(
        default=(0,), metadata=_doc("seeds, unless the user asks for others")
    )
    base: str = field(
        default="", metadata=_doc("row that differences are taken from; without one, the first")
    )
    params_from: str | None = field(
        default=None,
        metadata=_doc("id of a network that differences of parameters are taken from instead"),
    )
    rows: Annotated[tuple[RowEntry, ...], AtLeastOne()] = field(
        metadata=_doc("the rows, in table order, each with a model")
    )
    pairs: tuple[Pair, ...] = field(
        default=(),
        metadata=_doc("further rows to compare with each other; p is corrected for them, too"),
    )
    note: str = field(
        default="", metadata=_doc("what to know of the comparison, printed under the table")
    )
    published: Annotated[tuple[str, ...], OneOrMore()] = field(
        default=(),
        metadata=_doc(
            "published rows to stand beside these, by their labels in the paper's Table 5, or IMDN"
        ),
    )
    config: dict[str, Any] | None = field(
        default=None,
        metadata=_doc(
            "settings that the rows share, dotted or nested, of those that say what the experiment "
            "is; the user's own KEY=VALUE go first"
        ),
    )


def shipped() -> tuple[str, ...]:
    """Return the names of the ablations that come with the project."""
    return tuple(sorted(path.stem for path in bundled("ablations").glob("*.yaml")))


def file(name: str) -> Path:
    """Return the YAML file of a shipped ablation, or of a user's own by its path.

    Raises:
        UsageError: There is none.
    """
    path = bundled("ablations") / f"{name}.yaml" if name in shipped() else Path(name)
    if path.is_file():
        return path
    raise UsageError(f"there is no ablation or file '{name}'{suggest(name, shipped())}")


def load(name: str) -> Ablation:
    """Read an ablation by its name, or from a path to a user's own YAML file.

    Raises:
        UsageError: There is none, or a ConfigError with every problem of what is there.
    """
    path = file(name)
    try:
        found = parse(read_text(path), default_name=path.stem)
    except FormatError as error:
        raise ConfigError(_said(path, problem) for problem in error.problems) from error
    found = replace(found, shipped=path.parent.resolve() == bundled("ablations").resolve())
    if not found.shipped and (why := file_limits.taken(found.name, shipped())):
        raise ConfigError([f"{path}: name: {why}"])
    return found


def parse(text: str, *, default_name: str) -> Ablation:
    """Read the text of an ablation file.

    Args:
        text: YAML.
        default_name: Its name where it states none.

    Raises:
        FormatError: Something is missing, unknown or of the wrong type; every problem
            is listed once, with its line.
    """
    content = from_yaml(AblationFile, text, also=contradictions)
    rows = tuple(entry.row() for entry in content.rows)
    return Ablation(
        name=content.name or file_limits.slug(default_name),
        title=content.title or default_name,
        rows=rows,
        base=content.base or rows[0].label,
        table=content.table,
        scale=content.scale,
        benchmarks=content.benchmarks,
        seeds=content.seeds,
        config=dict(file_limits.flat(content.config or {})),
        params_from=content.params_from or None,
        pairs=content.pairs,
        note=content.note,
        published=content.published,
    )


def _said(path: Path, problem: Problem) -> str:
    """Return a problem with file and line; rows and pairs are counted from 1, as people do."""
    where = str(path) if problem.line is None else f"{path}:{problem.line}"
    match problem.place:
        case ("rows" | "pairs" as listed, int(index), *rest):
            entry = f"{listed.removesuffix('s')} {index + 1}"
            place = ": ".join(filter(None, (entry, named(tuple(rest)))))
        case _:
            place = named(problem.place)
    return ": ".join(filter(None, (where, place, problem.text)))
