"""What documents are made of: sentences in paragraphs, by whom they are said, and where in them each word stands."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

from asrcli.output.formats.cues.cells import cells
from asrcli.output.formats.cues.pieces import Span, plain, spans_of
from asrcli.values.events import Sentence

# A pause that is heard as the end of a thought.
_PAUSE_MS = 2000
# Cells after which a paragraph ends with its sentence: some eight lines of print, in any script.
_LONG = 600


class WordPlace(NamedTuple):
    """Where in the passage's text a word begins, with the punctuation that opens it, and when it is said."""

    place: int
    begin_ms: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, or as much of it as one speaker says. `text` is one line with single blanks, and not empty.

    `words` are all of its words, in order; none where their times are not known. `opens`: a paragraph begins with it.
    """

    text: str
    begin_ms: int | None
    end_ms: int | None
    words: tuple[WordPlace, ...]
    speaker: str | None
    language: str | None
    emotion: str | None
    opens: bool


class Passages:
    """Takes the sentences of one transcription in their order.

    A paragraph ends at a pause of two seconds, where another speaker begins, and with a sentence that makes it long.
    """

    def __init__(self) -> None:
        self._speaker: str | None = None
        self._end_ms: int | None = None
        self._cells = _LONG

    def of(self, sentence: Sentence) -> list[Passage]:
        """The passages of the next sentence; none where it has no text."""
        text = plain(sentence.text)
        spans = spans_of(text, sentence, 0) if sentence.words and text else None
        if not text:
            return []
        if spans is None:
            return [self._passage(sentence, text, sentence.begin_ms, sentence.end_ms, (), sentence.speaker)]
        runs = [list(run) for _, run in itertools.groupby(spans, lambda span: span.speaker)]
        stops = [*(run[0].place for run in runs[1:]), len(text)]
        return [self._run(sentence, text, run, stop) for run, stop in zip(runs, stops, strict=True)]

    def _run(self, sentence: Sentence, text: str, spans: list[Span], stop: int) -> Passage:
        start = spans[0].place
        words = tuple(WordPlace(span.place - start, span.begin_ms) for span in spans)
        end_ms = max(span.end_ms for span in spans)
        if stop == len(text) and sentence.end_ms is not None:
            end_ms = max(end_ms, sentence.end_ms)
        return self._passage(sentence, text[start:stop].rstrip(" "), words[0].begin_ms, end_ms, words, spans[0].speaker)

    def _passage(
        self,
        sentence: Sentence,
        text: str,
        begin_ms: int | None,
        end_ms: int | None,
        words: tuple[WordPlace, ...],
        speaker: str | None,
    ) -> Passage:
        has_paused = self._end_ms is not None and begin_ms is not None and begin_ms - self._end_ms >= _PAUSE_MS
        opens = has_paused or self._cells >= _LONG or speaker != self._speaker
        self._cells = cells(text) + (0 if opens else self._cells)
        self._speaker = speaker
        self._end_ms = end_ms
        return Passage(text, begin_ms, end_ms, words, speaker, sentence.language, sentence.emotion, opens)


def called(passage: Passage) -> str:
    """How its speaker is called, whom the service may only have numbered; "" if that is not known. Not yet escaped."""
    speaker = plain(passage.speaker or "")
    return f"Speaker {speaker}" if speaker.isascii() and speaker.isdigit() else speaker


def feeling(passage: Passage) -> str:
    """The emotion of `passage`; "" where there is none to speak of. Not yet escaped."""
    return plain(passage.emotion or "") if passage.emotion != "neutral" else ""


def fragment(begin_ms: int) -> str:
    """What a link to this time ends in: #t=12.3."""
    return f"#t={begin_ms // 1000}" + (f".{begin_ms % 1000:03d}".rstrip("0") if begin_ms % 1000 else "")
