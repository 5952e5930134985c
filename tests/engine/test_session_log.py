"""Which messages -vv shows: all but those that carry sound."""

from __future__ import annotations

import logging

import pytest

from asrcli.engine.session_log import MESSAGES, WITH_SOUND, SessionLog

APPEND = '{"event_id":"event_2","type":"input_audio_buffer.append","audio":"AAAA"}'
COMMIT = '{"event_id":"event_3","type":"input_audio_buffer.commit"}'


@pytest.mark.parametrize(
    ("message", "level"),
    [(APPEND, WITH_SOUND), (b"\0\0", WITH_SOUND), (COMMIT, logging.DEBUG)],
    ids=["append", "pcm", "commit"],
)
def test_what_goes_out_with_a_chunk_is_told_apart_by_its_sound(caplog, message, level):
    caplog.set_level(WITH_SOUND, MESSAGES)
    SessionLog().sent_with_chunk(message)
    [record] = caplog.records
    assert record.levelno == level
    assert record.getMessage() == f"> {message}"
