"""A network that is too slow for PCM: the sound goes over as Opus, none of it is lost, and none is told twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from asrcli.audio.source import Source
from asrcli.engine.build import Surroundings, all_built
from asrcli.engine.control import Control
from asrcli.engine.many import Job, transcribe_many
from asrcli.engine.spec import Spec
from asrcli.values.events import EncodingChanged, FinalResult, Notice, Reconnecting, SessionStarted
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.coded_talk import CodedSource, CodedTalk, a_sentence_every
from tests.support.recovery import MODELS, PROTOCOLS
from tests.support.service import running_service
from tests.support.slow_link import slow_link

# At twice real time PCM has 64,000 bytes a second, and Opus some 8,000 with what is around it; base64 adds a third.
PACE, BYTES_PER_S = 2.0, 20_000


@pytest.fixture
def talk(tmp_path) -> CodedTalk:
    return a_sentence_every(tmp_path, 4, 12, timeline="tones")


class Spoken(CodedSource):
    """The talk as a microphone gives it: in its own time."""

    def blocks(self) -> Iterator[np.ndarray]:
        began = time.monotonic()
        for number, block in enumerate(self._tenths()):
            if self._stopped.wait(max(0.0, began + (number + 1) / 10 / PACE - time.monotonic())):
                return
            yield block

    def _tenths(self) -> Iterator[np.ndarray]:
        for block in super().blocks():
            yield from np.array_split(block, len(block) // 1600)


def heard(
    talk: CodedTalk,
    protocol: str,
    sources: int = 1,
    *,
    speed: float | None = PACE,
    source: Source | None = None,
    bytes_per_s: float = BYTES_PER_S,
) -> list[list[Any]]:
    """What happens to each source, over a slow network."""
    with running_service(talk.recognizer) as service, slow_link(service.url, bytes_per_s) as way:
        options = RecognitionOptions(model=MODELS[protocol])
        spec = Spec(protocol, options, Endpoint(way, "k"), speed=speed, saves_bytes=True)
        seen: list[list[Any]] = [[] for _ in range(sources)]
        with all_built([spec], [Surroundings()]) as [engine]:
            jobs = [Job(lambda control: source or talk.source(), Control()) for _ in range(sources)]
            for number, event in transcribe_many(jobs, engine, 1):
                seen[number].append(event)
    return seen


def near(events: list[Any], talk: CodedTalk) -> bool:
    """Whether all sentences are there once and in their places, to 40 ms."""
    said = [event.sentence for event in events if isinstance(event, FinalResult)]
    same = [(each.index, each.text) for each in said] == [(number, text) for number, text, _, _ in talk.told()]
    return same and all(
        abs(each.begin_ms - int(str(begin_ms))) < 40 and abs(each.end_ms - int(str(end_ms))) < 40
        for each, (_, _, begin_ms, end_ms) in zip(said, talk.told(), strict=True)
    )


def of(kind: type, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sound_that_lags_goes_over_as_opus_with_the_next_session(talk, protocol):
    [events] = heard(talk, protocol)
    [notice], [change] = of(Notice, events), of(EncodingChanged, events)
    assert notice.message.startswith("the network is too slow for PCM")
    assert change.encoding == "opus"
    assert len(of(SessionStarted, events)) == 2
    assert not of(Reconnecting, events)
    assert events[-1].error is None
    said = of(FinalResult, events)
    assert near(events, talk), [(each.sentence.text, each.sentence.begin_ms) for each in said]


def test_a_microphone_goes_over_too_and_what_comes_as_fast_as_it_goes_does_not(talk):
    live = Spoken(talk.seconds, live=True, timeline="tones")
    [events] = heard(talk, "run-task", speed=None, source=live)
    assert [each.encoding for each in of(EncodingChanged, events)] == ["opus"]
    assert near(events, talk)
    [events] = heard(talk, "run-task", speed=None, bytes_per_s=100_000)
    assert not of(EncodingChanged, events)
    assert near(events, talk)


def test_a_source_that_begins_later_begins_as_opus(talk):
    first, second = heard(talk, "run-task", sources=2)
    assert near(first, talk)
    assert near(second, talk)
    assert len(of(SessionStarted, second)) == 1
    assert of(EncodingChanged, second) == [EncodingChanged("opus", 0)]
    assert not of(Notice, second)
