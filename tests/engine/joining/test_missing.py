"""How a transcription ends whose sound cannot be had again from the disk."""

from __future__ import annotations

import numpy as np
import pytest

from asrcli.engine.retry import Retry
from asrcli.engine.sound.spool import OnDisk, Parked, Spool
from asrcli.engine.stages import Limits
from asrcli.values.errors import AudioError
from asrcli.values.pcm import Chunk
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.transcribing import run, texts

QUICK = Retry(tries=3, first_s=0.01, longest_s=0.02)


class ReadOnce(Spool):
    """Keeps everything on a disk that gives each chunk back once."""

    def __init__(self) -> None:
        super().__init__(memory_bytes=0)
        self._read: set[int] = set()

    def get(self, parked: Parked) -> Chunk:
        assert isinstance(parked, OnDisk)
        if parked.offset in self._read:
            raise AudioError("sound that waited on the disk cannot be read again: Input/output error")
        self._read.add(parked.offset)
        return super().get(parked)


def hearing_all(talk: Conversation) -> None:
    """Recognises the first second."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(64000)
    talk.say_sentence(1, "one", 0, 900)


def closing(talk: Conversation) -> None:
    hearing_all(talk)
    talk.close(1011)


def never_finishing(talk: Conversation) -> None:
    hearing_all(talk)
    talk.expect("finish-task")
    talk.hang()


def listening(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.hang()


@pytest.mark.parametrize("service", [closing, never_finishing])
def test_what_is_needed_again_and_cannot_be_read_is_an_error_of_its_own(monkeypatch, service):
    monkeypatch.setattr("asrcli.engine.sound.tape.Spool", ReadOnce)
    source = ToneSource(1.0)
    source._samples = np.concatenate([source._samples[:14000], np.zeros((20000, 1), np.float32)])
    with scripted_server(service, listening) as url:
        events, error = run(url, source, retry=QUICK, limits=Limits(finish_s=0.3))
    assert texts(events) == ["one"]
    assert isinstance(error, AudioError)
    assert "cannot be read again: Input/output error" in error.message
