"""Latency, memory and energy, measured side by side."""
