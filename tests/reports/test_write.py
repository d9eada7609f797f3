"""What `harness tables` reads and writes."""

import gc
import shutil
from collections import Counter
from pathlib import Path

from harness.records import record
from harness.reports import write


def test_every_record_is_read_once_for_all_tables(tmp_path, monkeypatch, request):
    runs = tmp_path / "results" / "runs"
    for path in sorted((request.config.rootpath / "results" / "runs").glob("wdsr_*-s0-*"))[:3]:
        shutil.copytree(path, runs / path.name)
    reads: Counter[Path] = Counter()
    monkeypatch.setattr(
        record, "read_text", lambda path: reads.update([path]) or path.read_text("utf-8")
    )
    assert write.write_all(tmp_path)
    assert sorted(reads.values()) == [1, 1, 1]


def test_a_table_that_is_there_already_is_left_as_it_is(tmp_path):
    files = write.write_all(tmp_path)
    changed = files[0]
    changed.write_text("edited", encoding="utf-8")
    before = {path: path.stat().st_ino for path in files}
    assert write.write_all(tmp_path) == files
    assert changed.read_text("utf-8") != "edited"
    assert [path for path in files if path.stat().st_ino != before[path]] == [changed]


def test_garbage_is_collected_again_after_the_tables(tmp_path):
    write.write_all(tmp_path)
    assert gc.isenabled()
