"""Image sets by name: found, read, resized, prepared once, cut into training patches."""
