"""Events become text. One file for each format."""
