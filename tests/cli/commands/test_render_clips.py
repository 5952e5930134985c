"""`asrcli render --clips`: from a run's lines to a folder of clips."""

from __future__ import annotations

import json

import soundfile

from tests.support.service import TALK_WAV


def test_the_clips_of_a_run_are_what_was_said_and_nothing_else_is_written(asrcli, talk_service, tmp_path):
    lines, cards = tmp_path / "talk.jsonl", tmp_path / "cards"
    assert asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", lines).code == 0
    done = asrcli("render", lines, "--clips", cards)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"8 clips and manifest.jsonl written to {cards}\n"
    finals = [event for event in map(json.loads, lines.read_text().splitlines()) if event["type"] == "final"]
    manifest = [json.loads(line) for line in (cards / "manifest.jsonl").read_text().splitlines()]
    assert [line["text"] for line in manifest] == [final["text"] for final in finals]
    assert manifest[0]["audio"] == "001-hello-and-welcome-to-our-radio-show.wav"
    whole = soundfile.read(TALK_WAV, dtype="int16")[0]
    for line in manifest:
        clip = soundfile.read(cards / line["audio"], dtype="int16")[0]
        assert clip.tolist() == whole[line["begin_ms"] * 16 : line["end_ms"] * 16].tolist()


def test_text_and_clips_come_from_one_command(asrcli, talk_service, tmp_path):
    lines, text = tmp_path / "talk.jsonl", tmp_path / "talk.txt"
    asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", lines)
    assert asrcli("render", lines, "-o", text, "--clips", tmp_path / "cards", "-q").err == ""
    assert len(text.read_text().splitlines()) == 8
    again = asrcli("render", lines, "--clips", tmp_path / "cards")
    assert again.code == 2
    assert "exists already" in again.err
    lines.with_stem("manifest").write_bytes(lines.read_bytes().replace(str(TALK_WAV).encode(), b"manifest.wav"))
    same = tmp_path / "same"
    one = asrcli(
        "render", tmp_path / "manifest.jsonl", "--clips", same, "--output-dir", same, "-j", "--audio", TALK_WAV
    )
    assert one.code == 2
    assert "manifest.jsonl would be replaced by the clips" in one.err
    moved = asrcli("render", lines, "--clips", tmp_path / "others", "--audio", tmp_path / "gone.wav")
    assert moved.code == 2
    assert "no such file" in moved.err
