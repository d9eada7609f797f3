"""Image sets by name, read, resized, prepared once and cut into training patches."""
