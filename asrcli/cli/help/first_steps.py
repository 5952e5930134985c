"""What `asrcli` alone shows: what to try first."""

from __future__ import annotations

from asrcli.cli.help.draw import draw
from asrcli.cli.help.page import Entry, Page

STEPS = (
    Entry("asrcli mic --region local", "speak; no key, no network"),
    Entry("asrcli file talk.wav -o talk.srt", "a file, as subtitles"),
    Entry("asrcli doctor", "what is missing, and how to mend it"),
)
_MORE = "`asrcli --help` lists all commands, `asrcli help file` says what one can do."


def first_steps(width: int) -> str:
    """It, in `width` columns."""
    return draw(
        Page("asrcli COMMAND [OPTIONS]", "Speech to text in the shell, live. Try first:", STEPS, (), (_MORE,), ()),
        width,
    )
