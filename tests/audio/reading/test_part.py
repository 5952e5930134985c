"""Parts of a source that meet are the whole source, sample for sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.opening import open_source
from asrcli.audio.reading.part import Part
from asrcli.audio.source import DecodedSource, RawFormat
from asrcli.values.pcm import PcmFormat
from tests.audio.reading.test_sndfile import RATE_HZ, syllables
from tests.audio.reading.test_wav_header import wav
from tests.support.sounds import Notices, Samples, convert, cut, drain, needs_ffmpeg, s16, write

CUTS_MS = (10, 3330, 7770, 7780, 19000)


def parts(opened: Callable[[], DecodedSource], cuts_ms: Sequence[int] = CUTS_MS) -> list[Part]:
    ends = zip((0, *cuts_ms), (*cuts_ms, None), strict=True)
    return [Part(opened(), begin, end) for begin, end in ends]


def on_the_wire(source: DecodedSource, rate_hz: int = 16000) -> bytes:
    """What is sent of `source`."""
    chunks = chunks_of(source, PcmFormat(rate_hz), chunk_ms=100)
    data = b"".join(chunk.data for chunk in chunks)
    source.close()
    return data


def assert_whole(opened: Callable[[], DecodedSource], cuts_ms: Sequence[int] = CUTS_MS, atol: float = 0.0) -> None:
    pieces = [drain(part) for part in parts(opened, cuts_ms)]
    whole = drain(opened())
    assert sum(map(len, pieces)) == len(whole)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=atol)


@pytest.mark.parametrize(
    ("kind", "rate_hz"), [("WAV", 16000), ("FLAC", 11025), ("FLAC", 44100), ("MP3", 22050), ("OGG", 44100)]
)
def test_parts_of_a_file_are_the_whole_file(kind: str, rate_hz: int, tmp_path) -> None:
    path = write(tmp_path / "a", syllables(rate_hz=rate_hz), rate_hz, subtype=None, kind=kind)  # type: ignore[arg-type]
    assert_whole(lambda: open_source(str(path)), atol=1e-6)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "unindexed.mp3"])
def test_parts_of_what_ffmpeg_reads_are_the_whole(name: str, tmp_path) -> None:
    options = ["-write_xing", "0"] if name == "unindexed.mp3" else []
    path = convert(write(tmp_path / "a.wav", syllables(), RATE_HZ), tmp_path / name, *options)
    assert_whole(lambda: open_source(str(path)), [3330, 19000])


def test_parts_of_raw_samples_and_of_an_unfinished_wav_are_the_whole(tmp_path) -> None:
    raw, unfinished = tmp_path / "a.raw", tmp_path / "a.wav"
    raw.write_bytes(s16(syllables()))
    unfinished.write_bytes(wav(0) + s16(syllables()))
    assert_whole(lambda: open_source(str(raw), raw=RawFormat(RATE_HZ)))
    assert_whole(lambda: open_source(str(unfinished)))


def test_at_the_rate_of_the_wire_the_bytes_are_those_of_the_whole(tmp_path) -> None:
    path = write(tmp_path / "a.flac", syllables(rate_hz=16000))
    sent = [on_the_wire(part) for part in parts(lambda: open_source(str(path)))]
    assert b"".join(sent) == on_the_wire(open_source(str(path)))
    assert [len(data) // 2 for data in sent] == [160, 53120, 71040, 160, 179520, 16000]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000])
def test_resampled_parts_are_as_long_as_the_whole(rate_hz: int, tmp_path) -> None:
    path = write(tmp_path / "a.wav", syllables(rate_hz=rate_hz), rate_hz)
    sent = [len(on_the_wire(part)) // 2 for part in parts(lambda: open_source(str(path)))]
    assert sum(sent) == pytest.approx(len(on_the_wire(open_source(str(path)))) // 2, abs=len(CUTS_MS))
    borders = np.cumsum([0, *sent])[:-1]
    assert borders == pytest.approx([ms * 16 for ms in (0, *CUTS_MS)], abs=len(CUTS_MS))


def test_a_part_knows_its_length_and_the_name_of_the_whole(tmp_path) -> None:
    path = write(tmp_path / "a.wav", syllables(), RATE_HZ)
    first, last = parts(lambda: open_source(str(path)), [5000])
    for part in (first, last):
        part.probe()
        part.close()
    assert (first.duration_ms, last.duration_ms) == (5000, 15000)
    assert (last.name, last.rate_hz, last.channels, last.live) == (str(path), RATE_HZ, 1, False)


def test_only_the_part_that_reaches_the_end_tells_how_the_file_ends(tmp_path) -> None:
    path = cut(write(tmp_path / "whole.flac", syllables(), RATE_HZ), tmp_path / "a.flac")
    notices = Notices()
    first, last = parts(lambda: open_source(str(path), notice=notices), [8000])
    drain(first)
    assert notices == []
    drain(last)
    assert len(notices) == 1
    assert "of 20.0 s could be read" in notices[0]


def test_stop_ends_a_part_that_is_still_before_its_beginning(tmp_path: Path) -> None:
    read: list[Samples] = []

    class Endless:
        name, rate_hz, channels, duration_ms, captured_at = "endless", 16000, 1, None, None
        live = waits = stopped = closed = False

        def probe(self) -> None: ...

        def blocks(self):
            while not self.stopped:
                read.append(np.zeros((1600, 1), np.float32))
                if len(read) == 3:
                    part.stop()
                yield read[-1]

        def stop(self) -> None:
            self.stopped = True

        def close(self) -> None:
            self.closed = True

    source = Endless()
    part = Part(source, 1000, None)  # type: ignore[arg-type]
    assert list(part.blocks()) == []
    assert len(read) == 3
    part.close()
    assert source.closed
