"""What is kept of the outcomes of jobs, by launchers that do what real ones seldom do."""

from dataclasses import replace

import pytest

from harness.config import ablation, settings
from harness.experiment import plan
from harness.experiment.launch.all_cells import Launching
from harness.experiment.launch.jobs import Job, Outcome, do
from harness.experiment.run import execute
from harness.records import failure

NET = "model: awsrn_s, with: {num_units: 1, channels: 4, inner_channels: 8}"


class Fake:
    """A launcher that gives what a function gives of each job, the last first, and remembers."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.jobs = []

    def run(self, jobs):
        for job in reversed(jobs):
            self.jobs.append(job)
            yield job, self.outcome(job)


@pytest.fixture
def launched(tiny, tmp_path, monkeypatch):
    """Run the tiny ablation, or rows, by a launcher of one's own; returns outcome and jobs."""
    monkeypatch.chdir(tmp_path)

    def run(outcome, *changes, rows="", **options):
        if rows:
            (tmp_path / "tiny.yaml").write_text(f"base: whole\nrows:\n{rows}")
        values, problems = settings.parse_arguments([*tiny, *changes])
        made = plan.make(ablation.load(values.pop("ablation")), values, problems)
        fake = Fake(outcome)
        found = execute(made, report=lambda *_: (), launching=Launching(fake), **options)
        return found, fake.jobs

    return run


def test_cells_that_were_done_before_their_job_was_lost_are_kept(launched, tmp_path):
    def lost_after_the_first(job):
        first = replace(job.plan, cells=job.plan.cells[:1])
        assert do(replace(job, plan=first, ids=job.ids[:1])).good
        return Outcome(lost="its process was ended by SIGKILL") if len(job.ids) > 1 else Outcome()

    rows = f"- {{label: whole, {NET}}}\n- {{label: cut, {NET}, drop: [9]}}\n"
    found, _ = launched(lost_after_the_first, rows=rows)
    assert {record.label for record in found.records} == {"AWSRN-S", "Bicubic"}
    assert [(one.label, one.reason) for one in found.failures] == [
        ("cut", "its process was ended by SIGKILL")
    ]
    assert [one.label for one in failure.load_all(tmp_path)] == ["cut"]


def test_a_reason_that_was_stored_before_the_job_was_lost_is_kept(launched, tmp_path):
    """Of this job, not of one of before: then the reason is that it was lost."""

    def lost_after_the_first_failed(job):
        first = replace(job.plan, cells=job.plan.cells[:1])
        do(replace(job, plan=first, ids=job.ids[:1]))
        return Outcome(lost="its process was ended by SIGKILL")

    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.one = nn.Conv2d(3, 3, 1)\n"
        "    def forward(self, lr):\n"
        "        assert not self.training, 'no such map'\n"
        "        return nn.functional.interpolate(self.one(lr), scale_factor=2)\n"
    )
    rows = f"- {{label: whole, {NET}}}\n- {{label: mine, model: 'net.py:Net'}}\n"
    found, _ = launched(lost_after_the_first_failed, rows=rows)
    assert {one.label: "no such map" in one.reason for one in found.failures} == {"mine": True}
    again, _ = launched(lambda _: Outcome(lost="it hung"), rows=rows)
    assert [(one.label, one.reason) for one in again.failures] == [("mine", "it hung")]


def test_a_record_that_is_not_where_it_should_be_is_a_failure(launched):
    found, jobs = launched(lambda job: Outcome(done=job.ids))
    assert len(found.failures) == len(jobs) == 3
    assert found.left == 0
    assert all("results root that all machines see" in one.reason for one in found.failures)


def test_a_record_that_cannot_be_read_fails_its_own_cell_only(launched, tmp_path):
    whole, _ = launched(do)
    assert [one.row for one in whole.records] == ["Bicubic", "plain", "basic"], "as planned"
    damaged, other = sorted(tmp_path.glob("results/runs/awsrn_s*/record.json"))
    damaged.write_text("{")
    other.unlink()
    found, _ = launched(do)
    assert [one.id for one in found.failures] == [damaged.parent.name]
    assert other.is_file()


def test_what_fails_outside_of_a_cell_is_the_outcome_of_the_job(launched):
    _, jobs = launched(do)
    gone = do(replace(jobs[0], folder="/nowhere/at/all"))
    assert "No such file" in gone.lost
    assert isinstance(jobs[0], Job)


def test_jobs_do_not_wait_for_a_server_that_was_given_up(launched):
    """Ten seconds each, where it hangs: what the sender knows its workers need not find out."""
    tracked = ("tracking.mlflow=true", "tracking.uri=http://127.0.0.1:9")
    found, jobs = launched(do, *tracked)
    assert len(found.records) == 3
    assert not any(job.plan.config.tracking.mlflow for job in jobs)


def test_nothing_is_launched_after_a_row_whose_weights_cannot_be_read(launched, tmp_path):
    (tmp_path / "own.pth").write_bytes(b"nothing")
    rows = f"- {{label: whole, {NET}}}\n- {{label: own, model: espcn, checkpoint: own.pth}}\n"
    found, jobs = launched(do, rows=rows, fail_fast=True)
    assert [one.label for one in found.failures] == ["own"]
    assert jobs == []
