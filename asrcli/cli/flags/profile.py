"""The option that asks for a profile of the configuration files, or one on board.

What it says has been taken into the defaults before a command reads its options: see `cli.config.precedence`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from asrcli.cli.flags import completions as values

FLAG, VARIABLE = "--profile", "ASRCLI_PROFILE"
"""What asks for one, for a command and for all commands of a shell."""

Profile = Annotated[
    str | None,
    typer.Option(
        FLAG,
        metavar="NAME",
        help="Settings of this name: captions, dictation, meeting or your own; see"
        " `asrcli config show profiles` [ASRCLI_PROFILE].",
        autocompletion=values.profiles,
    ),
]
