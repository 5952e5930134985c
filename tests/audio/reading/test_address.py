"""Sound at an address is heard as the same sound in a file is, or fails; never less of it as if that were all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.opening import Files, open_input, open_source
from asrcli.audio.reading.address import AddressSource
from asrcli.audio.source import AsIs, DecodedSource, EncodedSource, RawFormat
from asrcli.remote import temporary
from asrcli.remote.base import RemoteError, Way
from asrcli.values.errors import AsrcliError, DecodeError, UsageError
from asrcli.values.sound import STORED_CHUNK_MS
from tests.support.sounds import Notices, convert, hide_ffmpeg, needs_ffmpeg, open_descriptors, s16, tone, write
from tests.support.web_server import Thing, WebServer, web_server

pytestmark = needs_ffmpeg


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


SECONDS = 4.0
ALL = AsIs(("pcm", "wav", "mp3", "opus", "aac", "amr", "speex"))


def at(address: str, notices: Notices | None = None, **options: object) -> AddressSource:
    notices = Notices() if notices is None else notices
    looks = bool(options.pop("looks", True))
    source = open_input(Files(way=Way(retries=1), **options), address, notices, lambda *_: None, looks=looks)  # type: ignore[arg-type]
    assert isinstance(source, AddressSource)
    return source


def heard_s(source: DecodedSource) -> tuple[float, AsrcliError | None]:
    """How many seconds of it come, and what it ends with."""
    frames, error = 0, None
    with contextlib.closing(source):
        try:
            for block in source.blocks():
                frames += len(block)
        except AsrcliError as caught:
            error = caught
        return frames / source.rate_hz, error


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sound in files of all kinds."""
    folder = tmp_path_factory.mktemp("kinds")
    wav = write(folder / "a.wav", tone(SECONDS, 44100), 44100)
    for kind, subtype in {"flac": "PCM_16", "aiff": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}.items():
        write(folder / f"a.{kind}", tone(SECONDS, 44100), 44100, subtype)
    convert(wav, folder / "last.m4a")
    convert(wav, folder / "first.m4a", "-movflags", "+faststart")
    for name in ("a.webm", "a.ac3", "a.wma"):
        convert(wav, folder / name)
    convert(wav, folder / "adpcm.wav", "-c:a", "adpcm_ms")
    return folder


PASSING = ["a.wav", "a.flac", "a.ogg", "a.mp3", "first.m4a", "a.webm", "a.wma"]
KEPT = ["a.aiff", "last.m4a", "a.ac3", "adpcm.wav"]


