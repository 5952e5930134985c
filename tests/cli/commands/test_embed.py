"""`--embed`: a page with its sound inside, from a run and from its lines."""

from __future__ import annotations

import base64
import io
import re

import soundfile

from tests.support.service import TALK_WAV
from tests.support.sounds import needs_ffmpeg


@needs_ffmpeg
def test_the_page_of_a_run_and_that_of_its_lines_have_the_same_sound_inside(asrcli, talk_service, tmp_path):
    lines, page, again = (tmp_path / name for name in ("talk.jsonl", "talk.html", "again.html"))
    run = ("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--embed")
    assert asrcli(*run, "-o", lines, "-o", page).code == 0
    assert asrcli("render", lines, "-o", again, "--embed").code == 0
    assert page.read_bytes() == again.read_bytes()
    found = re.search(r'src="data:audio/ogg;codecs=opus;base64,([^"]+)"', page.read_text())
    assert found is not None
    sound = soundfile.info(io.BytesIO(base64.b64decode(found[1], validate=True)))
    assert abs(sound.duration - soundfile.info(TALK_WAV).duration) < 0.1


def test_what_cannot_be_inside_is_refused_before_anything_is_made(asrcli, talk_service, tmp_path):
    lines = tmp_path / "talk.jsonl"
    assert asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", lines).code == 0
    gone = asrcli("render", lines, "-o", tmp_path / "talk.html", "--embed", "--audio", tmp_path / "gone.wav")
    assert (gone.code, "no such file" in gone.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.jsonl"]
    assert "--embed is for html, and is left out" in asrcli("render", lines, "--embed").err


def test_one_file_is_not_the_sound_of_two(asrcli, talk_service, tmp_path):
    lines = tmp_path / "talk.jsonl"
    assert asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", lines).code == 0
    done = asrcli("render", lines, lines, "--clips", tmp_path / "cards", "--audio", TALK_WAV)
    assert done.code == 2
    assert "--audio is for one transcription, and there are 2" in done.err
