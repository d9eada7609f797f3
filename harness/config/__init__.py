"""What is asked: an ablation, its settings, how it is scored. Loads no torch."""
