"""Tables made from stored records and counts, and written as LaTeX, CSV and Markdown."""
