"""--embed: the sound of a page as a data URL, and what becomes of it where there is none."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.microphone.devices import Device
from asrcli.audio.microphone.mic_source import MicOptions
from asrcli.audio.opening import Files, Microphone
from asrcli.audio.source import RawFormat
from asrcli.audio.writing import encoding, inside
from asrcli.fleet.manifest import Row
from asrcli.output.destination import Destination
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.output import Output
from asrcli.output.views.plain import QuietView
from asrcli.runs.embedding import Embedding, check_file
from asrcli.runs.recording import Recording, recording_of
from asrcli.runs.request import OutputOptions
from asrcli.runs.sources import Prepared
from asrcli.system.file_state import FileState
from asrcli.values.errors import Interrupted, UsageError
from asrcli.values.pcm import PcmFormat
from tests.support.benches import Sink
from tests.support.sounds import needs_ffmpeg, pcm_chunk, s16, tone, write

FILES = Files()


def _recording(path: Path) -> Recording:
    made = recording_of(OutputOptions(save_audio=path), ["-"], PcmFormat())
    assert made is not None
    return made


def _heard(url: str | None) -> tuple[np.ndarray, int]:
    assert url is not None
    kind, _, data = url.partition(",")
    assert kind == "data:audio/ogg;codecs=opus;base64"
    return soundfile.read(io.BytesIO(base64.b64decode(data, validate=True)), always_2d=True)


def _told(embedding: Embedding, code: int = 0) -> tuple[int, list[str], str]:
    """The exit code, the messages in JSON, and what a person reads."""
    sink, stderr = Sink(), io.StringIO()
    code = embedding.told(code, Output([Destination(JsonLines, sink)], QuietView(stderr)))
    return code, [json.loads(line)["message"] for line in sink.text.splitlines()], stderr.getvalue()


@pytest.mark.parametrize("has_ffmpeg", [pytest.param(True, marks=needs_ffmpeg), False])
@pytest.mark.parametrize(("rate_hz", "channels", "kept_hz"), [(8000, 1, 16000), (16000, 1, 16000), (44100, 2, 24000)])
def test_the_page_has_the_same_sound_in_one_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int, channels: int, kept_hz: int, has_ffmpeg: bool
) -> None:
    if not has_ffmpeg:
        monkeypatch.setattr(encoding, "find_ffmpeg", lambda: None)
    path = write(tmp_path / "talk.wav", tone(3.0, rate_hz, channels), rate_hz)
    embedding = Embedding()
    url = embedding(str(path))
    samples, heard_hz = _heard(url)
    # Of a stream that ffmpeg wrote, libsndfile gives all that Opus can be decoded to.
    assert heard_hz in (kept_hz, 48000)
    assert samples.shape[1] == 1
    assert abs(len(samples) / heard_hz - 3.0) < 0.1
    spectrum = np.abs(np.fft.rfft(samples[: 2 * heard_hz, 0]))
    assert abs(int(np.argmax(spectrum)) / 2 - 440) < 2
    assert url is not None
    assert len(url) < 3 * 32_000 / 8 * 4 / 3 * 1.3
    assert _told(embedding) == (0, [], "")


def test_raw_samples_are_what_the_run_took_them_for(tmp_path: Path) -> None:
    path = tmp_path / "talk.raw"
    path.write_bytes(s16(tone(1.0, 8000)[:, 0]))
    embedding = Embedding()
    embedding.begin(Files(RawFormat(8000)), None)
    samples, heard_hz = _heard(embedding(str(path)))
    assert abs(len(samples) / heard_hz - 1.0) < 0.1


def test_what_is_still_a_wav_is_heard_there(tmp_path: Path) -> None:
    """The mp3 of --save-audio is made when the page is there."""
    recording = _recording(tmp_path / "talk.mp3")
    recording.file.write(pcm_chunk(s16(tone(1.0)[:, 0]), 16000))
    embedding = Embedding()
    embedding.begin(FILES, recording)
    samples, heard_hz = _heard(embedding(str(tmp_path / "talk.mp3")))
    assert abs(len(samples) / heard_hz - 1.0) < 0.1


def test_sound_that_is_gone_is_told_in_the_end_and_linked(tmp_path: Path) -> None:
    embedding = Embedding()
    assert embedding(f"{tmp_path}/gone.wav") is None
    code, errors, stderr = _told(embedding)
    assert code == 1
    assert errors == [
        f"the sound of {tmp_path}/gone.wav is not in its page, which links to it: no such file: {tmp_path}/gone.wav"
    ]
    assert stderr.count("\n") == 1
    assert _told(embedding, 6)[0] == 6


@pytest.mark.parametrize("has_ffmpeg", [pytest.param(True, marks=needs_ffmpeg), False])
def test_what_turns_out_too_large_is_given_up_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_ffmpeg: bool
) -> None:
    if not has_ffmpeg:
        monkeypatch.setattr(encoding, "find_ffmpeg", lambda: None)
    monkeypatch.setattr(inside, "MOST_BYTES", 5000)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (16000 * 15, 1)).astype(np.float32)
    embedding = Embedding()
    assert embedding(str(write(tmp_path / "talk.wav", noise))) is None
    code, errors, _ = _told(embedding)
    assert code == 1
    assert "larger than" in errors[0]


def test_no_room_for_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "talk.wav", tone(1.0))
    monkeypatch.setattr(tempfile, "tempdir", f"{tmp_path}/gone")
    embedding = Embedding()
    assert embedding(str(path)) is None
    assert "No such file or directory" in _told(embedding)[1][0]


def test_who_interrupts_it_gets_the_page_with_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise Interrupted(2, "interrupted by SIGINT")

    monkeypatch.setattr(inside, "encode", interrupted)
    embedding = Embedding()
    assert embedding(str(write(tmp_path / "talk.wav", tone(1.0)))) is None
    code, errors, _ = _told(embedding)
    assert code == 130
    assert errors == ["interrupted by SIGINT"]


@pytest.mark.parametrize("name", ["-", "microphone"])
def test_what_is_in_no_file_must_be_kept(tmp_path: Path, name: str) -> None:
    embedding = Embedding()
    embedding.begin(Microphone(Device(0, "microphone", "ALSA", 1, 16000), MicOptions()), None)
    with pytest.raises(UsageError, match="in no file") as caught:
        embedding.check_sources([Prepared(Row.named(name))])
    assert caught.value.hint == "--save-audio FILE"
    embedding.begin(FILES, _recording(tmp_path / "talk.mp3"))
    embedding.check_sources([Prepared(Row.named(name))])


@pytest.mark.parametrize("hours", [None, 2.3, 2.4])
def test_what_is_longer_than_a_page_takes_is_refused_before_the_run(hours: float | None) -> None:
    duration_ms = None if hours is None else round(hours * 3_600_000)
    source = Prepared(Row.named("talk.wav"), duration_ms=duration_ms, state=FileState(1, 2, 3, 4))
    if hours == 2.4:
        with pytest.raises(UsageError, match=r"talk\.wav is 2:24:00 long, and 2:19:48 fit into a page"):
            Embedding().check_sources([source])
    else:
        Embedding().check_sources([source])


def test_what_render_can_see_beforehand_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "talk.wav", tone(2.0))
    check_file(path)
    (tmp_path / "text.wav").write_text("no sound")
    for bad in ("gone.wav", "text.wav"):
        with pytest.raises(UsageError):
            check_file(tmp_path / bad)
    monkeypatch.setattr(inside, "MOST_S", 1)
    with pytest.raises(UsageError, match="fit into a page"):
        check_file(path)


def test_sound_that_is_cut_short_is_told_of(tmp_path: Path) -> None:
    """The page plays what there is, and cannot say that it is not all."""
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    soundfile.write(whole, tone(2.0), 16000, subtype="PCM_16")
    cut.write_bytes(whole.read_bytes()[:40_000])
    embedding = Embedding()
    embedding.begin(FILES, None)
    sound, rate_hz = _heard(embedding(str(cut)))
    assert 1.0 < len(sound) / rate_hz < 1.5
    code, messages, stderr = _told(embedding)
    assert code == 0
    assert len(messages) == 1
    assert messages[0].startswith(f"not all of the sound of {cut} is in its page: ")
    assert "not all of the sound" in stderr
