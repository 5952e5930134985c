"""Where a sentence begins and where it ends: the silence rule. Pure; speech itself is judged by an injected function.

Frames of 30 ms go in as bytes, marks come out. The sound of a sentence is passed on with a little of what was before
it, so that its first sound is not cut; the silence after it is held back and passed on only when the sentence goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FRAME_MS = 30
SAMPLE_RATE_HZ = 16000
FRAME_BYTES = SAMPLE_RATE_HZ * FRAME_MS // 1000 * 2

# Speech begins when it fills most of a window of 0.3 s: shorter sounds are clicks more often than words.
_WINDOW_FRAMES = 10
_SPEECH_IN_WINDOW = 8
_PRE_ROLL_FRAMES = 10
# Inside a sentence fewer than three speech frames in a row are noise in the silence and do not prolong it.
_RESUMING_FRAMES = 3
# Silence that is passed on at once, for the decoder to see the end of the last word.
_HANGOVER_FRAMES = 10

# multi_threshold_mode_enabled: the silence that ends a sentence shrinks from the set one at 5 s of sentence to the
# smallest that can be set at 20 s. The vendor gives no figures; these are ours.
_SHRINK_FROM_MS = 5_000
_SHRINK_UNTIL_MS = 20_000
_SMALLEST_SILENCE_MS = 200
# A sentence without any pause ends here, or memory and the last pass of the decoder would grow without bound.
_LONGEST_SENTENCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class SentenceBegan:
    """Speech was first heard at `begin_ms`; the sound that follows begins at `audio_from_ms`, a little earlier."""

    begin_ms: int
    audio_from_ms: int


@dataclass(frozen=True, slots=True)
class SentenceAudio:
    """Sound that belongs to the open sentence: 16 kHz mono s16le, gapless from `audio_from_ms` on."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SentenceEnded:
    """Speech was last heard until `end_ms`."""

    end_ms: int


Mark = SentenceBegan | SentenceAudio | SentenceEnded


def ending_silence_ms(sentence_ms: int, max_silence_ms: int, *, multi_threshold: bool) -> int:
    """The silence that ends a sentence which has lasted `sentence_ms`."""
    if not multi_threshold or sentence_ms <= _SHRINK_FROM_MS:
        return max_silence_ms
    progress_ms = min(sentence_ms, _SHRINK_UNTIL_MS) - _SHRINK_FROM_MS
    shrinkable_ms = max_silence_ms - _SMALLEST_SILENCE_MS
    return max_silence_ms - shrinkable_ms * progress_ms // (_SHRINK_UNTIL_MS - _SHRINK_FROM_MS)


class SentenceSplitter:
    """Cuts a stream of 16 kHz mono s16le into sentences.

    `is_speech` judges one frame of FRAME_BYTES. Bytes may come in pieces of any length; what is left of a frame at
    the end is dropped, it is shorter than any sound of speech.
    """

    def __init__(
        self, is_speech: Callable[[bytes], bool], max_silence_ms: int = 1300, *, multi_threshold: bool = False
    ) -> None:
        self._is_speech = is_speech
        self._max_silence_ms = max_silence_ms
        self._multi_threshold = multi_threshold
        self._rest = b""
        self._frames = 0
        self._window: deque[bool] = deque(maxlen=_WINDOW_FRAMES)
        self._held: deque[bytes] = deque(maxlen=_WINDOW_FRAMES + _PRE_ROLL_FRAMES)
        self._begin_ms: int | None = None
        self._end_ms = 0

    @property
    def in_sentence(self) -> bool:
        return self._begin_ms is not None

    def feed(self, pcm: bytes) -> Iterator[Mark]:
        """The marks that `pcm` leads to, in order."""
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        for start in range(0, whole, FRAME_BYTES):
            yield from self._step(data[start : start + FRAME_BYTES])

    def finish(self) -> Iterator[Mark]:
        """The end of an open sentence, wherever it is; more may follow."""
        if self._begin_ms is not None:
            yield from self._end()

    def _step(self, frame: bytes) -> Iterator[Mark]:
        self._frames += 1
        self._window.append(self._is_speech(frame))
        self._held.append(frame)
        if self._begin_ms is None:
            if sum(self._window) >= _SPEECH_IN_WINDOW:
                yield from self._begin()
            return
        yield from self._continue(self._begin_ms)

    def _begin(self) -> Iterator[Mark]:
        now_ms = self._frames * FRAME_MS
        first = list(self._window).index(True)
        self._begin_ms = now_ms - (len(self._window) - first) * FRAME_MS
        self._end_ms = now_ms
        held, self._held = self._held, deque()
        yield SentenceBegan(self._begin_ms, now_ms - len(held) * FRAME_MS)
        yield SentenceAudio(b"".join(held))

    def _continue(self, begin_ms: int) -> Iterator[Mark]:
        now_ms = self._frames * FRAME_MS
        if all(list(self._window)[-_RESUMING_FRAMES:]):
            self._end_ms = now_ms
        silence_ms = now_ms - self._end_ms
        if silence_ms <= _HANGOVER_FRAMES * FRAME_MS:
            yield SentenceAudio(b"".join(self._held))
            self._held.clear()
        limit_ms = ending_silence_ms(
            self._end_ms - begin_ms, self._max_silence_ms, multi_threshold=self._multi_threshold
        )
        # A frame of speech may be the first of three: whether the silence is over is not known yet.
        silent = silence_ms >= limit_ms and not self._window[-1]
        if silent or now_ms - begin_ms >= _LONGEST_SENTENCE_MS:
            yield from self._end()

    def _end(self) -> Iterator[Mark]:
        yield SentenceEnded(self._end_ms)
        self._begin_ms = None
        self._window.clear()
        self._held = deque(self._held, maxlen=_WINDOW_FRAMES + _PRE_ROLL_FRAMES)
