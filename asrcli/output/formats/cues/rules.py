"""The numbers of a cue: how wide, how long, how fast. Widths are in terminal cells, times in ms.

They are those of Netflix's timed-text guides, except that a line's width is in cells and not in characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEAST_MS = 833
MOST_MS = 7000
# How much longer than its words a cue may stay for the sake of reading.
LINGER_MS = 500
GAP_MS = 83
# A gap that is shorter flickers, and is closed to the least one.
CLOSED_GAP_MS = 500
PAUSE_MS = 500
LONG_PAUSE_MS = 3000
# Where words leave no time at all, so that every format can tell the end of a cue from its begin.
FORCED_MS = 100

_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Script:
    """What a way of writing allows: cells in a line, characters that are read in a second."""

    line_cells: int
    characters_s: int


LATIN = Script(42, 20)
CHINESE = Script(32, 11)
KOREAN = Script(32, 14)
JAPANESE = Script(26, 7)


@dataclass(frozen=True, slots=True)
class Rules:
    """What people may choose; `max_line` None: what is usual for the script."""

    max_line: int | None = None
    max_lines: int = 2
    max_ms: int = MOST_MS

    def line_cells(self, script: Script) -> int:
        return self.max_line or script.line_cells


def script_of(text: str, language: str | None = None) -> Script:
    """The script that most of `text` is written in; `language` tells whether Chinese characters alone are Japanese."""
    if text.isascii():
        return LATIN
    hangul, kana, han = (len(found.findall(text)) for found in (_HANGUL, _KANA, _HAN))
    if 2 * (hangul + kana + han) < len(text) - text.count(" "):
        return LATIN
    if hangul >= kana + han:
        return KOREAN
    return JAPANESE if kana or (language or "").startswith("ja") else CHINESE
