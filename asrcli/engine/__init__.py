"""A transcription from its first sample to its last: sessions, recovery, many at once."""
