"""``harness figures``: the paper's Figure 1 from published scores and our counts."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("figures")
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="Results root.")
def figures(*, root: Path) -> None:
    """Draw Figure 1, PSNR over Multi-Adds, as SVG, PDF and PNG.

    The PSNR are the paper's, the Multi-Adds ours.

    Example: harness figures
    """
    from harness import figures, reports

    for path in figures.write(reports.folder(root)):
        click.echo(path)
