"""What the status line says, before it is cut to the terminal."""

from __future__ import annotations

from asrcli.output.base import Begin
from asrcli.output.views.status import Status
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    FinalResult,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    SoundLevel,
    Word,
)


def _file(duration_ms: int | None = 60_000) -> Status:
    return Status(Begin("/home/x/talk.wav", "m", "intl", "run-task", 16000, duration_ms), 0.0)


def _texts(status: Status, now: float) -> list[str]:
    return [part.text for part in status.parts(now)]


def test_state_follows_the_session() -> None:
    status = _file()
    states = [_texts(status, 0.0)[0]]
    for event in (SessionStarted("a"), Reconnecting(1, 0, "lost"), SessionStarted("b"), AudioFinished(0)):
        status.observe(event, 0.0)
        states.append(_texts(status, 0.0)[0])
    assert states == ["connecting…", "listening", "reconnecting…", "listening", "finishing…"]
    assert "reconnects 1" in _texts(status, 0.0)
    status.observe(Reconnecting(1, 0, "the worker was lost", is_told=True), 0.0)
    assert _texts(status, 0.0)[0] == "worker lost…"


def test_a_file_that_has_left_at_once_has_left_whole() -> None:
    status = Status(Begin("talk.wav", "m", "intl", "run-task", 16000, 33_000), 0.0)
    for event in (AudioSent(200), AudioFinished(33_000)):
        status.observe(event, 0.0)
    assert "0:33/0:33" in _texts(status, 0.0)


def test_time_left_follows_the_pace() -> None:
    """At twice real time, half of the rest is left; in the first second nothing is claimed."""
    status = _file()
    status.observe(AudioSent(100), 10.0)
    status.observe(AudioSent(1100), 10.5)
    assert _texts(status, 10.5)[3:] == ["intl", "───────", "0:01/1:00"]
    status.observe(AudioSent(20_100), 20.0)
    assert _texts(status, 20.0)[-2:] == ["0:20/1:00", "0:19 left"]


def test_the_bar_is_full_at_the_end_and_never_longer() -> None:
    status = _file(1000)
    status.observe(AudioSent(1100), 1.0)
    assert _texts(status, 1.0)[4] == "━━━━━━━"


def test_a_stream_of_unknown_length_shows_its_position() -> None:
    status = _file(None)
    status.observe(AudioSent(3_723_000), 1.0)
    assert _texts(status, 1.0) == ["connecting…", "talk.wav", "m", "intl", "1:02:03"]


def test_a_live_source_keeps_its_whole_name_and_shows_the_time() -> None:
    status = Status(Begin("USB\x1b hw:0/1", "m", "intl", "run-task", 16000, live=True), 5.0)
    assert _texts(status, 66.0) == ["connecting…", "USB\\x1b hw:0/1", "m", "intl", "1:01"]


def test_delay_counts_from_a_words_sound_to_its_first_result() -> None:
    """Later results with the same words do not change it; results without times neither."""
    status = _file(None)
    for number in range(1, 11):
        status.observe(AudioSent(number * 100), number / 10)
    words = (Word("a", 100, 300), Word("b", None, None))
    status.observe(PartialResult(Sentence(1, "a b", 100, None, words)), 0.9)
    assert _texts(status, 1.0)[-1] == "delay 0.6 s"
    status.observe(FinalResult(Sentence(1, "a b", 100, 300, words)), 1.5)
    status.observe(PartialResult(Sentence(2, "c")), 1.6)
    assert _texts(status, 2.0)[-1] == "delay 0.6 s"


def test_a_microphone_shows_its_rate_and_how_loud_it_is() -> None:
    """The meter spans 60 dB, turns yellow near full scale and red at it; it goes with the sound."""
    info = Begin("Yeti", "m", "intl", "run-task", 16000, live=True, source_rate_hz=44100)
    status = Status(info, 0.0)
    assert _texts(status, 0.0) == ["connecting…", "Yeti", "44.1 kHz", "m", "intl", "0:00"]
    meters = []
    for peak_dbfs in (None, -90.0, -30.0, -3.0, 0.0):
        status.observe(SoundLevel(peak_dbfs, peak_dbfs), 0.0)
        part = status.parts(0.0)[5]
        meters.append((part.text, part.style))
    assert meters == [
        ("───────", "yellow"), ("───────", "green"), ("━━━╸───", "green"), ("━━━━━━╸", "yellow"), ("━━━━━━━", "red"),
    ]  # fmt: skip
    status.observe(AudioFinished(0), 0.0)
    assert _texts(status, 0.0)[1:] == ["Yeti", "44.1 kHz", "m", "intl", "0:00"]
