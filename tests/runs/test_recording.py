"""Where a transcription can be heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.runs.recording import heard_in
from asrcli.system.file_state import FileState

STATE = FileState(1, 2, 3, 4)
KEPT = Path("kept.wav")


@pytest.mark.parametrize(
    ("source", "state", "save_audio", "audio"),
    [
        ("talk.wav", STATE, None, "talk.wav"),
        ("talk.wav", STATE, KEPT, "talk.wav"),
        ("pipe", None, KEPT, "kept.wav"),
        ("microphone", None, None, None),
        ("-", STATE, None, None),
        ("-", STATE, KEPT, "kept.wav"),
    ],
)
def test_the_source_is_heard_where_it_is_a_file_and_what_is_kept_where_not(source, state, save_audio, audio):
    assert heard_in(source, state, save_audio) == audio
