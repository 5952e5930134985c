from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.reading.sndfile import FileSource
from asrcli.audio.reading.stdin import StdinSource
from asrcli.audio.sample_encodings import floats
from asrcli.audio.source import RawFormat
from asrcli.values.errors import DecodeError, UsageError
from tests.audio.reading.test_wav_header import wav
from tests.support.sounds import (
    Notices,
    convert,
    cut,
    dominant_hz,
    drain,
    hide_ffmpeg,
    needs_ffmpeg,
    open_descriptors,
    s16,
    tone,
    write,
)


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        open_source(str(path))
    return caught.value


# --- what can be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "GSM610"]
)
def test_every_wav_encoding_has_the_same_level(subtype: str, tmp_path) -> None:
    samples = floats(drain(open_source(str(write(tmp_path / "a.wav", tone(0.5, 8000), 8000, subtype)))))
    assert len(samples) == pytest.approx(4000, abs=500)
    assert np.sqrt(np.mean(samples[:4000] ** 2)) == pytest.approx(0.354, abs=0.02)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "W64", "RF64"])
def test_every_container_gives_its_sound(kind: str, tmp_path) -> None:
    path = tmp_path / "a"
    soundfile.write(path, tone(1.0, 44100, 2), 44100, format=kind)
    source = open_source(str(path))
    assert isinstance(source, FileSource)
    assert (source.rate_hz, source.channels, source.duration_ms, source.live) == (44100, 2, 1000, False)
    samples = drain(source)
    assert len(samples) == 44100
    assert dominant_hz(samples[:, 1], 44100) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("rate_hz", "channels", "length"), [(192000, 1, 9600), (48000, 8, 4800), (16000, 1, 1)])
def test_unusual_layouts(rate_hz: int, channels: int, length: int, tmp_path) -> None:
    samples = tone(1.0, rate_hz, channels)[:length]
    source = open_source(str(write(tmp_path / "a.wav", samples, rate_hz, "FLOAT")))
    assert (source.rate_hz, source.channels) == (rate_hz, channels)
    assert drain(source).tolist() == samples.tolist()


def test_names_and_extensions_are_not_believed(tmp_path) -> None:
    for name, kind in [("a.mp3", "FLAC"), ("b.wav", "MP3"), ("c.raw", "WAV"), ("d", "OGG")]:
        soundfile.write(tmp_path / name, tone(0.5), 16000, format=kind)
        assert len(drain(open_source(str(tmp_path / name)))) == 8000


