"""WebVTT: the subtitles of web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asrcli.output.base import Begin
from asrcli.output.formats.subtitles import Subtitles
from asrcli.output.masking import mask
from asrcli.output.sanitize import name

if TYPE_CHECKING:
    from asrcli.output.formats.cues.cutter import Cue

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class WebVtt(Subtitles):
    """With notes of source and model; `karaoke` puts a word's time before it, inside the cue."""

    suffixes: ClassVar[tuple[str, ...]] = (".vtt",)
    shaped_by: ClassVar[tuple[str, ...]] = (*Subtitles.shaped_by, "karaoke")

    def _head(self, info: Begin) -> str:
        facts = {"source": info.source, "model": info.model}
        said = "".join(f"{what}: {_escaped(mask(name(fact)))}\n" for what, fact in facts.items() if fact)
        return f"WEBVTT\n\nNOTE\n{said}\n"

    def _note(self, text: str) -> str:
        return f"NOTE {text}\n\n"

    def _cue(self, cue: Cue) -> str:
        lines = self._words(cue) if self._karaoke else [_escaped(line) for line in cue.texts()]
        return f"{_time(cue.begin_ms)} --> {_time(cue.end_ms)}\n" + "\n".join(lines) + "\n\n"

    @staticmethod
    def _words(cue: Cue) -> list[str]:
        """The lines with stamps, each after the one before and inside the cue, as the format wants them."""
        lines = []
        last = cue.begin_ms
        for line in cue.lines:
            text = ""
            for at, piece in enumerate(line.pieces):
                text += " " if piece.blank and at else ""
                if piece.begins_word and last < piece.begin_ms < cue.end_ms:
                    last = piece.begin_ms
                    text += f"<{_time(last)}>"
                text += _escaped(piece.text)
            lines.append(text)
        return lines


def _escaped(text: str) -> str:
    return text.translate(_ENTITIES)


def _time(ms: int) -> str:
    second, ms = divmod(ms, 1000)
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}"
