"""What a gate says of seeds that were trained until it was decided."""

from harness.records.record import ImageScore, SetScore
from harness.statistics import estimates
from harness.statistics.differences import Runs
from harness.statistics.gate import judge


def runs(label, *gains, until=None):
    """Trainings whose four images gain alike; only the seeds differ."""
    scores = tuple(
        {
            "own": SetScore.of(
                "own",
                "made",
                "p",
                tuple(ImageScore(str(i), 30.0 + i + gain, 0.9) for i in range(4)),
            )
        }
        for gain in gains
    )
    return Runs(label, tuple(range(len(gains))), scores, until=until)


def judged(until):
    old, new = runs("old", 0.0, 0.0, 0.0), runs("new", -0.05, 0.0, 0.05, until=until)
    _, found = estimates.of_runs([old, new], "old", ("own",))
    return judge(found, new, old, ("own",), claim="improvement", margin=0.02)


def test_how_many_seeds_would_tell_is_not_said_at_the_level_of_another_interval():
    """A plan is for intervals of 95 %; those of looks are wider, so that it would be too few."""
    fixed, looked = judged(None), judged(0.01)
    assert (fixed.outcome, looked.outcome) == ("cannot tell", "cannot tell")
    assert fixed.needed is not None
    assert looked.needed is None
    assert "97 % interval" in looked.reason
    assert "seeds=auto" in looked.reason
    assert looked.high > fixed.high
