"""What a recogniser is to the service: sound in, hypotheses out. No protocol, no socket, no file format here.

A protocol half asks for a recognition with RecognitionSettings; the service opens it, feeds it Pcm and hands each
Result back to the protocol half. Times are whole milliseconds from the first sample of the recognition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class RecognitionSettings:
    """How to recognise, in neutral words. The defaults are those of the vendor's pages.

    `audio_format` is what the client sends: pcm, wav, mp3, opus, speex, aac or amr. `max_sentence_silence_ms` is the
    silence that ends a sentence; None where the client says where utterances end. `noise_threshold` runs from -1,
    where most counts as speech, to 1, where most counts as noise. `hotwords` are phrases to favour;
    `context` is a text in which what is spoken of stands.
    """

    audio_format: str = "pcm"
    sample_rate_hz: int = 16000
    max_sentence_silence_ms: int | None = 1300
    multi_threshold: bool = False
    noise_threshold: float = 0.0
    punctuation: bool = True
    disfluency_removal: bool = False
    hotwords: tuple[str, ...] = ()
    context: str = ""


@dataclass(frozen=True, slots=True)
class Pcm:
    """Mono signed 16-bit little-endian samples at `sample_rate_hz`."""

    data: bytes
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One recognised word; `punctuation` is what follows it."""

    text: str
    begin_ms: int
    end_ms: int
    punctuation: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One sentence as far as it is known. The next one replaces it, until one is `final`.

    The first of a sentence says that speech has begun, perhaps without a word yet. `end_ms` is None while somebody
    speaks. `heard_ms` is how much audio the recogniser had taken by then.
    """

    text: str
    begin_ms: int
    end_ms: int | None = None
    words: tuple[HeardWord, ...] = ()
    final: bool = False
    heard_ms: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """The recognition is ready for audio. Always the first result."""


@dataclass(frozen=True, slots=True)
class RecognitionEnded:
    """The recognition was told to finish and has said all it will say."""

    heard_ms: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The recognition is over before its end. `code` is one of the vendor's error codes."""

    code: str
    message: str


Result = Opened | Hypothesis | RecognitionEnded | Failed
OnResult = Callable[[Result], None]


class RecognitionError(Exception):
    """A recognition cannot go on. `code` is one of the vendor's error codes; the text is for the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoValidAudioError(RecognitionError):
    """The audio is not what it is said to be."""

    def __init__(self, message: str) -> None:
        super().__init__("NO_VALID_AUDIO_ERROR", message)


class Recognition(Protocol):
    """One recognition. Its methods are called by one thread; results may come from any thread, one at a time."""

    def feed(self, pcm: Pcm) -> None:
        """Take more audio. Waits while the recogniser is busy; raises RecognitionError when that takes too long."""
        ...

    def change_context(self, context: str) -> None:
        """From here on `context` is what is spoken of."""
        ...

    def end_utterance(self) -> None:
        """Where the client decides: what was fed since the last time is one utterance.

        It gets exactly one final Hypothesis, empty if nobody spoke; there are no others.
        """
        ...

    def finish(self) -> None:
        """No more audio comes: recognise the rest, then give RecognitionEnded.

        Where the client decides, the rest is what it has not ended: it is dropped.
        """
        ...

    def close(self) -> None:
        """Let go of everything, at any time and more than once; results may stop without RecognitionEnded."""
        ...


class Recognizer(Protocol):
    """Opens recognitions. `capacity` is how many may run at once."""

    capacity: int

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Recognition:
        """Begin a recognition; Opened comes when it is ready, perhaps before this returns."""
        ...

    def close(self) -> None:
        """End every recognition and every process behind them."""
        ...


@runtime_checkable
class PromptRecognizer(Recognizer, Protocol):
    """A recogniser that never makes its caller wait, and gives every result before it returns.

    It is called by the thread that serves everyone; any other one gets a thread for each recognition.
    """

    is_prompt: bool
