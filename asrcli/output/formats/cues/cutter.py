"""Cues as they become certain, sentence by sentence, while somebody speaks or from a transcript that is whole."""

from __future__ import annotations

from typing import NamedTuple

from asrcli.output.formats.cues.cut import Lines, cut
from asrcli.output.formats.cues.pieces import pieces_of
from asrcli.output.formats.cues.rules import CLOSED_GAP_MS, FORCED_MS, GAP_MS, LEAST_MS, LINGER_MS, Rules
from asrcli.values.events import Sentence


class Cue(NamedTuple):
    """One subtitle. `estimated`: its begin or its end is a share of its sentence's time, or a guess."""

    begin_ms: int
    end_ms: int
    lines: Lines
    estimated: bool = False

    def texts(self) -> list[str]:
        """Its lines as text."""
        return [line.text for line in self.lines]


class Cutter:
    """Takes the sentences of one transcription in their order, and gives each cue as soon as its end can't change.

    That is when it is known where the next one begins. Times that go backwards are moved, so that cues never do.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._held: tuple[Cue, float] | None = None
        """The last cue, whose end is that of its words, and how many ms it takes to read."""
        self._said_ms = 0
        """Where the last word of all ends."""
        self._shown_ms = 0
        """Where the last certain cue ends."""
        self.too_fast = 0
        """How many cues are gone sooner than they can be read."""

    def sentence(self, sentence: Sentence) -> list[Cue]:
        """The next sentence, which will not change. Returns the cues that are certain now."""
        found = pieces_of(sentence, self._said_ms)
        certain: list[Cue] = []
        if not found.pieces:
            return certain
        cues = cut(found.pieces, found.script, self._rules)
        for number, lines in enumerate(cues):
            first, last = lines[0].pieces[0], lines[-1].pieces[-1]
            certain += self.coming(first.begin_ms)
            is_cut = not (number == 0 or first.begins_word) or self._ends_in_word(cues, number)
            is_estimated = found.is_guessed or is_cut
            # Nobody said that it takes so long.
            end = min(last.end_ms, first.begin_ms + self._rules.max_ms) if is_estimated else last.end_ms
            cue = Cue(first.begin_ms, end, lines, is_estimated)
            self._held = cue, sum(len(line.text) for line in lines) * 1000 / found.script.characters_s
        self._said_ms = max(self._said_ms, found.pieces[-1].end_ms)
        return certain

    def coming(self, begin_ms: int) -> list[Cue]:
        """What is said next begins at `begin_ms`."""
        return self._settled(max(begin_ms, self._said_ms))

    def silent_until(self, at_ms: int) -> list[Cue]:
        """Nothing is said next that begins before `at_ms`."""
        if self._held is None or at_ms < self._wish(*self._held) + CLOSED_GAP_MS:
            return []
        return self._settled(None)

    def end(self) -> list[Cue]:
        """Nothing more is said."""
        return self._settled(None)

    @staticmethod
    def _ends_in_word(cues: list[Lines], number: int) -> bool:
        return number + 1 < len(cues) and not cues[number + 1][0].pieces[0].begins_word

    def _wish(self, cue: Cue, reading_ms: float) -> int:
        """Where `cue` would end if nothing followed."""
        begin = max(cue.begin_ms, self._shown_ms)
        wish = max(cue.end_ms, min(begin + round(reading_ms), cue.end_ms + LINGER_MS), begin + LEAST_MS)
        return min(wish, max(begin + self._rules.max_ms, cue.end_ms))

    def _settled(self, next_ms: int | None) -> list[Cue]:
        if self._held is None:
            return []
        (cue, reading_ms), self._held = self._held, None
        begin = max(cue.begin_ms, self._shown_ms)
        end = self._wish(cue, reading_ms)
        if next_ms is not None and next_ms - end < CLOSED_GAP_MS:
            end = min(next_ms - GAP_MS, max(begin + self._rules.max_ms, end))
        end = max(end, begin + FORCED_MS)
        self._shown_ms = end
        self.too_fast += end - begin < int(reading_ms)
        return [Cue(begin, end, cue.lines, cue.estimated)]
