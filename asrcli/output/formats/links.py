"""The way from one file to another, as a link."""

from __future__ import annotations

import os
import re
from pathlib import Path


def link_to(path: str | Path, folder: Path | None) -> str | None:
    """The link to a file from one in `folder`; where that is not known, from the current one. Any bytes will do.

    None for what no file can be called.
    """
    from urllib.parse import quote

    way = os.path.relpath(path, folder) if folder is not None else os.fspath(path)
    try:
        link = quote(os.fsencode(way.replace(os.sep, "/")), safe="/")
    except UnicodeEncodeError:
        return None
    # Two slashes would be followed by the name of a machine.
    return re.sub("^//+", "/", link)
