"""``harness checkpoint``: say what a file of weights holds, and write it in other names."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import KEY


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
def inspect(*, file: Path, tensors: bool, key: str | None) -> None:
    """Say what a file holds, and which networks it fits.

    It is judged by shapes, at all scales.

    Example: harness checkpoint inspect carn_m.pth
    """
    from harness.weights import convert

    click.echo(convert.describe(file, listing=tensors, key=key))


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
    click.echo(output)
