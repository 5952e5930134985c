"""What reads sound files: there, missing, and there but broken."""

from __future__ import annotations

import shutil

import pytest

from asrcli.audio.reading import sndfile
from asrcli.doctor import files
from asrcli.system.clock import SystemClock


def test_libsndfile_is_told_with_what_it_reads(monkeypatch):
    [finding] = files.sndfile()
    assert finding.status == "ok"
    assert "wav, flac, ogg, mp3" in finding.detail
    monkeypatch.setattr(sndfile, "library", lambda: ("1.0.31", ("WAV", "FLAC")))
    [old] = files.sndfile()
    assert (old.status, old.detail) == ("warn", "1.0.31 reads wav, flac, but no mp3: ffmpeg has to")


def ffmpeg_finding(monkeypatch, path):
    monkeypatch.setattr(files, "find_ffmpeg", lambda: path)
    [finding] = files.ffmpeg(SystemClock())
    return finding


def test_ffmpeg_is_told_with_its_version_and_its_time(monkeypatch, tmp_path):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ffmpeg version 7.1-x Copyright; echo built with gcc\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    finding = ffmpeg_finding(monkeypatch, str(program))
    assert (finding.status, finding.detail) == ("ok", f"7.1-x, {program}")
    assert finding.ms is not None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert ffmpeg_finding(monkeypatch, str(program)).detail == "7.1-x, of the package imageio-ffmpeg"


def test_without_ffmpeg_it_is_said_how_to_get_one(monkeypatch):
    finding = ffmpeg_finding(monkeypatch, None)
    assert (finding.status, "apt install ffmpeg" in (finding.fix or "")) == ("warn", True)


@pytest.mark.parametrize(
    ("script", "said"), [("echo libx.so.1 is missing >&2; exit 127", "libx.so.1 is missing"), ("exit 3", "exit code 3")]
)
def test_an_ffmpeg_that_does_not_run_is_a_fault(monkeypatch, tmp_path, script, said):
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    finding = ffmpeg_finding(monkeypatch, str(program))
    assert (finding.status, finding.detail) == ("fail", f"{program} does not run: {said}")
    assert "No such file" in ffmpeg_finding(monkeypatch, str(tmp_path / "none")).detail


def test_an_ffmpeg_that_hangs_is_left(monkeypatch, tmp_path):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(0o755)
    monkeypatch.setattr(files, "_PATIENCE_S", 0.1)
    assert "no answer within 0.1 s" in ffmpeg_finding(monkeypatch, str(program)).detail
