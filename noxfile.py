"""The project's chores; `python -m nox --list` shows them."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "typecheck", "tables"]
nox.options.reuse_existing_virtualenvs = True
nox.needs_version = ">=2025.2.9"

PYPROJECT = nox.project.load_toml("pyproject.toml")
TESTED = ("-c", "constraints.txt")
EXPORTING = ".[deploy]"  # about 300 MB more, 180 of them OpenVINO
WORKERS = ("-n", "2", "--dist", "worksteal")
PROTOCOL_TESTS = ("tests/evaluation/test_audit.py", "tests/weights/test_public.py")
BENCHMARKS = "tests/benchmarks"
FAULTS = ("tests/faults", "tests/experiment/launch", "tests/records/test_load.py")
TABLES_1_TO_3 = ("awru", "lfb", "awms")
REPRODUCED = ("wdsr_basic-x2-s0-b77c15635851", "wdsr_awru-x2-s0-129f330233f0")


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite in two processes; arguments go to pytest."""
    session.install(*TESTED, "-e", EXPORTING, *group("test"))
    session.run("pytest", *WORKERS, *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Run the tests that take minutes; those of `protocol` and `faults` run there."""
    session.install(*TESTED, "-e", EXPORTING, *group("test"))
    elsewhere = [f"--ignore={path}" for path in (*PROTOCOL_TESTS, *FAULTS, BENCHMARKS)]
    session.run("pytest", "-m", "slow", *elsewhere, *WORKERS, *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Change the code in 44 places, one at a time; list the changes that no test notices.

    Takes about an hour; arguments go to tests/mutants.py, whose --help shows them.
    """
    session.install(*TESTED, "-e", ".", *group("test"))
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Try 3,000 inputs of every kind, and what may happen to a run over several processes.

    Inputs are right, damaged and hostile; what became of them is printed. Takes half an hour;
    arguments go to pytest, such as `-k images`. The suite tries 100 of each, and one of each kind
    of what may happen.
    """
    session.install(*TESTED, "-e", ".", *group("test"))
    much = {"HARNESS_FAULTS": "3000", "HARNESS_LOAD_SECONDS": "120"}
    every = ("-m", "slow or not slow")
    session.run("pytest", *FAULTS, *every, *WORKERS, *session.posargs, env=much)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting, and that what is imported is declared."""
    session.install(*TESTED, *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("deptry", "harness", "models")
    # Tests may use what only the groups of pyproject.toml declare.
    session.run("deptry", "tests", "--exclude", r"\.venv", "--ignore", "DEP002,DEP004")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types, strictly; of tests, what their bodies do."""
    session.install(*TESTED, "-e", ".", *group("typecheck"))
    session.run("mypy")


@nox.session
def tables(session: nox.Session) -> None:
    """Make reports/ from what is stored; fail when a committed file would change.

    Neither torch nor MLflow is installed here: tables and figures are made without them.
    """
    needed = ("click", "pyyaml", "filelock", "jiter", "matplotlib", "pydantic", "rich", "scipy")
    session.install(*TESTED, *needed)
    session.install("--no-deps", "-e", ".")
    for path in Path("reports").glob("*.*"):
        if path.name != "README.md":
            path.unlink()
    session.run("harness", "tables", silent=True)
    session.run("harness", "figures", silent=True)
    session.run("harness", "figures", "differences", *TABLES_1_TO_3, silent=True)
    session.run("harness", "plan", *TABLES_1_TO_3, "--write", silent=True)
    changed = session.run(
        "git", "status", "--porcelain", "--", "reports", external=True, silent=True
    )
    if changed:
        session.run("git", "diff", "--stat", "--", "reports", external=True)
        session.error(f"reports/ differs from what the records give:\n{changed}")


@nox.session(default=False)
def protocol(session: nox.Session) -> None:
    """Prove on public weights that scores are what papers print; takes hours on two cores.

    HARNESS_CHECKPOINTS and HARNESS_DATA name the weights and the sets. What is recorded
    already is not scored again: remove results/runs of the weights to begin anew.
    """
    session.install(*TESTED, "-e", ".", *group("test"))
    session.run("harness", "protocol")
    session.run("harness", "tables", silent=True)
    session.run("pytest", *PROTOCOL_TESTS, "-m", "slow or not slow")


@nox.session(default=False)
def artifact(session: nox.Session) -> None:
    """For a reviewer: make the tables again, score weights again, reproduce two trainings.

    Needs no network after the installation, and takes less than half an hour on two cores. Scores
    need HARNESS_DATA, those of public weights HARNESS_CHECKPOINTS, too. Ends with a checklist.
    """
    session.install(*TESTED, "-e", ".", *group("test"))
    checks = {
        "reports/ are what the records give": ("harness", "tables", "--check"),
        "figures are what the records give": ("harness", "figures"),
        "weights score as printed": ("pytest", "-q", "-rs", *PROTOCOL_TESTS),
    }
    kept = ("--results", "results/artifact")
    checks |= {f"{one} comes out again": ("harness", "reproduce", one, *kept) for one in REPRODUCED}
    failed = []
    for what, command in checks.items():
        try:
            session.run(*command)
        except nox.command.CommandFailed:
            failed.append(what)
    for what in checks:
        session.log("%s: %s", "NOT CONFIRMED" if what in failed else "confirmed", what)
    if failed:
        session.error(f"{len(failed)} of {len(checks)} checks are not confirmed")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Hold every ratio of speed to its bound, side by side; arguments go to pytest (`-k x2`).

    Takes an hour on an idle core. Ratios are stored in results/bench/, read results/README.md.
    """
    session.install(*TESTED, "-e", EXPORTING, *group("test"))
    every = ("-m", "slow or not slow")
    stored = {"HARNESS_BENCH": "results/bench"}
    session.run("pytest", BENCHMARKS, "--benchmark-only", *every, *session.posargs, env=stored)
