"""Links that break anywhere: the transcript is that of an undisturbed run, nothing lost, nothing twice."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from asrcli.engine.control import Control
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.errors import ProtocolViolation, SoundLost
from asrcli.values.events import Notice, Reconnecting
from asrcli.wire import link
from tests.support.coded_talk import CodedSource, a_sentence_every
from tests.support.level import Level, level
from tests.support.recovery import (
    PROTOCOLS,
    Cut,
    Outcome,
    chosen_cuts,
    delivered,
    engine,
    run_cut,
    run_cuts,
)
from tests.support.service import running_service
from tests.support.transcribing import transcribe
from tests.support.wording import says

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

MODES = [*((protocol, False) for protocol in PROTOCOLS), ("realtime", True)]


def brief(outcome: Outcome) -> list[tuple[object, ...]]:
    return [(each.index, each.text, each.begin_ms, each.end_ms) for each in outcome.sentences]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("speed", [None, 50.0])
def test_an_undisturbed_run_is_the_script(talk, protocol, speed):
    outcome = run_cut(talk, Cut(protocol, (), speed))
    assert brief(outcome) == talk.told()
    assert (outcome.reconnects, outcome.error) == (0, None)


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "manual"), MODES)
def test_a_link_cut_anywhere_and_in_any_way_changes_nothing(talk, protocol, manual, monkeypatch):
    """36 points for each way of speaking, over all kinds of trouble; the words and their times are compared too."""
    # Twenty seconds would be spent on two of them, which do not read any more.
    monkeypatch.setattr(link, "_TIMEOUT_S", 2)
    whole = run_cut(talk, Cut(protocol, (), manual=manual))
    cuts = [
        Cut(cut.protocol, cut.faults, cut.speed, manual)
        for cut in chosen_cuts(protocol, 36, talk.seconds, seed=20 + manual)
    ]
    for cut, outcome in zip(cuts, run_cuts(talk, cuts), strict=True):
        assert outcome.error is None, cut
        assert outcome.reconnects > 0, cut
        assert outcome.sentences == whole.sentences, cut


def test_a_link_lost_again_and_again_costs_nothing(talk):
    """As long as a sentence gets through each time, there is no limit to how often."""
    outcome = run_cut(talk, Cut("run-task", ("close=1011@6.5s",)))
    assert brief(outcome) == talk.told()
    assert outcome.reconnects >= 3
    assert outcome.error is None


def test_a_stray_message_that_is_no_json_costs_a_connection_and_no_sentence(talk):
    outcome = run_cut(talk, Cut("run-task", ("garbage@10s#1",)))
    assert brief(outcome) == talk.told()
    assert (outcome.reconnects, outcome.error) == (1, None)


def test_a_service_that_talks_nonsense_again_and_again_is_left_and_what_was_final_is_kept(talk):
    outcome = run_cut(talk, Cut("run-task", ("garbage@10s#1", "garbage@0.1s#2-100")))
    assert isinstance(outcome.error, ProtocolViolation)
    assert brief(outcome) == talk.told()[: len(outcome.sentences)]
    assert outcome.sentences


def test_a_service_that_does_not_read_is_left_when_a_send_has_waited_too_long(tmp_path, monkeypatch):
    """More audio than the network's buffers hold; the second connection then gets all of it."""
    monkeypatch.setattr(link, "_TIMEOUT_S", 0.5)
    talk = a_sentence_every(tmp_path, 20, 400)
    outcome = run_cut(talk, Cut("run-task", ("deaf@30s#1",)))
    assert brief(outcome) == talk.told()
    assert (outcome.reconnects, outcome.error) == (1, None)


def test_sound_that_was_dropped_before_it_was_recognised_is_told(tmp_path):
    """A sentence at the beginning, then silence for longer than sound is kept, then the link breaks."""
    talk = a_sentence_every(tmp_path, 60, 70)
    with running_service(talk.recognizer, faults=(parse_fault("reset@50s#1"),)) as service:
        setup = engine(service.url, Cut("run-task", (), speed=50.0), keep_s=10.0)
        events: list[object] = []
        # The run goes on to its end, and yet it is not complete.
        with pytest.raises(SoundLost, check=says("nothing was recognised from 0:04 to 0:4")):
            events.extend(transcribe(talk.source(), setup, Control()))
    assert [type(event) for event in events].count(Reconnecting) == 1
    [notice] = [event for event in events if isinstance(event, Notice)]
    # The first sentence ends at 4 s; of the rest, the last ten seconds were there.
    assert notice.message.startswith("nothing was recognised from 0:04 to 0:4")
    assert brief(delivered(iter(events))) == talk.told()  # type: ignore[arg-type]


@pytest.mark.slow
def test_ten_minutes_with_a_drop_every_minute_leave_nothing_behind(tmp_path):
    """Memory, descriptors and threads stay level; every sentence is there once."""
    talk = a_sentence_every(tmp_path, 20, 600)
    levels: list[Level] = []
    # What earlier tests left for the collector would count as ours.
    gc.collect()
    with running_service(talk.recognizer, faults=(parse_fault("reset@60s"),)) as service:

        def watched() -> Iterator[object]:
            for event in transcribe(CodedSource(600.0), engine(service.url, Cut("run-task", ())), Control()):
                if isinstance(event, Reconnecting):
                    levels.append(level())
                yield event

        outcome = delivered(watched())  # type: ignore[arg-type]
    assert brief(outcome) == talk.told()
    assert outcome.error is None
    assert outcome.reconnects >= 9
    assert levels[-1].memory_bytes - levels[len(levels) // 2].memory_bytes < 10e6
    for count in ("descriptors", "threads"):
        counts = [getattr(each, count) for each in levels]
        assert max(counts) - min(counts) <= 8, count
