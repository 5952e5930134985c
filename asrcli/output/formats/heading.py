"""What documents say of their transcription before and behind its text. Nothing here is escaped yet."""

from __future__ import annotations

import os
from datetime import datetime

from asrcli.output.base import Begin
from asrcli.output.formats.cues.pieces import plain
from asrcli.output.masking import mask
from asrcli.output.sanitize import name
from asrcli.output.wording import words
from asrcli.values.addresses import file_name, is_address
from asrcli.values.clock_time import clock_time
from asrcli.values.errors import AsrcliError
from asrcli.values.source_name import label
from asrcli.values.summary import Summary


def title(info: Begin) -> str:
    """What the source is called; a file without its folders, and what was fetched as that."""
    if is_address(info.source):
        return mask(name(file_name(info.source)))
    is_file = info.audio is not None and info.audio == info.source
    return mask(name((is_file and os.path.basename(info.source)) or label(info.source)))  # noqa: PTH119 - any bytes


def made_at(info: Begin) -> str | None:
    """When it was said, 26 November 2026, 04:15, or at least when it was transcribed."""
    try:
        at = datetime.fromisoformat(info.captured_at or info.begun_at or "")
    except ValueError:
        return None
    return f"{'' if info.captured_at else 'transcribed '}{at.day} {at:%B %Y, %H:%M}"


def facts(info: Begin) -> list[str]:
    """Model, date and length, as far as they are known."""
    length = None if info.duration_ms is None else clock_time(info.duration_ms / 1000)
    return [fact for fact in (mask(name(info.model)), made_at(info), length) if fact]


def closing(summary: Summary) -> list[str]:
    """What there is to say at the end, one sentence each. The first says whether it is the end."""
    of = "" if summary.audio_ms is None else f", {clock_time(summary.audio_ms / 1000)} of sound"
    said = f"{summary.sentences} sentence{'' if summary.sentences == 1 else 's'}{of}."
    told = [f"End: {said}" if summary.complete else f"This transcript is not complete: {said}"]
    return [*told, "The source held less sound than its header says."] if summary.truncated else told


def failure(error: AsrcliError) -> str:
    """Why it has ended, in one line."""
    return plain(mask(words(error)))
