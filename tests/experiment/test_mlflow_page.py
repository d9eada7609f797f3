"""MLflow's page leaves no process behind."""

import signal
import subprocess
import sys
import time

from harness.host import process

# A server that starts a worker, as MLflow's does; both say who they are.
SERVER = """
import subprocess, sys, time
from harness.host import process
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "worker"])
print(process.identity(), flush=True)
time.sleep(60)
"""
PAGE = """
import sys
from harness.experiment.mlflow_page import run_group
from harness.host.signals import interruptible
with interruptible():
    run_group([sys.executable, sys.argv[1]])
"""


def test_all_processes_of_the_server_end_on_term(tmp_path):
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    page = subprocess.Popen(
        [sys.executable, "-c", PAGE, str(server)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    names = [page.stdout.readline().strip() for _ in range(2)]
    assert not any(map(process.has_ended, names))
    page.send_signal(signal.SIGTERM)
    page.communicate(timeout=30)
    until = time.monotonic() + 5
    while not all(map(process.has_ended, names)) and time.monotonic() < until:
        time.sleep(0.05)
    assert all(map(process.has_ended, names))
