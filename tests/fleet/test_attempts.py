"""What the head knows of the attempts at a source."""

from __future__ import annotations

from asrcli.fleet.attempts import Attempts
from asrcli.fleet.manifest import Row
from asrcli.values.events import AudioSent, SessionStarted
from tests.support.fakes import FakeClock


def test_each_second_that_goes_once_more_is_counted_once():
    attempts = Attempts(None, FakeClock())
    for sent_ms in (1000, 500, 200):
        running = attempts.begin(3, "w")
        attempts.note(running, SessionStarted("s"))
        attempts.note(running, AudioSent(sent_ms))
        attempts.lose(running, Row.named("a.wav"))
    assert attempts.resent_ms == 1500
    last = attempts.begin(3, "w")
    assert attempts.resent_ms == 1700
    event = attempts.note(last, AudioSent(100))
    assert isinstance(event, AudioSent)
    assert event.resent_ms == 1700
