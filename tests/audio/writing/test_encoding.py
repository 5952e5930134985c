"""Sound files of every kind: the same sound, and nothing lost where one cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.opening import open_source
from asrcli.audio.sample_encodings import floats
from asrcli.audio.writing import encoding
from asrcli.audio.writing.encoding import convert, encode
from asrcli.audio.writing.kinds import KINDS
from asrcli.audio.writing.wav_writer import WavWriter
from asrcli.system.beside import held_beside
from asrcli.values.errors import Interrupted, OutputError
from asrcli.values.pcm import PcmFormat
from tests.support.full_disk import disk_of
from tests.support.sounds import drain, needs_ffmpeg, pcm_chunk, s16, tone

SECONDS = 2.3
KINDS_THERE = [
    pytest.param(ending, marks=needs_ffmpeg if kind.libsndfile is None else ()) for ending, kind in KINDS.items()
]

Recorded = Callable[[int], WavWriter]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """A wav of SECONDS of a tone."""

    def record(rate_hz: int) -> WavWriter:
        writer = WavWriter(tmp_path / "talk.wav", PcmFormat(rate_hz))
        data = s16(tone(SECONDS, rate_hz)[:, 0])
        writer.write(pcm_chunk(data, len(data) // 2))
        writer.close()
        return writer

    return record


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _assert_is_the_tone(path: Path) -> None:
    source = open_source(str(path))
    heard = floats(drain(source))
    rate_hz = source.rate_hz
    assert abs(len(heard) / rate_hz - SECONDS) < 0.2
    spectrum = np.abs(np.fft.rfft(heard[: 2 * rate_hz, 0]))
    assert abs(int(np.argmax(spectrum)) / 2 - 440) < 2
    assert 0.4 < np.abs(heard[rate_hz // 2 : rate_hz]).max() < 0.65


@pytest.mark.parametrize("ending", KINDS_THERE)
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_every_kind_holds_the_same_sound_and_takes_the_place_of_the_wav(
    recorded: Recorded, tmp_path: Path, ending: str, rate_hz: int
) -> None:
    path = tmp_path / f"sound{ending}"
    convert(recorded(rate_hz), path, KINDS[ending], force=False)
    assert _names(tmp_path) == [path.name]
    _assert_is_the_tone(path)


def test_opus_needs_no_ffmpeg(recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "find_ffmpeg", lambda: None)
    convert(recorded(16000), tmp_path / "sound.opus", KINDS[".opus"], force=False)
    _assert_is_the_tone(tmp_path / "sound.opus")


@pytest.mark.parametrize("ending", KINDS_THERE)
def test_a_full_disk_costs_no_wav(recorded: Recorded, tmp_path: Path, ending: str) -> None:
    wav = recorded(16000)
    before = wav.path.read_bytes()
    with disk_of(2000), pytest.raises(OutputError) as caught:
        convert(wav, tmp_path / f"sound{ending}", KINDS[ending], force=False)
    assert caught.value.message in ("File too large", "ffmpeg ended with -25")
    assert _names(tmp_path) == ["talk.wav"]
    assert wav.path.read_bytes() == before


def test_what_is_not_whole_never_takes_the_place_of_the_wav(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(sound: Iterator[bytes], *rest) -> None:
        data = b"".join(sound)
        encode(iter([data[: len(data) // 4 * 2]]), *rest)

    monkeypatch.setattr(encoding, "encode", half)
    with pytest.raises(OutputError, match=r"1\.1 of 2\.3 s"):
        convert(recorded(16000), tmp_path / "sound.mp3", KINDS[".mp3"], force=False)
    assert _names(tmp_path) == ["talk.wav"]


def test_damage_is_found_by_decoding(recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(sound: Iterator[bytes], pcm: PcmFormat, path: Path, kind) -> None:
        encode(sound, pcm, path, kind)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + bytes(2000) + data[len(data) // 2 + 2000 :])

    monkeypatch.setattr(encoding, "encode", damaged)
    with pytest.raises(OutputError, match="damaged"):
        convert(recorded(16000), tmp_path / "sound.flac", KINDS[".flac"], force=False)
    assert _names(tmp_path) == ["talk.wav"]


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_was_made_meanwhile_is_replaced_by_force_alone(
    recorded: Recorded, tmp_path: Path, force: bool
) -> None:
    wav, path = recorded(16000), tmp_path / "sound.flac"
    path.write_text("mine")
    if force:
        convert(wav, path, KINDS[".flac"], force=True)
        _assert_is_the_tone(path)
    else:
        with pytest.raises(OutputError, match="another program"):
            convert(wav, path, KINDS[".flac"], force=False)
        assert path.read_text() == "mine"
    assert wav.path.exists() is not force


def test_what_killed_runs_have_left_goes_and_what_others_write_now_stays(recorded: Recorded, tmp_path: Path) -> None:
    wav, mine = recorded(16000), tmp_path / ".asrcli-0123456789abcdef.txt"
    mine.write_text("of another kind")
    (tmp_path / ".asrcli-0123456789abcdef.mp3").write_bytes(b"half")
    with held_beside(tmp_path / "other.mp3", ".mp3") as theirs:
        convert(wav, tmp_path / "sound.flac", KINDS[".flac"], force=False)
        assert _names(tmp_path) == sorted([mine.name, theirs.name, "sound.flac"])
    assert _names(tmp_path) == sorted([mine.name, "sound.flac"])


@pytest.mark.parametrize("ending", [".flac", pytest.param(".m4a", marks=needs_ffmpeg)])
def test_who_interrupts_it_keeps_the_wav(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    def sound(self: WavWriter) -> Iterator[bytes]:
        yield bytes(32000)
        raise Interrupted(2, "interrupted by SIGINT")

    wav = recorded(16000)
    monkeypatch.setattr(WavWriter, "sound", sound)
    with pytest.raises(Interrupted):
        convert(wav, tmp_path / f"sound{ending}", KINDS[ending], force=False)
    assert _names(tmp_path) == ["talk.wav"]
