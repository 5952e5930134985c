"""Markdown: a head, then paragraphs with their times, each sentence on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.output.formats.subtitles import JOINER
from asrcli.values.clock_time import clock_time
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, FinalResult
from asrcli.values.summary import Summary

if TYPE_CHECKING:
    from asrcli.output.formats.passages import Passage

# What is markup somewhere within a line, in CommonMark or in what others have added to it; and addresses, of which
# some make links without being asked.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&|~$#@=^+]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# What makes a line a list, a rule, a table or a definition.
_BEGINS_BLOCK = re.compile(r"[-:%]|\(?(?:[0-9]{1,9}|[A-Za-z])(?P<mark>[.)])")


class Markdown:
    """A paragraph for each pause, with its time in front, which is a link where there is a page of it too.

    The last line says whether it is all.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".md", ".markdown")
    names_source: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = True
    shaped_by: ClassVar[tuple[str, ...]] = ("page",)

    def __init__(self, page: Callable[[str], str | None] | None = None) -> None:
        # Every command that transcribes loads the list of formats, and few write documents.
        from asrcli.output.formats.passages import Passages

        self._page_of = page
        self._page: str | None = None
        self._passages = Passages()
        self._has_begun = False

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape.page)

    def begin(self, info: Begin) -> str:
        from asrcli.output.formats.heading import facts, title

        self._has_begun = True
        self._page = self._page_of(info.stem) if self._page_of is not None else None
        return f"# {_escaped(title(info))}\n\n{_escaped(' · '.join(facts(info)))}\n"

    def event(self, event: Event) -> str:
        return "".join(map(self._told, self._passages.of(event.sentence))) if isinstance(event, FinalResult) else ""

    def end(self, summary: Summary) -> str:
        from asrcli.output.formats.heading import closing

        first, *more = closing(summary)
        marked = f"*{_escaped(first)}*" if summary.complete else f"**{_escaped(first)}**"
        return "\n" + "\n".join([marked, *map(_escaped, more)]) + "\n"

    def error(self, error: AsrcliError, source: str | None) -> str:
        from asrcli.output.formats.heading import failure

        return f"\n{_escaped(failure(error))}\n" if self._has_begun else ""

    def _told(self, passage: Passage) -> str:
        from asrcli.output.formats.passages import called, feeling

        felt = feeling(passage)
        text = _escaped(passage.text) + (f" *({_escaped(felt)})*" if felt else "")
        if not passage.opens:
            return f"{text}\n"
        speaker = called(passage)
        return f"\n{self._time(passage.begin_ms)}{f'**{_escaped(speaker)}:** ' if speaker else ''}{text}\n"

    def _time(self, begin_ms: int | None) -> str:
        from asrcli.output.formats.passages import fragment

        if begin_ms is None:
            return ""
        shown = clock_time(begin_ms / 1000)
        return f"**{shown}** " if self._page is None else f"**[{shown}]({self._page}{fragment(begin_ms)})** "


def _escaped(text: str) -> str:
    """`text`, which is one line, as it has to be written to be read as that and nothing else."""
    # An escape alone does not keep some readers from making a mail address of what is around it.
    text = _MARKUP.sub(r"\\\g<0>", text).replace("@", f"@{JOINER}")
    if (found := _BEGINS_BLOCK.match(text)) is None:
        return text
    at = found.start("mark") if found["mark"] else 0
    return f"{text[:at]}\\{text[at:]}"
