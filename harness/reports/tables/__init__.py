"""Tables, from what is recorded: made, and written as LaTeX, CSV and Markdown."""
