"""The efficiency half of the paper's Table 5: our counts beside the printed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.records import counts, published
from harness.records.counts import Count
from harness.records.published import Published
from harness.reports.tables.table import Cell, Column, Kind, Table, TableRow

NAME = "table5_efficiency"
PAPER_TABLE = 5

_MARKS = {"exact": "\u2713", "explained": "\u2020", "open": "\u25cb"}
_LEGEND = (
    "Ours: counted from the network for a 1280x720 output. Params as built: trainable scalars; "
    "deployed: weight norm and batch norm folded. Multi-Adds: kernel elements times pixels, "
    "executed: as PyTorch runs it.",
    "Rule: ours counted the way the printed figures come out; unless a note or the CSV file names "
    "another, everything trainable, and every layer on its own grid, transposed convolutions on "
    "their output grid.",
    "\u2713 exact: the count has the printed digits. \u2020 explained: another named rule or a "
    "misprint gives them. \u25cb open: nothing known does.",
)


@dataclass(frozen=True, slots=True)
class _System:
    """One row: a network at one scale, its printed cells by metric, and its note's number."""

    count: Count
    printed: Mapping[str, Published]
    note: int | None


_Field = tuple[Column, Callable[[_System], Cell]]


def build() -> Table:
    """Return the table: the systems in the paper's order, scale by scale.

    Raises:
        RecordError: The stored counts or the published values cannot be read, or a
            published system has no stored count.
    """
    stored = counts.load()
    cells: dict[tuple[str, int], dict[str, Published]] = {}
    for cell in published.load(PAPER_TABLE):
        if cell.metric in ("params_k", "multi_adds_g"):
            cells.setdefault((cell.label, cell.scale), {})[cell.metric] = cell
    found = [counts.of(stored, *key) for key in cells]
    notes = _numbered(found)
    systems = [
        _System(count, printed, notes.get(_sentence(count)))
        for count, printed in zip(found, cells.values(), strict=True)
    ]
    return Table(
        name=NAME,
        title="Parameters and Multi-Adds at a 1280x720 output "
        f"(Table {PAPER_TABLE} of the paper, efficiency half)",
        columns=tuple(column for column, _ in _FIELDS),
        rows=tuple(
            TableRow(tuple(value(system) for _, value in _FIELDS), ruled=_starts(systems, index))
            for index, system in enumerate(systems)
        ),
        notes=(*_LEGEND, *(f"({number}) {sentence}." for sentence, number in notes.items())),
        long=True,
        lead=2,
    )


def _numbered(found: Sequence[Count]) -> dict[str, int]:
    """Return every sentence once, with its number in the order of first use."""
    sentences = dict.fromkeys(_sentence(count) for count in found if count.note)
    return {sentence: number for number, sentence in enumerate(sentences, start=1)}


def _sentence(count: Count) -> str:
    """Return a network's note with the name of its rule, its first letter raised."""
    rule = f" (rule: {count.rule})" if count.rule else ""
    return f"{count.note[:1].upper()}{count.note[1:]}{rule}"


def _starts(systems: Sequence[_System], index: int) -> bool:
    """Tell whether a row is the first of its scale, the first of all apart."""
    return index > 0 and systems[index].count.scale != systems[index - 1].count.scale


def _ours(key: str, title: str, of: Callable[[Count], Cell], kind: Kind = "text") -> _Field:
    return Column(key, title, kind), lambda system: of(system.count)


def _hidden(key: str, of: Callable[[_System], Cell]) -> _Field:
    """Return a column that only the CSV file shows."""
    return Column(key, printed=False), of


def _printed(metric: str, title: str, kind: Kind) -> _Field:
    """Return the column of the paper's figures."""
    return Column(f"paper_{metric}", title, kind), lambda system: system.printed[metric].value


def _mark(metric: str, title: str) -> _Field:
    """Return the column of the marks: the status, and the number of the note that explains."""

    def mark(system: _System) -> str | None:
        status = system.printed[metric].status
        number = system.note if status != "exact" else None
        return f"{_MARKS[status]}{number or ''}" if status else None

    return Column(f"{metric}_mark", title), mark


_FIELDS: tuple[_Field, ...] = (
    _ours("scale", "Scale", lambda count: count.scale, "count"),
    _ours("label", "Model", lambda count: count.label),
    _ours("params", "Params (K)\nas built", lambda count: count.params, "kilo"),
    _ours("params_deployed", "Params (K)\ndeployed", lambda count: count.params_deployed, "kilo"),
    _ours("rule_params", "Params (K)\nrule", lambda count: count.rule_params, "kilo"),
    _printed("params_k", "Params (K)\npaper", "kilo"),
    _mark("params_k", "Params (K)\nstatus"),
    _ours("multi_adds", "Multi-Adds (G)\nexecuted", lambda count: count.multi_adds, "giga"),
    _ours("rule_multi_adds", "Multi-Adds (G)\nrule", lambda count: count.rule_multi_adds, "giga"),
    _printed("multi_adds_g", "Multi-Adds (G)\npaper", "giga"),
    _mark("multi_adds_g", "Multi-Adds (G)\nstatus"),
    _hidden("params_k_status", lambda system: system.printed["params_k"].status or None),
    _hidden("multi_adds_g_status", lambda system: system.printed["multi_adds_g"].status or None),
    _hidden("rule", lambda system: system.count.rule),
    _hidden("note", lambda system: system.count.note or None),
    _hidden("model", lambda system: system.count.model),
    _hidden("activations", lambda system: system.count.activations),
    _hidden("convs", lambda system: system.count.convs),
    _hidden("params_k_doubt", lambda system: system.printed["params_k"].note or None),
    _hidden("multi_adds_g_doubt", lambda system: system.printed["multi_adds_g"].note or None),
    _hidden("paper_source", lambda _: f"published/table{PAPER_TABLE}.csv"),
)
