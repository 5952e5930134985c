"""What an output is made of: a format (text), a sink (where it goes) and a view (what a person sees meanwhile).

Knows no format, no terminal and no service. Formats do no I/O; sinks know no events; `Output` joins the three. Of
several transcriptions at once each has a format of its own, and a lane that decides when and where its text goes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event
from asrcli.values.summary import Summary


@dataclass(frozen=True, slots=True)
class Begin:
    """What is known of a transcription before it starts.

    `duration_ms` is None where the source's length is not known. `captured_at` is when the recording was made, and
    `begun_at` when the transcription began, both as ISO 8601. `live` is True where the sound is made now, by a
    microphone for example; then `source_rate_hz` is the rate at which it is heard, once it is. `parts` is how many
    stretches of it are recognised at the same time. `audio` is the path of a file in which it can be heard:
    the source, where that is a file. `send` is the service's name for the encoding in which the sound is sent. `stem`
    is what files of its results are called, without their suffix.
    """

    source: str
    model: str
    region: str
    protocol: str
    sample_rate_hz: int
    duration_ms: int | None = None
    captured_at: str | None = None
    live: bool = False
    source_rate_hz: int | None = None
    parts: int = 1
    audio: str | None = None
    begun_at: str | None = None
    send: str | None = None
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Many:
    """Several transcriptions of one run, numbered from 0: their sources, their lengths, how many go on together.

    A length is None where it is not known.
    """

    names: Sequence[str]
    durations_ms: Sequence[int | None]
    at_once: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What a transcription of `source` ended with; `silent`: the person has heard of it, or will."""

    error: AsrcliError
    source: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What the user wants of a format, as far as it knows such a thing.

    `partials` and `notices` are left out where that is False; `seen`: a terminal shows the text. Of text: what stands
    before each sentence, its times and its `labels` (language, emotion, speaker). Of subtitles: cells in a line (None:
    what is usual for the script), lines in a cue, how long one may be, whether words have their times. Of documents:
    `folder` is where the file lies, None for a stream; `page` gives the link to the page of a source, by its stem,
    where the same run makes one; `sound_of` makes of a path a data URL of its sound, to be put into the file, or None
    where that failed and was told.
    """

    partials: bool = True
    notices: bool = True
    seen: bool = False
    timestamps: bool = False
    labels: bool = False
    max_line: int | None = None
    max_lines: int = 2
    max_cue_ms: int = 7000
    karaoke: bool = False
    folder: Path | None = None
    page: Callable[[str], str | None] | None = None
    sound_of: Callable[[str], str | None] | None = None


class Format(typing.Protocol):
    """Turns one transcription into text. No I/O.

    Every method but `of` returns what is to be written: complete lines that end in "\\n", or "" for nothing.
    """

    suffixes: typing.ClassVar[tuple[str, ...]]
    """What names of its files end in; the first one is that of --output-dir."""
    names_source: typing.ClassVar[bool]
    """Whether every line says which source it is from, so that those of several may be mixed."""
    stands_alone: typing.ClassVar[bool]
    """Whether what one source gives is a file of its own, which nothing may be put before or behind."""
    shaped_by: typing.ClassVar[tuple[str, ...]]
    """What of `Shape` is seen in its files."""

    @classmethod
    def of(cls, shape: Shape) -> Format:
        """One for a further transcription."""
        ...

    def begin(self, info: Begin) -> str:
        """A transcription begins; called before anything is sent."""
        ...

    def event(self, event: Event) -> str:
        """Something happened in it."""
        ...

    def end(self, summary: Summary) -> str:
        """It has ended, complete or not."""
        ...

    def error(self, error: AsrcliError, source: str | None) -> str:
        """Something failed; `source` is None where it concerns no source."""
        ...


class View(typing.Protocol):
    """What a person sees on stderr. A view that cannot be drawn any more stays silent; it never ends a run.

    `number` says which one of several transcriptions it is about; -1: all of them.
    `tick_s`: how long nothing may happen before it wants a Tick; None for never.
    """

    tick_s: float | None

    def opening(self, what: str) -> None:
        """`what` is being opened, before a transcription can begin."""
        ...

    def for_many(self, many: Many) -> View:
        """The view of several transcriptions, to be used from now on in this one's place."""
        ...

    def begin(self, info: Begin, number: int = 0) -> None:
        """A transcription begins; shows something at once."""
        ...

    def event(self, event: Event, number: int = 0) -> None:
        """Something happened, or a Tick: a chance to redraw."""
        ...

    def end(self, summary: Summary | None, number: int = 0) -> None:
        """The transcription has ended; None for one that failed."""
        ...

    def notice(self, message: str, hint: str) -> None:
        """Say something that does not end the run; `hint` may be empty."""
        ...

    def error(self, error: AsrcliError, number: int | None = None) -> None:
        """Say what failed; None where it concerns the whole run."""
        ...

    def say(self, text: str) -> None:
        """Show lines that are for the person alone: statistics, a log. Made safe for the terminal here."""
        ...

    def above(self, write: Callable[[], None]) -> None:
        """Call `write`, which may write whole lines to the same terminal, with nothing of ours in its way."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found. May be called more than once."""
        ...
