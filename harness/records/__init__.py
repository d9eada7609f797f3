"""What is known: stored runs, printed numbers, stored counts. Loads no torch."""
