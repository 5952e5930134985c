"""The clips of `render`: their names, their manifest, and what is found out before any is made."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from asrcli.audio.reading import ffmpeg_tool
from asrcli.output.base import Begin
from asrcli.output.output import Output
from asrcli.output.saved.transcripts import Transcript
from asrcli.output.views.plain import PastView
from asrcli.runs import clips as module
from asrcli.runs.clips import ClipOptions, Clips
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.events import Sentence
from tests.support.sounds import cut, tone, write


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Four seconds of sound."""
    return write(tmp_path / "talk.wav", tone(4.0))


@pytest.fixture
def stderr() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def output(stderr: io.StringIO) -> Output:
    return Output([], PastView(stderr))


def _transcript(source: object, number: int = 0, **known: Any) -> Transcript:
    return Transcript(number, str(source), Begin(str(source), "m", "intl", "run-task", 16000, **known))


def _said(text: str, begin_ms: int | None, end_ms: int | None, **known: Any) -> Sentence:
    return Sentence(1, text, begin_ms, end_ms, **known)


def _clips(
    folder: Path, *sentences: Sentence, form: str = "wav", audio: Path | None = None, force: bool = False
) -> Clips:
    made = Clips(ClipOptions(folder, form), audio, force=force, quiet=False)
    for sentence in sentences:
        made.take(0, sentence)
    return made


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _manifest(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


HELLO = _said("Hello, and welcome!", 500, 1500, language="en", speaker="1", emotion="happy")
SUN = _said("Don't stop.", 1500, 3000)


def test_each_sentence_is_a_file_and_the_manifest_says_what_is_said(
    talk: Path, tmp_path: Path, output: Output, stderr: io.StringIO
) -> None:
    clips = _clips(tmp_path / "cards", SUN, HELLO)
    clips.check([_transcript(talk)], [])
    assert clips.make(output)
    first, second = "001-dont-stop.wav", "002-hello-and-welcome.wav"
    assert _names(tmp_path / "cards") == [first, second, "manifest.jsonl"]
    source = str(talk)
    assert _manifest(tmp_path / "cards") == [
        {"audio": first, "text": "Don't stop.", "begin_ms": 1500, "end_ms": 3000, "source": source},
        {
            "audio": second, "text": "Hello, and welcome!", "begin_ms": 500, "end_ms": 1500, "language": "en",
            "emotion": "happy", "speaker": "1", "source": source,
        },
    ]  # fmt: skip
    whole = soundfile.read(talk, dtype="int16")[0]
    assert soundfile.read(tmp_path / "cards" / second, dtype="int16")[0].tolist() == whole[8000:24000].tolist()
    assert stderr.getvalue() == f"2 clips and manifest.jsonl written to {tmp_path}/cards\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("你好，欢迎收听。", "001-你好-欢迎收听"),
        ("สวัสดีครับ", "001-สวัสดีครับ"),
        ("../../etc/passwd", "001-etc-passwd"),
        ("C:\\x\0y\n\u202ez", "001-c-x-y-z"),
        (".hidden - file?", "001-hidden-file"),
        ("…", "001"),
        ("word " * 40, "001-" + "-".join(["word"] * 9)),
        ("w" * 200, "001-" + "w" * 48),
        ("\U00020000" * 100, "001-" + "\U00020000" * 48),
        ("e\u0301t\u00c9", "001-été"),
        ("a\ud800b", "001-a-b"),
    ],
)
def test_names_are_safe_and_still_say_what_is_said(
    talk: Path, tmp_path: Path, output: Output, text: str, name: str
) -> None:
    clips = _clips(tmp_path / "cards", _said(text, 0, 500))
    clips.check([_transcript(talk)], [])
    clips.make(output)
    assert _names(tmp_path / "cards") == [f"{name}.wav", "manifest.jsonl"]
    assert _manifest(tmp_path / "cards")[0]["text"] == text


def test_numbers_are_as_wide_as_the_last_one(talk: Path, tmp_path: Path, output: Output) -> None:
    clips = _clips(tmp_path / "cards", _said("a", 0, 1), *(_said("b", None, None) for _ in range(999)))
    clips.check([_transcript(talk)], [])
    clips.make(output)
    assert _manifest(tmp_path / "cards")[0]["audio"] == "0001-a.wav"


