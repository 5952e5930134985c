"""What hears sentences: a real recogniser, or a script. A further one is a file here and a line in `REGISTRY`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from asrcli.service.recognizers.base import Recognizer
from asrcli.values.errors import UsageError


def open_recognizer(name: str, stall_s: float) -> Recognizer:
    """The recogniser called `name`, such as sphinx or script:FILE. Raises UsageError.

    `stall_s` is how long it may take no audio before its task fails.
    """
    kind, colon, argument = name.partition(":")
    form, opener = REGISTRY.get(kind, ("", None))
    if opener is None or bool(argument) != (":" in form) or (colon and not argument):
        forms = " or ".join(form for form, _ in REGISTRY.values())
        raise UsageError(f"there is no recogniser {name!r}", hint=f"use {forms}")
    return opener(argument, stall_s)


def _sphinx(_: str, stall_s: float) -> Recognizer:
    # Each is loaded when it is asked for: a script needs no processes.
    from asrcli.service.recognizers.sphinx.recognizer import SphinxRecognizer

    return SphinxRecognizer(stall_s)


def _script(path: str, _: float) -> Recognizer:
    from asrcli.service.recognizers.coded_script import open_script

    return open_script(Path(path))


# What stands before the colon → how it is written, and how it is opened.
REGISTRY: dict[str, tuple[str, Callable[[str, float], Recognizer]]] = {
    "sphinx": ("sphinx", _sphinx),
    "script": ("script:FILE", _script),
}
