"""When the service's half of run-task loses patience: an injected clock, no waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.protocols.base import Action, Handshake, Hangup, Limits
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers.base import Hypothesis, Opened, RecognitionEnded
from tests.service.client import finish_task, run_task
from tests.service.protocols.half import events, failure, started, tell
from tests.support.fakes import FakeClock

# At 16 kHz.
SECOND = bytes(32_000)


def test_a_task_without_audio_fails_after_23_seconds(half: RunTask, clock: FakeClock) -> None:
    started(half)
    clock.advance(22.9)
    assert list(half.idle()) == []
    tell(half, b"\0" * 320)
    assert half.deadline() == clock.now() + 23
    clock.advance(23)
    assert failure(list(half.idle())) == ("CLIENT_ERROR", "request timeout after 23 seconds.")


def speak(half: RunTask, clock: FakeClock, seconds: int, each: bytes = SECOND) -> list[Action]:
    """Silence that keeps flowing for `seconds`, `each` of them; what the half says meanwhile."""
    said: list[Action] = []
    for _ in range(seconds):
        tell(half, each)
        clock.advance(1)
        said += half.idle()
        if any(isinstance(action, Hangup) for action in said):
            break
    return said


def test_a_minute_of_silence_ends_a_task_without_heartbeat(half: RunTask, clock: FakeClock) -> None:
    started(half)
    assert speak(half, clock, 59) == []
    list(half.result(Hypothesis("Hello", 0)))
    assert speak(half, clock, 59) == []
    assert failure(speak(half, clock, 1)) == ("ResponseTimeout", "Response timeout!")


@pytest.mark.parametrize(("parameters", "ends_after_s"), [({}, 180), ({"format": "mp3"}, 60)])
def test_a_minute_of_silence_is_one_of_sound(
    half: RunTask, clock: FakeClock, parameters: dict[str, object], ends_after_s: int
) -> None:
    """Some samples of the vendor send a third of a second each second. Compressed bytes do not tell their length."""
    started(half, **parameters)
    began = clock.now()
    assert failure(speak(half, clock, 200, SECOND[: len(SECOND) // 3 + 1])) == ("ResponseTimeout", "Response timeout!")
    assert clock.now() - began == ends_after_s


def test_heartbeats_keep_a_silent_task_alive(half: RunTask, clock: FakeClock) -> None:
    said = speak(started(half, heartbeat=True), clock, 300)
    assert events(said) == ["result-generated"] * 60


def test_a_heartbeat_does_not_replace_audio(half: RunTask, clock: FakeClock) -> None:
    started(half, heartbeat=True)
    tell(half, b"\0" * 320)
    clock.advance(23)
    assert failure(list(half.idle()))[0] == "CLIENT_ERROR"


def test_heartbeats_go_on_while_the_rest_is_recognised(half: RunTask, clock: FakeClock) -> None:
    """On a busy machine that takes a while, and nothing is heard of the service otherwise."""
    tell(started(half, heartbeat=True), finish_task())
    for _ in range(20):
        deadline = half.deadline()
        assert deadline == clock.now() + 5
        clock.advance(5)
        assert events(half.idle()) == ["result-generated"]
    list(half.result(RecognitionEnded(0)))
    assert half.deadline() == clock.now() + 60


def test_the_client_owes_nothing_while_the_recogniser_is_behind(half: RunTask, clock: FakeClock) -> None:
    started(half)
    for _ in range(20):
        clock.advance(20)
        assert list(half.busy()) == []
    clock.advance(22)
    assert list(half.idle()) == []
    clock.advance(1)
    assert failure(list(half.idle()))[0] == "CLIENT_ERROR"


def test_heartbeats_go_on_while_the_recogniser_is_behind(half: RunTask, clock: FakeClock) -> None:
    started(half, heartbeat=True)
    clock.advance(5)
    assert events(half.busy()) == ["result-generated"]
    assert list(half.busy()) == []


def test_an_idle_connection_is_closed_after_a_minute(half: RunTask, clock: FakeClock) -> None:
    tell(started(half), finish_task())
    clock.advance(50)
    list(half.result(RecognitionEnded(0)))
    clock.advance(59)
    assert list(half.idle()) == []
    clock.advance(1)
    assert list(half.idle()) == [Hangup(1000, "no task for 60 seconds")]


@given(st.lists(st.sampled_from(["opened", "hypothesis", "ended", "wait", "idle", "busy"]), max_size=8), st.booleans())
def test_a_result_never_brings_the_deadline_nearer(steps: list[str], heartbeat: bool) -> None:
    """It is not asked for after a result, and need not be."""
    clock = FakeClock()
    half = RunTask(Handshake(RunTask.path), Limits(), clock)
    tell(half, run_task(heartbeat=heartbeat))
    state = "starting"
    for step in steps:
        before = half.deadline()
        assert before is not None
        if step == "wait":
            clock.advance(3)
        elif step == "idle":
            list(half.idle())
        elif step == "busy":
            list(half.busy())
        elif step == "opened" and state == "starting":
            list(half.result(Opened()))
            state = "running"
        elif step == "hypothesis" and state == "running":
            list(half.result(Hypothesis("Hello", 0)))
        elif step == "ended" and state == "running":
            tell(half, finish_task())
            before = half.deadline()
            assert before is not None
            list(half.result(RecognitionEnded(0)))
            state = "over"
        after = half.deadline()
        assert after is not None
        assert after >= before
