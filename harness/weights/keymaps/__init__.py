"""Others' names of tensors, and ours; one module a family."""
