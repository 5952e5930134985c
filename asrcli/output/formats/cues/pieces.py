"""A sentence becomes pieces: what stands between two places of a break, and each word's own begin.

The sentence's text is what counts; its words only say when. Where they do not fit it, or where there are none, the
time of the sentence is shared out by width.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

from asrcli.output.formats.cues.cells import cells
from asrcli.output.formats.cues.places import CONJUNCTION, IN_WORD, OPENING, PAUSE, break_places, dislikes
from asrcli.output.formats.cues.rules import LEAST_MS, Script, script_of
from asrcli.output.sanitize import sentence_text
from asrcli.values.events import Sentence

# Two words further apart are noticed.
_HESITATION_MS = 200
# More than that between two words is no punctuation.
_FAR = 16


class Piece(NamedTuple):
    """A part of a sentence with the punctuation that belongs to it; `blank`: one stands before it.

    `dislike`: what a break before it costs, None where there may be none. `begins_word`: `begin_ms` is a time that the
    service gave. Otherwise it is worked out.
    """

    text: str
    blank: bool
    begin_ms: int
    end_ms: int
    cells: int
    dislike: int | None
    begins_word: bool
    speaker: str | None


class Span(NamedTuple):
    """A stretch of the text, from `place` to where the next one begins, and when it is said."""

    place: int
    begin_ms: int
    end_ms: int
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Pieces:
    """All of a sentence. `has_times`: they are those of its words. `is_guessed`: not even the sentence has its own."""

    pieces: list[Piece]
    script: Script
    has_times: bool
    is_guessed: bool


def pieces_of(sentence: Sentence, floor_ms: int) -> Pieces:
    """`sentence` in pieces, none of which begins before `floor_ms`, or before the one in front of it."""
    text = plain(sentence.text)
    script = script_of(text, sentence.language)
    if not text:
        return Pieces([], script, has_times=True, is_guessed=False)
    begin, end, is_guessed = _times(sentence, text, script, floor_ms)
    spans = None if is_guessed else spans_of(text, sentence, floor_ms)
    has_times = spans is not None
    if spans is None:
        spans = [Span(0, begin, end, sentence.speaker)]
    return Pieces(_cut(text, spans, has_times), script, has_times, is_guessed)


def plain(text: str) -> str:
    """`text` as one line with single blanks, without what reorders it or cannot be encoded."""
    return " ".join(sentence_text(text, seen=False).split())


def _times(sentence: Sentence, text: str, script: Script, floor_ms: int) -> tuple[int, int, bool]:
    """When the sentence is said, and whether that is a guess: by its length, from `floor_ms` on."""
    begin, end = sentence.begin_ms, sentence.end_ms
    if begin is not None and end is not None and end > max(begin, floor_ms):
        return max(begin, floor_ms), end, False
    begin = max(floor_ms, begin or 0)
    return begin, begin + max(LEAST_MS, len(text) * 1000 // script.characters_s), True


def spans_of(text: str, sentence: Sentence, floor_ms: int) -> list[Span] | None:
    """Where in `text`, which is that of `sentence` made plain, each word stands; None where they do not fit.

    Also where one has no times. None begins before `floor_ms`, or before the one in front of it.
    """
    spans: list[Span] = []
    past = 0
    least = floor_ms
    for word, begin_ms, end_ms, _, speaker in sentence.words:
        said = word if word.isalnum() else plain(word)
        if not said:
            continue
        found = text.find(said, past, past + len(said) + _FAR)
        if found < 0 or begin_ms is None or end_ms is None:
            return None
        between = text[past:found]
        if between == " ":
            place = past + 1
        elif any(map(str.isalnum, between)):
            return None
        else:
            place = _begin(between, past) if spans else 0
        # Without max(): there are a hundred thousand words in ten hours, and this loop would take a fifth longer.
        least = begin_ms if begin_ms > least else least
        ends = end_ms if end_ms > least else least
        spans.append(Span(place, least, ends, sentence.speaker if speaker is None else speaker))
        past = found + len(said)
    if not spans or any(map(str.isalnum, text[past:])):
        return None
    return spans


def _begin(between: str, past: int) -> int:
    """Where the next word begins, with the opening punctuation that belongs to it; `between` stands after `past`."""
    blank = between.rfind(" ")
    return past + blank + 1 if blank >= 0 else past + len(between.rstrip(OPENING))


def _cut(text: str, spans: list[Span], has_times: bool) -> list[Piece]:
    places = break_places(text)
    costs = dict(zip(places, dislikes(text, places), strict=True))
    places.append(len(text))
    pieces: list[Piece] = []
    following = 0
    for span, stop in zip(spans, [*(span.place for span in spans[1:]), len(text)], strict=True):
        place, begin_ms, end_ms, speaker = span
        cost = costs.get(place)
        if cost is not None:
            following += 1
            if cost > PAUSE and begin_ms - pieces[-1].end_ms >= _HESITATION_MS:
                cost = PAUSE
        blank = place > 0 and text[place - 1] == " "
        if places[following] >= stop:
            part = text[place:stop].rstrip(" ")
            pieces.append(Piece(part, blank, begin_ms, end_ms, cells(part), cost, has_times, speaker))
            continue
        starts = [place]
        while places[following] < stop:
            starts.append(places[following])
            following += 1
        parts = [text[start:end].rstrip(" ") for start, end in itertools.pairwise([*starts, stop])]
        times = _shared(begin_ms, end_ms, parts)
        pieces.append(Piece(parts[0], blank, times[0], times[1], cells(parts[0]), cost, has_times, speaker))
        for part, start, (begin, end) in zip(parts[1:], starts[1:], itertools.pairwise(times[1:]), strict=True):
            cost = _cost_in_word(costs[start]) if has_times else costs[start]
            pieces.append(Piece(part, text[start - 1] == " ", begin, end, cells(part), cost, False, speaker))
    return pieces


def _cost_in_word(cost: int) -> int:
    return cost if cost < CONJUNCTION else max(cost, IN_WORD)


def _shared(begin_ms: int, end_ms: int, parts: list[str]) -> list[int]:
    """When each of `parts` begins, and when the last one ends: the time by width."""
    widths = [max(1, cells(part)) for part in parts]
    total = sum(widths)
    return [begin_ms + (end_ms - begin_ms) * past // total for past in itertools.accumulate(widths, initial=0)]
