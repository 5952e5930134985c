"""Cues for every subtitle format: sentences in, lines of text with a begin and an end out. Pure; knows no format."""
