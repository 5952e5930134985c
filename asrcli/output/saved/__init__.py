"""Saved JSON lines, read back: what `output/formats/jsonl` has written becomes the values that it was made from."""
