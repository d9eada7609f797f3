"""Figures, from what is recorded or from weights: drawn, and written as SVG, PDF and PNG."""
