"""--save-audio: which names it takes, and what becomes of the sound however the run ends."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

from asrcli.audio.reading import ffmpeg_tool
from asrcli.audio.writing import encoding
from asrcli.audio.writing.wav_writer import WavWriter
from asrcli.output.destination import Destination
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.output import Output
from asrcli.output.places.streams import ClosedPipe
from asrcli.output.views.plain import QuietView
from asrcli.runs.recording import Recording, heard_in, recording_of, spare_the_sources
from asrcli.runs.request import OutputOptions
from asrcli.system.file_state import FileState
from asrcli.system.signals import Signals, interrupted
from asrcli.values.errors import LinkError, OutputError, UsageError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk, SoundFormat
from tests.support.benches import Sink
from tests.support.fakes import FakeClock
from tests.support.sounds import needs_ffmpeg, pcm_chunk, s16, tone

PCM = PcmFormat(16000)
STATE = FileState(1, 2, 3, 4)
KEPT = Path("kept.wav")


class Told:
    """What is told of a run, in JSON and to a person."""

    def __init__(self) -> None:
        self.stderr = io.StringIO()
        self.sink = Sink()
        self.output = Output([Destination(JsonLines, self.sink)], QuietView(self.stderr))

    @property
    def errors(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.sink.text.splitlines()]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signals(clock: FakeClock) -> Iterator[Signals]:
    with Signals(clock) as made:
        yield made


def _recording(path: Path, *, force: bool = False) -> Recording:
    made = recording_of(OutputOptions(save_audio=path, force=force), ["a.wav"], PCM)
    assert made is not None
    return made


def _recorded(recording: Recording, code: int = 0, then: Callable[[], None] = lambda: None) -> Callable[[], int]:
    """A run that records a second and ends with `code`."""

    def work() -> int:
        recording.file.write(pcm_chunk(s16(tone(1.0)[:, 0]), 16000))
        then()
        return code

    return work


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _raising(error: Exception) -> Callable[[], None]:
    def then() -> None:
        raise error

    return then


@pytest.mark.parametrize("code", [0, 6, 130])
@pytest.mark.parametrize("name", ["talk.flac", "talk.MP3", "talk.wav", "talk"])
def test_the_end_of_the_name_says_what_it_becomes(
    tmp_path: Path, told: Told, signals: Signals, name: str, code: int
) -> None:
    recording = _recording(tmp_path / name)
    assert recording.kept(_recorded(recording, code), told.output, signals) == code
    assert _names(tmp_path) == [name]
    assert told.errors == []


def test_while_the_run_goes_on_there_is_a_wav(tmp_path: Path, told: Told, signals: Signals) -> None:
    seen: list[str] = []
    recording = _recording(tmp_path / "talk.mp3")
    recording.kept(_recorded(recording, then=lambda: seen.extend(_names(tmp_path))), told.output, signals)
    assert seen == ["talk.mp3.wav"]


def test_without_sound_there_is_no_file(tmp_path: Path, told: Told, signals: Signals) -> None:
    assert _recording(tmp_path / "talk.mp3").kept(lambda: 0, told.output, signals) == 0
    assert _names(tmp_path) == []


@pytest.mark.parametrize(("code", "expected"), [(0, 1), (6, 6)])
def test_what_cannot_be_made_leaves_the_wav_and_says_so(
    tmp_path: Path, told: Told, signals: Signals, monkeypatch: pytest.MonkeyPatch, code: int, expected: int
) -> None:
    def convert(*args, **options) -> None:
        raise OutputError("No space left on device")

    monkeypatch.setattr(encoding, "convert", convert)
    path = tmp_path / "talk.mp3"
    recording = _recording(path)
    assert recording.kept(_recorded(recording, code), told.output, signals) == expected
    assert told.errors == [f"{path} is not made: No space left on device"]
    assert f"the sound is in {path}.wav" in told.stderr.getvalue()
    assert _names(tmp_path) == ["talk.mp3.wav"]


def test_a_signal_that_comes_when_it_is_made_changes_nothing(
    tmp_path: Path, told: Told, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(wav: WavWriter, path: Path, *args, **options) -> None:
        wav.path.replace(path)
        raise interrupted(signal.SIGINT)

    monkeypatch.setattr(encoding, "convert", convert)
    recording = _recording(tmp_path / "talk.mp3")
    assert recording.kept(_recorded(recording), told.output, signals) == 0
    assert told.errors == []
    assert _names(tmp_path) == ["talk.mp3"]


def test_a_signal_while_it_is_made_leaves_the_wav(
    tmp_path: Path, told: Told, signals: Signals, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the second one, after the first has ended a microphone's sound."""

    def convert(*args, **options) -> None:
        clock.advance(2)
        signal.raise_signal(signal.SIGINT)

    def stop() -> None:
        signals.stop = lambda number: None
        signal.raise_signal(signal.SIGINT)
        signals.no_more_to_stop()

    monkeypatch.setattr(encoding, "convert", convert)
    recording = _recording(tmp_path / "talk.mp3")
    assert recording.kept(_recorded(recording, then=stop), told.output, signals) == 130
    assert told.errors == [f"{tmp_path}/talk.mp3 is not made: interrupted by SIGINT"]
    assert _names(tmp_path) == ["talk.mp3.wav"]


