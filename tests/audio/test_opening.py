"""What is refused where nobody watches."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import ignore
from asrcli.values.errors import UsageError
from tests.support.sounds import tone, write


def _no_level(peak_dbfs: float | None, rms_dbfs: float | None, /) -> None:
    """Nobody wants to know."""


def test_what_may_have_no_end_is_refused_where_all_have_to_have_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in (str(pipe), os.devnull):
        with pytest.raises(UsageError, match="is a pipe or a device"):
            open_input(Files(have_ends=True), name, ignore, _no_level)
    write(tmp_path / "tone.wav", tone(0.5))
    with closing(open_input(Files(have_ends=True), str(tmp_path / "tone.wav"), ignore, _no_level)) as source:
        assert source.duration_ms == 500
