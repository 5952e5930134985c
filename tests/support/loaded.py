"""What a fresh interpreter has loaded when some code has run."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "numpy", "soundfile", "soxr", "websocket", "websockets", "pydub", "rich", "sounddevice", "pocketsphinx", "pydantic",
    "urllib3",
}  # fmt: skip
"""Libraries that take so long to load that nobody should wait for them who does not use them."""


def loaded_by(code: str) -> set[str]:
    """The full names of the modules that are there after `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def loaded_by_running(*arguments: str) -> set[str]:
    """The same for a command line of ours."""
    return loaded_by(f"from asrcli.cli import app\napp.run({list(arguments)!r})")
