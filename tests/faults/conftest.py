"""How many inputs are tried, who watches over them, and what came of them."""

import json
import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.faults.watch import Watch

INPUTS = int(os.environ.get("HARNESS_FAULTS", "100"))

settings.register_profile(
    "faults",
    max_examples=INPUTS,
    derandomize=INPUTS <= 100,  # the suite tries the same inputs every time
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    print_blob=True,
)
settings.load_profile("faults")

_PROPERTY = "inputs tried"


@pytest.fixture
def watch(request, tmp_path, monkeypatch):
    """The watch over the inputs of one test, which runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    watching = Watch(tmp_path)
    yield watching
    tally = {"kind": request.node.originalname or request.node.name, **watching.tally()}
    request.node.user_properties.append((_PROPERTY, json.dumps(tally)))


def pytest_terminal_summary(terminalreporter):
    tallies = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == _PROPERTY:
                    tallies[report.nodeid] = json.loads(text)
    if not tallies or INPUTS <= 100:
        return
    terminalreporter.section("inputs tried")
    head = f"{'kind':44} {'inputs':>7} {'accepted':>9} {'refused':>8} {'seconds':>8} {'slowest':>8}"
    terminalreporter.write_line(head)
    for tally in tallies.values():
        numbers = "{inputs:7,} {accepted:9,} {refused:8,} {seconds:8.1f} {slowest:7.2f}s"
        terminalreporter.write_line(f"{tally['kind']:44} {numbers.format(**tally)}")
