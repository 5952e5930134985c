"""Live sound that could not be recognised is kept, and the way to redo it is a command that works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

from asrcli.audio.rescued import folder as folder_of
from asrcli.runs.rescue import rescue
from asrcli.values.errors import AudioError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk, SoundFormat
from tests.cli.commands.test_file import ROOT
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV
from tests.support.sounds import pcm_chunk


def folder() -> Path:
    return folder_of(os.environ, Path.home())


def test_the_sound_is_written_and_old_ones_go(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder().mkdir(parents=True)
    for number in range(25):
        (folder() / f"unrecognised-20200101-0000{number:02d}-1.wav").touch()
    said = rescue(iter([pcm_chunk(b"ab" * 100, 100)]), model="m", pcm=PcmFormat(8000))
    [*_, path, option, model] = shlex.split(said)
    assert (option, model) == ("--model", "m")
    with wave.open(path) as kept:
        assert (kept.getframerate(), kept.readframes(1000)) == (8000, b"ab" * 100)
    assert len(list(folder().iterdir())) == 20


def test_a_folder_that_cannot_be_made_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert "lost" in rescue(iter([]), model="m", pcm=PcmFormat())


def test_what_can_be_read_of_it_is_kept(monkeypatch, tmp_path):
    def chunks() -> Iterator[Chunk]:
        yield pcm_chunk(b"ab" * 8000, 8000)
        raise AudioError("cannot be read again")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    said = rescue(chunks(), model="m", pcm=PcmFormat(8000))
    [path] = folder().iterdir()
    kept = f"the first 1.0 s of that sound are kept: asrcli file {path} --model m"
    assert said == f"{kept}; the rest is lost: cannot be read again"
    with wave.open(str(path)) as file:
        assert file.readframes(10000) == b"ab" * 8000


def test_old_sound_that_cannot_be_removed_is_no_reason_to_lose_the_new(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder().mkdir(parents=True)
    for number in range(25):
        # A folder of that name is nothing that unlink removes.
        (folder() / f"unrecognised-20200101-0000{number:02d}-1.wav").mkdir()
    assert rescue(iter([pcm_chunk(b"ab", 1)]), model="m", pcm=PcmFormat()).startswith("that sound is kept")


def test_a_pipe_whose_service_never_comes_back_leaves_its_sound(tmp_path):
    """Exit 6, and the file that is named holds the very samples."""

    def closing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect_audio(3200)
        talk.close(1011)

    with wave.open(str(TALK_WAV)) as file:
        raw = file.readframes(32000)
    with scripted_server(closing, Conversation.reset) as url:
        done = subprocess.run(
            [sys.executable, "-m", "asrcli", "file", "-", "--endpoint", url, "--rate", "16000", "--retries", "1"],
            input=raw,
            capture_output=True,
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 6
    # There may be more in the pipe than was read of it.
    assert "nothing was recognised after 0:00" in said
    [path] = (tmp_path / ".local/state/asrcli").iterdir()
    assert str(path) in said
    with wave.open(str(path)) as kept:
        sound = kept.readframes(kept.getnframes())
    assert sound
    assert raw.startswith(sound)


def test_sound_that_goes_as_it_is_is_written_so(monkeypatch, tmp_path):
    """Behind the header, so that the command that redoes it finds what it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    pages = [Chunk(b"page%d" % number, 160 * number, 160, "opus") for number in (1, 2)]
    said = rescue(iter(pages), SoundFormat("opus", 16000, b"OggS"), model="m", pcm=PcmFormat())
    path = Path(shlex.split(said)[-3])
    assert path.suffix == ".opus"
    assert path.read_bytes() == b"OggSpage1page2"
    said = rescue(iter([pcm_chunk(b"ab", 1)]), SoundFormat("wav", 8000, b"RIFF"), model="m", pcm=PcmFormat())
    with wave.open(shlex.split(said)[-3]) as kept:
        assert kept.getframerate() == 8000