def test_who_leaves_at_once_waits_for_nothing_to_be_made(tmp_path: Path, told: Told, signals: Signals) -> None:
    def twice() -> None:
        signals.stop = lambda number: None
        signal.raise_signal(signal.SIGTERM)
        with signals.put_off:
            signal.raise_signal(signal.SIGTERM)
            signals.put_off.__exit__(ValueError, ValueError(), None)

    recording = _recording(tmp_path / "talk.mp3")
    assert recording.kept(_recorded(recording, 143, twice), told.output, signals) == 143
    assert told.errors == [f"{tmp_path}/talk.mp3 is not made: interrupted by SIGTERM"]
    assert _names(tmp_path) == ["talk.mp3.wav"]


def test_nobody_reads_the_results_and_the_sound_is_kept(tmp_path: Path, told: Told, signals: Signals) -> None:
    recording = _recording(tmp_path / "talk.flac")
    assert recording.kept(_recorded(recording, then=_raising(ClosedPipe())), told.output, signals) == 0
    assert _names(tmp_path) == ["talk.flac"]


def test_where_the_run_breaks_off_the_sound_stays_a_wav(tmp_path: Path, told: Told, signals: Signals) -> None:
    recording = _recording(tmp_path / "talk.flac")
    with pytest.raises(LinkError):
        recording.kept(_recorded(recording, then=_raising(LinkError("gone"))), told.output, signals)
    assert _names(tmp_path) == ["talk.flac.wav"]
    assert told.stderr.getvalue() == (
        f"asrcli: warning: {tmp_path}/talk.flac is not made (the sound is in {tmp_path}/talk.flac.wav)\n"
    )


@pytest.mark.parametrize("name", ["talk.mp3", "talk.mp3.wav"])
def test_both_names_must_be_free(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=f"{name} exists already"):
        _recording(tmp_path / "talk.mp3")
    _recording(tmp_path / "talk.mp3", force=True)
    assert (tmp_path / name).read_text() == "mine"


def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \.aiff files") as caught:
        _recording(tmp_path / "talk.aiff")
    assert caught.value.hint == "end the name in one of .wav .mp3 .flac .opus .ogg .m4a"


def test_without_ffmpeg_m4a_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg_tool, "find_ffmpeg", lambda: None)
    with pytest.raises(UsageError, match="ffmpeg") as caught:
        _recording(tmp_path / "talk.m4a")
    assert "install" in caught.value.hint
    _recording(tmp_path / "talk.mp3")


@needs_ffmpeg
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    device = tmp_path / "null.m4a"
    device.symlink_to("/dev/null")
    with pytest.raises(UsageError, match="no file"):
        _recording(device, force=True)


@pytest.mark.parametrize("source", ["talk.mp3", "talk.mp3.wav"])
def test_neither_file_is_the_source(tmp_path: Path, source: str) -> None:
    (tmp_path / source).write_text("mine")
    options = OutputOptions(save_audio=tmp_path / "talk.mp3", force=True)
    with pytest.raises(UsageError, match="is the source itself"):
        spare_the_sources(Output([], QuietView(io.StringIO())), options, [str(tmp_path / source)])