@pytest.mark.parametrize("name", ["new\nline.wav", "🎙 talk.wav", "-i.wav", "http:x.wav", "a%03d.wav", "\udcff.wav"])
def test_odd_names(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(wav(3200) + bytes(3200))
    source = open_source(name)
    assert source.name == name
    assert len(drain(source)) == 1600


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_that_was_never_finished_is_read_to_its_end(size: int, tmp_path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(size) + bytes(3200))
    notices = Notices()
    source = open_source(str(path), notice=notices)
    source.probe()
    assert (source.duration_ms, source.live) == (100, False)
    assert len(drain(source)) == 1600
    assert notices == []


def test_what_follows_the_samples_of_a_wav_is_not_audio(tmp_path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(3200) + bytes(3200) + b"LIST\x04\0\0\0abcd")
    assert len(drain(open_source(str(path)))) == 1600


def test_a_flac_of_unknown_length_loses_nothing(tmp_path) -> None:
    path = write(tmp_path / "a.flac", tone(2.0))
    data = bytearray(path.read_bytes())
    # The low 36 bits of the eight bytes at 18 are the number of samples; 0 means unknown.
    (packed,) = struct.unpack_from(">Q", data, 18)
    struct.pack_into(">Q", data, 18, packed & ~((1 << 36) - 1))
    path.write_bytes(data)
    notices = Notices()
    source = open_source(str(path), notice=notices)
    assert source.duration_ms is None
    assert len(drain(source)) == 32000
    assert notices == []


def test_a_pcm_file_is_taken_for_what_the_service_calls_so_with_a_notice(tmp_path) -> None:
    path = tmp_path / "a.PCM"
    path.write_bytes(s16(tone(0.5)))
    notices = Notices()
    source = open_source(str(path), notice=notices)
    source.probe()
    assert (source.rate_hz, source.channels, source.duration_ms) == (16000, 1, 500)
    assert len(drain(source)) == 8000
    assert notices == [f"{path} is taken for raw samples: 16 kHz, mono, s16le"]
    notices.clear()
    source = open_source(str(path), raw=RawFormat(8000), notice=notices)
    assert len(drain(source)) == 8000
    assert (source.rate_hz, notices) == (8000, [])


def test_a_pcm_file_with_a_header_or_with_text_in_it_is_what_it_is(tmp_path) -> None:
    path = tmp_path / "a.pcm"
    write(path, tone(0.5, 8000), 8000, kind="WAV")
    assert len(drain(open_source(str(path)))) == 4000
    path.write_bytes(b"Dear Ann,\n" * 50)
    with pytest.raises(DecodeError, match="is text, not audio"):
        drain(open_source(str(path)))


def test_raw_samples_need_a_description(tmp_path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(s16(tone(0.5, 8000)))
    assert "--rate" in refusal(path).hint
    source = open_source(str(path), raw=RawFormat(8000))
    source.probe()
    assert (source.rate_hz, source.duration_ms, source.live) == (8000, 500, False)
    assert len(drain(source)) == 4000


def test_a_described_file_with_a_header_is_read_by_its_header(tmp_path) -> None:
    notices = Notices()
    source = open_source(str(write(tmp_path / "a.flac", tone(0.5))), raw=RawFormat(8000), notice=notices)
    assert source.rate_hz == 16000
    assert len(drain(source)) == 8000
    assert "FLAC" in notices[0]


def test_a_named_pipe_is_read_as_a_stream(tmp_path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    source = open_source(str(path))
    assert isinstance(source, StdinSource)
    assert source.live
    writer = threading.Thread(target=path.write_bytes, args=(wav(3200, rate=8000) + bytes(3200),))
    writer.start()
    assert len(drain(source)) == 1600
    writer.join(10)
    assert source.rate_hz == 8000


# --- what is refused before work begins -----------------------------------------------------------------------------


def test_a_missing_file(tmp_path) -> None:
    assert "no such file" in refusal(tmp_path / "none.wav").message
    assert "no such file" in refusal(write(tmp_path / "a.wav", tone(0.1)) / "b.wav").message


def test_a_folder(tmp_path) -> None:
    assert "is a folder" in refusal(tmp_path).message


def test_no_permission(tmp_path, monkeypatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert "no permission to read" in refusal(tmp_path / "a.wav").message


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    path = write(tmp_path / "a.flac", tone(0.5))
    before = open_descriptors()
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(DecodeError, match=r"cannot read .*a\.flac: Input/output error"):
        open_source(str(path))
    assert open_descriptors() == before


@pytest.mark.parametrize("call", ["fstat", "pipe"])
def test_a_disk_that_fails_while_a_file_is_opened(call: str, tmp_path, monkeypatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    # Without its length, it is read as a stream, which takes a pipe.
    (tmp_path / "a.wav").write_bytes(wav(0xFFFFFFFF) + bytes(2000))
    before = open_descriptors()
    with monkeypatch.context() as broken, pytest.raises(DecodeError, match=r"cannot read .*a\.wav: Input/output error"):
        broken.setattr(os, call, fail)
        open_source(str(tmp_path / "a.wav"))
    assert open_descriptors() == before


def test_a_descriptor_that_does_not_close_well_was_read_all_the_same(talk, monkeypatch) -> None:
    close = os.close

    def fail(fd: int) -> None:
        close(fd)
        raise OSError(errno.EIO, "Input/output error")

    source = open_source(str(talk))
    monkeypatch.setattr(os, "close", fail)
    source.close()


@pytest.mark.parametrize("name", ["a\0b.wav", "a" * 300])
def test_an_impossible_name(name: str, tmp_path) -> None:
    assert "cannot open" in refusal(tmp_path / name).message


def test_an_empty_file(tmp_path) -> None:
    (tmp_path / "a.wav").touch()
    assert "is empty" in refusal(tmp_path / "a.wav").message


def test_a_header_without_samples(tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(0))
    assert "holds no audio" in refusal(tmp_path / "a.wav").message
    assert "holds no audio" in refusal(write(tmp_path / "b.aiff", tone(0.0))).message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"Dear Ann,\n" * 50),
        ("a.mp3", b"Dear Ann,\n" * 50),
        ("b.mp3", bytes(5000)),
        ("a.wav", bytes(range(256)) * 40),
        ("a.raw", b"Dear Ann,\n" * 50),
        ("b.raw", bytes(5000)),
        ("a.ul", bytes(range(256)) * 40),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    ],
)
def test_what_is_no_audio_is_called_so(name: str, content: bytes, tmp_path) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"{name} is not an audio file" in refusal(tmp_path / name).message


@pytest.mark.parametrize(("name", "option"), [("corpus.jsonl", "--manifest"), ("talk.dat", "--rate, --channels")])
def test_what_is_no_audio_may_be_a_list_of_it_or_raw(name: str, option: str, tmp_path) -> None:
    (tmp_path / name).write_bytes(b'{"audio":"talk.wav"}\n')
    hint = refusal(tmp_path / name).hint
    assert f"`asrcli file` takes it with {option}" in hint
    assert ("lists sources" in hint) == (option == "--manifest")


def test_a_rate_that_makes_no_sense(tmp_path) -> None:
    assert "sample rate of 10 Hz" in refusal(write(tmp_path / "a.au", tone(0.1), 10)).message


def test_a_terminal_by_its_path() -> None:
    leader, follower = os.openpty()
    assert "is a terminal" in refusal(Path(os.ttyname(follower))).message
    os.close(leader)
    os.close(follower)


def test_a_refused_file_is_closed(tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(0))
    before = open_descriptors()
    refusal(tmp_path / "a.wav")
    assert open_descriptors() == before


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3"])
def test_a_file_cut_short_keeps_what_came_with_a_notice(kind: str, tmp_path) -> None:
    whole = tmp_path / "whole"
    soundfile.write(whole, tone(10.0, 44100, 2), 44100, format=kind)
    notices = Notices()
    samples = drain(open_source(str(cut(whole, tmp_path / "a")), notice=notices))
    assert len(samples) / 44100 == pytest.approx(6.0, abs=0.5)
    assert np.isfinite(samples).all()
    (message,) = notices
    assert "is cut short or damaged: " in message
    assert "of 10.0 s" in message
    assert notices.truncated


@pytest.mark.parametrize("kind", ["AIFF", "AU", "W64", "RF64", "CAF"])
@needs_ffmpeg
def test_of_other_containers_the_header_tells_of_a_missing_end(kind: str, tmp_path) -> None:
    whole = tmp_path / "whole"
    soundfile.write(whole, tone(10.0, 44100, 2), 44100, format=kind, subtype="PCM_16")
    notices = Notices()
    assert len(drain(open_source(str(cut(whole, tmp_path / "a")), notice=notices))) / 44100 == pytest.approx(
        6.0, abs=0.1
    )
    # libsndfile refuses a CAF that is cut short.
    assert ("bytes are missing" if kind == "CAF" else "6.0 of 10.0 s") in notices[0]
    assert notices.truncated


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_without_its_last_page_is_cut_short(subtype: str, tmp_path) -> None:
    whole = write(tmp_path / "whole", tone(10.0, 48000), 48000, subtype, "OGG")
    notices = Notices()
    seconds = len(drain(open_source(str(cut(whole, tmp_path / "a")), notice=notices))) / 48000
    assert seconds == pytest.approx(6.0, abs=1.1)
    assert notices == [f"{tmp_path / 'a'} is cut short: its last page is missing"]
    assert notices.truncated


def test_a_flac_of_unknown_length_that_is_cut_short_gives_a_notice(tmp_path) -> None:
    data = bytearray(write(tmp_path / "a.flac", tone(10.0)).read_bytes())
    (packed,) = struct.unpack_from(">Q", data, 18)
    struct.pack_into(">Q", data, 18, packed & ~((1 << 36) - 1))
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    notices = Notices()
    assert len(drain(open_source(str(tmp_path / "a.flac"), notice=notices))) > 64000
    assert "is cut short or damaged after" in notices[0]


def test_damage_from_the_start_without_ffmpeg(tmp_path, monkeypatch) -> None:
    path = write(tmp_path / "a.flac", tone(1.0))
    path.write_bytes(path.read_bytes()[:30])
    hide_ffmpeg(monkeypatch, tmp_path)
    with pytest.raises(DecodeError, match="this FLAC data is damaged or needs ffmpeg"):
        open_source(str(path))


def unindexed(tmp_path: Path, times: int) -> Path:
    """An MP3 of variable bit rate without an index: silence first, so that a guess from its start falls short."""
    quiet, loud = tone(5.0, 44100) * 0.001, np.random.default_rng(2).standard_normal((44100 * 5, 1)).astype("f4") * 0.2
    source = write(tmp_path / "a.wav", np.concatenate([loud, quiet]), 44100)
    data = convert(source, tmp_path / "a.mp3", "-q:a", "4", "-write_xing", "0").read_bytes()
    path = tmp_path / "b.mp3"
    path.write_bytes(data * times)
    return path


@needs_ffmpeg
def test_an_mp3_whose_length_is_a_guess_is_read_whole(tmp_path) -> None:
    assert len(drain(open_source(str(unindexed(tmp_path, 1))))) / 44100 == pytest.approx(10.0, abs=0.1)


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["MP3", "OGG"])
def test_files_joined_end_to_end_are_read_whole(kind: str, tmp_path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for path in (first, second):
        soundfile.write(path, tone(6.0, 44100), 44100, format=kind)
    joined = tmp_path / "joined"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    assert len(drain(open_source(str(joined)))) / 44100 == pytest.approx(12.0, abs=0.1)


@needs_ffmpeg
def test_without_ffmpeg_a_file_that_may_go_on_ends_with_an_error(tmp_path, monkeypatch) -> None:
    path = unindexed(tmp_path, 3)
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    with pytest.raises(DecodeError, match=r"any further: .* takes ffmpeg, which is not installed"):
        drain(open_source(str(path)))


# --- life -----------------------------------------------------------------------------------------------------------


def test_stop_ends_after_the_block_at_hand(talk) -> None:
    notices = Notices()
    source = open_source(str(talk), notice=notices)
    blocks = source.blocks()
    next(blocks)
    source.stop()
    assert list(blocks) == []
    assert notices == []
    source.close()
    source.close()


def test_opening_and_closing_leaves_no_descriptor(talk) -> None:
    before = open_descriptors()
    drain(open_source(str(talk)))
    assert open_descriptors() == before


def test_memory_does_not_grow_with_the_length(tmp_path) -> None:
    code = (
        "import resource, sys; from asrcli.audio.opening import open_source\n"
        "from asrcli.audio.chunks.resample import resample; from asrcli.audio.chunks.chunker import chunk\n"
        "from asrcli.values.pcm import PcmFormat\n"
        "source = open_source(sys.argv[1])\n"
        "count = sum(1 for _ in chunk(resample(source.blocks(), source.rate_hz, 16000), PcmFormat()))\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for minutes in (1, 10):
        size = minutes * 60 * 44100 * 4
        path = tmp_path / f"{minutes}.wav"
        path.write_bytes(wav(size, channels=2, rate=44100))
        os.truncate(path, 44 + size)
        output = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True, text=True).stdout
        count, peak_kib = map(int, output.split())
        assert count == minutes * 600
        peaks.append(peak_kib)
    assert peaks[1] - peaks[0] < 4096
