"""What the vendor's samples do beyond its pages is taken by the service's half of run-task, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asrcli.service.protocols.base import (
    Action,
    Feed,
    FinishRecognition,
    Handshake,
    Hangup,
    Limits,
    OpenRecognition,
    Reply,
)
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers.base import HeardWord, Hypothesis, Opened, RecognitionEnded, RecognitionSettings
from tests.service.client import finish_task, run_task
from tests.service.protocols.half import events, failure, started, tell
from tests.support.fakes import FakeClock

PCM = b"\0" * 320
EMOTIONAL = "paraformer-realtime-8k-v2"


def with_payload(**payload: object) -> dict[str, Any]:
    message = run_task()
    message["payload"] |= payload
    return message


@pytest.mark.parametrize("parameters", [{}, [], None])
@pytest.mark.parametrize(
    ("model", "rate_hz"), [("paraformer-realtime-v2", 16_000), ("fun-asr-flash-8k-realtime", 8_000)]
)
def test_parameters_may_be_left_out(half: RunTask, parameters: object, model: str, rate_hz: int) -> None:
    """Node.js leaves them empty, and PHP's empty object is a list."""
    message = with_payload(parameters=parameters, model=model, input=[])
    assert tell(half, message) == [OpenRecognition(RecognitionSettings("pcm", rate_hz))]


@pytest.mark.parametrize(
    "name",
    [
        *("format", "sample_rate", "vocabulary_id", "vocabulary", "language_hints", "semantic_punctuation_enabled"),
        *("max_sentence_silence", "multi_threshold_mode_enabled", "punctuation_prediction_enabled", "heartbeat"),
        *("disfluency_removal_enabled", "speech_noise_threshold", "special_word_filter", "something_new"),
    ],
)
def test_null_sets_nothing(half: RunTask, name: str) -> None:
    """Go writes it for what it was not given."""
    assert tell(half, run_task(**{name: None})) == [OpenRecognition(RecognitionSettings())]  # type: ignore[arg-type]
    list(half.result(Opened()))
    assert events(half.result(Hypothesis("Hello", 0))) == ["result-generated"]


def test_what_go_sends_for_a_finish_is_a_finish(half: RunTask) -> None:
    """The fields of a run-task, all of them empty."""
    message = finish_task()
    message["header"] |= {"event": "", "attributes": None}
    message["payload"] |= {
        **dict.fromkeys(("task_group", "task", "function", "model"), ""),
        "parameters": {"format": "", "sample_rate": 0, "vocabulary_id": "", "language_hints": None},
        "resources": None,
        "output": {"sentence": {"begin_time": 0, "end_time": None, "text": "", "words": None}, "usage": None},
    }
    assert tell(started(half, vocabulary_id=""), message) == [FinishRecognition()]


def test_a_finish_ends_the_task_that_runs_whatever_id_it_bears(half: RunTask) -> None:
    """PHP makes up another one. What is answered belongs to the task."""
    message = finish_task("another")
    message["payload"]["input"] = []
    assert tell(started(half), message) == [FinishRecognition()]
    (reply,) = half.result(RecognitionEnded(0))
    assert isinstance(reply, Reply)
    assert json.loads(reply.text)["header"] == {"task_id": "t1", "event": "task-finished", "attributes": {}}


def test_audio_and_a_finish_may_come_before_task_started(half: RunTask, clock: FakeClock) -> None:
    """The Java SDK does not wait for it; what it is told comes in order all the same."""
    tell(half, run_task(heartbeat=True))
    assert tell(half, PCM) == [Feed(PCM)]
    assert tell(half, finish_task()) == [FinishRecognition()]
    clock.advance(30)
    assert list(half.idle()) == []
    assert events(half.result(Opened())) == ["task-started"]
    assert failure(tell(half, PCM))[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("model", "parameters", "shown"),
    [
        (EMOTIONAL, {}, True),
        (EMOTIONAL, {"semantic_punctuation_enabled": False}, True),
        (EMOTIONAL, {"semantic_punctuation_enabled": None}, True),
        (EMOTIONAL, {"semantic_punctuation_enabled": True}, False),
        ("paraformer-realtime-v2", {}, False),
        ("fun-asr-realtime", {}, False),
    ],
)
def test_emotions_come_from_one_model_where_silence_ends_its_sentences(
    half: RunTask, model: str, parameters: dict[str, object], shown: bool
) -> None:
    started(half, model=model, **parameters)
    words = (HeardWord("Hello", 0, 500),)
    (partial,), (final,) = half.result(Hypothesis("Hello", 0)), half.result(Hypothesis("Hello", 0, 500, words, True))
    for reply, expected in ((partial, False), (final, shown)):
        assert isinstance(reply, Reply)
        sentence = json.loads(reply.text)["payload"]["output"]["sentence"]
        assert ("emo_tag" in sentence, "emo_confidence" in sentence) == (expected, expected)
        if expected:
            assert sentence["emo_tag"] == "neutral"
            assert 0 <= sentence["emo_confidence"] <= 1


# --- any order of anything ------------------------------------------------------------------------------------------


class Life:
    """A half, with a recogniser that says only what it may say at that moment."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.half = RunTask(Handshake(RunTask.path), Limits(), self.clock)
        self.tasks = 0
        self.said: list[str] = []
        self.hung_up = False
        self.pending: list[str] = []  # What the recogniser has still to say, in order.

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self.hung_up
            match action:
                case OpenRecognition():
                    assert self.pending == []
                    self.pending = ["opened"]
                case FinishRecognition():
                    self.pending.append("ended")
                case Hangup():
                    self.hung_up, self.pending = True, []
                case Reply():
                    self.said += events([action])

    def step(self, what: str) -> None:
        match what:
            case "run":
                self.tasks += 1
                self.carry_out(tell(self.half, run_task(f"t{self.tasks}", heartbeat=self.tasks % 2 == 1)))
            case "audio":
                self.carry_out(tell(self.half, PCM))
            case "finish":
                self.carry_out(tell(self.half, finish_task(f"t{self.tasks}")))
            case "recognised" if self.pending:
                result = Opened() if self.pending.pop(0) == "opened" else RecognitionEnded(10)
                self.carry_out(list(self.half.result(result)))
            case "heard" if (
                self.said[-1:] != ["task-finished"] and "task-started" in self.said and self.pending != ["opened"]
            ):
                self.carry_out(list(self.half.result(Hypothesis("Hello", 0))))
            case "wait":
                self.clock.advance(6)
                self.carry_out(list(self.half.idle()))
            case "busy":
                self.clock.advance(6)
                self.carry_out(list(self.half.busy()))


@given(st.lists(st.sampled_from(["run", "audio", "finish", "recognised", "heard", "wait", "busy"]), max_size=25))
@example(["run", "finish", "recognised", "recognised", "busy"])
@example(["run", "recognised", "wait", "wait", "wait", "wait"])
def test_each_task_is_told_in_order(steps: list[str]) -> None:
    """task-started, results, task-finished; nothing before the first and nothing after the last."""
    life = Life()
    for step in steps:
        if not life.hung_up:
            life.step(step)
            deadline = life.half.deadline()
            assert deadline is not None
            if step in ("wait", "busy") and not life.hung_up:
                assert deadline > life.clock.now()
    running = False
    for event in life.said:
        if event == "task-started":
            assert not running
            running = True
        elif event == "task-finished":
            assert running
            running = False
        elif event == "result-generated":
            assert running
