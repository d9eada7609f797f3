"""Whole systems compared, as in Table 5: a line as printed and a line of ours for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath

from harness.config.ablation import PAPER_SETS, Ablation, Row
from harness.config.protocols import DEFAULT
from harness.records import published, released
from harness.records.published import Published
from harness.records.record import Record
from harness.records.scored import Scored
from harness.records.selection import belongs, by_group, mean_scores
from harness.reports import notes as provenance
from harness.reports.tables.table import Cell, Column, Table, TableRow

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
    """

    label: str
    scale: int
    source: str
    params: Cell
    multi_adds: Cell
    scores: Mapping[tuple[str, str], Cell]
    records: tuple[Record, ...] = ()


def build(ablation: Ablation, records: Iterable[Record]) -> tuple[Table, ...]:
    """Return the table of a comparison, none where nothing of it was run.

    Args:
        ablation: The systems, and which table of the paper they stand in, if any.
        records: Any records; of a system, scored weights go before networks trained here,
            and of these the longest training goes first. Those of another protocol than
            the default are left out.

    Raises:
        UsageError: The ablation names a table that the paper does not have.
        RecordError: The published values cannot be read.
    """
    usable = [record for record in records if record.protocol == DEFAULT.name]
    ours = {
        (row.label, scale): line
        for row in ablation.rows
        for scale in sorted({record.scale for record in usable})
        if (line := _ours(row, scale, usable))
    }
    if not ours:
        return ()
    printed = _printed(ablation, scales={scale for _, scale in ours})
    lines = [
        line
        for key in _order(printed, ours)
        for line in (printed.get(key), ours.get(key))
        if line is not None
    ]
    return (_table(ablation, lines),)


def _order(
    printed: Mapping[tuple[str, int], _Line], ours: Mapping[tuple[str, int], _Line]
) -> list[tuple[str, int]]:
    """Return the systems scale by scale, the paper's first and in its order."""
    return sorted(dict.fromkeys([*printed, *ours]), key=lambda key: key[1])


def _printed(ablation: Ablation, *, scales: set[int]) -> dict[tuple[str, int], _Line]:
    cells = published.load(ablation.table) if ablation.table is not None else ()
    found: dict[tuple[str, int], list[Published]] = {}
    for cell in cells:
        if cell.scale in scales:
            found.setdefault((cell.label, cell.scale), []).append(cell)
    return {key: _printed_line(*key, cells) for key, cells in found.items()}


def _printed_line(label: str, scale: int, cells: Sequence[Published]) -> _Line:
    values = {(cell.set, cell.metric): cell.value for cell in cells}
    return _Line(
        label,
        scale,
        "paper",
        params=values.get(("", "params_k")),
        multi_adds=values.get(("", "multi_adds_g")),
        scores={key: value for key, value in values.items() if key[1] in _METRICS},
    )


def _ours(row: Row, scale: int, records: Sequence[Record]) -> _Line | None:
    at_scale = [record for record in records if record.scale == scale]
    if loaded := _loaded(row, scale, at_scale):
        record, source = loaded
        return _line(row.label, source, (record,))
    trained = [record for record in at_scale if record.group and belongs(record, row)]
    if not trained:
        return None
    groups = by_group(trained).values()
    longest = max(groups, key=lambda found: (found[0].full_budget, found[0].steps, found[0].id))
    return _line(row.label, _training(longest[0]), tuple(longest))


def _loaded(row: Row, scale: int, records: Sequence[Record]) -> tuple[Record, str] | None:
    """Return the record of the first of a row's files that was scored, and what it is."""
    public = {each.file: each for each in released.load()}
    for name in row.checkpoint:
        if each := public.get(name):
            if record := Scored(records).record(each, scale, DEFAULT.name):
                kind = "authors'" if each.training == "authors" else "retrained"
                return record, f"{kind} weights"
            continue
        for record in records:
            file = str(record.data.get("weights", {}).get("file"))
            if belongs(record, row) and _is_file(name, scale, file):
                return record, f"weights {file}"
    return None


