"""`asrcli qwen --manual` with more audio than one session may hold."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from asrcli.service import server
from asrcli.service.recognizers.base import Hypothesis, OnResult, Opened, Pcm, RecognitionEnded, RecognitionSettings
from tests.support.service import TALK_WAV, running_service


def finals(events):
    return [event for event in events if event["type"] == "final"]


_SENTENCES = 64
_SAID_MS, _PAUSE_MS = 2_000, 850


class LevelRecognizer:
    """Hears levels: sentence n is 2 s of samples with the value 1000 + n, whatever session it is said in."""

    capacity = 100

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> LevelRecognition:
        assert settings.max_sentence_silence_ms is None
        on_result(Opened())
        return LevelRecognition(on_result)

    def close(self) -> None:
        pass


class LevelRecognition:
    """Tells the numbers of the sentences in each utterance, and how much of each was in it."""

    def __init__(self, on_result: OnResult) -> None:
        self._on_result = on_result
        self._uttered = b""

    def feed(self, pcm: Pcm) -> None:
        self._uttered += pcm.data

    def change_context(self, context: str) -> None:
        pass

    def end_utterance(self) -> None:
        values, counts = np.unique(np.frombuffer(self._uttered, "<i2"), return_counts=True)
        said = [
            f"{value - 1000}: {count / 16:g} ms" for value, count in zip(values, counts, strict=True) if value > 1000
        ]
        self._uttered = b""
        self._on_result(Hypothesis(", ".join(said), 0, 1, final=True))

    def finish(self) -> None:
        self._on_result(RecognitionEnded(0))

    def close(self) -> None:
        pass


def three_minutes(path: Path) -> Path:
    """64 sentences of two seconds each, with pauses."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        for number in range(1, _SENTENCES + 1):
            file.writeframes(np.full(16 * _SAID_MS, 1000 + number, "<i2").tobytes() + bytes(32 * _PAUSE_MS))
    return path


def test_a_long_file_in_manual_mode_loses_and_doubles_nothing(asrcli, tmp_path, monkeypatch):
    """A session holds less than a minute: several of them, cut at pauses, carry three minutes of sentences."""
    monkeypatch.setattr(server, "open_recognizer", lambda name, stall_s: LevelRecognizer())
    path = three_minutes(tmp_path / "long.wav")
    with running_service("levels") as service:
        done = asrcli("qwen", path, "--endpoint", service.url, "--pace", "fast", "--manual", "--json")
    assert done.code == 0
    heard = finals(done.events)
    assert [event["text"] for event in heard] == [f"{number}: 2000 ms" for number in range(1, _SENTENCES + 1)]
    assert [event["index"] for event in heard] == list(range(1, _SENTENCES + 1))
    for number, event in enumerate(heard):
        begin_ms = number * (_SAID_MS + _PAUSE_MS)
        assert event["begin_ms"] <= begin_ms < begin_ms + _SAID_MS <= event["end_ms"]
    end = done.events[-1]
    assert (end["complete"], end["audio_ms"]) == (True, _SENTENCES * (_SAID_MS + _PAUSE_MS))
    assert len(set(end["task_ids"])) == len(end["task_ids"]) >= 4


def test_a_whole_source_is_one_utterance(asrcli, talk_service, tmp_path):
    """Its pauses end nothing, and there is one commit."""
    log = tmp_path / "messages.log"
    done = asrcli(
        "qwen", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--one-utterance", "--json", "--log", log
    )
    assert done.code == 0, done.err
    [heard] = finals(done.events)
    assert heard["text"].startswith("Hello and welcome")
    assert heard["text"].endswith("a very pleasant day.")
    assert log.read_text(encoding="utf-8").count('"input_audio_buffer.commit"') == 1
    assert "is cut at the next pause" not in done.err


def test_what_is_longer_than_one_utterance_may_be_is_told_and_cut_at_a_pause(asrcli, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "open_recognizer", lambda name, stall_s: LevelRecognizer())
    path = three_minutes(tmp_path / "long.wav")
    with running_service("levels") as service:
        done = asrcli("qwen", path, "--endpoint", service.url, "--pace", "fast", "--one-utterance", "--json")
    assert done.code == 0
    assert "it lasts 182 s: what is more than 53 s is cut at the next pause" in done.err
    heard = finals(done.events)
    assert len(heard) == 4
    said = ", ".join(event["text"] for event in heard).split(", ")
    assert said == [f"{number}: 2000 ms" for number in range(1, _SENTENCES + 1)]


def test_what_contradicts_one_utterance_is_refused(asrcli):
    for words, reason in (
        (("--silence-ms", 800), "--one-utterance ends at no silence"),
        (("--threshold", 0.1), "leave --threshold or --one-utterance out"),
    ):
        done = asrcli("qwen", TALK_WAV, "--endpoint", "ws://127.0.0.1:1", "--one-utterance", *words)
        assert (done.code, reason in done.err) == (2, True), done.err
