"""The chores: each slow test is run by one session, and the suite by the README's command."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from nox.project import load_toml

ROOT = Path(__file__).parents[1]
SLOW = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "tests").rglob("test_*.py")
    if "mark." + "slow" in path.read_text(encoding="utf-8")
)


class Session:
    """Takes note of the commands that a session runs."""

    posargs = ()

    def __init__(self):
        self.commands = []
        self.variables = []

    def install(self, *arguments):
        pass

    def run(self, *command, **options):
        self.commands.append(command)
        self.variables.append(options.get("env", {}))
        return ""


@pytest.fixture(scope="module")
def sessions():
    """What sessions of the noxfile do, by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        functions = runpy.run_path("noxfile.py")
        done = {name: Session() for name in ("tests", "slow", "protocol", "bench", "faults")}
        for name, session in done.items():
            functions[name].func(session)
    return done


@pytest.fixture(scope="module")
def pytest_runs(sessions):
    """The arguments that the sessions give to pytest."""
    return {
        name: [rest for program, *rest in session.commands if program == "pytest"]
        for name, session in sessions.items()
    }


def runs_slow_tests_of(path, arguments):
    """Whether pytest with these arguments runs the tests of a file that are marked slow."""
    asked = arguments[arguments.index("-m") + 1] if "-m" in arguments else ""
    marks = asked or "not slow"  # as tests/conftest.py has it
    places = [argument for argument in arguments if argument.startswith("tests/")]
    ignored = [argument.partition("=")[2] for argument in arguments if "--ignore=" in argument]
    inside = not places or any(path.startswith(place) for place in places)
    wanted = eval(marks, {}, {"slow": True})
    return inside and wanted and not any(path.startswith(place) for place in ignored)


def test_some_tests_are_slow():
    assert len(SLOW) > 1


@pytest.mark.parametrize("path", SLOW)
def test_each_slow_test_is_run_by_one_session(path, pytest_runs):
    sessions = [
        name
        for name, runs in pytest_runs.items()
        if any(runs_slow_tests_of(path, arguments) for arguments in runs)
    ]
    assert len(sessions) == 1, sessions


def test_a_benchmark_that_is_marked_slow_runs_with_the_others(pytest_runs):
    paths = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/benchmarks/test_*.py")]
    assert paths
    for path in paths:
        assert any(runs_slow_tests_of(path, arguments) for arguments in pytest_runs["bench"])


def test_the_program_for_mutants_is_no_test():
    """Not even where it is named, as an editor does that runs the file at hand."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/mutants.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout


def test_the_suite_runs_in_two_processes(pytest_runs):
    (arguments,) = pytest_runs["tests"]
    assert arguments[arguments.index("-n") + 1] == "2"


def test_the_session_faults_tries_thousands_of_inputs(sessions, pytest_runs):
    (arguments,) = pytest_runs["faults"]
    assert arguments[0] == "tests/faults"
    assert sessions["faults"].variables[0]["HARNESS_FAULTS"] == "3000"


def test_every_dependency_for_development_is_pinned():
    groups = load_toml(ROOT / "pyproject.toml")["dependency-groups"].values()
    entries = [entry for group in groups for entry in group if isinstance(entry, str)]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    for entry in entries:
        assert f"\n{entry.partition('>')[0]}==" in pins
