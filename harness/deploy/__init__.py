"""What is done with a trained network: images upscaled, branches pruned."""
