"""What hears sentences: a real recogniser, or a script."""