def test_a_result_does_not_go_into_the_wav(tmp_path: Path) -> None:
    options = OutputOptions(save_audio=tmp_path / "talk.mp3", output=(tmp_path / "talk.mp3.wav",))
    with pytest.raises(UsageError, match="both name"):
        recording_of(options, ["a.wav"], PCM)


@pytest.mark.parametrize(
    ("source", "state", "save_audio", "audio"),
    [
        ("talk.wav", STATE, None, "talk.wav"),
        ("talk.wav", STATE, KEPT, "talk.wav"),
        ("pipe", None, KEPT, "kept.wav"),
        ("microphone", None, None, None),
        ("-", STATE, None, None),
        ("-", STATE, KEPT, "kept.wav"),
    ],
)
def test_the_source_is_heard_where_it_is_a_file_and_what_is_kept_where_not(source, state, save_audio, audio):
    assert heard_in(source, state, save_audio) == audio


def test_a_result_does_not_go_into_the_wav_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("old")
    (tmp_path / "talk.mp3.wav").hardlink_to(tmp_path / "talk.txt")
    options = OutputOptions(save_audio=tmp_path / "talk.mp3", output=(tmp_path / "talk.txt",), force=True)
    with pytest.raises(UsageError, match="both name"):
        recording_of(options, ["a.wav"], PCM)


def _encoded(name: str, header: bytes = b"") -> Any:
    """A source that gives its sound as it is, as far as a recording asks."""
    known = ("name", "rate_hz", "channels", "duration_ms", "live", "can_wait", "waits", "captured_at")
    members: dict[str, Any] = dict.fromkeys(known)
    members |= {"filler": None} | dict.fromkeys(("probe", "stop", "close", "chunks"), print)
    return SimpleNamespace(**members, sound_format=SoundFormat(name, 8000, header))


def _begun(path: Path, sound: str, header: bytes = b"") -> Recording:
    recording = recording_of(OutputOptions(save_audio=path), ["a"], PCM, as_is=True)
    assert recording is not None
    recording.begin(_encoded(sound, header), lambda *_: None)
    return recording


def test_sound_that_goes_as_it_is_is_kept_so_behind_its_header(tmp_path: Path, told: Told, signals: Signals) -> None:
    recording = _begun(tmp_path / "kept.amr", "amr", b"#!AMR\n")

    def work() -> int:
        for number in range(3):
            recording.file.write(Chunk(b"frame", 160 * (number + 1), 160, "amr"))
        return 0

    assert recording.kept(work, told.output, signals) == 0
    assert _names(tmp_path) == ["kept.amr"]
    assert (tmp_path / "kept.amr").read_bytes() == b"#!AMR\n" + 3 * b"frame"
    assert recording.file.seconds == 0.06


def test_the_samples_of_a_wav_that_goes_as_it_is_become_what_the_name_says(
    tmp_path: Path, told: Told, signals: Signals
) -> None:
    recording = _begun(tmp_path / "kept.flac", "wav", b"RIFF")
    assert recording.kept(_recorded(recording), told.output, signals) == 0
    assert soundfile.info(tmp_path / "kept.flac").samplerate == 8000
    assert soundfile.info(tmp_path / "kept.flac").duration == 2.0


@pytest.mark.parametrize(
    ("name", "sound", "message", "hint"),
    [
        ("a.wav", "mp3", "the sound goes as mp3, and is kept so", "end the name in .mp3, or leave --send as-is out"),
        ("a.mp3", "opus", "the sound goes as opus", "end the name in .opus or .ogg, or leave --send as-is out"),
        ("a.amr", "pcm", "--save-audio writes no .amr files", "end the name in one of .wav .mp3 .flac .opus .ogg .m4a"),
    ],
)
def test_a_name_that_does_not_fit_the_sound_is_refused(tmp_path: Path, name, sound, message, hint) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        _begun(tmp_path / name, sound)
    assert caught.value.hint == hint
