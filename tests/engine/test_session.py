"""One session without sockets and without waiting: stages, deadlines, and whose error counts."""

from __future__ import annotations

import json

import pytest

from asrcli.engine.session import Session
from asrcli.engine.stages import Turn
from asrcli.output.wording import words
from asrcli.protocols.realtime import Realtime
from asrcli.values.errors import AsrcliError, DecodeError, LinkError, ProtocolViolation, ServiceError, ServiceTimeout
from asrcli.values.events import AudioFinished, FinalResult, LinkReady, SessionFinished, SessionStarted
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.link_events import LinkClosed, LinkOpened, MessageReceived
from tests.support.fakes import FakeClock, FakeLink
from tests.support.session_bench import LIMITS, Bench, HandedChunks, chunks
from tests.support.sounds import pcm_chunk
from tests.support.wording import says


def test_a_whole_session_in_order():
    b = Bench(chunks(3))
    assert b.link.opened
    assert b.handle(LinkOpened(3.0)) == [LinkReady(3.0)]
    assert b.actions() == ["run-task"]
    assert b.say("task-started") == [SessionStarted(b.protocol.session_id)]
    assert b.until_audio_ended()[-1] == AudioFinished(300)
    assert b.actions() == ["run-task", "audio", "audio", "audio", "finish-task"]
    [final] = b.say_sentence(1, "hello", 250, end=True)
    assert isinstance(final, FinalResult)
    assert b.say("task-finished", {"output": {}}) == [SessionFinished(b.protocol.session_id)]
    assert b.session.done


def test_no_audio_leaves_before_the_service_is_ready():
    b = Bench(chunks(3))
    assert not b.session.pump(3)
    b.handle(LinkOpened(3.0))
    assert not b.session.pump(3)
    assert not b.session.takes_audio
    assert b.actions() == ["run-task"]


def test_no_more_leaves_at_once_than_was_asked_for():
    b = Bench(chunks(5)).started()
    assert b.session.pump(2)
    assert b.actions()[1:] == ["audio"] * 2
    assert b.session.pump(9)
    assert b.actions()[1:] == ["audio"] * 5
    assert not b.session.pump(9)


def test_it_is_known_how_far_the_audio_is_and_when_it_left():
    b = Bench(chunks(50)).started()
    assert b.session.sent_ms == 0
    b.clock.advance(2)
    b.session.pump(20)
    assert (b.session.sent_ms, b.session.carried_ms, b.session.sent_at) == (2000, 2000, b.clock.now())


def test_silence_that_bridges_a_pause_takes_no_time_of_the_source():
    b = Bench(chunks(1)).started()
    b.session.pump(1)
    b.clock.advance(5)
    b.session.send_audio(pcm_chunk(bytes(64000), 1600, is_filler=True))
    assert b.actions()[1:] == ["audio"] * 2
    assert (b.session.sent_ms, b.session.sent_at) == (100, b.clock.now())


def test_while_the_network_has_no_room_nothing_is_sent():
    b = Bench(chunks(3)).started()
    b.link.congested = True
    assert not b.session.pump(3)
    assert "audio" not in b.actions()
    b.link.congested = False
    assert b.session.pump(3)
    assert b.actions().count("audio") == 3


def reaching(stage: str) -> Bench:
    b = Bench()
    if stage != "connect":
        b.handle(LinkOpened(1.0))
    if stage == "finish":
        b.say("task-started")
        b.until_audio_ended()
    return b


@pytest.mark.parametrize(("stage", "bound_s"), [("connect", 5), ("start", 6), ("finish", 7)])
def test_every_silence_is_bounded_and_named(stage, bound_s):
    b = reaching(stage)
    assert b.session.deadline.remaining_s() == bound_s
    b.clock.advance(bound_s)
    assert b.session.deadline.passed()
    with pytest.raises(ServiceTimeout) as caught:
        list(b.session.handle(Turn.EXPIRED))
    assert (caught.value.stage, caught.value.waited_s) == (stage, bound_s)
    assert "ws://here" in words(caught.value)


def test_results_after_the_audio_extend_the_wait():
    b = Bench().started()
    b.until_audio_ended()
    b.clock.advance(6)
    b.say_sentence(1, "a")
    assert b.session.deadline.remaining_s() == 7


def broken(reason: str = "broken pipe") -> Bench:
    """A session whose network fails under the first chunk."""
    b = Bench(chunks(3)).started()
    b.link.fail = LinkError(reason)
    b.session.pump(3)
    b.link.fail = None
    assert b.session.deadline.remaining_s() == LIMITS.grace_s
    assert not b.session.takes_audio
    return b


def test_the_services_reason_beats_our_broken_pipe():
    with pytest.raises(ServiceError, check=says("Arrearage")):
        broken().say("task-failed", error_code="Arrearage", error_message="unpaid")


def test_the_close_code_beats_our_broken_pipe():
    with pytest.raises(LinkError, match="1011"):
        broken().handle(LinkClosed(1011, "Internal server error"))


def test_our_broken_pipe_beats_the_networks_reason():
    with pytest.raises(LinkError, match="broken pipe"):
        broken().handle(LinkClosed(error=LinkError("the connection was lost")))


def test_our_broken_pipe_is_told_when_nothing_else_comes():
    b = broken()
    b.clock.advance(1)
    with pytest.raises(LinkError, match="broken pipe"):
        list(b.session.handle(Turn.EXPIRED))


