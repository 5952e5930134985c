"""`python -m asrcli` and the `asrcli` command."""

from asrcli.cli.app import main

if __name__ == "__main__":
    main()
