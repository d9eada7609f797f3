"""What scoring costs beside the bare forward passes: AWSRN-S x4 on B100, one thread, CPU time.

Both take turns in one process; printed are the medians. Scoring is `harness eval` without its
start: images decoded, bicubic scored beside the network, PSNR, SSIM and the digest of the pixels.
Before each turn what was decoded is forgotten, as in a process of its own; `again` is a second
network on the same set. A number limits the images.

    python tests/benchmarks/measure_scoring.py 100
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import click
import torch

from harness.config.protocols import DEFAULT
from harness.data.catalogue import find_test
from harness.evaluation import below_bicubic, pixels
from harness.evaluation.kept import Kept
from harness.evaluation.scoring import Scorer
from harness.weights.load import load

ROOT = Path(__file__).parents[2]
TURNS = 5


def forget():
    """Let nothing be kept of what was decoded."""
    pixels._KEPT = Kept()
    below_bicubic._scored_before.cache_clear()


def cost(work):
    """CPU seconds of some work, threads included."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main(images):
    """Measure, and print the ratios to the bare forward passes."""
    torch.set_num_threads(1)
    weights = ROOT / "results" / "pretrained" / "awsrn_s_x4.safetensors"
    scorer = Scorer(load("awsrn_s", scale=4, checkpoint=weights), device=torch.device("cpu"))
    test = find_test("B100", Path(os.environ["HARNESS_DATA"]), 4, lr="LR_bicubic/X4")
    test = replace(test, hr=test.hr[:images], lr=(test.lr or ())[:images])
    batches = [
        torch.from_numpy(lr.transpose(2, 0, 1).copy())[None].float()
        for _, lr, _ in pixels.pairs(test, scale=4)
    ]
    network = scorer.network.eval()

    def bare():
        with torch.no_grad():
            for batch in batches:
                network(batch)

    def score():
        scorer.score(test, (DEFAULT,))

    bare(), score()
    turns = []
    for _ in range(TURNS):
        forget()
        turns.append((cost(bare), cost(score), cost(score)))
    for name, place in (("scored", 1), ("again", 2)):
        ratio = median(turn[place] / turn[0] for turn in turns)
        click.echo(f"{name}: {ratio:.3f} times the bare forward passes of {len(batches)} images")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100)