@pytest.mark.parametrize(
    ("name", "share"),
    [*((name, 0.6) for name in PASSING), ("a.ogg", 1.0), ("first.m4a", 1.0), *((name, 1.0) for name in KEPT)],
)
def test_it_is_heard_and_judged_as_in_a_file(folder: Path, tmp_path: Path, web: WebServer, name: str, share: float):
    data = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(data := data[: int(len(data) * share)])
    expected, told = Notices(), Notices()
    try:
        seconds, error = heard_s(open_source(str(tmp_path / name), notice=expected))
    except AsrcliError as refused:
        seconds, error = 0.0, refused
    source = at(web.put(f"/{name}", data), told)
    heard = heard_s(source)
    assert heard[0] == pytest.approx(seconds, abs=0.1)
    assert (heard[1] is None) == (error is None)
    assert told.truncated == expected.truncated
    assert (source._file is not None) == (name in KEPT)
    if share < 1:
        assert told.truncated or error is not None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.wav", 0.01),
        ("a.wav", 0.5),
        ("a.wav", 1.0),
        ("a.flac", 0.5),
        ("a.mp3", 1.0),
        ("first.m4a", 0.6),
        ("last.m4a", 1.0),
    ],
)
def test_what_breaks_for_good_fails_wherever_that_is(folder: Path, web: WebServer, name: str, place: float):
    data = (folder / name).read_bytes()
    cut = min(len(data) - 1, int(len(data) * place))
    thing = Thing(data, etag=None, has_ranges=False, breaks=[cut] * 9)
    with contextlib.suppress(RemoteError):
        # It may break while it is looked at.
        _, error = heard_s(at(web.put(f"/{name}", thing)))
        assert isinstance(error, RemoteError)
        assert "cannot be read on" in error.message
        return
    assert cut < 1 << 14


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "last.m4a"])
def test_what_breaks_and_can_be_read_on_is_heard_whole(folder: Path, web: WebServer, name: str):
    data = (folder / name).read_bytes()
    thing = Thing(data, breaks=[len(data), len(data) // 30, len(data) // 40])
    seconds, error = heard_s(at(web.put(f"/{name}", thing)))
    assert error is None
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert thing.breaks == []


@pytest.mark.parametrize("tag_bytes", [5_000, 30_000])
def test_a_tag_that_is_too_long_hides_no_sound(folder: Path, tmp_path: Path, web: WebServer, tag_bytes: int):
    data = (folder / "a.mp3").read_bytes()
    size = bytes(tag_bytes - 10 >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = b"ID3\x03\0\0" + size + bytes(100) + data
    (tmp_path / "a.mp3").write_bytes(data)
    seconds, _ = heard_s(open_source(str(tmp_path / "a.mp3")))
    assert seconds == pytest.approx(SECONDS, abs=0.2)
    heard, error = heard_s(at(web.put("/a.mp3", data)))
    if tag_bytes < 16_384:
        assert (heard, error) == (pytest.approx(seconds, abs=0.1), None)
    else:
        assert error is not None
        assert "an ID3 tag with a wrong length" in error.message


@pytest.mark.parametrize("name", ["a.ogg", "first.m4a"])
def test_of_what_is_damaged_most_has_to_be_heard(folder: Path, tmp_path: Path, web: WebServer, name: str):
    data = bytearray((folder / name).read_bytes())
    begin = len(data) * 42 // 100
    if name == "a.ogg":
        pages = [at for at in range(begin, data.rfind(b"OggS")) if data.startswith(b"OggS", at)]
        for page in pages:
            data[page + 60] ^= 0xFF
    else:
        data[begin:] = bytes(len(data) - begin)
    (tmp_path / name).write_bytes(data)
    for source in (open_source(str(tmp_path / name)), at(web.put(f"/{name}", bytes(data)))):
        _, error = heard_s(source)
        assert isinstance(error, DecodeError)
        assert "cannot decode most of" in error.message


def test_its_length_is_known_where_its_beginning_tells(folder: Path, web: WebServer):
    for name in ("a.wav", "a.flac", "a.mp3"):
        with contextlib.closing(at(web.put(f"/{name}", (folder / name).read_bytes()))) as source:
            assert source.duration_ms == pytest.approx(SECONDS * 1000, abs=1)
    raw = s16(tone(SECONDS, 16000))
    for source in (at(web.put("/a.pcm", raw)), at(web.put("/a", raw), raw=RawFormat())):
        assert source.duration_ms == SECONDS * 1000
        assert heard_s(source) == (SECONDS, None)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<!DOCTYPE html>\n<html><title>Log in</title>" + b" " * 50_000, "is a web page, not audio"),
        (b"just some words, and no more\n" * 20, "is text, not audio"),
        (b"PK\3\4" + bytes(1000), "is a ZIP archive"),
        (b"", "is empty"),
        (bytes(range(256)) * 4, "is not an audio file of a known kind"),
    ],
)
def test_what_is_no_sound_is_named(web: WebServer, data: bytes, told: str):
    try:
        _, error = heard_s(at(web.put("/talk.mp3?sig=secret", data)))
    except AsrcliError as refused:
        error = refused
    assert isinstance(error, DecodeError | UsageError)
    assert told in error.message
    assert "secret" not in error.message


def test_it_goes_as_it_is(folder: Path, web: WebServer):
    for name in ("a.wav", "a.mp3"):
        data = (folder / name).read_bytes()
        thing = Thing(data, breaks=[len(data), 70_000])
        how = Files(as_is=ALL, way=Way())
        source = open_input(how, web.put(f"/{name}", thing), Notices(), lambda *_: None)
        assert isinstance(source, EncodedSource)
        assert (source.live, source.waits, source.sound) == (False, True, 'etag:"one"')
        with contextlib.closing(source):
            sent = b"".join(chunk.data for chunk in source.chunks(STORED_CHUNK_MS))
        assert len(sent) > 0.95 * len(data)
        assert data.endswith(sent[-len(sent) // 2 :])


def test_what_cannot_go_as_it_is_is_converted(folder: Path, web: WebServer):
    notices = Notices()
    data = (folder / "last.m4a").read_bytes()
    seconds, error = heard_s(at(web.put("/last.m4a", data), notices, as_is=ALL))
    assert error is None
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert "is converted: it is MP4" in notices[0]


def test_without_ffmpeg_libsndfile_reads_what_it_can(folder: Path, web: WebServer, monkeypatch, tmp_path):
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    seconds, error = heard_s(at(web.put("/a.flac", (folder / "a.flac").read_bytes())))
    assert (seconds, error) == (SECONDS, None)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "last.m4a"])
def test_nothing_is_left_open_whenever_it_ends(folder: Path, web: WebServer, name: str, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = (folder / name).read_bytes()
    stages: list[Callable[[AddressSource], object]] = [
        lambda source: None,
        lambda source: source.probe(),
        lambda source: next(iter(source.blocks())),
        lambda source: list(source.blocks()),
    ]
    before = None
    for stage in (stages[-1], *stages):
        address = web.put(f"/{name}", data)
        source = at(address)
        stage(source)
        source.stop()
        source.close()
        source.close()
        assert os.listdir(tmp_path) == []  # noqa: PTH208
        # The server's ends of the connections close when it sees that ours have.
        del source
        before = before or open_descriptors()
    assert open_descriptors() <= before + 2


def test_a_full_disk_is_told_before_it_is(folder: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(temporary, "_SPARED_BYTES", 1 << 60)
    _, error = heard_s(at(web.put("/last.m4a", (folder / "last.m4a").read_bytes())))
    assert error is not None
    assert "has no room for it" in error.message


def test_what_never_ends_is_no_file_for_ever(web: WebServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(temporary, "_MOST_BYTES", 100_000)
    monkeypatch.setattr(temporary, "_LOOKED_EVERY_BYTES", 10_000)
    thing = Thing(bytes(range(1, 256)) * 100, etag=None, has_ranges=False, says_bytes=None, endless=True)
    _, error = heard_s(at(web.put("/endless", thing), looks=False))
    assert error is not None
    assert "it has more than" in error.message


def test_what_never_ends_is_heard_until_it_is_stopped(web: WebServer):
    second = s16(tone(1.0, 16000))
    thing = Thing(second, etag=None, has_ranges=False, says_bytes=None, endless=True)
    source = at(web.put("/radio", thing), raw=RawFormat(), looks=False)
    frames = 0
    with contextlib.closing(source):
        for block in source.blocks():
            frames += len(block)
            if frames > 48_000:
                source.stop()
    assert source.duration_ms is None
    assert frames > 48_000


def test_one_channel_of_it_can_be_heard(web: WebServer, tmp_path: Path):
    path = write(tmp_path / "two.wav", np.hstack([tone(1.0), np.zeros((16000, 1), np.float32)]))
    source = open_input(Files(channel=1, way=Way()), web.put("/two.wav", path.read_bytes()), Notices(), lambda *_: None)
    assert not isinstance(source, EncodedSource)
    with contextlib.closing(source):
        assert float(np.abs(np.concatenate(list(source.blocks()))).max()) == 0.0
