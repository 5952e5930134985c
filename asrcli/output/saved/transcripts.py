"""Which transcription each line of saved files belongs to, and whether all of it is there.

A `begin` starts one, also where one of the same source is still open: then a run was killed, and a later one has
written to the same file. Lines without a `begin` before them, as grep leaves them, start one too. An error of a source
follows its `end`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from asrcli.output.base import Begin
from asrcli.output.saved.values import Saved, SavedError
from asrcli.values.events import FinalResult, Notice
from asrcli.values.summary import Summary


@dataclass(slots=True)
class Transcript:
    """One transcription as far as its lines tell of it. `number` counts from 0, `name` is what its source is called.

    `last`: the place of its last line among all that were taken.
    """

    number: int
    name: str
    begin: Begin | None = None
    has_begun: bool = False
    """Whether there is anything of it but an error: for one that never began, that is all there is."""
    summary: Summary | None = None
    error: SavedError | None = field(default=None, compare=False)
    finals: int = 0
    has_word_times: bool = field(default=False, compare=False)
    untimed: int = 0
    """Sentences of which it is not known when they begin."""
    early: int = 0
    """Sentences that begin before the one before them ends."""
    last: int = 0
    _said_ms: int = 0
    _indexes: set[int] = field(default_factory=set)

    def info(self) -> Begin:
        """What was known when it began, as far as it is known now."""
        return self.begin or Begin(self.name, "", "", "", 0)

    def outcome(self) -> Summary | None:
        """What it came to; None where it never began. `complete` is what the lines that are there can promise."""
        if not self.has_begun:
            return None
        told = self.summary or Summary(self.name, complete=False, wall_s=0.0, sentences=self.finals)
        return replace(told, complete=not self.lack())

    def lack(self) -> str:
        """Why not all of it is there; "" where it is."""
        if self.error is not None:
            return self.error.message or self.error.code or "an error follows its end"
        if self.summary is None:
            return "its end is missing: the run was ended, or goes on, or its lines were filtered"
        if not self.summary.complete:
            return "its end says so"
        if len(self._indexes) < self.summary.sentences:
            return f"{len(self._indexes)} of its {self.summary.sentences} sentences are there"
        return ""

    def take(self, saved: Saved, place: int) -> None:
        """Note what its next line says."""
        self.last = place
        self.has_begun = self.has_begun or not isinstance(saved.value, SavedError)
        match saved.value:
            case Begin():
                self.begin = saved.value
            case FinalResult(sentence):
                self.finals += 1
                # Without its number it is one of its own.
                self._indexes.add(sentence.index or -self.finals)
                self.has_word_times = self.has_word_times or any(word.begin_ms is not None for word in sentence.words)
                self.untimed += sentence.begin_ms is None
                self.early += sentence.begin_ms is not None and sentence.begin_ms < self._said_ms
                self._said_ms = max(sentence.begin_ms or 0, sentence.end_ms or 0, self._said_ms)
            case Summary():
                self.summary = saved.value
            case SavedError():
                self.error = saved.value


class Sorting:
    """Takes the lines of one file after another, and says which transcription each is of. All are in `found`."""

    def __init__(self) -> None:
        self.found: list[Transcript] = []
        self._file = ""
        self._place = 0
        self._open: dict[str | None, Transcript] = {}
        self._over: dict[str | None, Transcript] = {}

    def begin_file(self, name: str) -> None:
        """What follows is from another file; what names no source is called by its `name`."""
        self._file = name
        self._open.clear()
        self._over.clear()

    def take(self, saved: Saved) -> Transcript | None:
        """The transcription that the next line is of; None where it concerns none, but the run, or nothing any more."""
        self._place += 1
        if saved.value is None:
            return None
        transcript = self._of(saved)
        if transcript is not None:
            transcript.take(saved, self._place)
        return transcript

    def _of(self, saved: Saved) -> Transcript | None:
        source = saved.source
        match saved.value:
            case Begin():
                return self._new(source)
            case SavedError() if source is None and source not in self._open:
                return None
            case SavedError():
                return self._open.get(source) or self._over.pop(source, None) or self._closed(source)
            case Notice():
                return self._open.get(source)
            case Summary():
                self._over[source] = self._closed(source)
                return self._over[source]
        return self._open.get(source) or self._new(source)

    def _closed(self, source: str | None) -> Transcript:
        """The one that is open, or a new one: nothing more follows but an error."""
        transcript = self._open.get(source) or self._new(source)
        del self._open[source]
        return transcript

    def _new(self, source: str | None) -> Transcript:
        transcript = self._open[source] = Transcript(len(self.found), source or self._file)
        self.found.append(transcript)
        return transcript
