"""Groups of options that commands share, their values and completions."""
