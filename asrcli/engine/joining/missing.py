"""How a transcription ends: whether all of its sound has results, and if not, what is missing and where it lies."""

from __future__ import annotations

import contextlib

from asrcli.audio.source import Source
from asrcli.engine.joining.sessions import Joining
from asrcli.engine.sound.tape import Tape, TapeReader
from asrcli.engine.wiring import Engine
from asrcli.values.clock_time import in_minutes
from asrcli.values.errors import AsrcliError, AudioError, Interrupted, ServiceError, SoundLost
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import PCM


class Verdict:
    """Watches over one transcription of `source`, whose sound is on `tape` and whose results go through `joining`."""

    def __init__(self, source: Source, engine: Engine, pcm: PcmFormat, tape: Tape, joining: Joining) -> None:
        self._source = source
        self._engine = engine
        self._pcm = pcm
        self._tape = tape
        self._joining = joining
        # Begin and end in milliseconds of what was given up while the transcription went on.
        self._given_up: list[tuple[int, int]] = []
        self.is_settled = False
        """Whether all sound has its results, and only the service's word that it has finished is missing."""

    def give_up_sound(self, begin_sample: int, end_sample: int) -> tuple[str, str]:
        """Note a stretch that an outage outlasted; message and hint of a notice about it."""
        stretch = self._pcm.ms(begin_sample), self._pcm.ms(end_sample)
        self._given_up.append(stretch)
        begin, end = (in_minutes(ms / 1000) for ms in stretch)
        lost = f"nothing was recognised from {begin} to {end}, and that sound is no longer there to be sent again"
        return lost, self._how_to_keep()

    def at_the_end(self) -> AsrcliError | None:
        """What is wrong with a transcription that came to its end."""
        cause = self._tape.cause
        error = self._joining.failure() or (cause if isinstance(cause, AsrcliError) else None)
        if error is None and self._given_up:
            error = SoundLost("some of the sound was given up before it had a result", hint=self._how_to_keep())
        if error is not None:
            error.missing = tuple(self._given_up)
        return error

    def settle(self, reader: TapeReader) -> bool:
        """Look whether all sound was sent and has its final results, or is silence after the last of them."""
        if not self.is_settled and reader.exhausted and self._joining.is_settled:
            from asrcli.audio.level import is_silence

            rest = self._tape.rest(self._joining.covered_sample)
            # What cannot be read is not known to be silent.
            with contextlib.suppress(AudioError):
                self.is_settled = all(chunk.encoding == PCM and is_silence(chunk.data) for chunk in rest)
        return self.is_settled

    def give_up(self, error: AsrcliError, tries: int) -> None:
        """Note in `error`, which ends the transcription after so many tries, what of the sound has no result.

        Live sound cannot be had again: it is kept, and where it lies is said as well.
        """
        error.tries = tries
        from_sample, end_sample = self._joining.covered_sample, self._tape.end_sample
        if isinstance(error, Interrupted):
            return
        error.missing = tuple(self._given_up)
        if not end_sample or (self._tape.ended and end_sample <= from_sample):
            return
        # Of a pipe, more than was read; of a file it goes without saying where it ends.
        has_all = self._source.live and (self._tape.ended or not self._source.can_wait)
        error.missing += ((self._pcm.ms(from_sample), self._pcm.ms(end_sample) if has_all else None),)
        if self._source.live and self._engine.rescue is not None and end_sample > from_sample:
            error.hint = self._engine.rescue(self._tape.rest(from_sample), self._tape.sound) or error.hint

    def _how_to_keep(self) -> str:
        return f"no more than {self._engine.keep_s:g} s are kept (--max-outage); --save-audio FILE keeps all"


def was_refused_as_silent(error: AsrcliError, reader: TapeReader, sessions: int) -> bool:
    """Whether a further session got nothing but the silence after the last word, which the service refuses."""
    return isinstance(error, ServiceError) and error.no_speech and sessions > 1 and reader.exhausted
