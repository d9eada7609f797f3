"""Parameters, Multi-Adds and activations, and how far a count can be trusted."""
