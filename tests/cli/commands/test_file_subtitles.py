"""`asrcli file` to subtitles: which format, what is refused, and a file that is whole at every moment."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pysubs2
import pytest

from tests.support.endings import running
from tests.support.service import TALK_TEXT, TALK_WAV

SENTENCES = TALK_TEXT.read_text(encoding="utf-8").splitlines()


def _texts(path: Path) -> list[str]:
    return [cue.plaintext.replace("\n", " ") for cue in pysubs2.load(str(path)) if not cue.is_comment]


@pytest.mark.parametrize("form", ["srt", "vtt", "ass"])
def test_the_name_chooses_the_format(asrcli, talk_service, tmp_path, form):
    target = tmp_path / f"talk.{form}"
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", target)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert _texts(target) == SENTENCES
    asked = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-f", form)
    assert asked.out == target.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "-o", "x.srt"], "x.srt is a name for srt, and json is asked for (leave --format out, or end"),
        (["-f", "vtt", "-o", "x.jsonl"], "x.jsonl is a name for json, and vtt is asked for"),
        (["-f", "srt", str(TALK_WAV)], "srt is for one source, not for 2 (a file for each: --output-dir DIR)"),
        (["-f", "srt", "--max-line", "2"], "--max-line"),
        (["-f", "srt", "--max-cue", "soon"], "--max-cue"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(asrcli, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", TALK_WAV, "--endpoint", "ws://127.0.0.1:9", *arguments)
    assert done.code == 2
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_options_shape_the_cues(asrcli, talk_service):
    done = asrcli(
        "file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-f", "srt", "--max-line", "12", "--max-lines",
        "3", "--max-cue", "2",
    )  # fmt: skip
    cues = list(pysubs2.SSAFile.from_string(done.out, format_="srt"))
    assert max(len(line) for cue in cues for line in cue.plaintext.split("\n")) <= 12
    assert max(cue.plaintext.count("\n") for cue in cues) == 2
    assert max(cue.duration for cue in cues) <= 2000
    assert " ".join(cue.plaintext.replace("\n", " ") for cue in cues) == " ".join(SENTENCES)


def test_what_shapes_the_cues_is_done_again_and_nothing_else(asrcli, talk_service, tmp_path):
    common = ("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--output-dir", tmp_path, "-f", "srt")
    again = "1 of 1 will be done again, with other options"
    assert asrcli(*common).code == 0
    assert asrcli(*common, "--max-lines", "2", "--karaoke", "--no-partials").err.endswith("1 of 1 is done already\n")
    assert again in asrcli(*common, "--max-line", "20").err
    assert again in asrcli(*common, "--max-cue", "3").err
    as_text = common[:-1]
    assert asrcli(*as_text, "text").code == 0
    assert asrcli(*as_text, "text", "--max-line", "20").err == "1 of 1 is done already\n"
    assert asrcli(*as_text, "vtt").code == 0
    assert again in asrcli(*as_text, "vtt", "--karaoke").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["file", "-f", "srt"], "--karaoke is for vtt and ass, and is left out"),
        (["qwen", "-f", "vtt"], "there are no times of words with this model (--karaoke is left out)"),
    ],
)
def test_karaoke_that_cannot_be_is_told_of_and_left_out(asrcli, talk_service, arguments, said):
    command, *more = arguments
    done = asrcli(command, TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--karaoke", *more)
    assert done.code == 0
    assert done.err == f"asrcli: warning: {said}\n"
    assert SENTENCES[0] in done.out


def test_subtitles_are_whole_after_a_kill_in_the_middle(talk_service, tmp_path):
    target = tmp_path / "talk.vtt"
    with running("file", TALK_WAV, "--endpoint", talk_service, "--pace", "8", "-o", target) as run:
        until = time.monotonic() + 30
        while (not target.exists() or target.read_text().count("-->") < 3) and time.monotonic() < until:
            time.sleep(0.02)
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    texts = _texts(target)
    assert len(texts) >= 3
    assert texts == SENTENCES[: len(texts)]
