"""One long file recognised in parts at the same time, and joined into what one transcription would have told.

Where to cut is decided by the audio room; each part is a transcription like any other. What they tell is put together
elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from asrcli.audio.opening import open_source
from asrcli.audio.source import DecodedSource, EncodedSource, Source
from asrcli.engine.control import Control, StopRequested
from asrcli.engine.joining.parts import Whole
from asrcli.engine.many import Ended, Happenings, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.values.addresses import is_address
from asrcli.values.errors import AsrcliError, AudioError, Bug, Interrupted, UsageError
from asrcli.values.events import Event, Notice, Tick
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

Opener = Callable[[Control], Source]
"""Opens the whole source anew; what that has to tell goes to the control."""

MAX_PARTS = 100
"""A model takes some 20 new sessions a second: with more parts the last ones would begin many seconds late."""

# Shorter parts save nothing: connecting and the end of a session take about a second.
_LEAST_PART_S = 5


@dataclass(frozen=True, slots=True)
class Split:
    """How to cut a source: at `cuts_ms` from its first sample, ascending; without any it stays whole.

    `duration_ms` is its length as far as it can be read, None where nobody needed to look; who looked was told all that
    the source has to tell. `notices` are for the user, beside that. `from_start`: no part can be entered in the middle
    of the source.
    """

    cuts_ms: tuple[int, ...] = ()
    duration_ms: int | None = None
    notices: tuple[Notice, ...] = ()
    from_start: bool = False

    @property
    def stretches(self) -> list[tuple[int, int | None]]:
        """Begin and end of each part in milliseconds; the end of the last one as far as it is known."""
        return list(zip((0, *self.cuts_ms), (*self.cuts_ms, self.duration_ms), strict=True))


def check_split(parts: int, names: Sequence[str]) -> None:
    """Raise UsageError where sources with these names cannot be split into so many parts. Reads nothing."""
    if not 1 <= parts <= MAX_PARTS:
        raise UsageError(f"--split {parts} is not within 1 to {MAX_PARTS} parts")
    if parts > 1 and "-" in names:
        raise UsageError(
            "--split needs a file: standard input has no end to divide before it was heard",
            hint="save it to a file first, or leave out --split",
        )
    if parts > 1 and (address := next(filter(is_address, names), None)):
        raise UsageError(f"--split needs a file: {label(address)} comes as a stream", hint="fetch it to a file first")


def plan_split(source: Source, parts: int, control: Control) -> Split:
    """Decide where to cut `source` into at most `parts` parts. Reads it to its end, unless it stays whole.

    What goes as it is, is decoded for this.

    Raises UsageError where it is a stream, what the decoder raises, and Interrupted after a stop. A source that breaks
    off is split as far as it goes: its error comes with its last part.
    """
    if parts == 1:
        return Split()
    from asrcli.audio.chunks.silences import SILENCE_S, find_cuts, loudness
    from asrcli.audio.reading.part import Enterable

    if source.live or source.name == "-":
        raise UsageError(f"--split needs a file: {label(source.name)} is a stream", hint="save it to a file first")
    if isinstance(source, EncodedSource):
        with contextlib.closing(open_source(source.name, notice=control.notice)) as decoded:
            return plan_split(decoded, parts, control)
    source.probe()
    levels, samples = loudness(_readable(source, control), source.rate_hz)
    name, duration_ms = source.name, samples * 1000 // source.rate_hz
    from_start = isinstance(source, Enterable) and source.is_uneven
    possible = max(1, min(parts, duration_ms // (_LEAST_PART_S * 1000)))
    cuts = find_cuts(levels, possible)
    notices = []
    if possible < parts:
        shorter = f"{possible} {'part' if possible == 1 else 'parts'} instead of {parts}"
        notices.append(
            Notice(f"{name} lasts {duration_ms / 1000:.1f} s: {shorter}", f"a part has at least {_LEAST_PART_S} s")
        )
    if cuts.in_sound:
        where = f"near {cuts.in_sound} of {len(cuts.at_ms)} cuts" if len(cuts.at_ms) > 1 else "near its middle"
        notices.append(
            Notice(
                f"{name} has no silence of {SILENCE_S:g} s {where}: cut at the quietest point there",
                "a word may suffer; with fewer or more parts the cuts lie elsewhere",
            )
        )
    return Split(cuts.at_ms, duration_ms, tuple(notices), from_start)


def _readable(source: DecodedSource, control: Control) -> Iterator[Block]:
    """The blocks of `source` up to where it breaks off; raises Interrupted when it is to stop."""
    with contextlib.suppress(AudioError):
        for block in source.blocks():
            if control.stopped_by is not None:
                raise Interrupted(control.stopped_by, "interrupted before all results were in")
            yield block


def transcribe_split(
    open_whole: Opener, split: Split, engine: Engine, control: Control
) -> Generator[Event, None, None]:
    """Yield the events of the whole source, as if it were one job, while its parts are recognised at the same time.

    Results come in order: those of a later part are held back until the parts before it have ended, and of partial
    results only those of the first part that has not ended are told. What fails in one part does not stop the others;
    it is raised in the end, with from when to when nothing was recognised. Closing the generator ends everything.
    """
    yield from split.notices
    whole = Whole(split.stretches)
    # The last part goes on to the end of the source, which may be an error.
    ends_ms = zip((0, *split.cuts_ms), (*split.cuts_ms, None), strict=True)
    jobs = [Job(functools.partial(_open_part, open_whole, split, begin, end)) for begin, end in ends_ms]
    control.listen(functools.partial(_pass_on, control, jobs))
    with contextlib.closing(transcribe_many(jobs, engine, at_once=len(jobs))) as told:
        for number, what in told:
            if isinstance(what, Ended):
                yield from whole.end(number, what.error)
            elif isinstance(what, Tick):
                yield what
            elif isinstance(what, Event):
                yield from whole.take(number, what)
    whole.judge()


def transcribe_each_split(jobs: Sequence[Job], engine: Engine, parts: int) -> Happenings:
    """Like `transcribe_many`, but one job after the other, each in so many parts at the same time.

    A job's source is opened once to be told of and read for the cuts, and once more for each part.
    """
    for number, job in enumerate(jobs):
        error: AsrcliError | None = None
        try:
            job.before()
            with contextlib.closing(job.open_source(job.control)) as source:
                yield number, source
                split = plan_split(source, parts, job.control)
            with contextlib.closing(
                transcribe_split(job.open_source, split, job.engine or engine, job.control)
            ) as events:
                for event in events:
                    yield number, event
        except Exception as failure:
            error = Bug.of(failure)
        yield number, Ended(error)


def _pass_on(control: Control, jobs: Sequence[Job]) -> None:
    """Let all parts know of a stop, and one of them of anything else."""
    for item in control.take():
        match item:
            case StopRequested(signal_number):
                for job in jobs:
                    job.control.stop(signal_number)
            case Notice(message, hint, truncated):
                jobs[0].control.notice(message, hint, truncated)


def _open_part(open_whole: Opener, split: Split, begin_ms: int, end_ms: int | None, control: Control) -> Source:
    from asrcli.audio.encoded.part import EncodedPart
    from asrcli.audio.encoded.source import EncodedInput
    from asrcli.audio.reading.part import Part

    # Each part finds what was found when all was read, which was told then.
    was_told = split.duration_ms is not None
    source = open_whole(Control() if was_told else control)
    if isinstance(source, EncodedInput):
        return EncodedPart(source, begin_ms, end_ms)
    return Part(cast(DecodedSource, source), begin_ms, end_ms, from_start=split.from_start)
