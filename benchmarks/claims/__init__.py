"""Random networks, what is true of them, and what the package claims of them."""
