"""The efficiency half of the paper's Table 5: our counts beside the printed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.config import paper
from harness.records import counts, published
from harness.records.counts import Count
from harness.records.published import Published
from harness.reports.tables.fields import (
    Field,
    columns_of,
    field,
    hidden,
    numbered,
    rows_of,
)
from harness.reports.tables.table import ColumnKind, Table, TableCell

NAME = "table5_efficiency"

MARKS = {"exact": "\u2713", "explained": "\u2020", "open": "\u25cb"}
"""Marks of a printed count, by its status."""

_LEGEND = (
    f"Ours: counted from the network for a {paper.OUTPUT_SIZE} output. Params as built: trainable "
    "scalars; deployed: weight norm and batch norm folded. Multi-Adds: kernel elements times "
    "pixels; PyTorch: as PyTorch computes it.",
    "Rule: our count by the rule that gives the printed figures. Unless a note or the CSV file "
    "names another rule, all trainable parameters count, and each layer is charged on its own "
    "grid, transposed convolutions on their output grid.",
    "\u2713 exact: the count has the printed digits. \u2020 explained: they follow from another "
    "rule, which is named, or from a misprint. \u25cb open: they are not explained.",
)


@dataclass(frozen=True, slots=True)
class _CountedSystem:
    """One row: the counts of a network at one scale, the printed cells, the number of its note."""

    count: Count
    printed: Mapping[str, Published]
    note: int | None


def build() -> Table:
    """Return the table: the systems in the paper's order, scale by scale.

    Raises:
        RecordError: The stored counts or the published values cannot be read, or a
            published system has no stored count.
    """
    stored = counts.load()
    printed: dict[tuple[str, int], dict[str, Published]] = {}
    for cell in published.load(paper.SYSTEMS_TABLE):
        if cell.metric in ("params_k", "multi_adds_g"):
            printed.setdefault((cell.label, cell.scale), {})[cell.metric] = cell
    ours = [counts.of(stored, *key) for key in printed]
    notes = numbered(sentence(count) for count in ours if count.note)
    systems = [
        _CountedSystem(count, of_system, notes.get(sentence(count)))
        for count, of_system in zip(ours, printed.values(), strict=True)
    ]
    return Table(
        name=NAME,
        title=f"Parameters and Multi-Adds at a {paper.OUTPUT_SIZE} output "
        f"(Table {paper.SYSTEMS_TABLE} of the paper, efficiency half)",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, systems, block=lambda system: system.count.scale),
        notes=(*_LEGEND, *(f"({number}) {sentence}." for sentence, number in notes.items())),
        long=True,
        lead=2,
    )


def sentence(count: Count) -> str:
    """Return the note of a network as a sentence, with the name of its counting rule."""
    rule = f" (rule: {count.rule})" if count.rule else ""
    return f"{count.note[:1].upper()}{count.note[1:]}{rule}"


def _ours(
    key: str, title: str, of: Callable[[Count], TableCell], kind: ColumnKind = "text"
) -> Field[_CountedSystem]:
    return field(key, title, lambda system: of(system.count), kind)


def _printed(metric: str, title: str, kind: ColumnKind) -> Field[_CountedSystem]:
    """Return the column of the paper's figures."""
    return field(f"paper_{metric}", title, lambda system: system.printed[metric].value, kind)


def _mark(metric: str, title: str) -> Field[_CountedSystem]:
    """Return the column of marks: the status, with the number of the note that explains it."""

    def mark(system: _CountedSystem) -> str | None:
        status = system.printed[metric].status
        number = system.note if status != "exact" else None
        return f"{MARKS[status]}{number or ''}" if status else None

    return field(f"{metric}_mark", title, mark)


_FIELDS: tuple[Field[_CountedSystem], ...] = (
    _ours("scale", "Scale", lambda count: count.scale, "count"),
    _ours("label", "Model", lambda count: count.label),
    _ours("params", "Params (K)\nas built", lambda count: count.params, "kilo"),
    _ours("params_deployed", "Params (K)\ndeployed", lambda count: count.params_deployed, "kilo"),
    _ours("rule_params", "Params (K)\nrule", lambda count: count.rule_params, "kilo"),
    _printed("params_k", "Params (K)\npaper", "kilo"),
    _mark("params_k", "Params (K)\nstatus"),
    _ours("multi_adds", "Multi-Adds (G)\nPyTorch", lambda count: count.multi_adds, "giga"),
    _ours("rule_multi_adds", "Multi-Adds (G)\nrule", lambda count: count.rule_multi_adds, "giga"),
    _printed("multi_adds_g", "Multi-Adds (G)\npaper", "giga"),
    _mark("multi_adds_g", "Multi-Adds (G)\nstatus"),
    hidden("params_k_status", lambda system: system.printed["params_k"].status or None),
    hidden("multi_adds_g_status", lambda system: system.printed["multi_adds_g"].status or None),
    hidden("rule", lambda system: system.count.rule),
    hidden("note", lambda system: system.count.note or None),
    hidden("model", lambda system: system.count.model),
    hidden("activations", lambda system: system.count.activations),
    hidden("convs", lambda system: system.count.convs),
    hidden("params_k_doubt", lambda system: system.printed["params_k"].note or None),
    hidden("multi_adds_g_doubt", lambda system: system.printed["multi_adds_g"].note or None),
    hidden("paper_source", lambda _: published.source(paper.SYSTEMS_TABLE)),
)
