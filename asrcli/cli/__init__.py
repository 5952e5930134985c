"""Words of the command line become a request. The only room with Typer."""
