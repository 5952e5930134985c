"""What a terminal is like: its size, whether it takes colour, how it treats old lines when it is resized.

Asks the system and the environment; draws nothing.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping


def is_colored(stream: typing.TextIO, color: str, environ: Mapping[str, str]) -> bool:
    """Whether to write colours to `stream`: `color` is auto, always or never; auto heeds NO_COLOR."""
    return color == "always" or (color == "auto" and not environ.get("NO_COLOR") and stream.isatty())


def reflows(environ: Mapping[str, str]) -> bool:
    """Whether the terminal wraps its old lines anew when it gets narrower, as most do.

    To take one for reflowing that does not would erase results above the region; the reverse leaves an old line
    behind. So a doubt counts as no.
    """
    term = environ.get("TERM", "")
    if "TMUX" in environ or term.startswith("tmux"):
        return True
    return "XTERM_VERSION" not in environ and not term.startswith(("linux", "screen"))


def size(stream: typing.TextIO) -> tuple[int, int]:
    """Columns and rows of the terminal now; 80 x 24 where it does not say."""
    try:
        width, height = os.get_terminal_size(stream.fileno())
    except OSError:
        return 80, 24
    return width or 80, height or 24
