"""Benchmark and ablation harness for lightweight single-image super-resolution."""

__version__ = "0.1.0"
