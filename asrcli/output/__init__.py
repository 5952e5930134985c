"""Outputs: formats by name. Neither the live view nor rich is loaded here; import output.views.live where needed."""

from __future__ import annotations

from asrcli.output.base import Format
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.formats.text import PlainText

REGISTRY: dict[str, type[Format]] = {
    "text": PlainText,
    "json": JsonLines,
}
