"""Records under load: many processes write, others read, and tables are made meanwhile."""

import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import record
from harness.reports import write

ROOT = Path(__file__).parents[2]
WRITERS, READERS = 64, 2
SECONDS = float(os.environ.get("HARNESS_LOAD_SECONDS", "5"))


def _write(number, one, results, begin, count):
    begin.wait()
    until, done = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        record.write(results, replace(one, id=f"{one.id}-{number}-{done % 3}"))
        done += 1
    count.put(done)


def _read(results, begin, faults):
    begin.wait()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            record.load_all(results)
        except Exception as error:
            faults.put(repr(error))
            return
    faults.put("")


@pytest.mark.slow
def test_no_record_is_lost_torn_or_doubled_and_tables_are_made_meanwhile(tmp_path):
    context = multiprocessing.get_context("fork")
    counts, faults = context.Queue(), context.Queue()
    begin = context.Barrier(WRITERS + READERS + 1)
    known = record.load_all(ROOT)
    writers = [
        context.Process(
            target=_write, args=(number, known[number % len(known)], tmp_path, begin, counts)
        )
        for number in range(WRITERS)
    ]
    readers = [
        context.Process(target=_read, args=(tmp_path, begin, faults)) for _ in range(READERS)
    ]
    for process in (*writers, *readers):
        process.start()
    begin.wait()
    until, made = time.monotonic() + SECONDS, 0
    while made == 0 or time.monotonic() < until:
        write.write_all(tmp_path)
        made += 1
    written = [counts.get(timeout=120) for _ in writers]
    assert [faults.get(timeout=120) for _ in readers] == [""] * READERS
    for process in (*writers, *readers):
        process.join(60)
        assert process.exitcode == 0
    assert min(written) > 0
    stored = record.load_all(tmp_path)
    assert len(stored) == sum(min(3, count) for count in written)
    assert len({one.id for one in stored}) == len(stored)
    left_over = [path for path in tmp_path.rglob(".*") if path.is_file()]
    assert not left_over
