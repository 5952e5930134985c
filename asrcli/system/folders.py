"""The user's own folders, where the XDG Base Directory specification has them, on every system alike.

Of platformdirs this would be the smallest part, and cost each start some 10 ms, because the user's defaults are read at
each. On macOS and Windows it looks elsewhere than in `~/.config`, which is the place that we name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PLACES = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state"}


def user_folder(variable: str, environ: Mapping[str, str], home: Path) -> Path:
    """The folder that `variable` names in `environ`, or its usual place below `home`."""
    base = environ.get(variable)
    return Path(base) if base else home / _PLACES[variable]


def state_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where the program keeps what it knows or has saved from one run to another."""
    return user_folder("XDG_STATE_HOME", environ, home) / "asrcli"
