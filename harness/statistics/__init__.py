"""Is a difference more than luck? Intervals over seeds and images."""
