"""What a source is called, on the command line and in messages."""

from __future__ import annotations

from pathlib import Path

from asrcli.values.addresses import file_name, is_address, shown

STANDARD_INPUT = "-"


def public(name: str) -> str:
    """The name of a source as anybody may know it: an address without what lets one in there."""
    return shown(name) if is_address(name) else name


def label(name: str) -> str:
    """How a source is called in messages."""
    return "standard input" if name == STANDARD_INPUT else public(name)


def stem(name: str) -> str:
    """What the results of a source are called, without their suffix."""
    return Path(file_name(name) if is_address(name) else name).stem
