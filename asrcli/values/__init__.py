"""Plain values that every room may know. Imports nothing of ours."""
