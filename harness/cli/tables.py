"""``harness tables``: render tables from what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.cli.ablation_options import ablations_argument
from harness.cli.options import MERGE_THREADS, results_root_only
from harness.cli.output import say
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.reports.tables.latex_paper import Document, NotesIn

_OF_A_PAPER = {
    "rows": "--rows",
    "columns": "--columns",
    "notes": "--notes",
    "document": "--document",
    "width": "--width",
    "siunitx": "--siunitx",
}


@click.command()
@ablations_argument(metavar="[NAME]...")
@click.option("--rows", multiple=True, metavar="LABEL", help="A row for a paper; may be repeated.")
@click.option("--columns", multiple=True, metavar="NAME,..", help="Columns for a paper.")
@click.option(
    "--notes",
    type=click.Choice(["comment", "caption", "nowhere"]),
    default="comment",
    show_default=True,
    help="Where the notes of a paper's table go.",
)
@click.option("--no-notes", "notes", flag_value="nowhere", help="The same as --notes nowhere.")
@click.option(
    "--document",
    type=click.Choice(["one-column", "two-column"]),
    default="one-column",
    show_default=True,
    help="What a paper's table goes into.",
)
@click.option("--width", metavar="WIDTH", help="Width of its text, such as 6.5in or 469pt.")
@click.option("--siunitx", is_flag=True, help="Align a paper's numbers by siunitx.")
@click.option("-o", "--output", metavar="FILE", help="LaTeX for a paper; - for the terminal.")
@results_root_only
@MERGE_THREADS
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 where a file is not what records give."
)
@click.pass_context
def tables(
    context: click.Context,
    *,
    ablations: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    notes: NotesIn,
    document: Document,
    width: str | None,
    siunitx: bool,
    output: str | None,
    results: Path,
    merge_threads: bool,
    check: bool,
) -> None:
    """Render tables from records, as LaTeX, CSV and Markdown.

    NAME is a shipped ablation or a YAML file; without one, all shipped ablations and the
    efficiency half of Table 5. With -o, one table is made for a paper; NAME may then be that of
    a table, too, such as table5_rescored.

    Example: harness tables awru_x2_T291+General100_2500steps --document two-column -o awru.tex
    """
    if output is None:
        _refuse_options_of_a_paper(context)
        if check:
            _check(ablations, results, merge_threads=merge_threads)
            return
        _write_all(ablations, results, merge_threads=merge_threads)
        return
    if check:
        raise click.UsageError("--check writes nothing: expected no -o")
    if len(ablations) != 1:
        raise click.UsageError("-o: expected the NAME of one ablation or table")
    if Path(output).suffix not in ("", ".tex"):
        raise click.UsageError(f"-o {output}: it is LaTeX, expected a name that ends in .tex")
    from harness.host.files import write_atomic
    from harness.reports import write
    from harness.reports.figures.sheet import parse_width
    from harness.reports.tables import chosen, latex_paper

    found = write.named(ablations[0], results, merge_threads=merge_threads)
    if not found:
        raise write.no_records(results)
    names = [name.strip() for text in columns for name in text.split(",")]
    if rows or names:
        found = tuple(chosen.with_labels(found))
    parts = [part for table in found for part in chosen.by_scale(chosen.of(table, rows, names))]
    width_pt = parse_width(width) * latex_paper.POINTS_PER_INCH if width else None
    text = latex_paper.to_latex(parts, latex_paper.Paper(document, notes, siunitx, width_pt))
    if output == "-":
        click.echo(text, nl=False)
        return
    write_atomic(Path(output), text)
    say(str(output))


def _check(ablations: Sequence[str], results: Path, *, merge_threads: bool) -> None:
    from harness.config import ablation
    from harness.reports import write

    chosen = [ablation.load(name) for name in ablations]
    if found := write.check(chosen, results, merge_threads=merge_threads):
        say("\n".join(found))
        files_are = "1 file is" if len(found) == 1 else f"{len(found)} files are"
        raise HarnessError(f"{files_are} not what the records give: harness tables mends that")


def _write_all(ablations: Sequence[str], results: Path, *, merge_threads: bool) -> None:
    from harness.config import ablation
    from harness.reports import write

    chosen = [ablation.load(name) for name in ablations]
    if chosen:
        files = write.write(chosen, results, merge_threads=merge_threads)
    else:
        files = write.write_all(results, merge_threads=merge_threads)
    if not files:
        raise write.no_records(results)
    for path in files:
        say(str(path))


def _refuse_options_of_a_paper(context: click.Context) -> None:
    for name, option in _OF_A_PAPER.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option}: expected -o FILE, too, or -o - for the terminal")