def test_a_sentence_without_times_is_told_and_left_out(
    talk: Path, tmp_path: Path, output: Output, stderr: io.StringIO
) -> None:
    clips = _clips(tmp_path / "cards", HELLO, _said("When?", None, None), _said("Never.", 900, 900), _said(" ", 1, 2))
    clips.check([_transcript(talk)], [])
    assert not clips.make(output)
    assert [line["audio"] for line in _manifest(tmp_path / "cards")] == ["001-hello-and-welcome.wav"]
    assert "2 sentences have no times and no clips" in stderr.getvalue()


def test_transcriptions_of_several_sources_go_on_counting(talk: Path, tmp_path: Path, output: Output) -> None:
    other = write(tmp_path / "other.wav", tone(2.0, 8000), 8000)
    clips = _clips(tmp_path / "cards", HELLO)
    clips.take(1, HELLO)
    clips.check([_transcript(talk), _transcript(other, 1)], [])
    clips.make(output)
    assert [(line["audio"], line["source"]) for line in _manifest(tmp_path / "cards")] == [
        ("001-hello-and-welcome.wav", str(talk)),
        ("002-hello-and-welcome.wav", str(other)),
    ]
    assert soundfile.info(tmp_path / "cards" / "002-hello-and-welcome.wav").samplerate == 8000


def test_a_name_is_looked_for_beside_the_lines_too(talk: Path, tmp_path: Path, output: Output) -> None:
    clips = _clips(tmp_path / "cards", HELLO)
    clips.check([_transcript("talk.wav")], [tmp_path])
    assert clips.make(output)


def test_audio_is_heard_where_it_was_kept_and_where_it_is_said_to_be(talk: Path, tmp_path: Path) -> None:
    _clips(tmp_path / "a", HELLO).check([_transcript("microphone", captured_at="now", audio=str(talk))], [])
    _clips(tmp_path / "b", HELLO, audio=talk).check([_transcript("-")], [])


