"""A talk whose audio says where it is, for clients that connect again in the middle of it.

By the code "coded" exactly, by "tones" also after lossy coding.
"""

from __future__ import annotations

import json
import random
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asrcli.service.recognizers.coded_script import BLOCKS_PER_S, MARK
from asrcli.service.recognizers.coded_tones import STEP_MS, TONES_HZ, tones_of
from tests.support.compressed import compressed

RATE_HZ = 16000
_BLOCK = RATE_HZ // BLOCKS_PER_S
_TEXTS = (
    "Good morning, everyone, and welcome.",
    "This talk is about the weather on the coast.",
    "It rained, and then it rained again.",
    "Nobody was surprised.",
    "The harbour was closed for a week!",
    "Was it the wind that broke the pier?",
    "Some people say so, others do not.",
    "Let us look at the numbers together.",
    "They are not what I expected to see.",
    "The third winter was by far the worst.",
    "After that the town built a wall.",
    "Thank you all for listening so patiently.",
)


@dataclass(frozen=True)
class CodedTalk:
    """A script for the reciting recogniser, and the sound that belongs to it, 16 kHz mono s16."""

    recognizer: str
    sentences: tuple[dict[str, object], ...]
    seconds: float
    timeline: str = "coded"

    def source(self) -> CodedSource:
        return CodedSource(self.seconds, timeline=self.timeline)

    def told(self) -> list[tuple[object, ...]]:
        """Number, text, begin and end in ms of each sentence."""
        return [
            (number, each["text"], each["begin_ms"], each["end_ms"])
            for number, each in enumerate(self.sentences, start=1)
        ]

    def write_wav(self, path: Path) -> Path:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(self.samples().tobytes())
        return path

    def encoded(self, audio_format: str) -> Path:
        """It as a file in that format; made once."""
        path = Path(self.recognizer.removeprefix("script:")).with_suffix(f".{audio_format}")
        if not path.exists():
            if audio_format == "wav":
                return self.write_wav(path)
            path.write_bytes(compressed(audio_format, self.samples().tobytes()))
        return path

    def samples(self) -> np.ndarray:
        """All of it, shape (n,), int16."""
        return _MAKERS[self.timeline](0, round(self.seconds * BLOCKS_PER_S))


def coded_samples(first_block: int, blocks: int) -> np.ndarray:
    """`blocks` blocks of 10 ms from that one on, shape (n,), int16: two marks, then a quiet hum."""
    numbers = np.arange(first_block, first_block + blocks)
    samples = np.full((blocks, _BLOCK), -300, "<i2")
    samples[:, : _BLOCK // 2] = 300
    samples[:, 0], samples[:, 1] = MARK + numbers // MARK, MARK + numbers % MARK
    return samples.reshape(-1)


def toned_samples(first_block: int, blocks: int) -> np.ndarray:
    """`blocks` blocks of 10 ms from that one on, shape (n,), int16: tones that last from step to step."""
    begin, end = (each * _BLOCK for each in (first_block, first_block + blocks))
    step = RATE_HZ * STEP_MS // 1000
    first = begin // step
    sound = np.repeat(TONES_HZ[tones_of(first, -(-end // step) - first)], step)[begin - first * step :][: end - begin]
    # By the clock of the talk, so that stretches fit together wherever they are cut.
    phases = 2 * np.pi * sound * np.arange(begin, end) / RATE_HZ
    return (8000 * np.sin(phases)).astype("<i2")


_MAKERS = {"coded": coded_samples, "tones": toned_samples}


def twelve_sentences(folder: Path, seed: int = 1, timeline: str = "coded") -> CodedTalk:
    """Half a minute with pauses of 50 ms to 2 s, at times that are no multiples of a chunk."""
    chance = random.Random(seed)
    at_ms, sentences = chance.randrange(50, 400), []
    for text in _TEXTS:
        end_ms = at_ms + chance.randrange(700, 2400)
        sentences.append({"begin_ms": at_ms, "end_ms": end_ms, "text": text})
        at_ms = end_ms + chance.choice((50, 300, 700, 2000)) + chance.randrange(100)
    return _talk(folder / "twelve.jsonl", sentences, at_ms / 1000, timeline)


def a_sentence_every(folder: Path, every_s: int, seconds: int, timeline: str = "coded") -> CodedTalk:
    """As long as it is wanted: sentence n begins one second after n times `every_s`, and lasts three."""
    begins = range(1000, seconds * 1000 - 3000, every_s * 1000)
    sentences = [
        {"begin_ms": begin, "end_ms": begin + 3000, "text": f"This is sentence {number} of many."}
        for number, begin in enumerate(begins, start=1)
    ]
    return _talk(folder / f"every-{every_s}.jsonl", sentences, float(seconds), timeline)


def _talk(path: Path, sentences: list[dict[str, object]], seconds: float, timeline: str = "coded") -> CodedTalk:
    lines = [json.dumps(line) for line in ({"timeline": timeline}, *sentences)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return CodedTalk(f"script:{path}", tuple(sentences), seconds, timeline)


class CodedSource:
    """The sound of a coded talk as a source, made while it is read: six hours of it take no memory."""

    sound_format: None = None
    sound: str | None = None

    def __init__(self, seconds: float, *, live: bool = False, timeline: str = "coded") -> None:
        self.name = "coded"
        self.rate_hz = RATE_HZ
        self.channels = 1
        self.duration_ms: int | None = round(seconds * 1000)
        self.live = live
        # As a microphone is.
        self.can_wait = not live
        self.waits = live
        self.captured_at: str | None = None
        self._blocks = round(seconds * BLOCKS_PER_S)
        self._make = _MAKERS[timeline]
        self._stopped = threading.Event()

    def probe(self) -> None:
        pass

    def blocks(self) -> Iterator[np.ndarray]:
        for first in range(0, self._blocks, 100):
            if self._stopped.is_set():
                return
            count = min(100, self._blocks - first)
            yield (self._make(first, count).astype(np.float32) / 32768).reshape(-1, 1)

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        pass
