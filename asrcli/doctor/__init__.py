"""The self-check: each check is a function that gives findings, and prints nothing."""
