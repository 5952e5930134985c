"""The real recogniser behind the service: what it hears, and that its processes end."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import jiwer
import numpy as np
import pytest
import soxr

from asrcli.service.recognizers.base import (
    Failed,
    Hypothesis,
    Opened,
    Pcm,
    RecognitionEnded,
    RecognitionError,
    RecognitionSettings,
    Result,
)
from asrcli.service.recognizers.sphinx.recognizer import SphinxRecognition, SphinxRecognizer
from asrcli.service.server import Service
from asrcli.values.errors import UsageError
from tests.service.client import Client
from tests.support.service import DATA, TALK_TEXT, descendants, wait_until_gone
from tests.support.wording import says

TALK = TALK_TEXT.read_text("utf-8").splitlines()
NO_SPEECH = bytes(32_000)
END_S = 20


def plain(sentences: list[str]) -> str:
    return " ".join(sentences).lower().replace(".", "")


def test_the_talk_is_recognised(listening: Service, talk_pcm: bytes) -> None:
    """Eight sentences, word for word or nearly, with partial results on the way and times that fit."""
    with Client(listening.url) as client:
        finals = client.transcribe(talk_pcm)
        sentences = client.sentences()
    assert len(finals) == 8
    assert jiwer.wer(plain(TALK), plain(finals)) <= 0.10
    assert all(text[0].isupper() and text.endswith(".") for text in finals)
    assert sum(not sentence["sentence_end"] for sentence in sentences) > 50
    true_times = [json.loads(line) for line in (DATA / "talk.script.jsonl").read_text("utf-8").splitlines()]
    ended = [sentence for sentence in sentences if sentence["sentence_end"]]
    for sentence, true in zip(ended, true_times, strict=True):
        assert sentence["begin_time"] == pytest.approx(true["begin_ms"], abs=100)
        assert sentence["end_time"] == pytest.approx(true["end_ms"], abs=300)
        times = [time for word in sentence["words"] for time in (word["begin_time"], word["end_time"])]
        assert times == sorted(times)
        assert sentence["begin_time"] <= times[0] < times[-1] <= sentence["end_time"]


def test_telephone_audio_is_recognised(listening: Service, talk_pcm: bytes) -> None:
    """8 kHz is resampled, sentence times stay."""
    narrow = soxr.resample(np.frombuffer(talk_pcm[: 32 * 13_000], "<i2"), 16000, 8000).astype("<i2").tobytes()
    with Client(listening.url) as client:
        finals = client.transcribe(narrow, chunk=1600, sample_rate=8000)
    assert jiwer.wer(plain(TALK[:3]), plain(finals[:3])) <= 0.15


def test_parameters_change_what_is_written(listening: Service, talk_pcm: bytes) -> None:
    """A long silence joins two sentences; without punctuation the text is plain lower case."""
    with Client(listening.url) as client:
        finals = client.transcribe(
            talk_pcm[: 32 * 9_200], max_sentence_silence=4000, punctuation_prediction_enabled=False
        )
    assert len(finals) == 1
    assert jiwer.wer(plain(TALK[:2]), finals[0]) <= 0.15
    assert finals[0] == finals[0].lower()
    assert not finals[0].endswith(".")


def test_tasks_do_not_depend_on_each_other(listening: Service, talk_pcm: bytes) -> None:
    """The same sound gives the same text, alone, again and beside others: nothing adapted is carried over."""

    def transcribe(number: int) -> list[str]:
        with Client(listening.url) as client:
            return client.transcribe(talk_pcm[: 32 * 4_600], str(number))

    alone = transcribe(0)
    assert jiwer.wer(plain(TALK[:1]), plain(alone[:1])) <= 0.15
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(transcribe, range(3))) == [alone] * 3


def test_silence_is_no_speech(listening: Service) -> None:
    with Client(listening.url) as client:
        assert client.transcribe(NO_SPEECH * 3) == []
        assert client.sentences() == []


# --- processes ------------------------------------------------------------------------------------------------------


class Heard:
    """Collects results; waits for the last of a kind."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._changed = threading.Condition()

    def __call__(self, result: Result) -> None:
        with self._changed:
            self.results.append(result)
            self._changed.notify_all()

    def wait_for(self, kind: type[Result]) -> Result:
        with self._changed:
            assert self._changed.wait_for(lambda: any(isinstance(each, kind) for each in self.results), END_S)
            return next(each for each in self.results if isinstance(each, kind))


def test_a_recogniser_opens_feeds_and_ends(talk_pcm: bytes) -> None:
    """The seam itself: Opened, then hypotheses, then RecognitionEnded with all the audio fed; no process stays."""
    recognizer, heard = SphinxRecognizer(stall_s=10), Heard()
    try:
        recognition = recognizer.open(RecognitionSettings(), heard)
        heard.wait_for(Opened)
        pids = descendants(recognizer._worker.pid)
        recognition.feed(Pcm(talk_pcm[: 32 * 4_600], 16000))
        recognition.finish()
        assert heard.wait_for(RecognitionEnded) == RecognitionEnded(4_600)
        recognition.close()
        recognition.close()
        assert isinstance(heard.results[0], Opened)
        final = heard.results[-2]
        assert isinstance(final, Hypothesis)
        assert final.final
        wait_until_gone(pids)
    finally:
        recognizer.close()
    assert recognizer._worker.returncode == 0


