"""The variables of the environment, and the keys among them, which no child may inherit, whoever starts it.

ffmpeg, the local service and its recogniser are started here and there, other children by libraries, and a sound system
may start a daemon that outlives the program by days. So the keys are taken out of the environment itself.
"""

from __future__ import annotations

import os

SERVE_KEY = "ASRCLI_SERVE_KEY"
_KEYS = ("DASHSCOPE_API_KEY", SERVE_KEY)
_taken: dict[str, str] = {}


def hide_keys() -> None:
    """Take the keys out of the environment; from now on only `variables` has them."""
    for name in _KEYS:
        if (value := os.environ.pop(name, None)) is not None:
            _taken[name] = value


def variables() -> dict[str, str]:
    """All variables, the keys among them."""
    return {**os.environ, **_taken}


def known_keys() -> list[str]:
    """The keys that are set."""
    found = variables()
    return [found[name].strip() for name in _KEYS if name in found]
