"""In which order the help shows commands, sections and options, and which guides it names.

In which section an option stands is said where the option is: by its group (`flags/grouping`) or by itself.
"""

from __future__ import annotations

from typing import NamedTuple

MOST_USED = "Most used"
ARGUMENTS = "Arguments"
OTHERS = "Options"

SECTIONS = (
    MOST_USED, ARGUMENTS, "Sources", "Microphone", "Measurement", "List", "Output", "Clips", "Recognition", "Service",
    "Connection", "Many sources", "A corpus", "Raw audio", OTHERS,
)  # fmt: skip
"""Their order; a command has those in which it has options."""

COMMANDS = {
    "Transcribe": ("file", "mic", "qwen"),
    "Afterwards": ("render", "merge"),
    "Set up": ("doctor", "config", "devices", "models", "vocab"),
    "Measure and test": ("reuse-bench", "serve"),
    "Read on": ("guide", "help"),
}
"""Heading → the commands below it."""


class Layout(NamedTuple):
    """What the page of one command shows first, by the names of its options, and the guides that say more."""

    first: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


LAYOUTS = {
    "file": Layout(
        ("output", "format", "language", "model", "hotwords", "region"),
        ("recipes", "documents", "many-sources", "cluster", "sending", "reconnecting", "exit-codes"),
    ),
    "mic": Layout(
        ("device", "output", "language", "model", "hotwords", "region"),
        ("microphone", "recipes", "sending", "reconnecting"),
    ),
    "qwen": Layout(("output", "format", "language", "manual", "mic", "region"), ("qwen", "models")),
    "render": Layout(("output", "format", "output_dir", "timestamps", "clips", "force"), ("documents", "json-lines")),
    "merge": Layout(("output", "manifest", "force"), ("cluster", "many-sources", "exit-codes")),
    "reuse-bench": Layout(("tasks", "clip", "concurrency", "idle", "json", "region"), ("reuse-bench",)),
    "models": Layout(topics=("models",)),
    "doctor": Layout(("offline", "mic", "json", "region"), ("doctor", "network", "settings")),
    "devices": Layout(topics=("microphone",)),
    "vocab": Layout(topics=("hotwords",)),
    "serve": Layout(topics=("local-service", "faults")),
}
"""Command → its layout; those of a group have the group's guides."""
