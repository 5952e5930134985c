from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from asrcli.audio import opening
from asrcli.audio.opening import open_source
from asrcli.audio.source import RawFormat
from asrcli.values.errors import DecodeError, UsageError
from tests.support.sounds import drain, needs_ffmpeg, s16, tone, write


@pytest.fixture
def stdin(monkeypatch):
    """Makes the given descriptor standard input."""
    opened: list[int] = []

    def use(fd: int) -> None:
        opened.append(fd)
        monkeypatch.setattr(opening, "STDIN_FD", fd)

    yield use
    for fd in opened:
        os.close(fd)


Use = Callable[[int], None]


@pytest.mark.parametrize("module", ["source", "opening", "chunks.pacing", "chunks.pipeline", "sample_encodings"])
def test_importing_costs_no_audio_library(module: str) -> None:
    check = (
        f"import sys, asrcli.audio.{module};"
        "sys.exit(bool({'numpy', 'soundfile', 'soxr', 'pydub', 'subprocess'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize("raw", [{"rate_hz": 0}, {"channels": 0}, {"encoding": "s17"}])
def test_an_impossible_raw_format_is_a_usage_error(raw: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RawFormat(**raw)


def test_an_unknown_encoding_comes_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        RawFormat(encoding="pcm")
    assert "s16le" in caught.value.hint


def test_a_terminal_as_standard_input_is_refused_with_an_example(stdin: Use) -> None:
    leader, follower = os.openpty()
    stdin(follower)
    with pytest.raises(UsageError, match="terminal") as caught:
        open_source("-")
    assert "| asrcli file -" in caught.value.hint
    os.close(leader)


def test_a_folder_as_standard_input_is_refused(stdin: Use, tmp_path) -> None:
    stdin(os.open(tmp_path, os.O_RDONLY))
    with pytest.raises(UsageError, match="folder"):
        open_source("-")


def test_a_closed_standard_input_is_refused(monkeypatch) -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    monkeypatch.setattr(opening, "STDIN_FD", fd)
    with pytest.raises(UsageError, match="closed"):
        open_source("-")


def test_an_idle_pipe_can_be_opened_without_waiting(stdin: Use) -> None:
    read_fd, write_fd = os.pipe()
    stdin(read_fd)
    source = open_source("-")
    assert (source.name, source.live, source.duration_ms) == ("-", True, None)
    source.close()
    os.close(write_fd)


def test_an_empty_device_is_no_audio(stdin: Use) -> None:
    stdin(os.open(os.devnull, os.O_RDONLY))
    with pytest.raises(DecodeError, match="no audio received on standard input"):
        drain(open_source("-"))


def test_redirected_raw_samples_are_read(stdin: Use, tmp_path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(s16(tone(0.5)))
    stdin(os.open(path, os.O_RDONLY))
    source = open_source("-")
    assert (len(drain(source)), source.duration_ms, source.live) == (8000, 500, False)


def test_a_redirected_audio_file_is_read_as_a_file(stdin: Use, tmp_path) -> None:
    stdin(os.open(write(tmp_path / "a.flac", tone(0.5)), os.O_RDONLY))
    source = open_source("-")
    assert (source.name, source.duration_ms) == ("-", 500)
    assert len(drain(source)) == 8000


@needs_ffmpeg
def test_a_redirected_mp4_is_read_although_its_index_comes_last(stdin: Use, encoded) -> None:
    stdin(os.open(encoded("a.m4a"), os.O_RDONLY))
    assert len(drain(open_source("-"))) / 44100 == pytest.approx(2.0, abs=0.1)


def test_a_redirected_file_that_was_read_in_part_goes_on_from_there(stdin: Use, tmp_path) -> None:
    path = tmp_path / "mixed"
    path.write_bytes(b"OggS" + bytes(60) + s16(tone(0.5)))
    fd = os.open(path, os.O_RDONLY)
    os.lseek(fd, 64, os.SEEK_SET)
    stdin(fd)
    assert len(drain(open_source("-"))) == 8000
