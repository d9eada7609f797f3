"""Rounds of processes, what a row says of them, and the files that rows are kept in."""

import csv
from dataclasses import asdict, replace

import pytest

from harness.efficiency.bench import measure, rounds, rows
from harness.efficiency.bench.latency import Effort
from harness.efficiency.bench.process import Setup, Target
from harness.efficiency.bench.rounds import BenchCandidate
from harness.efficiency.bench.worker import Measured
from harness.errors import HarnessError, RecordError
from harness.reports.tables import bench as bench_tables
from harness.reports.tables.render import to_text

QUICK = Effort(repeats=3, min_s=0, max_s=0.1, warmup_s=0)


def measured(*times_s, **rest):
    found = Measured(
        device="cpu (Test)",
        threads=2,
        first_s=9.0,
        times_s=times_s,
        cpu_share=0.5,
        peak_memory_mib=100.0,
        joules=2.0 * len(times_s),
        energy_note="RAPL, 1 CPU package, all processes",
        folded=3,
    )
    return asdict(replace(found, **rest))


def candidate(model, multi_adds=1_000_000_000):
    return BenchCandidate(Target(model, 2, (500, 500)), model.upper(), multi_adds)


class Processes:
    """Answers jobs as processes would; remembers what was asked for."""

    def __init__(self, answers):
        self.answers = {name: iter(found) for name, found in answers.items()}
        self.asked = []

    def __call__(self, job):
        name = job.target.model if job.target else "peak"
        self.asked.append(name)
        answer = next(self.answers[name])
        if isinstance(answer, HarnessError):
            raise answer
        return answer


def peak(rate):
    return {"gmacs_per_s": rate, "by": f"product at {rate}"}


def test_networks_take_turns_and_one_that_fails_is_not_tried_again():
    run = Processes(
        {
            "peak": [peak(4.0), peak(5.0)],
            "a": [measured(1.0)] * 4,
            "b": [measured(1.0), HarnessError("'b' at x2 failed: oops")],
        }
    )
    found = rounds.measure([candidate("a"), candidate("b")], Setup(), QUICK, processes=4, run=run)
    assert run.asked == ["peak", "a", "b", "a", "b", "peak", "a", "a"]
    assert [row.model for row in found.rows] == ["a"]
    assert found.failures == ("'b' at x2 failed: oops",)


def test_nothing_more_is_measured_once_all_have_failed():
    run = Processes({"peak": [peak(4.0)], "a": [HarnessError("oops")]})
    found = rounds.measure([candidate("a")], Setup(), QUICK, processes=6, run=run)
    assert (found.rows, found.failures) == ((), ("oops",))


@pytest.fixture
def row():
    run = Processes(
        {
            "peak": [peak(4.0), peak(8.0), peak(5.0)],
            "a": [
                measured(0.5, 0.5, peak_memory_mib=300.0),
                *[measured(level, first_s=level) for level in (0.4, 0.5, 0.5, 0.6)],
            ],
        }
    )
    return rounds.measure([candidate("a")], Setup(), QUICK, processes=5, run=run).rows[0]


def test_a_row_sums_up_its_processes(row):
    assert (row.processes, row.repeats) == (5, 6)
    assert (row.p10_ms, row.p50_ms, row.p90_ms) == (400, 500, 600)
    assert (row.p50_low_ms, row.p50_high_ms, row.confidence) == (400, 600, 0.9375)
    assert row.first_ms == 500
    assert row.mpixel_per_s == 2
    assert row.gmacs_per_s == 2
    assert (row.peak_gmacs_per_s, row.peak_by) == (5, "product at 5.0")
    assert row.peak_share == 0.4
    assert row.peak_share_low == pytest.approx(1 / 0.6 / 8, rel=1e-4)
    assert row.peak_share_high == pytest.approx(1 / 0.4 / 4, rel=1e-4)
    assert row.peak_memory_mib == 300
    assert row.energy_j == 2
    assert row.cpu_share == 0.5


def test_what_cannot_be_known_is_missing_and_not_zero():
    unknown = {"joules": None, "energy_note": "no counter", "peak_memory_mib": None}
    run = Processes({"peak": [peak(4.0)], "a": [measured(0.5, cpu_share=None, **unknown)]})
    (row,) = rounds.measure([candidate("a", None)], Setup(), QUICK, processes=1, run=run).rows
    missing = {name for name, value in asdict(row).items() if value is None}
    shares = {"peak_share", "peak_share_low", "peak_share_high", "cpu_share"}
    unmeasured = {"multi_adds", "gmacs_per_s", "peak_memory_mib", "energy_j", "psnr_db"}
    assert missing == unmeasured | shares
    (cells,) = csv.DictReader(rows.to_csv([row]).splitlines())
    assert {name for name, text in cells.items() if text == "n/a"} == missing
    assert "n/a" in to_text(bench_tables.build([row]))


def test_a_new_row_replaces_the_old_one_of_the_same_setup_only(row, tmp_path):
    other = replace(row, memory_format="channels_last")
    rows.write([row, other], tmp_path)
    (written,) = rows.write([replace(row, p50_ms=510.0, p50_low_ms=505.0)], tmp_path)
    assert written.replaced.p50_ms == 500.0
    assert written.agrees()
    with written.path.open(newline="") as stream:
        kept = [(cells["memory_format"], cells["p50_ms"]) for cells in csv.DictReader(stream)]
    assert kept == [("contiguous", "510.0"), ("channels_last", "500.0")]


def test_rows_of_other_types_go_to_other_files(row, tmp_path):
    first, second = rows.write([row, replace(row, dtype="bf16")], tmp_path)
    assert first.path != second.path
    assert first.replaced is second.replaced is None
    assert first.agrees() is None


def test_runs_whose_intervals_do_not_meet_are_told_apart(row, tmp_path, caplog):
    rows.write([row], tmp_path)
    (written,) = rows.write([replace(row, p50_low_ms=601.0, p50_high_ms=700.0)], tmp_path)
    assert not written.agrees()
    measure._compare(written)
    assert "does not agree with that of" in caplog.text


def test_a_file_that_is_something_else_is_left_alone(row, tmp_path):
    path = tmp_path / rows.file_name(row)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RecordError, match="move it away"):
        rows.write([row], tmp_path)
    assert path.read_text() == "a,b\n1,2\n"


def test_the_table_shows_percentiles_spread_and_share(row):
    text = to_text(bench_tables.build([row]))
    assert "Latency on cpu (Test), fp32, contiguous, 2 threads, weight norms folded" in text
    line = next(line for line in text.splitlines() if line.startswith("A  "))
    shown = "A 2 500x500 400 500 600 400 to 600 2.00 2.00 40.0 20.8 to 62.5 300 2.00"
    assert " ".join(line.split()) == shown
    assert "Peak: 5.00 GMAC/s (between processes 4.00 to 8.00)" in text
    assert "94 % confidence" in text
    assert "got 50 % of the time of its 2 threads" in text
