"""``harness checkpoint``: say what a file of weights holds, and write it in other names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import KEY
from harness.cli.output import Output, say, table_options

if TYPE_CHECKING:
    from harness.reports.tables.table import Table
    from harness.weights.convert import Description


@click.group("checkpoint")
def checkpoint() -> None:
    """Look into files of weights, and convert them.

    Ours and public ones.

    Example: harness checkpoint inspect IMDN_x2.pth
    """


@checkpoint.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tensors", is_flag=True, help="List every tensor with its shape.")
@KEY
@table_options
def inspect(*, file: Path, tensors: bool, key: str | None, out: Output) -> None:
    """Say what a file holds, and which networks it fits.

    It is judged by shapes, at all scales.

    Example: harness checkpoint inspect carn_m.pth
    """
    from harness.weights import convert

    described = convert.describe(file, key=key)
    if out.for_people:
        say(described.text(listing=tensors))
        return
    out.show(_table(described, tensors=tensors), json=lambda: asdict(described))


def _table(described: Description, *, tensors: bool) -> Table:
    """Return the networks that a file fits, or its tensors."""
    from harness.reports.tables.table import Column, simple

    title = f"{described.file}: {len(described.shapes)} tensors, {described.values:,} values"
    notes = [*described.remarks, *([described.hint] if described.hint else [])]
    if tensors:
        shapes = [(name, "x".join(map(str, of))) for name, of in described.shapes.items()]
        columns = [Column("tensor", "tensor"), Column("shape", "shape")]
        return simple("tensors", title, columns, shapes, notes)
    fits = [(model, ",".join(map(str, of)), names) for model, of, names in described.fits]
    columns = [Column("model", "model"), Column("scales", "scales"), Column("names", "names")]
    return simple("fits", title, columns, fits, notes)


@checkpoint.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write."
)
@click.option(
    "--to",
    "names",
    type=click.Choice(["harness", "awsrn", "awsrn-unified"]),
    default="harness",
    show_default=True,
    help="Names of the tensors: ours, or those of AWSRN's authors.",
)
@click.option("--force", is_flag=True, help="Replace OUTPUT where it exists.")
@KEY
def convert_file(*, file: Path, output: Path, names: str, force: bool, key: str | None) -> None:
    """Write the weights of a file under other names.

    OUTPUT is .safetensors, .pth or .pt.

    Example: harness checkpoint convert weights.safetensors --to awsrn -o awsrn_x2.pth
    """
    from harness.weights import convert

    convert.convert(file, output, names=names, force=force, key=key)
    say(str(output))
