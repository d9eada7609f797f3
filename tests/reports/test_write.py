"""What `harness tables` reads and writes."""

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
