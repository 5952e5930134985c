"""`asrcli mic` as a process of its own, on a real PortAudio, from the first sound to the exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import soundfile
import soxr

from asrcli.cli.app import run
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV
from tests.support.virtual_mic import SAY_RATE_HZ, VirtualMic, noise, offset_of, read_wav, virtual_mic, write_wav

WIRE_HZ = 16000
_PATIENCE_S = 20


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMic]:
    with virtual_mic(tmp_path_factory.mktemp("mic")) as mic:
        yield mic


class Mic:
    """The command, running. JSON lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    def line(self, kind: str, text: str = "") -> dict[str, Any]:
        """Read on to the next line of that type that holds `text`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(json.loads(line))
            if self.seen[-1]["type"] == kind and text in line:
                return self.seen[-1]
        raise AssertionError(f"no {kind} with {text!r} after {self.seen}: {_said(self.process.stderr)}")

    def end(self) -> int:
        """Read to the end; the exit code."""
        assert self.process.stdout is not None
        self.seen += [json.loads(line) for line in self.process.stdout]
        return self.process.wait(_PATIENCE_S)

    def types(self) -> list[str]:
        return [line["type"] for line in self.seen]


def _said(stream: IO[str] | None) -> str:
    return stream.read() if stream is not None else ""


def _command(url: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "asrcli", "mic", "--endpoint", url, *arguments]


@contextmanager
def listening(microphone: VirtualMic, url: str, *arguments: str, limit: str = "true") -> Iterator[Mic]:
    """`asrcli mic --json`, which has heard its first sound. Killed at the end if it still runs.

    `limit` is what the shell does first to its own resources.
    """
    process = subprocess.Popen(
        ["sh", "-c", f'{limit}; exec "$@"', "sh", *_command(url, "--json", *arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=microphone.environ,
    )
    with process:
        mic = Mic(process)
        try:
            mic.line("begin")
            yield mic
        finally:
            process.kill()


def _as_sent(samples: np.ndarray) -> np.ndarray:
    return np.asarray(soxr.resample(samples.astype(np.float32), SAY_RATE_HZ, WIRE_HZ))


def test_json_lines_tell_when_the_first_sample_was_taken(microphone: VirtualMic, talk_service: str) -> None:
    """`begin` ties the times to the wall clock; the audio is as long as was asked for."""
    with listening(microphone, talk_service, "--duration", "1.5", "--device", "desk") as mic:
        assert mic.end() == 0
        assert _said(mic.process.stderr) == ""
    begin, end = mic.seen[0], mic.seen[-1]
    assert begin["source"] == "Desk Microphone"
    moment = datetime.fromisoformat(begin["captured_at"])
    assert moment.utcoffset() is not None
    assert abs((datetime.now().astimezone() - moment).total_seconds()) < 60
    assert (end["type"], end["audio_ms"], end["complete"]) == ("end", 1500, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_well_with_the_last_word(
    microphone: VirtualMic, talk_service: str, tmp_path: Path, number: signal.Signals
) -> None:
    """What was played before the signal is in the sound that was sent, to its end."""
    played, saved = noise(0.6), tmp_path / "saved.wav"
    with listening(microphone, talk_service, "--save-audio", str(saved)) as mic:
        with microphone.say(write_wav(tmp_path / "noise.wav", played)):
            pass
        mic.process.send_signal(number)
        assert mic.end() == 0
    assert mic.types()[-1] == "end"
    assert mic.seen[-1]["complete"]
    samples, rate_hz = read_wav(saved)
    assert rate_hz == WIRE_HZ
    assert len(samples) // 16 == mic.seen[-1]["audio_ms"]
    assert offset_of(_as_sent(played), samples)[1] > 0.97


def test_first_words_are_kept_while_the_service_is_not_ready(microphone: VirtualMic, tmp_path: Path) -> None:
    """All that is said before the service takes audio reaches it."""
    played = noise(0.5)
    said, audio = threading.Event(), bytearray()

    def slow(conversation: Conversation) -> None:
        conversation.expect("run-task")
        assert said.wait(_PATIENCE_S)
        conversation.say("task-started")
        # On a busy machine it takes a while until something is said.
        audio.extend(conversation.expect_audio(3 * WIRE_HZ))
        conversation.expect("finish-task")
        conversation.say("task-finished", {})

    with scripted_server(slow) as url, listening(microphone, url, "--duration", "2") as mic:
        with microphone.say(write_wav(tmp_path / "noise.wav", played)):
            pass
        said.set()
        assert mic.end() == 0
    assert offset_of(_as_sent(played), np.frombuffer(bytes(audio), "<i2"))[1] > 0.97


def test_an_unplugged_microphone_delivers_what_it_heard(
    microphone: VirtualMic, talk_service: str, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.wav"
    with listening(microphone, talk_service, "--save-audio", str(saved)) as mic:
        microphone.unplug()
        try:
            assert mic.end() == 7
        finally:
            microphone.plug()
        said = _said(mic.process.stderr)
    assert mic.types()[-2:] == ["end", "error"]
    assert mic.seen[-1]["code"] == "DeviceError"
    assert said.startswith("asrcli: error: default is gone, after 0:0")
    # Neither ALSA nor PortAudio is heard.
    assert said.count("\n") == 1
    assert len(read_wav(saved)[0]) // 16 == mic.seen[-2]["audio_ms"]


def test_the_transcription_goes_on_when_it_is_plugged_in_again(
    microphone: VirtualMic, talk_service: str, tmp_path: Path
) -> None:
    """What was said before and after the gap is whole, and as far apart as it was."""
    saved = tmp_path / "saved.wav"
    before, after = noise(0.5, seed=2), noise(0.5, seed=3)
    with listening(microphone, talk_service, "--save-audio", str(saved), "--device-wait", "30") as mic:
        with microphone.say(write_wav(tmp_path / "before.wav", before, silence_s=0.3)):
            pass
        microphone.unplug()
        mic.line("notice", "is gone")
        microphone.plug()
        mic.line("notice", "is back")
        with microphone.say(write_wav(tmp_path / "after.wav", after, silence_s=1.0)):
            pass
        mic.process.send_signal(signal.SIGINT)
        assert mic.end() == 0
    samples, _ = read_wav(saved)
    begins = []
    for part in (before, after):
        offset, likeness = offset_of(_as_sent(part), samples)
        assert likeness > 0.97
        begins.append(offset)
    gap = samples[begins[0] + WIRE_HZ // 2 : begins[1]]
    assert np.count_nonzero(gap == 0) > 0.9 * len(gap)


def test_a_killed_sound_server_is_an_error_of_the_microphone(microphone: VirtualMic, talk_service: str) -> None:
    with listening(microphone, talk_service) as mic:
        microphone.kill()
        try:
            assert mic.end() == 7
        finally:
            microphone.restart()
    assert "gone" in mic.seen[-1]["message"]


def test_a_muted_microphone_is_named(microphone: VirtualMic, talk_service: str) -> None:
    microphone.mute()
    try:
        with listening(microphone, talk_service) as mic:
            notice = mic.line("notice")
    finally:
        microphone.unmute()
    assert notice["message"] == "default gives digital silence"


def test_what_a_killed_program_recorded_can_be_read(microphone: VirtualMic, tmp_path: Path) -> None:
    saved, heard = tmp_path / "saved.wav", threading.Event()

    def service(conversation: Conversation) -> None:
        conversation.expect("run-task")
        conversation.say("task-started")
        conversation.expect_audio(8000)
        heard.set()
        conversation.hang()

    with scripted_server(service) as url, listening(microphone, url, "--save-audio", str(saved)) as mic:
        assert heard.wait(_PATIENCE_S)
        mic.process.kill()
        mic.process.wait()
    assert len(read_wav(saved)[0]) >= 4000


def test_a_full_disk_is_told_once_and_recognition_goes_on(
    microphone: VirtualMic, talk_service: str, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.wav"

    arguments = ("--save-audio", str(saved), "--duration", "1.5")
    # In blocks of 512 bytes: six chunks and a part of the seventh.
    with listening(microphone, talk_service, *arguments, limit="ulimit -f 40") as mic:
        assert mic.end() == 1
    assert mic.types().count("notice") == 1
    end, error = mic.seen[-2:]
    assert end["audio_ms"] == 1500
    assert end["complete"]
    assert error["code"] == "OutputError"
    assert len(read_wav(saved)[0]) == 9600


def test_a_service_that_gives_up_leaves_the_sound_that_was_heard(microphone: VirtualMic, tmp_path: Path) -> None:
    """In the file where there is one; else the loss is told."""
    said = threading.Event()

    def refusing(conversation: Conversation) -> None:
        conversation.expect("run-task")
        assert said.wait(_PATIENCE_S)
        conversation.say("task-failed", error_code="Arrearage", error_message="overdue")

    saved, played = tmp_path / "saved.wav", noise(0.5)
    path = write_wav(tmp_path / "noise.wav", played, silence_s=0.5)
    for arguments in (("--save-audio", str(saved)), ()):
        said.clear()
        with scripted_server(refusing) as url, listening(microphone, url, *arguments) as mic:
            with microphone.say(path):
                pass
            said.set()
            assert mic.end() == 5
        assert mic.seen[-1]["code"] == "Arrearage"
        assert ("notice" in mic.types()) == (not arguments)
    assert offset_of(_as_sent(played), read_wav(saved)[0])[1] > 0.97


def test_a_refused_key_is_the_keys_error(microphone: VirtualMic) -> None:
    with scripted_server(lambda conversation: None, refuse=401) as url, listening(microphone, url) as mic:
        assert mic.end() == 4
    assert mic.seen[-1]["code"] == "AuthError"


def test_a_reader_that_leaves_ends_it_quietly(microphone: VirtualMic, talk_service: str) -> None:
    with listening(microphone, talk_service) as mic:
        assert mic.process.stdout is not None
        mic.process.stdout.close()
        assert mic.process.wait(_PATIENCE_S) == 0
        assert _said(mic.process.stderr) == ""


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--device", "nosuch"], 7, "there is no microphone 'nosuch'"),
        (["--device", "99"], 7, "there is no microphone '99'"),
        (["--device", "desc microphon"], 7, "did you mean Desk Microphone?"),
        (["--device", "e"], 7, "fits several microphones"),
        (["--device", "Headset"], 7, "cannot open Headset"),
        (["--rate", "500000"], 2, "refuses this sample rate"),
        (["--channels", "40"], 2, "so many channels"),
        (["--duration", "0"], 2, "--duration 0"),
        (["--duration=-3"], 2, "--duration -3"),
        (["--save-audio", "/nonexistent/a.wav"], 2, "no folder /nonexistent"),
    ],
)
def test_what_cannot_work_is_one_clear_line(
    microphone: VirtualMic, dead_port: int, arguments: Sequence[str], code: int, expected: str
) -> None:
    """Said before anything is sent."""
    command = _command(f"ws://127.0.0.1:{dead_port}", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env=microphone.environ, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("asrcli: error: ")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_standard_output_is_one_clear_line() -> None:
    """Said before a microphone is looked for."""
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *_command("ws://127.0.0.1:1")]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "asrcli: error: standard output is closed (send it to a file or a pipe)\n"


def test_no_sound_system_at_all_is_no_microphone(microphone: VirtualMic, tmp_path: Path) -> None:
    environ = {**microphone.environ, "PULSE_SERVER": f"unix:{tmp_path}/nothing"}
    command = _command("ws://127.0.0.1:1")
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1
    assert "no microphone found" in done.stderr


def test_the_test_says_how_loud_it_is_and_what_is_wrong(microphone: VirtualMic, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "asrcli", "mic", "--test"]
    with microphone.say(write_wav(tmp_path / "noise.wav", noise(4.0))):
        done = subprocess.run(command, capture_output=True, text=True, env=microphone.environ, check=False)
    assert done.returncode == 0
    assert done.stderr == "Speak: listening to default for 2 s …\n"
    assert done.stdout.startswith("default, 44.1 kHz, 1 channel: loudest -")
    done = subprocess.run(
        [*command, "--json", "-q"], capture_output=True, text=True, env=microphone.environ, check=False
    )
    assert done.returncode == 7
    assert json.loads(done.stdout)["trouble"] == "silent"
    assert "digital silence" in done.stderr


@pytest.mark.parametrize("name", ["saved.wav", "saved.flac"])
def test_the_sound_of_a_file_can_be_kept_too(talk_service: str, tmp_path: Path, name: str) -> None:
    """Bit by bit, where nothing has to be resampled, and nothing is left out to make it small."""
    saved = tmp_path / name
    command = ["file", str(TALK_WAV), "--endpoint", talk_service, "--pace", "fast", "--save-audio", str(saved), "-q"]
    assert run(command) == 0
    assert np.array_equal(soundfile.read(saved, dtype="int16")[0], read_wav(TALK_WAV)[0])
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_several_files_are_not_kept_in_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "saved.wav"
    assert run(["file", str(TALK_WAV), str(TALK_WAV), "--region", "intl", "--save-audio", str(saved)]) == 2
    assert "one source only" in capsys.readouterr().err
    assert not saved.exists()
