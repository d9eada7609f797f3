"""Image sets: found by name, read, prepared once, cut into training patches."""
