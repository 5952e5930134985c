"""SubRip: the format that everything reads. It has no escapes, and players take tags of HTML and of ASS in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from asrcli.output.base import Shape
from asrcli.output.formats.subtitles import JOINER, Subtitles, untagged

if TYPE_CHECKING:
    from asrcli.output.formats.cues.cutter import Cue

# The beginnings of tags, arrows and entities, and times: some readers look for no more than two of those on a line.
_MARKUP = re.compile(r"<|--(?=>)|&(?=#?\w+;)|:\d{1,2}(?=[.,]\d)")


class SubRip(Subtitles):
    """Numbered cues. What would be markup gets a word joiner inside, and shows as it was said."""

    suffixes: ClassVar[tuple[str, ...]] = (".srt",)

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self._number = 0

    def _cue(self, cue: Cue) -> str:
        self._number += 1
        lines = _MARKUP.sub(_parted, untagged("\n".join(cue.texts())))
        return f"{self._number}\n{_time(cue.begin_ms)} --> {_time(cue.end_ms)}\n{lines}\n\n"


def _parted(match: re.Match[str]) -> str:
    return match[0] + JOINER


def _time(ms: int) -> str:
    second, ms = divmod(ms, 1000)
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d},{ms:03d}"
