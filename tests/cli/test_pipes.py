"""Pipes that are faster than the link: nothing is thrown away, and what is said of the end is true."""

from __future__ import annotations

import signal

import pytest

from tests.support.coded_talk import a_sentence_every
from tests.support.piped import ended, reading, write_sounds
from tests.support.service import running_service
from tests.support.slow_link import slow_link


@pytest.mark.parametrize("kind", ["wav", "raw", "flac"])
def test_a_pipe_that_is_faster_than_the_link_loses_nothing(tmp_path, kind):
    """Ten minutes of sound, of which no more than one would be kept."""
    talk = a_sentence_every(tmp_path, 20, 600)
    writer = write_sounds(talk, tmp_path)[kind]
    with (
        running_service(talk.recognizer) as service,
        slow_link(service.url, 8e6) as way,
        reading(writer, "--endpoint", way, "--pace", "fast", "--max-outage", "60") as process,
    ):
        end = ended(process)
    assert end.verdict(talk) == "whole", end.err
    assert end.peak_bytes < 150e6


def test_a_link_that_carries_less_than_the_sound_needs_delivers_all_of_it_and_that_is_told_once(tmp_path):
    talk = a_sentence_every(tmp_path, 4, 12)
    writer = write_sounds(talk, tmp_path)["wav"]
    with (
        running_service(talk.recognizer) as service,
        slow_link(service.url, 24_000) as way,
        # Shorter than what the last sound takes on its way.
        reading(writer, "--endpoint", way, "--pace", "fast", "--drain-timeout", "1") as process,
    ):
        end = ended(process)
    assert end.verdict(talk) == "whole", end.err
    assert [line["type"] for line in end.lines].count("reconnect") == 0
    [notice] = [line for line in end.lines if line["type"] == "notice"]
    assert "of the sound in real time" in notice["message"]


def test_the_first_signal_ends_endless_sound_at_full_speed(tmp_path):
    talk = a_sentence_every(tmp_path, 5, 10)
    sound = (*write_sounds(talk, tmp_path)["raw"], "/dev/zero")
    with (
        running_service(talk.recognizer) as service,
        slow_link(service.url, 4e6) as way,
        reading(sound, "--endpoint", way, "--pace", "fast") as process,
    ):
        assert process.stdout is not None
        # It has begun to send when something was recognised.
        while '"final"' not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        end = ended(process)
    assert end.code == 128 + signal.SIGTERM
    assert not end.complete
