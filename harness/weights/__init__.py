"""Networks from any name, and weights from any file into them."""
