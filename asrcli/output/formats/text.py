"""Plain text: one final sentence a line."""

from __future__ import annotations

from typing import ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.output.masking import mask
from asrcli.output.sanitize import name, sentence_text
from asrcli.values.clock_time import exact_time
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, FinalResult, Sentence
from asrcli.values.summary import Summary


class PlainText:
    """One final sentence a line, nothing else; with `timestamps` its times in front, as [h:mm:ss.mmm --> h:mm:ss.mmm].

    A sentence without text gives no line. Times that are not known are left out. `seen`: the lines go to a terminal.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    names_source: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = False
    shaped_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, timestamps: bool = False, seen: bool = False) -> None:
        self._timestamps = timestamps
        self._seen = seen

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(seen=shape.seen)

    def begin(self, info: Begin) -> str:
        return ""

    def event(self, event: Event) -> str:
        if not isinstance(event, FinalResult):
            return ""
        text = sentence_text(event.sentence.text, seen=self._seen).strip()
        if not text:
            return ""
        return f"{_times(event.sentence) if self._timestamps else ''}{text}\n"

    def end(self, summary: Summary) -> str:
        return ""

    def error(self, error: AsrcliError, source: str | None) -> str:
        return ""


def title(source: str) -> str:
    """The line that says which source the text below it is from, as head and tail write it."""
    return f"==> {mask(name(source))} <==\n"


def _times(sentence: Sentence) -> str:
    if sentence.begin_ms is None:
        return ""
    if sentence.end_ms is None:
        return f"[{exact_time(sentence.begin_ms)}] "
    return f"[{exact_time(sentence.begin_ms)} --> {exact_time(sentence.end_ms)}] "
