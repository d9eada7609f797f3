"""The notes under a table: where its numbers come from, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.config import paper
from harness.records.failure import Failure
from harness.records.marks import RECIPE
from harness.records.origin import RecordedTraining
from harness.records.record import Record, SetScore
from harness.reports import unlike

SAMPLE_SET = "sample"
SAMPLE = f"{SAMPLE_SET}: its test photographs are not among those that it trains on."


def notes(
    rows: Mapping[str, Sequence[Record]],
    *,
    sets: Sequence[str],
    expected_sets: Sequence[str],
    has_published: bool,
    failures: Sequence[Failure] = (),
) -> tuple[str, ...]:
    """Return the notes of one table.

    Args:
        rows: The records of each row by its label, empty where it has not been run.
        sets: The sets the table's means run over.
        expected_sets: The sets they should run over.
        has_published: Whether the table shows published values beside ours.
        failures: What failed, of its rows.
    """
    used = [record for records in rows.values() for record in records]
    budget = budget_text(used, has_published=has_published)
    failed = {run.label for run in failures}
    missing = [label for label, records in rows.items() if not records and label not in failed]
    scores = [one for record in used for name in sets if (one := record.score(name))]
    texts = [
        training_note(used),
        f"Seeds: {seeds_of(rows)}.",
        f"Scores: protocol {distinct(used, lambda record: record.protocol)}; {lr_text(scores)}; "
        f"{_means(sets, expected_sets, has_published=has_published)}.",
        f"{budget}." if budget else "",
        _one_seed(rows),
        SAMPLE if any(train_name(run) == SAMPLE_SET for run in used) and SAMPLE_SET in sets else "",
        recipe_note(used),
        unlike.devices_note(rows),
        unlike.threads_note(rows),
        f"Not run yet: {', '.join(missing)}." if missing else "",
        *failed_text(failures),
        f"Commit: {distinct(used, commit)}.",
    ]
    return tuple(note for note in texts if note)


def _one_seed(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return what cannot be told where no row has a second seed; nothing where one has."""
    trained = [[run for run in records if run.group] for records in rows.values()]
    if max(map(len, trained), default=0) != 1:
        return ""
    return (
        "One seed a row: how far another seed would move a row is not known, so that a difference "
        "may be luck."
    )


def recipe_note(records: Iterable[Record]) -> str:
    """Return what earlier trainings did otherwise; nothing for those of today's recipe."""
    earlier = [run for run in records if run.group and run.recipe < RECIPE]
    if not earlier:
        return ""
    rounded = any(run.recipe < 2 and run.config.precision == "bf16-mixed" for run in earlier)
    other_order = "learned scalars multiplied maps in training, and not kernels"
    what = "learned scalars were rounded to bf16 in training" if rounded else other_order
    recipes = ", ".join(str(recipe) for recipe in sorted({run.recipe for run in earlier}))
    return f"Training recipe {recipes} (today's is {RECIPE}): {what}."


def failed_text(failures: Iterable[Failure]) -> list[str]:
    """Return a note for each run that failed, with the reason."""
    return [f"Failed: {run.text.removesuffix('.')}." for run in failures]


def incomparable_text(differences: Iterable[tuple[str, str, Sequence[str]]]) -> tuple[str, ...]:
    """Return the note on differences that are blank because PSNR is infinite.

    Args:
        differences: Of each, the row, its base, and the sets on which they do not compare.
    """
    texts = [f"{row} to {base} ({', '.join(sets)})" for row, base, sets in differences if sets]
    if not texts:
        return ()
    return (
        "No difference in PSNR, because images of infinite PSNR are left out of the means, and "
        f"they are not the same in both, or all: {'; '.join(texts)}.",
    )


def distinct(records: Iterable[Record], of: Callable[[Record], object]) -> str | None:
    """Return the different values of some property, joined by commas; None without any."""
    values = dict.fromkeys(of(record) for record in records)
    texts = [str(value) for value in values if value is not None and value != ""]
    return ", ".join(texts) or None


def train_name(record: Record) -> str:
    """Return the name of the training set."""
    if record.data.train:
        return record.data.train.name
    return record.config.data.train if record.config.data else ""


def stem(name: str, record: Record) -> str:
    """Return a file name for a training: the given name, scale, training set, steps."""
    trained = f"{name}_x{record.scale}_{train_name(record)}_{record.steps}steps"
    return re.sub(r"[^A-Za-z0-9+._-]+", "-", trained)


def of_recipe(name: str, recipe: int) -> str:
    """Return the file name of a training of an earlier recipe, beside one of a later."""
    return f"{name}_recipe{recipe}"


