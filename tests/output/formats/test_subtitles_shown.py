"""ffmpeg reads the subtitles as they were written, and libass in it draws them."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pysubs2
import pytest

from asrcli.values.events import Sentence
from tests.output.formats.test_subtitles import FORMATS, PLAIN, cues_of, expected, sentence, written
from tests.support.sounds import FFMPEG, convert, needs_ffmpeg

pytestmark = needs_ffmpeg
ENGLISH = sentence(1, "Hello and welcome", 0)
CHINESE = Sentence(1, "今天天气很好", 0, 2000)


@functools.cache
def _draws() -> bool:
    listed = subprocess.run([str(FFMPEG), "-hide_banner", "-filters"], capture_output=True, text=True, check=False)
    return " subtitles " in listed.stdout


@functools.cache
def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout)


@pytest.mark.parametrize("form", FORMATS)
def test_ffmpeg_reads_the_same_times_and_the_same_text(form, tmp_path):
    source = tmp_path / f"talk.{form}"
    source.write_text(written(form, *PLAIN), encoding="utf-8")
    read = pysubs2.load(str(convert(source, tmp_path / "read.srt")))
    assert [(cue.start, cue.end, cue.plaintext.split("\n")) for cue in read] == expected(form, cues_of(*PLAIN))


def _bright_pixels(folder: Path, form: str, said: Sentence, at_s: float) -> int:
    """How many pixels of a black picture are white at `at_s`."""
    (folder / f"talk.{form}").write_text(written(form, said), encoding="utf-8")
    command = [str(FFMPEG), "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=c=black:s=640x360:d=5"]
    command += ["-vf", f"subtitles=talk.{form}", "-ss", str(at_s), "-frames:v", "1"]
    command += ["-f", "rawvideo", "-pix_fmt", "gray", "-"]
    drawn = subprocess.run(command, capture_output=True, check=True, cwd=folder)
    assert len(drawn.stdout) == 640 * 360
    return sum(pixel > 200 for pixel in drawn.stdout)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("said", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_cue_is_seen_while_it_lasts_and_not_after_it(form, said, tmp_path):
    if not _draws():
        pytest.skip("this ffmpeg draws no subtitles: it was built without libass")
    if said is CHINESE and not _has_chinese_font():
        pytest.skip("no Chinese font is installed (fonts-noto-cjk)")
    assert _bright_pixels(tmp_path, form, said, 0.5) > 50
    assert _bright_pixels(tmp_path, form, said, 4.0) == 0
