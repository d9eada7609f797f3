"""Whole systems compared, as in Table 5: a line as printed and a line of ours for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.config import paper
from harness.config.ablation import Ablation, Row
from harness.config.protocols import DEFAULT
from harness.records import published, published_systems, released
from harness.records.belonging import belongs
from harness.records.failure import Failure
from harness.records.means import mean_scores
from harness.records.published import Published
from harness.records.record import Record
from harness.records.released import ReleasedScores
from harness.records.selection import longest_training
from harness.reports import notes
from harness.reports.tables import beside, loaded
from harness.reports.tables.fields import (
    Field,
    as_printed,
    columns_of,
    counted,
    doubt_notes,
    field,
    hidden,
    misprint_notes,
    rows_of,
    scored,
)
from harness.reports.tables.table import Table, TableCell

_METRICS = ("psnr_db", "ssim")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: a system at one scale, as printed or as measured here.

    Attributes:
        label: The system.
        scale: Upscaling factor.
        source: ``paper``, or which weights or training ours are.
        params: Trainable scalars, or the printed figure in units of 1e3.
        multi_adds: For a 1280x720 output, or the printed figure in units of 1e9.
        scores: PSNR in dB and SSIM by set.
        records: Ours: where the scores are stored, one a seed.
        printed: The paper's: the published cells.
    """

    label: str
    scale: int
    source: str
    params: TableCell
    multi_adds: TableCell
    scores: Mapping[tuple[str, str], TableCell]
    records: tuple[Record, ...] = ()
    printed: tuple[Published, ...] = ()


def build(
    ablation: Ablation, records: Iterable[Record], failures: Iterable[Failure] = ()
) -> tuple[Table, ...]:
    """Return the table of a comparison, none where nothing of it was run.

    Args:
        ablation: The systems, and which table of the paper they stand in, if any.
        records: Any records; of a system, scored weights go before networks trained here,
            and of these the longest training goes first. Those of another protocol than
            the default are left out.
        failures: Any failures; a system of which nothing else is known is shown as failed.

    Raises:
        UsageError: The ablation names a table that the paper does not have.
        RecordError: The published values cannot be read.
    """
    usable = [record for record in records if record.protocol == DEFAULT.name]
    scored = ReleasedScores(usable)
    ours = {
        (row.label, scale): line
        for row in ablation.rows
        for scale in sorted({record.scale for record in usable})
        if (line := _ours(row, scale, usable, scored))
    }
    if not ours:
        return ()
    failed = [run for run in failures if any(_concerns(run, row) for row in ablation.rows)]
    ours |= {
        (run.label, run.scale): _failed_line(run)
        for run in failed
        if (run.label, run.scale) not in ours  # else of other seeds, or sets
    }
    printed = _printed(ablation, scales={scale for _, scale in ours})
    lines = [
        line
        for key in _order(printed, ours)
        for line in (printed.get(key), ours.get(key))
        if line is not None
    ]
    return (_table(ablation, lines, failed),)


def _order(
    printed: Mapping[tuple[str, int], _Line], ours: Mapping[tuple[str, int], _Line]
) -> list[tuple[str, int]]:
    """Return the systems scale by scale, the paper's first and in its order."""
    return sorted(dict.fromkeys([*printed, *ours]), key=lambda key: key[1])


def _printed(ablation: Ablation, *, scales: set[int]) -> dict[tuple[str, int], _Line]:
    cells = published.load(ablation.table) if ablation.table is not None else ()
    by_system: dict[tuple[str, int], list[Published]] = {}
    for cell in cells:
        if cell.scale in scales:
            by_system.setdefault((cell.label, cell.scale), []).append(cell)
    for scale in scales:
        for system in published_systems.systems(ablation.published, scale):
            by_system.setdefault((system.label, scale), list(system.cells))
    return {key: _printed_line(*key, cells) for key, cells in by_system.items()}


def _printed_line(label: str, scale: int, cells: Sequence[Published]) -> _Line:
    values = {(cell.set, cell.metric): as_printed(cell) for cell in cells}
    return _Line(
        label,
        scale,
        "paper",
        params=values.get(("", "params_k")),
        multi_adds=values.get(("", "multi_adds_g")),
        scores={key: value for key, value in values.items() if key[1] in _METRICS},
        printed=tuple(cells),
    )


def _concerns(run: Failure, row: Row) -> bool:
    """Tell whether a failure is of a row; weights may be of another model than the row names."""
    return run.label == row.label and (bool(row.checkpoint) or belongs(run, row))


def _failed_line(run: Failure) -> _Line:
    return _Line(run.label, run.scale, "failed", params=None, multi_adds=None, scores={})


def _ours(row: Row, scale: int, records: Sequence[Record], scored: ReleasedScores) -> _Line | None:
    at_scale = [record for record in records if record.scale == scale]
    if found := loaded.find(row, scale, at_scale, scored):
        record, source = found
        return _line(row.label, source, (record,))
    trained = longest_training(record for record in at_scale if belongs(record, row))
    if not trained or not set(row.checkpoint) <= released.by_file().keys():
        return None  # a user's own weights are loaded, never trained instead
    return _line(row.label, _training(trained[0]), trained)


