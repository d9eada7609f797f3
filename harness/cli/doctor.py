"""``harness doctor``: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from harness.cli.options import DATA_ROOT, RESULTS_ROOT
from harness.cli.output import Output, say, table_options

_PACKAGES = ("torch", "fvcore", "ptflops", "mlflow", "numpy", "scikit-image")
_EXTRAS = {"deploy": ("onnx", "onnxruntime"), "ray": ("ray",), "slurm": ("submitit",)}
_LEAST_FREE = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: What was looked at.
        found: What is there.
        mend: What to do where something is missing; empty where nothing is.
    """

    what: str
    found: str
    mend: str = ""


@click.command()
@DATA_ROOT
@RESULTS_ROOT
@table_options
def doctor(*, root: Path | None, results: Path, out: Output) -> None:
    """Say what is here, what is missing, and what mends it.

    Versions, device, data, weights, cache, MLflow's store, disk. Behind what is missing stands the
    command that mends it. Nothing is changed or fetched.

    Example: harness doctor
    """
    from harness.reports.tables.table import Column, simple

    findings = [*_software(), *_machine(), *_data(root), *_stores(results)]
    columns = (
        Column("what", "what"),
        Column("found", "found", drop=0),
        Column("mend", printed=not out.for_people),
    )
    table = simple("doctor", "", columns, ((one.what, one.found, one.mend) for one in findings))
    out.show(table, json=lambda: [asdict(finding) for finding in findings])
    missing = [one for one in findings if one.mend]
    if missing and out.for_people:
        say("\nTo mend:\n" + "\n".join(f"  {one.what}: {one.mend}" for one in missing))


def _software() -> Iterator[Finding]:
    from harness import __version__
    from harness.host import environment
    from harness.host.extras import install_command

    commit, dirty = environment.commit()
    where = f"{commit[:12]}{', changed' if dirty else ''}" if commit else "installed package"
    yield Finding("harness", f"{__version__} ({where})")
    old = "install Python 3.11 or newer" if sys.version_info < (3, 11) else ""
    yield Finding("Python", ".".join(map(str, sys.version_info[:3])), old)
    for name in _PACKAGES:
        found = _version(name)
        yield Finding(name, found or "missing", "" if found else "python -m pip install -e .")
    for extra, names in _EXTRAS.items():
        missing = [name for name in names if not _version(name)]
        state = f"without {', '.join(missing)}" if missing else "installed"
        mend = f"{install_command(extra)}, where it is wanted"
        yield Finding(f"extra [{extra}]", state, mend if missing else "")


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _machine() -> Iterator[Finding]:
    from harness.host import device, environment

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    chosen = device.choose_device("auto") if _version("torch") else "cpu"
    yield Finding("device", environment.device_name(chosen))
    bf16 = "multiplies bf16" if device.computes_bf16() else "no bf16 instructions"
    yield Finding("CPU", f"{cores} cores, {bf16}")


def _data(root: Path | None) -> Iterator[Finding]:
    from harness.data.fetch import advice, inventory

    root = root.expanduser() if root else None
    get = advice.command(advice.USUAL, root)
    if root is None:
        yield Finding("data root", "not set", f"{get}, then set HARNESS_DATA to FOLDER")
    elif not root.is_dir():
        yield Finding("data root", f"{root}: no such folder", get)
    else:
        yield Finding("data root", str(root))
        for standing in inventory.take_stock(root):
            name = standing.set.name
            if standing.state == "absent" and name not in advice.USUAL:
                continue
            to_get = standing.is_wanting and standing.set.home  # a set of the user's own has none
            mend = advice.command([name], root) if to_get else ""
            yield Finding(f"  {name}", standing.state, mend)
    bundled = _bundled_weights()
    yield Finding("bundled weights", ", ".join(bundled) or "none")
    folder = os.environ.get("HARNESS_CHECKPOINTS", "")
    if folder and not Path(folder).is_dir():
        yield Finding("public weights", f"{folder}: no such folder", "unset HARNESS_CHECKPOINTS")
    else:
        yield Finding("public weights", folder or "HARNESS_CHECKPOINTS is not set")


def _bundled_weights() -> list[str]:
    from harness.host.paths import bundled

    return sorted(path.stem for path in bundled("pretrained").glob("*.safetensors"))


def _size(path: Path) -> int:
    """Return the bytes of a file; none of a folder, or of one that a training has just removed."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _stores(results: Path) -> Iterator[Finding]:
    import shutil

    from harness.host.paths import cache_folder

    cache = cache_folder()
    size = sum(map(_size, cache.rglob("*")))
    yield Finding("cache", f"{cache}: {size / 1e6:,.0f} MB")
    store = os.environ.get("MLFLOW_TRACKING_URI") or str(results / "results" / "mlflow.db")
    yield Finding("MLflow's store", re.sub(r"(?<=://)[^/@]*@", "", store))  # no password
    runs = sum(1 for _ in (results / "results" / "runs").glob("*/record.json"))
    yield Finding("records", f"{runs:,} below {(results / 'results').resolve()}")
    free = shutil.disk_usage(results if results.is_dir() else Path()).free
    scarce = "make room: a training keeps checkpoints" if free < _LEAST_FREE else ""
    yield Finding("disk", f"{free / 1e9:,.1f} GB free", scarce)
