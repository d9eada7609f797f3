"""Constants of the paper: what it trains with, scores on and counts for, each of them once."""

from __future__ import annotations

from typing import Literal

Convention = Literal["paper", "executed"]
"""How the Multi-Adds of a transposed convolution are charged: on its output grid, as its tables
do, or for what it executes."""

STEPS = 1_000_000
"""Length of its training, as the authors' code has it; the paper itself says only that the rate is
halved every 200,000 steps (Sec. 4.2). A record with fewer steps is marked as short."""

TRAIN_SET = "DIV2K"
"""What it trains on (Sec. 4.1)."""

SETS = ("Set5", "Set14", "B100", "Urban100", "Manga109")
"""Its benchmark sets (Sec. 4.1); "mean PSNR" is the mean over these five."""

KERNEL_SIZES = (3, 5, 7, 9)
"""Kernel sizes of its multi-scale reconstruction, AWMS (Sec. 4.2)."""

OUTPUT_PX = (1280, 720)
"""Width and height of the SR image that its Multi-Adds are for."""

OUTPUT_SIZE = "x".join(map(str, OUTPUT_PX))
"""The same as text."""

SYSTEMS_TABLE = 5
"""Number of the table that compares whole systems."""

BICUBIC = "bicubic"
"""Id of the network that its tables begin with: interpolation, the reference of every scale."""

FAMILY = "AWSRN"
"""What the names of its own networks begin with."""
