"""Events become text. One file for each format, and one line in `REGISTRY`."""

from __future__ import annotations

from asrcli.output.base import Format
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.formats.text import PlainText

REGISTRY: dict[str, type[Format]] = {
    "text": PlainText,
    "json": JsonLines,
}
