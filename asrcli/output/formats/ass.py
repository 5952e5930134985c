"""Advanced SubStation Alpha: subtitles with a style, and with karaoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asrcli.output.base import Begin
from asrcli.output.formats.subtitles import Subtitles, untagged
from asrcli.output.masking import mask
from asrcli.output.sanitize import name

if TYPE_CHECKING:
    from asrcli.output.formats.cues.cutter import Cue

# White with a dark edge, readable on any picture; in karaoke yellow until it is said.
_STYLE = {
    "Name": "Default",
    "Fontname": "Arial",
    "Fontsize": "54",
    "PrimaryColour": "&H00FFFFFF",
    "SecondaryColour": "&H0000D7FF",
    "OutlineColour": "&H00101010",
    "BackColour": "&H80000000",
    "Bold": "0",
    "Italic": "0",
    "Underline": "0",
    "StrikeOut": "0",
    "ScaleX": "100",
    "ScaleY": "100",
    "Spacing": "0",
    "Angle": "0",
    "BorderStyle": "1",
    "Outline": "3",
    "Shadow": "1",
    "Alignment": "2",
    "MarginL": "60",
    "MarginR": "60",
    "MarginV": "50",
    "Encoding": "1",
}
_EVENT = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"


class SubStation(Subtitles):
    """Cues as dialogue lines; `karaoke` lights up each word at its time."""

    suffixes: ClassVar[tuple[str, ...]] = (".ass",)
    shaped_by: ClassVar[tuple[str, ...]] = (*Subtitles.shaped_by, "karaoke")

    def _head(self, info: Begin) -> str:
        model = f"; model: {mask(name(info.model))}\n" if info.model else ""
        return (
            f"[Script Info]\n{model}"
            f"Title: {mask(name(info.source))}\n"
            "ScriptType: v4.00+\nWrapStyle: 0\nScaledBorderAndShadow: yes\nPlayResX: 1920\nPlayResY: 1080\n\n"
            f"[V4+ Styles]\nFormat: {', '.join(_STYLE)}\nStyle: {','.join(_STYLE.values())}\n\n"
            f"[Events]\nFormat: {_EVENT}\n"
        )

    def _note(self, text: str) -> str:
        return f"Comment: 0,0:00:00.00,0:00:00.00,Default,,0,0,0,,{text}\n"

    def _cue(self, cue: Cue) -> str:
        lines = self._words(cue) if self._karaoke else [untagged(line) for line in cue.texts()]
        text = "\\N".join(lines)
        begin, end = _time(_hundredths(cue.begin_ms)), _time(_hundredths(cue.end_ms))
        return f"Dialogue: 0,{begin},{end},Default,,0,0,0,,{text}\n"

    @staticmethod
    def _words(cue: Cue) -> list[str]:
        """The lines with how long each word takes before it, the pause that follows it included."""
        pieces = [piece for line in cue.lines for piece in line.pieces]
        if not any(piece.begins_word for piece in pieces):
            return [untagged(line) for line in cue.texts()]
        # The first one is lit with the cue, even if its word began in the one before.
        starts = [max(piece.begin_ms, cue.begin_ms) for piece in pieces[1:] if piece.begins_word]
        stops = [*starts, max(pieces[-1].end_ms, cue.begin_ms)]
        # Differences of rounded times, so that what is rounded away does not add up.
        marks = (
            f"{{\\k{_hundredths(stop) - _hundredths(start)}}}"
            for start, stop in zip([cue.begin_ms, *starts], stops, strict=True)
        )
        lines = []
        for line in cue.lines:
            text = ""
            for at, piece in enumerate(line.pieces):
                text += " " if piece.blank and at else ""
                text += next(marks) if piece.begins_word or piece is pieces[0] else ""
                text += untagged(piece.text)
            lines.append(text)
        return lines


def _hundredths(ms: int) -> int:
    return ms // 10


def _time(hundredths: int) -> str:
    second, rest = divmod(hundredths, 100)
    return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}.{rest:02d}"
