"""Measure two pieces of work in turn, in this process or each in one of its own."""

import json
import multiprocessing
import os
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml

from harness.host import environment
from harness.host.device import computes_bf16, instructions

FOLDER = Path(__file__).parent
CPUINFO = Path("/proc/cpuinfo")
WARM_UP = 3
_LONGEST_S = 600


@dataclass(frozen=True)
class Claim:
    """An entry of bounds.yaml, whose head explains it."""

    what: str
    peer: str
    cpu: str = "any"
    device: str = "cpu"
    bound: float | None = None
    goal: float | None = None
    threads: int = 1
    turns: int = 11

    @property
    def holds_here(self):
        return self.bound is not None and (self.cpu == "any" or (computes_bf16() and not has_amx()))


@cache
def claims():
    entries = yaml.safe_load((FOLDER / "bounds.yaml").read_text(encoding="utf-8"))
    return {name: Claim(**entry) for name, entry in entries.items()}


def has_amx():
    return "amx_bf16" in instructions(CPUINFO)


def clock(threads):
    """CPU time, which other processes lengthen less than they do the time; of one thread only.

    With several threads, or none for a GPU, it is the time that passes.
    """
    return time.process_time if threads == 1 else time.perf_counter


def timed(work, *arguments, threads=1):
    """A piece of work in this process, as a function that returns its seconds."""

    def once():
        started = clock(threads)()
        work(*arguments)
        return clock(threads)() - started

    return once


class Apart:
    """A piece of work in a process of its own, with its own allocator; a call returns its seconds.

    The work is a generator, named as a function of a module and its arguments, that does it once
    a turn.
    """

    def __init__(self, work, *arguments, threads=1):
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, work, arguments, threads), daemon=True
        )
        self._process.start()
        there.close()

    def __call__(self):
        self._here.send("go")
        assert self._here.poll(_LONGEST_S), "no answer from the process that is measured"
        answer = self._here.recv()
        assert isinstance(answer, float), answer
        return answer

    def close(self):
        self._here.close()
        self._process.terminate()
        self._process.join()


def _serve(pipe, work, arguments, threads):
    torch.set_num_threads(max(1, threads))
    try:
        turns = work(*arguments)
        while pipe.recv():
            started = clock(threads)()
            next(turns)
            pipe.send(clock(threads)() - started)
    except EOFError:
        return
    except Exception as error:  # told in the process that measures
        pipe.send(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Ratio:
    """How many times as long the first of two took: median, least and most over the turns."""

    ratio: float
    least: float
    most: float
    over_s: float
    under_s: float

    @classmethod
    def of(cls, over, under, turns):
        """Measure in turn, after a warm-up of both."""
        for work in (over, under):
            for _ in range(WARM_UP if turns > 5 else 1):
                work()
        pairs = [(over(), under()) for _ in range(turns)]
        ratios = [first / second for first, second in pairs]
        medians = (median(times) for times in zip(*pairs, strict=True))
        return cls(median(ratios), min(ratios), max(ratios), *medians)


def row(name, script, measured, about, *, over="peer_s", under="ours_s"):
    """What is stored of a ratio; `over` and `under` name the medians that it is of."""
    figures = {key: float(f"{value:.4g}") for key, value in asdict(measured).items()}
    figures |= {over: figures.pop("over_s"), under: figures.pop("under_s")}
    stated = {key: value for key, value in about.items() if value is not None}
    device = environment.device_name(stated.pop("device", "cpu"))
    machine = {"machine": device, "amx": has_amx()}
    made = {"torch": torch.__version__, "script": f"tests/benchmarks/{script}"}
    return {"name": name} | stated | figures | machine | made


def store(found, file: str):
    """Put a row into a file below the folder that HARNESS_BENCH names, in the place of its like.

    A row is replaced by one of the same name, of the same kind of CPU.
    """
    folder = os.environ.get("HARNESS_BENCH")
    if not folder:
        return
    path = Path(folder, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    kept = [old for old in rows if _key(old) != _key(found)]
    rows = sorted([*kept, found], key=_key)
    lines = ",\n".join(json.dumps(one) for one in rows)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _key(one):
    return one["name"], one["machine"]
