"""Tables and figures, made from what is recorded."""