def file_names(trainings: Iterable[tuple[str, Record, str]]) -> list[str]:
    """Return different file names for trainings.

    Of those that would be called the same, the ones of the newest recipe keep the name.

    Args:
        trainings: Of each the name to begin with, one of its records, and what tells it from
            others that are called the same.
    """
    listed = [(stem(name, record), record.recipe, own) for name, record, own in trainings]
    newest: dict[str, int] = {}
    for plain, recipe, _ in listed:
        newest[plain] = max(recipe, newest.get(plain, 0))
    names = [
        plain if recipe == newest[plain] else of_recipe(plain, recipe)
        for plain, recipe, _ in listed
    ]
    return [
        name if names.count(name) == 1 else f"{name}_{own}"
        for name, (_, _, own) in zip(names, listed, strict=True)
    ]


def device(record: Record) -> str:
    """Return what the network was trained on."""
    return record.provenance.device


def commit(record: Record, *, digits: int = 12) -> str:
    """Return the first digits of the commit, with a remark if files differed from it.

    An installed package has no commit, so its version is returned instead.
    """
    origin = record.provenance
    name = (origin.commit or "")[:digits] or f"awsrn-harness {origin.harness}, installed"
    return f"{name} with uncommitted changes" if origin.dirty else name


def training_note(records: Sequence[Record]) -> str:
    """Return the sentence on how our rows were trained, and on what kind of device."""
    return f"Ours: {training_text(records)}."


def training_text(records: Sequence[Record]) -> str:
    """Return data, length, schedule, precision and device of the training."""
    trainings = [record.config.train for record in records if record.config.train]

    def used(of: Callable[[RecordedTraining], object]) -> str:
        return ", ".join(dict.fromkeys(str(of(training)) for training in trainings)) or "?"

    steps = distinct(records, lambda record: f"{record.steps:,}")
    parts = [
        f"trained on {distinct(records, _train_set)}",
        f"{steps} steps x batch {used(lambda train: train.batch)} "
        f"x LR patch {used(lambda train: train.patch)}",
        f"schedule {used(lambda train: train.schedule)}, lr {used(lambda train: train.lr)}",
        distinct(records, lambda record: record.config.precision) or "?",
        distinct(records, device) or "unknown device",
    ]
    return "; ".join(parts)


def _train_set(record: Record) -> str:
    """Return the training set's name with the number of its images."""
    trained = record.data.train
    return f"{trained.name} ({trained.images} images)" if trained else train_name(record)


def seeds_of(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return the seeds of rows that have any, row by row where the rows differ in them."""
    seeds = {
        label: ", ".join(str(record.seed) for record in records if record.seed is not None)
        for label, records in rows.items()
    }
    seeds = {label: text for label, text in seeds.items() if text}
    different = set(seeds.values())
    if len(different) == 1:
        return different.pop()
    return "; ".join(f"{label} {text}" for label, text in seeds.items())


def _means(sets: Sequence[str], expected: Sequence[str], *, has_published: bool) -> str:
    """Return which sets the mean runs over and which it lacks."""
    missing = ", ".join(name for name in expected if name not in sets)
    over = f"mean = plain mean of the set means over {', '.join(sets) or 'no set'}"
    if not missing:
        return over
    if not set(sets) & set(expected):  # sets of the user's own, which miss nothing
        return f"{over}; the published mean is over {missing}" if has_published else over
    theirs = "; the published mean includes them" if has_published else ""
    return f"{over} (missing: {missing}{theirs})"


def lr_text(scores: Iterable[SetScore]) -> str:
    """Return where the LR images of scored sets come from, set by set where they differ."""
    by_text: dict[str, dict[str, None]] = {}
    for score in scores:
        by_text.setdefault(score.lr_text, {})[score.set] = None
    if len(by_text) == 1:
        return next(iter(by_text))
    texts = [f"{text} ({', '.join(names)})" for text, names in sorted(by_text.items())]
    return ", ".join(texts) or "LR unknown"


def budget_text(records: Sequence[Record], *, has_published: bool) -> str:
    """Return the warning about a short training; empty for the training of the paper."""
    if all(record.full_budget for record in records):
        return ""
    steps = distinct(records, lambda record: f"{record.steps:,}")
    short = f"Short budget: {steps} of the {paper.STEPS:,} steps of the authors' code"
    if all(record.steps >= paper.STEPS for record in records):
        short = "Not the training of the paper (Sec. 4.2)"
    return f"{short}; not comparable with the published column" if has_published else short
