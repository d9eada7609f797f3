"""Signals that stop a run end it as Ctrl-C does; one that was ignored stays ignored."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.host.signals import STOPS, StopSignal, interruptible

OTHERS = [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]


@pytest.mark.parametrize("number", [signal.SIGINT, *OTHERS])
def test_each_signal_is_a_ctrl_c(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", OTHERS)
def test_in_training_the_first_is_only_noted(number):
    with interruptible(), StopSignal() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_that_was_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with interruptible(), StopSignal() as stop:
            signal.raise_signal(number)
            assert not stop.requested
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


COMMAND = """
import time
import click
from harness.cli.main import main

@click.command()
def wait():
    try:
        print("begun", flush=True)
        time.sleep(30)
    finally:
        print("closed", flush=True)

main.add_command(wait)
main(["wait"])
"""


@pytest.mark.parametrize("number", OTHERS)
def test_a_command_ends_in_good_order_with_130(number):
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "begun\n"
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=20)
    assert (stdout, stderr, running.returncode) == ("closed\n", "Interrupted.\n", 130)


def test_a_forked_worker_just_ends():
    ready, say = os.pipe()
    with interruptible():
        child = os.fork()
        if child == 0:
            os.write(say, b"x")
            time.sleep(30)
            os._exit(0)
        os.read(ready, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM
