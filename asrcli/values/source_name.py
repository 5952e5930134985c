"""What a source is called, on the command line and in messages."""

from __future__ import annotations

import re
from pathlib import Path

from asrcli.values.addresses import file_name, is_address, shown

STANDARD_INPUT = "-"

# What leads to another folder, hides a file, drives a terminal that lists it, or turns the direction of what is read.
_NOT_IN_A_NAME = re.compile("^\\.|[/\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def public(name: str) -> str:
    """The name of a source as anybody may know it: an address without what lets one in there."""
    return shown(name) if is_address(name) else name


def label(name: str) -> str:
    """How a source is called in messages."""
    return "standard input" if name == STANDARD_INPUT else public(name)


def stem(name: str) -> str:
    """What the results of a file or an address are called, without their suffix."""
    return safe_stem(Path(file_name(name)).stem) if is_address(name) else Path(name).stem


def result_stem(name: str, audio: str) -> str:
    """What the results of a source are called that is called `name`: as its file `audio`, or by an id of its own."""
    return stem(audio) if audio.endswith(name) else safe_stem(name)


def safe_stem(text: str) -> str:
    """`text`, by whoever it is, as what a file may be called: without secrets, and _ for what no name should have."""
    return _NOT_IN_A_NAME.sub("_", public(text))
