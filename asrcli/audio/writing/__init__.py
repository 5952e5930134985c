"""Sound that leaves: compressed for the wire, or into a wav."""