@pytest.mark.parametrize(
    ("transcript", "reason"),
    [
        (_transcript("-"), "nothing tells where the sound of - is"),
        (_transcript("talk.wav", captured_at="now"), "nothing tells where the sound of talk.wav is"),
        (Transcript(0, "talk"), "nothing tells where the sound of talk is"),
        (_transcript("gone.wav"), "the sound is not there any more: gone.wav"),
    ],
)
def test_sound_that_cannot_be_found_is_asked_for(tmp_path: Path, transcript: Transcript, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        _clips(tmp_path / "cards", HELLO).check([transcript], [tmp_path])
    assert "--audio FILE" in caught.value.hint
    assert not (tmp_path / "cards").exists()


def test_what_is_shorter_than_what_was_said_is_another_file(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has 4\.0 s of sound, and 002-late\.wav is to end at 9\.0 s"):
        _clips(tmp_path / "cards", HELLO, _said("Late.", 8000, 9000)).check([_transcript(talk)], [])
    assert not (tmp_path / "cards").exists()


def test_sound_that_breaks_off_leaves_no_manifest(
    tmp_path: Path, output: Output, stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only shows when it is decoded."""
    path = cut(write(tmp_path / "whole.flac", tone(4.0)), tmp_path / "talk.flac")
    clips = _clips(tmp_path / "cards", HELLO, _said("Late.", 3000, 3900))
    clips.check([_transcript(path)], [])
    with pytest.raises(DecodeError):
        clips.make(output)
    assert _names(tmp_path / "cards") == ["001-hello-and-welcome.wav"]
    assert "1 of 2 clips are in" in stderr.getvalue()
    assert "no manifest.jsonl" in stderr.getvalue()


def test_what_is_there_is_not_replaced_unless_asked_for(talk: Path, tmp_path: Path, output: Output) -> None:
    cards = tmp_path / "cards"
    first = _clips(cards, HELLO, SUN)
    first.check([_transcript(talk)], [])
    first.make(output)
    (cards / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"manifest\.jsonl exists already, and 1 more"):
        _clips(cards, HELLO).check([_transcript(talk)], [])
    again = _clips(cards, _said("Other words.", 0, 500), force=True)
    again.check([_transcript(talk)], [])
    again.make(output)
    assert _names(cards) == ["001-other-words.wav", "manifest.jsonl", "mine.txt"]


def test_an_old_manifest_never_speaks_of_new_clips(
    talk: Path, tmp_path: Path, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it remove what no clip is called."""
    cards, mine = tmp_path / "cards", tmp_path / "001-mine.wav"
    cards.mkdir()
    mine.write_text("mine")
    names = ["../001-mine.wav", "/etc/passwd", 7, None, "002-old.wav"]
    (cards / "002-old.wav").write_text("old")
    (cards / "manifest.jsonl").write_text("".join(json.dumps({"audio": name}) + "\n" for name in names) + "{]\n[]\n")

    def broken(*args: object) -> Iterator[object]:
        assert _names(cards) == []
        raise DecodeError("broken")

    monkeypatch.setattr("asrcli.audio.writing.clips.cut", broken)
    clips = _clips(cards, HELLO, force=True)
    clips.check([_transcript(talk)], [])
    with pytest.raises(DecodeError):
        clips.make(output)
    assert mine.read_text() == "mine"


def test_a_clip_does_not_replace_its_source(tmp_path: Path) -> None:
    path = write(tmp_path / "001-hello-and-welcome.wav", tone(4.0))
    with pytest.raises(UsageError, match="replaced by the clips"):
        _clips(tmp_path, HELLO, force=True).check([_transcript(path)], [])


def test_neither_a_clip_nor_the_end_of_an_old_set_costs_a_file_that_is_needed(talk: Path, tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.mkdir()
    listed = write(cards / "002-old.wav", tone(4.0))
    (cards / "manifest.jsonl").write_text('{"audio": "002-old.wav"}\n')
    for path, spared in (
        (listed, []),
        (talk, [cards / "manifest.jsonl"]),
        (talk, [cards / "001-hello-and-welcome.wav"]),
    ):
        with pytest.raises(UsageError, match="replaced by the clips"):
            _clips(cards, HELLO, force=True).check([_transcript(path)], [], spared)
    assert _names(cards) == ["002-old.wav", "manifest.jsonl"]


def test_of_another_source_too_no_file_is_replaced(talk: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "001-hello-and-welcome.wav", tone(4.0))
    clips = _clips(tmp_path, HELLO, force=True)
    clips.take(1, SUN)
    with pytest.raises(UsageError, match="replaced by the clips"):
        clips.check([_transcript(talk), _transcript(other, 1)], [])


def test_a_manifest_may_hold_anything(talk: Path, tmp_path: Path, output: Output) -> None:
    cards = tmp_path / "cards"
    (cards / "001-folder.wav").mkdir(parents=True)
    names = ["001-folder.wav", f"001-{'a' * 400}.wav", "001-\0.wav", "001-\ud800.wav"]
    (cards / "manifest.jsonl").write_text(
        "[" * 100_000 + "\n" + "".join(json.dumps({"audio": name}) + "\n" for name in names)
    )
    clips = _clips(cards, HELLO, force=True)
    clips.check([_transcript(talk)], [])
    assert clips.make(output)
    assert _names(cards) == ["001-folder.wav", "001-hello-and-welcome.wav", "manifest.jsonl"]


def test_a_link_that_leads_nowhere_is_not_replaced_unasked(talk: Path, tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "manifest.jsonl").symlink_to("nowhere")
    with pytest.raises(UsageError, match="exists already"):
        _clips(cards, HELLO).check([_transcript(talk)], [])


def test_a_named_pipe_is_no_sound(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not there any more"):
        _clips(tmp_path / "cards", HELLO).check([_transcript(tmp_path / "pipe")], [])


def test_kinds_that_are_not_known_or_cannot_be_made_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="'aiff' is not known"):
        _clips(tmp_path, form="aiff")
    monkeypatch.setattr(ffmpeg_tool, "find_ffmpeg", lambda: None)
    with pytest.raises(UsageError, match="ffmpeg") as caught:
        _clips(tmp_path, HELLO, form="mp3").check([], [])
    assert "install" in caught.value.hint


def test_of_a_set_without_clips_there_is_a_manifest_too(tmp_path: Path, output: Output) -> None:
    clips = _clips(tmp_path / "cards")
    clips.check([_transcript("gone.wav")], [])
    assert clips.make(output)
    assert (tmp_path / "cards" / module.MANIFEST).read_text() == ""
