"""One owner at a time, kept up by a heartbeat, taken over when lost; whatever the clock says."""

import json
import multiprocessing
import os
import threading
import time

import pytest

from harness.host import leases, process

FAR = {"owner": "far/1/1", "since": "2026-01-01T00:00:00+00:00", "beat": 0}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(leases, "BEAT_S", 0.05)


@pytest.fixture
def path(tmp_path):
    return tmp_path / leases.FILE_NAME


def old(path, seconds):
    stamp = time.time() - seconds
    os.utime(path, (stamp, stamp))


def test_a_lease_is_kept_up_and_given_back(path):
    with leases.taken(path, what="work"):
        first = leases.read(path)
        assert first.owner == process.identity()
        leases.note(10, 100)
        time.sleep(0.12)
        leases.note(20, 100)
        time.sleep(0.15)
        later = leases.read(path)
        assert later is not None
        assert later.beat > first.beat
        assert (later.step, later.steps) == (20, 100)
        assert later.left_s > 0
        assert not leases.is_lost(path, later)
    assert not path.exists()


def test_one_that_is_held_may_be_taken_again_further_in(path):
    with leases.taken(path, what="work"):
        with leases.taken(path, what="work"):
            pass
        assert path.exists()


def test_it_waits_for_one_that_is_kept_up_elsewhere(path, caplog):
    path.write_text(json.dumps(FAR))
    threading.Timer(0.3, path.unlink).start()
    started = time.monotonic()
    with leases.taken(path, what="cell is being run"):
        assert time.monotonic() - started >= 0.25
    assert "cell is being run on far; waiting for it" in caplog.text


def test_one_that_is_lost_is_taken_over(path, caplog):
    path.write_text(json.dumps(FAR))
    old(path, leases.LOST_S + 10)
    with leases.taken(path, what="cell"):
        assert leases.read(path).owner == process.identity()
    assert "taken over from far" in caplog.text


def test_a_clock_that_was_set_forward_loses_no_lease(path):
    """It looks old, but is written again while it is watched."""
    path.write_text(json.dumps(FAR))
    stop = threading.Event()

    def beat():
        number = 0
        while not stop.wait(0.02):
            number += 1
            path.write_text(json.dumps(FAR | {"beat": number}))
            old(path, 3600)
        path.unlink()

    thread = threading.Thread(target=beat)
    thread.start()
    threading.Timer(0.5, stop.set).start()
    started = time.monotonic()
    with leases.taken(path, what="cell"):
        assert time.monotonic() - started >= 0.4
    thread.join()


def test_a_lease_that_another_took_over_first_is_left_to_it(path, monkeypatch):
    """Both have seen that it is lost; the other was faster."""
    path.write_text(json.dumps(FAR))
    old(path, leases.LOST_S + 10)

    def meanwhile(place, lease):
        place.unlink()
        place.write_text(json.dumps(FAR | {"owner": "other/2/2"}))
        threading.Timer(0.3, place.unlink).start()
        return False

    monkeypatch.setattr(leases, "_is_written_again", meanwhile)
    started = time.monotonic()
    with leases.taken(path, what="cell"):
        assert time.monotonic() - started >= 0.25
    assert not list(path.parent.iterdir())


def _work(path, log):
    for _ in range(3):
        with leases.taken(path, what="cell"):
            for sign in "+-":
                with log.open("a") as stream:
                    stream.write(sign)
                time.sleep(0.02)


def test_of_several_processes_one_has_it_at_a_time(path, tmp_path):
    path.write_text(json.dumps(FAR))
    old(path, leases.LOST_S + 10)
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    processes = [context.Process(target=_work, args=(path, log)) for _ in range(4)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(60)
        assert one.exitcode == 0
    assert log.read_text() == "+-" * 12
    assert not list(tmp_path.glob(".*"))
