"""What a network costs: Multi-Adds, parameters, activations, and how far they can be trusted."""
