"""Events become text. One file for each format, and one line in `REGISTRY`."""

from __future__ import annotations

from asrcli.output.base import Format
from asrcli.output.formats.ass import SubStation
from asrcli.output.formats.html import Page
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.formats.markdown import Markdown
from asrcli.output.formats.srt import SubRip
from asrcli.output.formats.text import PlainText
from asrcli.output.formats.vtt import WebVtt

REGISTRY: dict[str, type[Format]] = {
    "text": PlainText,
    "json": JsonLines,
    "srt": SubRip,
    "vtt": WebVtt,
    "ass": SubStation,
    "md": Markdown,
    "html": Page,
}
