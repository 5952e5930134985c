"""The commands. Each file is one subcommand; options.py has what they share, run.py puts the engine together."""
