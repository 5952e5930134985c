"""`asrcli file` with files that are damaged: what is said of them, and what the exit code promises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.damage import SECONDS, damaged, readable_s, undamaged
from tests.support.sounds import cut, hide_ffmpeg, needs_ffmpeg

pytestmark = needs_ffmpeg


@pytest.fixture
def mp3(tmp_path: Path) -> Path:
    """One that libsndfile leaves long before its end."""
    path = tmp_path / "talk-damaged.mp3"
    path.write_bytes(damaged(undamaged(tmp_path, "mp3").read_bytes(), "zeroed", random.Random(3)))
    return path


def run(asrcli, path: Path, service: str, *more: object):
    return asrcli("file", path, "--endpoint", service, "--pace", "fast", "--json", "--no-partials", *more)


def test_all_that_can_be_read_is_sent_and_what_is_missing_is_told(asrcli, talk_service, mp3):
    done = run(asrcli, mp3, talk_service)
    (end,) = [event for event in done.events if event["type"] == "end"]
    notices = [event["message"] for event in done.events if event["type"] == "notice"]
    assert (done.code, end["complete"], end["truncated"]) == (0, True, True)
    assert end["audio_ms"] / 1000 == pytest.approx(readable_s(mp3), abs=0.1)
    assert SECONDS - 6 < end["audio_ms"] / 1000 < SECONDS - 0.1
    assert any("ffmpeg reads on from there" in notice for notice in notices)
    assert any(f"of {SECONDS}.0 s could be read" in notice for notice in notices)


def test_in_parts_it_is_the_same(asrcli, talk_service, mp3):
    done = run(asrcli, mp3, talk_service, "--split", "3")
    (end,) = [event for event in done.events if event["type"] == "end"]
    assert (done.code, end["complete"], end["truncated"]) == (0, True, True)
    assert end["audio_ms"] / 1000 == pytest.approx(readable_s(mp3), abs=0.1)
    assert len(end["task_ids"]) == 3


@pytest.mark.parametrize("more", [(), ("--split", "3")])
def test_without_ffmpeg_it_is_incomplete(more, asrcli, talk_service, mp3, tmp_path, monkeypatch):
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    done = run(asrcli, mp3, talk_service, *more)
    (end,) = [event for event in done.events if event["type"] == "end"]
    error = done.events[-1]
    assert (done.code, end["complete"], error["type"], error["code"]) == (1, False, "error", "DecodeError")
    assert "it is damaged after" in error["message"]
    assert "asrcli[ffmpeg]" in error["hint"]


def test_a_file_that_only_lacks_its_end_is_complete_and_truncated(asrcli, talk_service, tmp_path):
    path = cut(undamaged(tmp_path, "wav"), tmp_path / "short.wav", 0.5)
    done = run(asrcli, path, talk_service)
    (end,) = [event for event in done.events if event["type"] == "end"]
    assert (done.code, end["complete"], end["truncated"]) == (0, True, True)
    assert end["audio_ms"] == pytest.approx(SECONDS * 500, abs=1)


def test_a_whole_file_is_not_truncated(asrcli, talk_service, tmp_path):
    done = run(asrcli, undamaged(tmp_path, "flac"), talk_service)
    assert done.events[-1]["truncated"] is False