def test_a_decoder_that_dies_fails_its_task_alone(talk_pcm: bytes) -> None:
    recognizer, heard, other = SphinxRecognizer(stall_s=10), Heard(), Heard()
    try:
        doomed = recognizer.open(RecognitionSettings(), heard)
        heard.wait_for(Opened)
        (pid,) = descendants(recognizer._worker.pid)
        os.kill(pid, signal.SIGKILL)
        assert heard.wait_for(Failed) == Failed("InternalError", "the recogniser ended unexpectedly")
        with pytest.raises(RecognitionError, match="ended unexpectedly"):
            doomed.feed(Pcm(NO_SPEECH, 16000))
        healthy = recognizer.open(RecognitionSettings(), other)
        healthy.finish()
        assert other.wait_for(RecognitionEnded) == RecognitionEnded(0)
        healthy.close()
        doomed.close()
    finally:
        recognizer.close()


def is_recognised(recognizer: SphinxRecognizer) -> bool:
    """Whether a task of half a second of silence comes to its end."""
    heard = Heard()
    recognition = recognizer.open(RecognitionSettings(), heard)
    try:
        recognition.feed(Pcm(NO_SPEECH[:16_000], 16000))
        recognition.finish()
        return heard.wait_for(RecognitionEnded) == RecognitionEnded(500)
    finally:
        recognition.close()


@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "as it starts"])
def test_a_worker_that_was_killed_is_started_again_for_the_next_task(
    loaded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Several times in a row; what waits for its model then fails, so that its client may try again."""
    recognizer = SphinxRecognizer(stall_s=10)
    pids = set()
    try:
        for _ in range(3):
            if loaded:
                assert is_recognised(recognizer)
            else:
                waiting = Heard()
                recognition = recognizer.open(RecognitionSettings(), waiting)
            pids.add(recognizer._worker.pid)
            os.kill(recognizer._worker.pid, signal.SIGKILL)
            if loaded:
                wait_until_gone([recognizer._worker.pid])
            else:
                assert waiting.wait_for(Failed) == Failed("InternalError", "the recogniser ended unexpectedly")
                recognition.close()
        assert is_recognised(recognizer)
        pids.add(recognizer._worker.pid)
        assert len(pids) == 4
        assert caplog.text.count("the recogniser has ended (signal 9); it is started again") == 3
    finally:
        recognizer.close()
    assert recognizer._worker.returncode == 0


def test_a_decoder_that_runs_when_the_worker_is_killed_goes_on(talk_pcm: bytes) -> None:
    recognizer, heard = SphinxRecognizer(stall_s=10), Heard()
    try:
        recognition = recognizer.open(RecognitionSettings(), heard)
        heard.wait_for(Opened)
        os.kill(recognizer._worker.pid, signal.SIGKILL)
        recognition.feed(Pcm(talk_pcm[: 32 * 4_600], 16000))
        recognition.finish()
        assert heard.wait_for(RecognitionEnded) == RecognitionEnded(4_600)
        recognition.close()
    finally:
        recognizer.close()


def test_a_recogniser_that_was_closed_starts_no_worker_again() -> None:
    recognizer = SphinxRecognizer(stall_s=10)
    recognizer.close()
    pid = recognizer._worker.pid
    with pytest.raises(RecognitionError, match="not running"):
        recognizer.open(RecognitionSettings(), Heard())
    assert recognizer._worker.pid == pid


@pytest.mark.parametrize("said", [b'{"kind": "hypothe', b'{"kind": "opened"}\n{"ki', b""])
def test_half_a_word_of_a_decoder_that_died_is_its_failure(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    heard = Heard()
    recognition = SphinxRecognition(ours, RecognitionSettings(), heard, 10)
    theirs.sendall(said)
    theirs.close()
    assert heard.wait_for(Failed) == Failed("InternalError", "the recogniser ended unexpectedly")
    recognition.close()


def test_results_that_nobody_understands_are_a_failure_of_their_task(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = socket.socketpair()
    heard = Heard()
    recognition = SphinxRecognition(ours, RecognitionSettings(), heard, 10)
    with theirs:
        theirs.sendall(b"nonsense\n")
        assert heard.wait_for(Failed) == Failed("InternalError", "the recogniser broke")
    recognition.close()
    assert "JSONDecodeError" in caplog.text


def test_a_decoder_that_takes_no_audio_is_overloaded(talk_pcm: bytes) -> None:
    recognizer, heard = SphinxRecognizer(stall_s=0.2), Heard()
    try:
        recognition = recognizer.open(RecognitionSettings(), heard)
        heard.wait_for(Opened)
        (pid,) = descendants(recognizer._worker.pid)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(RecognitionError, match=r"took no audio for 0\.2 seconds") as caught:
            recognition.feed(Pcm(NO_SPEECH * 30, 16000))
        assert caught.value.code == "ModelServingError"
        os.kill(pid, signal.SIGCONT)
        recognition.close()
    finally:
        recognizer.close()


def test_closing_ends_decoders_in_the_middle_of_their_work(talk_pcm: bytes) -> None:
    recognizer, heard = SphinxRecognizer(stall_s=10), [Heard(), Heard()]
    open_ones = [recognizer.open(RecognitionSettings(), each) for each in heard]
    for each, recognition in zip(heard, open_ones, strict=True):
        each.wait_for(Opened)
        recognition.feed(Pcm(talk_pcm[:32_000], 16000))
    pids = descendants(recognizer._worker.pid)
    assert len(pids) == 2
    recognizer.close()
    assert recognizer._worker.returncode == 0
    wait_until_gone(pids)
    for recognition in open_ones:
        recognition.close()


def test_a_missing_pocketsphinx_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, check=says(r"pip install 'asrcli\[serve\]'")):
        SphinxRecognizer(stall_s=1)