def _is_file(name: str, scale: int, file: str) -> bool:
    return PurePath(name.replace("{scale}", str(scale))).name == file


def _training(record: Record) -> str:
    short = "" if record.full_budget else " *"
    return f"{record.steps:,} steps{short}"


def _line(label: str, source: str, records: tuple[Record, ...]) -> _Line:
    first = records[0]
    scores = {
        (name, metric): value
        for name, pair in mean_scores(records).items()
        for metric, value in zip(_METRICS, pair, strict=True)
    }
    return _Line(
        label, first.scale, source, first.params, first.multi_adds, scores, records=records
    )


def _table(ablation: Ablation, lines: Sequence[_Line]) -> Table:
    scored = dict.fromkeys(name for line in lines for name, _ in line.scores)
    sets = [name for name in PAPER_SETS if name in scored]
    sets += [name for name in scored if name not in PAPER_SETS]
    origin = f" (Table {ablation.table} of the paper)" if ablation.table is not None else ""
    rows: list[TableRow] = []
    for _, of_scale in groupby(lines, key=lambda line: line.scale):
        for index, line in enumerate(of_scale):
            group = f"x{line.scale} {'ours' if line.records else 'paper'}"
            rows.append(TableRow(_cells(line, sets), ruled=index == 0 and bool(rows), group=group))
    return Table(
        name="table5" if ablation.table == released.PAPER_TABLE else ablation.name,
        title=f"{ablation.title}{origin}",
        columns=_columns(sets),
        rows=tuple(rows),
        notes=_notes(lines),
        long=True,
        marks="two",
        lead=3,
    )


def _columns(sets: Sequence[str]) -> tuple[Column, ...]:
    found = [
        Column("scale", "Scale", "count"),
        Column("label", "Model"),
        Column("source", "Source"),
        Column("params", "Params\n(K)", "kilo"),
        Column("multi_adds", "Multi-Adds\n(G)", "giga"),
    ]
    for name in sets:
        found += [
            Column(f"{name}_psnr_db", f"{name}\nPSNR/SSIM", "psnr"),
            Column(f"{name}_ssim", kind="ssim", joined=True),
        ]
    hidden = ("record_ids", "seeds", "steps", "device", "commit", "weights_sha256")
    return (*found, *(Column(key, printed=False) for key in hidden))


def _cells(line: _Line, sets: Sequence[str]) -> tuple[Cell, ...]:
    used = line.records
    return (
        line.scale,
        line.label,
        line.source,
        line.params,
        line.multi_adds,
        *(line.scores.get((name, metric)) for name in sets for metric in _METRICS),
        provenance.distinct(used, lambda record: record.id),
        provenance.distinct(used, lambda record: record.seed),
        provenance.distinct(used, lambda record: record.steps if record.group else None),
        provenance.distinct(used, provenance.device),
        provenance.distinct(used, lambda record: provenance.commit(record, digits=40)),
        provenance.distinct(used, lambda record: record.data.get("weights", {}).get("sha256")),
    )


def _notes(lines: Sequence[_Line]) -> tuple[str, ...]:
    ours = [line for line in lines if line.records]
    used = [record for line in ours for record in line.records]
    lr = provenance.lr_text(score for record in used for score in record.scores)
    notes = [
        f"Ours: protocol {DEFAULT.name}; {lr}; authors' weights: those of the paper; retrained "
        "weights: released by others or later; counts as built and executed.",
        "Bold: best, underlined: second best, at each scale among the printed and among ours.",
    ]
    if any(record.group and not record.full_budget for record in used):
        trained = [record for record in used if record.group]
        sets = provenance.distinct(trained, provenance.train_name)
        notes.append(
            f"*: short budget, of {provenance.PAPER_STEPS:,} steps, trained on {sets}; not "
            "comparable with the printed lines."
        )
    notes.append(
        f"Commit: {provenance.distinct(used, provenance.commit)}; "
        f"{provenance.distinct(used, provenance.device)}."
    )
    return tuple(notes)
