"""What all subtitle formats have in common: they grow cue by cue, and each says only how it writes one.

What is written is a whole file at every moment. A cue that is not certain yet is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.values.errors import AsrcliError
from asrcli.values.events import AudioSent, Event, FinalResult, PartialResult, SpeechStarted
from asrcli.values.summary import Summary

if TYPE_CHECKING:
    from asrcli.output.formats.cues.cutter import Cue

# What was said longer ago than that the service has spoken of. It takes less than a second.
_SILENT_MS = 4000
# Shows as nothing and takes no room: what stands on both its sides is not read as one. ffmpeg does the same.
JOINER = "\u2060"
# What is in braces is a tag, and only some players know an escape for them: so they are those of full width. What
# follows a backslash would be a command.
_UNTAGGED = str.maketrans({"{": "｛", "}": "｝", "\\": f"\\{JOINER}"})
_ESTIMATED = "estimated: from here on, times within a sentence may be shares of its time, by the width of its text"


class Subtitles:
    """A cue after the other; `karaoke`: with the times of words, where they are known and the format can tell them."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    names_source: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = True
    shaped_by: ClassVar[tuple[str, ...]] = ("max_line", "max_lines", "max_cue_ms")

    def __init__(self, shape: Shape) -> None:
        # Every command that transcribes loads the list of formats, and few write subtitles.
        from asrcli.output.formats.cues.cutter import Cutter
        from asrcli.output.formats.cues.rules import Rules

        self._cutter = Cutter(Rules(shape.max_line, shape.max_lines, shape.max_cue_ms))
        self._karaoke = shape.karaoke
        self._live = False
        self._has_estimated = False

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape)

    def begin(self, info: Begin) -> str:
        self._live = info.live
        return self._head(info)

    def event(self, event: Event) -> str:
        """The cues that are certain now. Only where the sound is made now, something else than finals tells that.

        So the cues of a file are the same whenever they are made of its finals.
        """
        match event:
            case FinalResult(sentence):
                return self._told(self._cutter.sentence(sentence))
            case AudioSent(end_ms) if self._live:
                return self._told(self._cutter.silent_until(end_ms - _SILENT_MS))
            case PartialResult(sentence) if self._live and sentence.begin_ms is not None and sentence.text:
                return self._told(self._cutter.coming(sentence.begin_ms))
            case SpeechStarted(at_ms) if self._live and at_ms is not None:
                return self._told(self._cutter.coming(at_ms))
            case _:
                return ""

    def end(self, summary: Summary) -> str:
        last = self._told(self._cutter.end())
        fast = self._cutter.too_fast
        return last + (self._note(f"too fast to read: {fast} cue{'' if fast == 1 else 's'}") if fast else "")

    def error(self, error: AsrcliError, source: str | None) -> str:
        return ""

    def _told(self, cues: list[Cue]) -> str:
        text = ""
        for cue in cues:
            if cue.estimated and not self._has_estimated:
                self._has_estimated = True
                text += self._note(_ESTIMATED)
            text += self._cue(cue)
        return text

    def _head(self, info: Begin) -> str:
        """What stands before the first cue."""
        return ""

    def _note(self, text: str) -> str:
        """A remark that no player shows; "" where the format has no place for one. `text` is ours."""
        return ""

    def _cue(self, cue: Cue) -> str:
        raise NotImplementedError


def untagged(text: str) -> str:
    """`text` without what is a tag in ASS, and to most players in SubRip too."""
    return text.translate(_UNTAGGED)