@pytest.mark.parametrize("stage", ["start", "finish"])
def test_a_message_of_ours_that_cannot_leave_is_held_back_for_the_services_reason_too(stage):
    b = Bench()
    if stage == "start":
        b.link.fail = LinkError("broken pipe")
        b.handle(LinkOpened(1.0))
    else:
        b.started()
        b.link.fail = LinkError("broken pipe")
        b.until_audio_ended()
    with pytest.raises(ServiceError, check=says("Arrearage")):
        b.say("task-failed", error_code="Arrearage", error_message="unpaid")


def test_sound_that_breaks_off_is_finished_properly():
    b = Bench(chunks(2), DecodeError("talk.mp3 breaks off")).started()
    assert b.until_audio_ended()[-1] == AudioFinished(200)
    assert b.actions()[-1] == "finish-task"
    assert b.say("task-finished", {}) == [SessionFinished(b.protocol.session_id)]


def test_a_bug_in_the_source_is_raised_as_it_is():
    b = Bench(chunks(1), ZeroDivisionError()).started()
    with pytest.raises(ZeroDivisionError):
        b.until_audio_ended()


def test_an_early_task_finished_is_a_violation():
    with pytest.raises(ProtocolViolation, match="before the audio had ended"):
        Bench(chunks(1)).started().say("task-finished", {})


def test_a_link_error_is_raised_as_it_is():
    with pytest.raises(LinkError, match="refused"):
        Bench().handle(LinkClosed(error=LinkError("connection refused")))


def test_closing_in_the_middle_finishes_the_task():
    """A task that is left alone goes on counting against the account's limit."""
    b = Bench(chunks(2)).started()
    b.session.pump(1)
    b.session.close()
    assert b.actions()[-1] == "finish-task"
    assert (b.link.closed, b.link.released, b.chunks.closed) == (True, False, True)
    assert b.session.done
    assert b.session.deadline is None


def test_a_session_that_failed_does_not_give_its_link_back_however_often_it_is_closed():
    b = Bench(chunks(2)).started()
    b.session.pump(1)
    b.session.close()
    b.session.close()
    assert (b.link.closed, b.link.released) == (True, False)
    assert b.actions().count("finish-task") == 1


@pytest.mark.parametrize("reason", ["the network has no room", "sending fails"])
def test_where_no_goodbye_can_leave_the_link_is_closed_without(reason):
    b = Bench(chunks(2)).started()
    b.link.congested = reason == "the network has no room"
    b.link.fail = AsrcliError("lost")
    b.session.close()
    assert b.actions() == ["run-task"]
    assert b.link.closed


def test_what_is_told_twice_starts_nothing_twice():
    """Some gateways deliver a message again."""
    b = Bench(chunks(2)).started()
    assert b.say("task-started") == []
    b.until_audio_ended()
    assert b.say("task-started") == []
    assert b.say("task-finished", {}) == [SessionFinished(b.protocol.session_id)]
    assert b.say("task-finished", {}) == []
    assert b.actions() == ["run-task", "audio", "audio", "finish-task"]


def test_a_session_that_ended_as_it_should_gives_its_link_back():
    b = Bench(chunks(1)).started()
    b.until_audio_ended()
    b.say("task-finished", {})
    b.session.close()
    assert (b.link.released, b.link.closed) == (True, False)
    assert b.actions()[-1] == "finish-task"


def test_a_protocol_that_keeps_no_link_closes_it():
    link, clock = FakeLink(), FakeClock()
    protocol = Realtime(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    session = Session(protocol, link, HandedChunks(()), where="here", timeouts=LIMITS, clock=clock)
    session.open()
    said = [{"type": kind, "session": {"id": "s"}} for kind in ("session.created", "session.updated")]
    for item in (LinkOpened(1.0), *(MessageReceived(json.dumps(each)) for each in said)):
        list(session.handle(item))  # type: ignore[arg-type]
    list(session.handle(Turn.AUDIO_ENDED))
    list(session.handle(MessageReceived('{"type":"session.finished"}')))
    assert session.done
    session.close()
    assert (link.released, link.closed) == (False, True)


def test_what_is_still_on_its_way_when_the_audio_has_ended_is_waited_for_as_long_as_it_gets_on():
    """A slow link: the service cannot have heard the end yet."""
    b = Bench(chunks(2)).started()
    b.link.undelivered_bytes = 3000
    b.until_audio_ended()
    for left in (2000, 1000, 0):
        b.link.undelivered_bytes = left
        b.clock.advance(LIMITS.finish_s)
        assert b.session.deadline.passed()
        assert list(b.session.handle(Turn.EXPIRED)) == []
    b.clock.advance(LIMITS.finish_s)
    with pytest.raises(ServiceTimeout, match="after the end of the audio"):
        list(b.session.handle(Turn.EXPIRED))


def test_what_does_not_get_on_after_the_end_of_the_audio_is_not_waited_for():
    b = Bench(chunks(2)).started()
    b.link.undelivered_bytes = 3000
    b.until_audio_ended()
    b.clock.advance(LIMITS.finish_s)
    with pytest.raises(ServiceTimeout, match="after the end of the audio"):
        list(b.session.handle(Turn.EXPIRED))


def test_what_is_on_its_way_does_not_count_as_carried():
    b = Bench(chunks(10)).started()
    b.session.pump(10)
    b.link.undelivered_bytes, b.link.congested = 16000, True
    assert (b.session.sent_ms, b.session.carried_ms, b.session.is_held_up) == (1000, 500, True)
