"""A page: the transcript to read, to search, to print, and to click through while its sound is heard.

One file that asks for nothing but its sound. It can be read at every moment while it grows, and says by itself where
its end is missing. What is in the page and how it looks and acts stands in `page/`.
"""

from __future__ import annotations

import functools
import itertools
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.values.clock_time import clock_time
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, FinalResult
from asrcli.values.summary import Summary

if TYPE_CHECKING:
    from asrcli.output.formats.passages import Passage

_PARTS = Path(__file__).with_name("page")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_LANGUAGE = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


class Page:
    """A paragraph for each pause, in it an element for each sentence, which bears where its words are and when.

    The sound is linked, relative to the `folder` of the page where that is known; what `sound_of` makes of it is put
    inside, at the end.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm")
    names_source: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = True
    shaped_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, folder: Path | None = None, sound_of: Callable[[str], str | None] | None = None) -> None:
        # Every command that transcribes loads the list of formats, and few write documents.
        from asrcli.output.formats.passages import Passages

        self._folder = folder
        self._sound_of = sound_of
        self._audio: str | None = None
        self._passages = Passages()
        self._has_begun = False
        self._language: str | None = None
        """That of the paragraph."""
        self._closes = ""
        """What ends the end tag of the last sentence."""

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape.folder, shape.sound_of)

    def begin(self, info: Begin) -> str:
        from asrcli.output.formats.heading import facts, title
        from asrcli.output.formats.links import link_to

        self._has_begun = True
        self._audio = info.audio
        # What will be inside is not looked for elsewhere, unless it never comes.
        when = "metadata" if self._sound_of is None else "none"
        sound = _attribute("src", None if info.audio is None else link_to(info.audio, self._folder))
        told = "".join(f"<li>{_escaped(fact)}</li>" for fact in facts(info))
        return _parts().substitute(_own(), title=_escaped(title(info)), facts=told, sound=sound, when=when)

    def event(self, event: Event) -> str:
        return "".join(map(self._told, self._passages.of(event.sentence))) if isinstance(event, FinalResult) else ""

    def end(self, summary: Summary) -> str:
        from asrcli.output.formats.heading import closing

        told = "".join(f"<p>{_escaped(line)}</p>\n" for line in closing(summary))
        kind = "" if summary.complete else ' class="broken"'
        return self._line(f'</main>\n{self._sound()}<footer id="end"{kind}>\n{told}</footer>')

    def error(self, error: AsrcliError, source: str | None) -> str:
        from asrcli.output.formats.heading import failure

        return f'<p class="broken">{_escaped(failure(error))}</p>\n' if self._has_begun else ""

    def _sound(self) -> str:
        url = self._sound_of(self._audio) if self._sound_of is not None and self._audio is not None else None
        return "" if url is None else f'<audio id="inside" controls{_attribute("src", url)}></audio>\n'

    def _told(self, passage: Passage) -> str:
        from asrcli.output.formats.cues.cells import cells
        from asrcli.output.formats.passages import called, feeling, fragment

        language, is_spaced = _language(passage)
        before = ""
        if passage.opens:
            self._language = language
            before = f"<p dir=auto{_attribute('lang', language)}>"
            if passage.begin_ms is not None:
                before += f'<a href="{fragment(passage.begin_ms)}">{clock_time(passage.begin_ms / 1000)}</a> '
            if speaker := called(passage):
                before += f"<b dir=auto>{_escaped(speaker)}</b> "
        lang = _attribute("lang", language or "") if language != self._language else ""
        felt = feeling(passage)
        after = f" <i>{_escaped(felt)}</i>" if felt else ""
        text = f"{before}<span{lang}{_times(passage)}>{_escaped(passage.text)}</span>{after}"
        return self._line(text, joins=not is_spaced and cells(passage.text[-1]) == 2 and not felt)

    def _line(self, text: str, *, joins: bool = False) -> str:
        """`text` as a line. Where the next sentence `joins` it without a blank, the end of the line would be one.

        So that is put into the end tag, which the next line closes.
        """
        start, self._closes = self._closes, ">" if joins else ""
        return f"{start}{text.removesuffix('>') if joins else text}\n"


@functools.cache
def _parts() -> string.Template:
    return string.Template((_PARTS / "page.html").read_text(encoding="utf-8"))


@functools.cache
def _own() -> dict[str, str]:
    """What is the same in every page: style, script, and the policy that lets nothing else be loaded or run."""
    style, script = ((_PARTS / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; "
        "media-src 'self' file: blob: data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy}


def _hashed(text: str) -> str:
    # Only who writes a page waits for these to be loaded.
    import base64
    import hashlib

    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _escaped(text: str) -> str:
    return text.translate(_ENTITIES)


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{_escaped(value)}"'


def _language(passage: Passage) -> tuple[str | None, bool]:
    """The language as HTML knows it, if the service or the script tells; and whether it is written with blanks."""
    from asrcli.output.formats.cues.rules import CHINESE, JAPANESE, KOREAN, script_of

    script = script_of(passage.text, passage.language)
    told = passage.language if passage.language and _LANGUAGE.fullmatch(passage.language) else None
    return told or {CHINESE: "zh", JAPANESE: "ja", KOREAN: "ko"}.get(script), script not in (CHINESE, JAPANESE)


def _times(passage: Passage) -> str:
    """When it is said, and where its words begin after the first, as differences in UTF-16 units and ms."""
    if passage.begin_ms is None:
        return ""
    end = "" if passage.end_ms is None else f" data-e={passage.end_ms}"
    if not passage.words:
        return f" data-b={passage.begin_ms}{end}"
    text, words = passage.text, passage.words
    if not text.isascii() and max(text) > "\uffff":
        units = list(itertools.accumulate((1 + (character > "\uffff") for character in text), initial=0))
        words = tuple(word._replace(place=units[word.place]) for word in words)
    steps = " ".join(
        f"{word.place - last.place} {word.begin_ms - last.begin_ms}" for last, word in itertools.pairwise(words)
    )
    return f' data-b={passage.begin_ms}{end} data-w="{steps}"'
