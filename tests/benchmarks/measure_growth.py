"""Measure how time and memory grow, each point in a process of its own.

For records (``tables``), rows (``run --dry-run``), image size (a forward pass), batch and patch (a
training step): CPU seconds and peak memory at a few sizes, and the exponent of a fit of log cost to
log size, with its 95 % interval. What takes the same at every size (imports) flattens the exponent.

    python tests/benchmarks/measure_growth.py records 250,500,1000,2000
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import click
import numpy as np
from scipy import stats

ROOT = Path(__file__).parents[2]
SIZES = {
    "records": (250, 500, 1000, 2000),
    "rows": (25, 50, 100, 200),
    "image": (64, 96, 128, 192),
    "batch": (2, 4, 8, 16),
    "patch": (16, 24, 32, 48),
}


def records(size: int, folder: Path) -> None:
    """Tables of copies of the committed records, each group of trainings with another name."""
    from harness.records import record
    from harness.reports import write

    stored = record.load_all(ROOT)
    for number in range(size):
        one = stored[number % len(stored)]
        seed = one.seed if one.seed is None else one.seed + 3 * (number // len(stored))
        digest = sha256(f"{one.fingerprint} {number}".encode()).hexdigest()
        name = f"{one.model}-x{one.scale}-{digest[:12]}"
        record.write(folder, replace(one, id=name, fingerprint=digest, seed=seed))
    with measured():
        write.write_all(folder)


def rows(size: int, folder: Path) -> None:
    """A plan of a network with options that were never counted, five seeds each."""
    from harness.config import ablation
    from harness.experiment import plan
    from harness.experiment.session import statuses

    lines = [
        f"  - {{label: R{n}, model: espcn, with: {{channels: {8 + n}}}}}\n" for n in range(size)
    ]
    path = folder / "rows.yaml"
    path.write_text("scale: 2\nseeds: [0, 1, 2, 3, 4]\nbase: R0\nrows:\n" + "".join(lines))
    with measured():
        statuses(plan.make(ablation.load(str(path)), {"results.root": str(folder)}))


def image(size: int, _: Path) -> None:
    """A forward pass of AWSRN-S x2 on a square LR image."""
    import torch

    from harness.models import registry

    network = registry.get("awsrn_s").build(scale=2).eval()
    lr = torch.rand(1, 3, size, size)
    with torch.inference_mode():
        network(lr)
        with measured():
            network(lr)


def step(batch: int, patch: int) -> None:
    """Two training steps of AWSRN-S x2, the second one measured."""
    import torch

    from harness.models import registry

    network = registry.get("awsrn_s").build(scale=2)
    lr, hr = torch.rand(batch, 3, patch, patch), torch.rand(batch, 3, 2 * patch, 2 * patch)
    optimizer = torch.optim.Adam(network.parameters())

    def one() -> None:
        optimizer.zero_grad()
        (network(lr) - hr).abs().mean().backward()
        optimizer.step()

    one()
    with measured():
        one()


def batch(size: int, _: Path) -> None:
    """A training step by the number of patches of 24x24."""
    step(size, 24)


def patch(size: int, _: Path) -> None:
    """A training step by the side of its 4 patches."""
    step(4, size)


class measured:
    """Print CPU seconds and peak memory in MB of what is inside."""

    def __enter__(self) -> None:
        self._began = time.process_time()

    def __exit__(self, *_: object) -> None:
        seconds = time.process_time() - self._began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        click.echo(json.dumps({"cpu_s": seconds, "peak_mb": peak}))


def exponent(sizes: list[int], costs: list[float]) -> str:
    """Return the slope of log cost on log size, with its 95 % interval."""
    fit = stats.linregress(np.log(sizes), np.log(costs))
    half = stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr
    return f"{fit.slope:.2f} [{fit.slope - half:.2f}, {fit.slope + half:.2f}]"


def main(arguments: list[str]) -> None:
    """Measure one axis, or all; a second argument names the sizes, three at least."""
    if len(arguments) == 3 and arguments[0] == "one":
        with tempfile.TemporaryDirectory() as folder:
            globals()[arguments[1]](int(arguments[2]), Path(folder))
        return
    for axis in arguments[:1] or SIZES:
        sizes = [int(size) for size in arguments[1].split(",")] if arguments[1:] else SIZES[axis]
        found = []
        for size in sizes:
            command = [sys.executable, __file__, "one", axis, str(size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            click.echo(f"{axis} {size}: {found[-1]['cpu_s']:.2f} s, {found[-1]['peak_mb']:.0f} MB")
        for unit in ("cpu_s", "peak_mb"):
            click.echo(
                f"{axis}: {unit} ~ size^{exponent(list(sizes), [one[unit] for one in found])}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