def _training(record: Record) -> str:
    short = "" if record.full_budget else " *"
    return f"{record.steps:,} steps{short}"


def _line(label: str, source: str, records: tuple[Record, ...]) -> _Line:
    first = records[0]
    scores = {
        (name, metric): value
        for name, pair in mean_scores([record.scores for record in records]).items()
        for metric, value in zip(_METRICS, pair, strict=True)
    }
    multi_adds = counted(first.multi_adds)
    return _Line(label, first.scale, source, first.params, multi_adds, scores, records=records)


def _table(ablation: Ablation, lines: Sequence[_Line], failed: Sequence[Failure]) -> Table:
    scored = dict.fromkeys(name for line in lines for name, _ in line.scores)
    sets = [name for name in paper.SETS if name in scored]
    sets += [name for name in scored if name not in paper.SETS]
    origin = f" (Table {ablation.table} of the paper)" if ablation.table is not None else ""
    of_paper = ablation.shipped and ablation.table == paper.SYSTEMS_TABLE
    fields = _fields(sets, [cell for line in lines for cell in line.printed])
    return Table(
        name="table5" if of_paper else ablation.name,
        title=f"{ablation.title}{origin}",
        columns=columns_of(fields),
        rows=rows_of(
            fields,
            lines,
            block=lambda line: line.scale,
            group=lambda line: _group(line.scale, ours=bool(line.records)),
        ),
        notes=(
            *_notes(lines),
            *beside.trained_on_note(ablation.published),
            *notes.failed_text(failed),
        ),
        long=True,
        marks="two",
        lead=3,
    )


def _group(scale: int, *, ours: bool) -> str:
    """Return which lines compete for the marks."""
    return f"x{scale} {'ours' if ours else 'paper'}"


def _fields(sets: Sequence[str], cells: Iterable[Published]) -> list[Field[_Line]]:
    mixed: dict[str, dict[str, None]] = {}  # by set, groups with SSIM of several evaluations
    for cell in cells:
        if cell.metric == "ssim" and not cell.comparable:
            mixed.setdefault(cell.set, {})[_group(cell.scale, ours=False)] = None
    fields: list[Field[_Line]] = [
        field("scale", "Scale", lambda line: line.scale, "count"),
        field("label", "Model", lambda line: line.label),
        field("source", "Source", lambda line: line.source),
        field("params", "Params\n(K)", lambda line: line.params, "kilo"),
        field("multi_adds", "Multi-Adds\n(G)", lambda line: line.multi_adds, "giga"),
    ]
    for name in sets:
        fields += scored(name, lambda line: line.scores, unranked=tuple(mixed.get(name, ())))
    return [
        *fields,
        _origin("record_ids", lambda record: record.id),
        _origin("seeds", lambda record: record.seed),
        _origin("steps", lambda record: record.steps if record.group else None),
        _origin("device", notes.device),
        _origin("commit", lambda record: notes.commit(record, digits=40)),
        _origin("weights_sha256", _weights_sha256),
    ]


def _origin(key: str, of: Callable[[Record], object]) -> Field[_Line]:
    """Return a column of the CSV file that lists a property of the records of a line."""
    return hidden(key, lambda line: notes.distinct(line.records, of))


def _weights_sha256(record: Record) -> str | None:
    return record.data.weights.sha256 if record.data.weights else None


def _not_ranked(cells: Iterable[Published]) -> list[str]:
    scales = sorted({cell.scale for cell in cells if not cell.comparable})
    return [
        f"SSIM of the paper at x{scale} is not ranked: it comes from different evaluations."
        for scale in scales
    ]


def _notes(lines: Sequence[_Line]) -> tuple[str, ...]:
    ours = [line for line in lines if line.records]
    printed = [cell for line in lines for cell in line.printed]
    used = [record for line in ours for record in line.records]
    lr = notes.lr_text(score for record in used for score in record.scores)
    texts = [
        f"Ours: protocol {DEFAULT.name}; {lr}; {released.KINDS_TEXT}; parameters as built, "
        "Multi-Adds as PyTorch computes them.",
        "Bold: best, underlined: second best, at each scale among the printed and among ours.",
        *misprint_notes(printed),
        *_not_ranked(printed),
    ]
    if any(record.group and not record.full_budget for record in used):
        trained = [record for record in used if record.group]
        texts.append(
            f"*: short budget, fewer than the {paper.STEPS:,} steps of the authors' code, so not "
            f"comparable with the printed lines: {notes.training_text(trained)}."
        )
    texts += doubt_notes(
        (f"{line.label} x{line.scale}", record.count_doubts)
        for line in ours
        for record in line.records
    )
    texts.append(
        f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}."
    )
    return tuple(texts)
