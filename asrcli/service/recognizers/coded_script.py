"""Audio that says where it is, for scripts that begin with {"timeline": "coded"} or {"timeline": "tones"}.

A client that connects again sends audio from the middle of a talk. A plain script would begin anew; a coded one goes by
the audio itself, so that a client which resumes in the wrong place is found out. Audio without the code is silence.

The code of "coded" is exact: mono s16, cut into blocks of 10 ms. The first two samples of block n, counted from 0, are
`MARK + n // MARK` and `MARK + n % MARK`; all others are below MARK. That survives float32 and back at the same rate,
and nothing else. That of "tones" survives lossy coding: see `coded_tones`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from asrcli.service.recognizers.base import (
    HeardWord,
    Hypothesis,
    OnResult,
    Opened,
    Pcm,
    Recognition,
    RecognitionEnded,
    RecognitionSettings,
    Recognizer,
    Result,
)
from asrcli.service.recognizers.script import ScriptRecognizer, as_heard, as_understood
from asrcli.service.recognizers.script_file import ScriptedSentence, read_script

MARK = 1 << 14
BLOCKS_PER_S = 100


def open_script(path: Path) -> Recognizer:
    """The recogniser for a script, plain or coded. Raises UsageError that names the file and the line."""
    timeline, sentences = read_script(path)
    if timeline is None:
        return ScriptRecognizer(sentences)
    return CodedRecognizer(sentences, MarkCode() if timeline == "coded" else _tone_code(sentences))


def _tone_code(sentences: Sequence[ScriptedSentence]) -> Code:
    # Only who needs numpy loads it.
    from asrcli.service.recognizers.coded_tones import ToneCode

    return ToneCode(sentences[-1].end_ms if sentences else 0)


class Code(Protocol):
    """How audio says where it is. Positions are samples of the talk; audio is mono s16le."""

    # A place may be told wrong by so much.
    tolerance_ms: int
    # In so much audio the code is found, if it is there.
    patience_ms: int

    def continues(self, data: bytes, position: int, rate_hz: int) -> bool:
        """Whether `data` is what follows at `position`, as far as that can be told."""
        ...

    def position(self, data: bytes, rate_hz: int) -> int | None:
        """Where the first sample of `data` is; None where that cannot be told."""
        ...


class MarkCode:
    """The exact one, in the samples themselves."""

    tolerance_ms = 0
    patience_ms = 2 * 1000 // BLOCKS_PER_S

    def continues(self, data: bytes, position: int, rate_hz: int) -> bool:
        """One mark is looked at, where there is one."""
        block = rate_hz // BLOCKS_PER_S
        first = -position % block
        return 2 * first + 4 > len(data) or _marked(data, first) == (position + first) // block

    def position(self, data: bytes, rate_hz: int) -> int | None:
        block = rate_hz // BLOCKS_PER_S
        for sample in range(min(len(data) // 2 - 1, 2 * block)):
            number = _marked(data, sample)
            if number is not None:
                return number * block - sample
        return None


class CodedRecognizer:
    """Recites what lies in the stretch of the talk that it is sent."""

    capacity = ScriptRecognizer.capacity
    is_prompt = True

    def __init__(self, sentences: Sequence[ScriptedSentence], code: Code) -> None:
        self._sentences = sentences
        self._code = code

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Recognition:
        on_result(Opened())
        sentences = as_heard(self._sentences, settings)

        def begin(from_ms: int, context: str, told: OnResult) -> Recognition:
            return _recital(sentences, from_ms, replace(settings, context=context), told)

        return CodedRecital(begin, on_result, self._code, settings.context)

    def close(self) -> None:
        """Nothing is held."""


class CodedRecital:
    """One recognition: a recital from where its audio begins, and another after each jump in the audio."""

    def __init__(
        self, begin: Callable[[int, str, OnResult], Recognition], on_result: OnResult, code: Code, context: str = ""
    ) -> None:
        """`begin` is given where in the talk, in milliseconds, and the context in force there."""
        self._begin = begin
        self._code = code
        self._context = context
        self._on_result = on_result
        self._recital: Recognition | None = None
        self._unplaced = b""
        self._heard_samples = 0  # In the recitals that are over.
        self._offset_samples = 0  # In the one that runs.
        self._start_sample = 0  # Where in the talk that one began.
        self._rate_hz = 16_000

    def feed(self, pcm: Pcm) -> None:
        """Hear what follows of the audio, and recite what the marks in it say."""
        self._rate_hz = pcm.sample_rate_hz
        data = self._unplaced + pcm.data
        position = self._start_sample + self._offset_samples
        if self._recital is None or not self._code.continues(data, position, pcm.sample_rate_hz):
            found = self._code.position(data, pcm.sample_rate_hz)
            if found is None:
                self._unmarked(data)
                return
            if self._recital is None or abs(self._ms(found - position)) > self._code.tolerance_ms:
                self._jump(found)
        self._unplaced = b""
        self._offset_samples += len(data) // 2
        assert self._recital is not None
        self._recital.feed(Pcm(data, pcm.sample_rate_hz))

    def change_context(self, context: str) -> None:
        self._context = context
        if self._recital is not None:
            self._recital.change_context(context)

    def end_utterance(self) -> None:
        if self._recital is not None:
            self._recital.end_utterance()
        else:
            heard_ms = self._ms(self._heard_samples)
            self._on_result(Hypothesis("", heard_ms, heard_ms, final=True, heard_ms=heard_ms))

    def finish(self) -> None:
        self._end_recital()
        self._on_result(RecognitionEnded(self._ms(self._heard_samples + len(self._unplaced) // 2)))

    def close(self) -> None:
        if self._recital is not None:
            self._recital.close()

    def _unmarked(self, data: bytes) -> None:
        """Wait for the code; where none can come any more it is silence, which ends what was being said."""
        self._unplaced = data
        if self._ms(len(data) // 2) > self._code.patience_ms:
            self._end_recital()
            self._heard_samples += len(data) // 2
            self._unplaced = b""

    def _jump(self, to_sample: int) -> None:
        """End what was being said, and go on at `to_sample` of the talk."""
        self._end_recital()
        self._start_sample = to_sample
        shift_ms = self._ms(self._heard_samples)
        self._recital = self._begin(self._ms(to_sample), self._context, lambda result: self._tell(result, shift_ms))

    def _end_recital(self) -> None:
        if self._recital is not None:
            self._recital.finish()
            self._recital = None
        self._heard_samples += self._offset_samples
        self._offset_samples = 0

    def _tell(self, result: Result, shift_ms: int) -> None:
        if isinstance(result, Hypothesis):
            self._on_result(_moved(result, shift_ms))

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz


def _recital(
    sentences: Sequence[ScriptedSentence], from_ms: int, settings: RecognitionSettings, on_result: OnResult
) -> Recognition:
    """A recital of what is left of the sentences after `from_ms`, with times from there."""
    begun = [as_understood(each, settings.context) if each.begin_ms < from_ms else each for each in sentences]
    left = [cut for sentence in begun if (cut := _after(sentence, from_ms)) is not None]
    return ScriptRecognizer(left).open(settings, on_result)


def _after(sentence: ScriptedSentence, from_ms: int) -> ScriptedSentence | None:
    """What of the sentence begins at `from_ms` or later, with times from there; None if that is nothing."""
    lost = sum(word.begin_ms < from_ms for word in sentence.words)
    if lost == len(sentence.words):
        return None
    begins_at = sentence.ends_at[lost - 1] if lost else 0
    text = sentence.text[begins_at:].lstrip()
    dropped = len(sentence.text) - len(text)
    begin_ms = sentence.words[lost].begin_ms if lost else sentence.begin_ms
    return ScriptedSentence(
        begin_ms=begin_ms - from_ms,
        end_ms=sentence.end_ms - from_ms,
        text=text,
        words=_moved_words(sentence.words[lost:], -from_ms),
        ends_at=tuple(end - dropped for end in sentence.ends_at[lost:]),
        context=sentence.context,
        otherwise=sentence.otherwise and _after(sentence.otherwise, from_ms),
    )


def _moved(hypothesis: Hypothesis, by_ms: int) -> Hypothesis:
    return replace(
        hypothesis,
        begin_ms=hypothesis.begin_ms + by_ms,
        end_ms=None if hypothesis.end_ms is None else hypothesis.end_ms + by_ms,
        words=_moved_words(hypothesis.words, by_ms),
        heard_ms=hypothesis.heard_ms + by_ms,
    )


def _moved_words(words: Sequence[HeardWord], by_ms: int) -> tuple[HeardWord, ...]:
    return tuple(replace(word, begin_ms=word.begin_ms + by_ms, end_ms=word.end_ms + by_ms) for word in words)


def _marked(data: bytes, sample: int) -> int | None:
    """The number of the block that begins with that sample of `data`; None where none begins."""
    high, low = struct.unpack_from("<hh", data, 2 * sample)
    return (high - MARK) * MARK + low - MARK if high >= MARK and low >= MARK else None
