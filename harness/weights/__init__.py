"""Weights from any file into our networks."""
