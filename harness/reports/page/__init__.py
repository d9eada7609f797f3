"""One page for a co-author or reviewer: every number with the record that it comes from."""
