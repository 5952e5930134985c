"""Sessions, and parts, told as one transcription; and what is missing from it."""
