"""Use a trained network: upscale images, prune branches and units."""
