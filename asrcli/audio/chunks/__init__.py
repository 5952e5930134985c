"""Blocks become chunks: resampled, cut, paced; and where they may be cut."""
