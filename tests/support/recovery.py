"""Links that break at chosen points under the engine, and what then came out of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import AsIs, EncodedSource, Source
from asrcli.engine.build import build
from asrcli.engine.control import Control
from asrcli.engine.spec import Spec
from asrcli.engine.stages import Timeouts
from asrcli.engine.wiring import Engine
from asrcli.protocols import REGISTRY
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.events import Event, FinalResult, Reconnecting, Sentence
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import PCM, Chunk
from asrcli.wire.retry import Retry
from tests.support.coded_talk import RATE_HZ, CodedTalk
from tests.support.service import running_service
from tests.support.sounds import pcm_chunk
from tests.support.transcribing import transcribe

MODELS = {"run-task": "fun-asr-realtime", "realtime": "qwen3-asr-flash-realtime"}
PROTOCOLS = tuple(REGISTRY)
_ALL = AsIs(("pcm", "wav", "mp3", "opus", "speex", "aac", "amr"))
# How a link may go wrong at {at} seconds of audio, and a client still has to deliver everything.
TROUBLES: tuple[tuple[str, ...], ...] = (
    ("reset@{at}s#1",),
    ("close=1011:Internal server error@{at}s#1",),
    ("close=1012@{at}s#1",),
    ("close=1001@{at}s#1", "close=1000@{at}s#2"),
    ("stall@{at}s#1",),
    ("deaf@{at}s#1",),
    ("garbage@{at}s#1",),
    ("fail=InternalError@{at}s#1",),
    ("fail=CLIENT_ERROR@{at}s#1",),
    ("fail=Throttling.RateQuota@{at}s#1-2",),
    ("reset@{at}s#1", "refuse=503:2#2-9"),
    ("close=1011@{at}s#1", "refuse=429:2:0#2-9"),
    ("reset@{at}s#1", "reset#2-3"),
    ("drop=every:1@{at}s#1-3",),
    ("duplicate=0.3", "reset@{at}s#1"),
    ("reorder=0.3", "close=1011@{at}s#1"),
    ("split", "reset@{at}s#1"),
    ("delay=15ms", "close=1012@{at}s#1"),
    ("split", "duplicate=0.2", "reorder=0.2", "delay=5ms", "stall@{at}s#1-2"),
)


@dataclass(frozen=True)
class Outcome:
    """What a run delivered, and how it ended."""

    sentences: tuple[Sentence, ...]
    reconnects: int
    error: Exception | None


@dataclass(frozen=True)
class Cut:
    """One run: the faults of the service, and how the client is set up.

    Of a talk of tones: `sending` is pcm or opus, and `file` the format of a file of it that is sent as it is.
    """

    protocol: str
    faults: tuple[str, ...]
    speed: float | None = None
    manual: bool = False
    sending: str = PCM
    file: str | None = None


def chosen_cuts(protocol: str, count: int, seconds: float, seed: int) -> list[Cut]:
    """`count` points in a talk of that length, over all kinds of trouble in turn."""
    chance = random.Random(f"{seed}/{protocol}")
    cuts = []
    for number in range(count):
        at = f"{chance.uniform(0.05, seconds - 0.2):.3f}"
        faults = tuple(fault.format(at=at) for fault in TROUBLES[number % len(TROUBLES)])
        cuts.append(Cut(protocol, (*faults, f"seed={chance.randrange(1000)}"), chance.choice((None, 25.0, 50.0))))
    return cuts


def run_cut(talk: CodedTalk, cut: Cut) -> Outcome:
    """The talk through a service of its own that has the cut's faults."""
    with running_service(talk.recognizer, faults=tuple(map(parse_fault, cut.faults))) as service:
        source: Source = talk.source() if cut.file is None else as_it_is(talk.encoded(cut.file))
        return delivered(transcribe(source, engine(service.url, cut, talk), Control()))


def as_it_is(path: Path) -> Source:
    """The file as a source that gives it as it is."""
    source = open_input(Files(as_is=_ALL), str(path), lambda *_: None, lambda *_: None)
    assert isinstance(source, EncodedSource)
    return source


def run_cuts(talk: CodedTalk, cuts: Sequence[Cut], at_once: int = 12) -> list[Outcome]:
    """Several at a time: they mostly wait."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda cut: run_cut(talk, cut), cuts))


def engine(url: str, cut: Cut, talk: CodedTalk | None = None, **fields: Any) -> Engine:
    options = RecognitionOptions(model=MODELS[cut.protocol], manual=cut.manual, encoding=cut.sending)
    # What is decoded first comes later on a busy machine.
    finish_s = 0.4 if (cut.sending, cut.file) == (PCM, None) else 2.0
    spec = Spec(
        cut.protocol,
        options,
        Endpoint(url, "k"),
        speed=cut.speed,
        timeouts=Timeouts(finish_s=finish_s, grace_s=0.4),
        retry=Retry(first_s=0.01, longest_s=0.3),
    )
    cutter = cut_after_sentences(talk) if cut.manual and talk is not None else None
    return replace(build(spec), cut=cutter, **fields)


def delivered(events: Iterator[Event]) -> Outcome:
    """Follow a transcription to its end."""
    seen: list[Event] = []
    error: Exception | None = None
    try:
        seen.extend(events)
    except Exception as raised:
        error = raised
    sentences = tuple(event.sentence for event in seen if isinstance(event, FinalResult))
    return Outcome(sentences, sum(isinstance(event, Reconnecting) for event in seen), error)


def alike(outcome: Outcome, whole: Outcome, within_ms: int = 0) -> bool:
    """Whether both say the same, the words too; lossy coding may move each time by so much."""
    if outcome.error is not None or len(outcome.sentences) != len(whole.sentences):
        return False
    pairs = list(zip(outcome.sentences, whole.sentences, strict=True))
    if not within_ms:
        return all(one == other for one, other in pairs)
    return all(
        (one.index, one.text, len(one.words)) == (other.index, other.text, len(other.words))
        and all(abs(at - to) <= within_ms for at, to in zip(_times(one), _times(other), strict=True))
        for one, other in pairs
    )


def _times(sentence: Sentence) -> list[int]:
    moments = [sentence.begin_ms, sentence.end_ms]
    moments += [moment for word in sentence.words for moment in (word.begin_ms, word.end_ms)]
    return [-1000 if moment is None else moment for moment in moments]


def cut_after_sentences(talk: CodedTalk) -> Callable[[Iterator[Chunk]], Iterator[Chunk]]:
    """Marks utterances where the script's sentences end: for the mode in which the client decides."""
    ends = [int(str(sentence["end_ms"])) * RATE_HZ // 1000 for sentence in talk.sentences]

    def mark(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            begin = chunk.end_sample - chunk.samples
            ends_here = any(begin < end <= chunk.end_sample for end in ends)
            yield pcm_chunk(chunk.data, chunk.end_sample, ends_utterance=ends_here)

    return mark
