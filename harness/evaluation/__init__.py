"""Score a network on benchmark images by a named protocol, and record that."""
