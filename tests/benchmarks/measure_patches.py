"""What a training sample costs, beside what it costs from other files; LMDB where it is installed.

Images of 2040x1356 at x2, patches of 48, 16 a batch, the page cache warm. Every way reads LR and HR
of one image, cuts both at a random place, and turns them alike. They take turns in one process;
printed are medians of CPU microseconds a sample, and of the ratios to ours within a turn. Memory
is as the C library has it: where it is kept, as in a training (:mod:`harness.host.process`), a
whole file costs a third less, and ours the same.

    python tests/benchmarks/measure_patches.py
"""

import importlib
import importlib.util
import tempfile
import time
from itertools import count
from pathlib import Path
from statistics import median

import click
import numpy as np
from PIL import Image
from skimage import data

from harness.data.catalogue import TrainSet
from harness.data.patches import Patches
from harness.data.prepare import prepare

HEIGHT, WIDTH, SCALE, PATCH, BATCH, IMAGES, TURNS = 1356, 2040, 2, 48, 16, 4, 7
SAMPLES = {"ours": 1600, "npy": 40, "mapped": 160, "png": 4, "lmdb": 160}
HELD = ("npy", "mapped", "png")  # to the bounds of bounds.yaml, as "patches NAME"


def photograph(number):
    """An image of that size, of photographs side by side; another for every number."""
    shown = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    rows = [np.hstack([np.roll(one, number * 17, 1)[:300] for one in shown]) for _ in range(5)]
    whole = np.vstack(
        [np.roll(row, 301 * place + 97 * number, 1) for place, row in enumerate(rows)]
    )
    return np.ascontiguousarray(whole[:HEIGHT, :WIDTH])


def written(folder):
    """Write LR and HR in every form; returns our own prepared form of them."""
    for number in range(IMAGES):
        Image.fromarray(photograph(number)).save(folder / f"{number}.png")
    files = tuple(sorted(folder.glob("*.png")))
    prepared = prepare([TrainSet("made", files, None, ())], SCALE, folder / "cache")
    for number in range(IMAGES):
        for kind, image in (("hr", prepared.hr(number)), ("lr", prepared.lr(number))):
            np.save(folder / f"{kind}{number}.npy", image)
            Image.fromarray(image).save(folder / f"{kind}{number}.png")
    return prepared


def cut(lr, hr, generator):
    """Cut LR and HR and turn them, as a data set of one's own does."""
    top, left = (int(generator.integers(side - PATCH + 1)) for side in lr.shape[:2])
    turn = int(generator.integers(8))
    patches = []
    for whole, scale in ((lr, 1), (hr, SCALE)):
        first, second, side = top * scale, left * scale, PATCH * scale
        patch = whole[first : first + side, second : second + side]
        patch = patch[:, ::-1] if turn & 1 else patch
        patch = patch[::-1] if turn & 2 else patch
        patch = patch.swapaxes(0, 1) if turn & 4 else patch
        patches.append(np.ascontiguousarray(patch.transpose(2, 0, 1)))
    return patches


def from_lmdb(folder, prepared):
    """How LMDB gives an image: its bytes, where they lie in the map."""
    lmdb = importlib.import_module("lmdb")
    base = lmdb.open(str(folder / "lmdb"), map_size=2**30)
    with base.begin(write=True) as writing:
        for number in range(IMAGES):
            writing.put(f"hr{number}".encode(), prepared.hr(number).tobytes())
            writing.put(f"lr{number}".encode(), prepared.lr(number).tobytes())
    shapes = {"hr": (HEIGHT, WIDTH, 3), "lr": (HEIGHT // SCALE, WIDTH // SCALE, 3)}

    def read(kind, number):
        with base.begin(buffers=True) as reading:
            held = reading.get(f"{kind}{number}".encode())
            return np.frombuffer(held, np.uint8).reshape(shapes[kind])

    return read


def ways(folder):
    """The ways to get a sample, by name: functions without arguments."""
    prepared = written(folder)
    patches = Patches(prepared, patch=PATCH, batch=BATCH, seed=0)
    generator, numbers = np.random.default_rng(0), count()
    readers = {
        "npy": lambda kind, number: np.load(folder / f"{kind}{number}.npy"),
        "mapped": lambda kind, number: np.load(folder / f"{kind}{number}.npy", mmap_mode="r"),
        "png": lambda kind, number: np.asarray(Image.open(folder / f"{kind}{number}.png")),
    }
    if importlib.util.find_spec("lmdb"):
        readers["lmdb"] = from_lmdb(folder, prepared)

    def sample(read):
        number = next(numbers) % IMAGES
        return cut(read("lr", number), read("hr", number), generator)

    by_name = {name: (lambda read=read: sample(read)) for name, read in readers.items()}
    return {"ours": lambda: patches[next(numbers)]} | by_name


def cost(name, way):
    """CPU seconds a sample; ours are made a batch at a time."""
    calls = SAMPLES[name] // (BATCH if name == "ours" else 1)
    began = time.process_time()
    for _ in range(calls):
        way()
    return (time.process_time() - began) / SAMPLES[name]


def main():
    """Measure every way in turn, and print what they cost."""
    with tempfile.TemporaryDirectory() as name:
        found = ways(Path(name))
        for way in found.values():
            way()
        turns = [{name: cost(name, way) for name, way in found.items()} for _ in range(TURNS)]
    for name in found:
        us = 1e6 * median(turn[name] for turn in turns)
        ratio = median(turn[name] / turn["ours"] for turn in turns)
        click.echo(f"{name:7}{us:10.1f} us a sample{ratio:9.1f} times ours")


if __name__ == "__main__":
    main()
