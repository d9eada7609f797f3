"""Errors of training processes, as the one that started them tells them."""

import pytest

from harness.errors import TrainingError
from harness.experiment import fit
from harness.host.signals import Interrupted


@pytest.mark.parametrize(
    ("last_line", "kind", "message"),
    [
        ("harness.errors.TrainingError: the loss became nan", TrainingError, "the loss became nan"),
        ("harness.host.signals.Interrupted: stopped at step 3", Interrupted, "stopped at step 3"),
        ("MemoryError", TrainingError, "MemoryError"),
    ],
)
def test_the_last_line_of_a_trace_is_the_error(last_line, kind, message):
    trace = f'Traceback (most recent call last):\n  File "a.py", line 1: in b\n{last_line}\n\n'
    error = fit._translated(trace)
    assert (type(error), str(error)) == (kind, message)
