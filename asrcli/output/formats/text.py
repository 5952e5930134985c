"""Plain text: one final sentence a line."""

from __future__ import annotations

from typing import ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.output.masking import mask
from asrcli.output.sanitize import name
from asrcli.output.wording import sentence_line
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, FinalResult
from asrcli.values.summary import Summary


class PlainText:
    """One final sentence a line, nothing else; see `sentence_line` for `timestamps` and `labels`.

    A sentence without text gives no line. `seen`: the lines go to a terminal.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    names_source: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = False
    shaped_by: ClassVar[tuple[str, ...]] = ("timestamps", "labels")

    def __init__(self, timestamps: bool = False, labels: bool = False, seen: bool = False) -> None:
        self._timestamps = timestamps
        self._labels = labels
        self._seen = seen

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape.timestamps, shape.labels, shape.seen)

    def begin(self, info: Begin) -> str:
        return ""

    def event(self, event: Event) -> str:
        if not isinstance(event, FinalResult):
            return ""
        line = sentence_line(event.sentence, timestamps=self._timestamps, labels=self._labels, seen=self._seen)
        return f"{line}\n" if line else ""

    def end(self, summary: Summary) -> str:
        return ""

    def error(self, error: AsrcliError, source: str | None) -> str:
        return ""


def title(source: str) -> str:
    """The line that says which source the text below it is from, as head and tail write it."""
    return f"==> {mask(name(source))} <==\n"
