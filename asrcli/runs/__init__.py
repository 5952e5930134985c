"""One command carried out, from its request to its exit code."""
