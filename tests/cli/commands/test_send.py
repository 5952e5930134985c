"""--send: what the sound is sent as, over both protocols, and what is sent again after a reconnect."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
import soundfile

from tests.support.coded_talk import a_sentence_every
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV, running_service
from tests.support.slow_link import slow_link

SECONDS = 3


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the talk."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, *soundfile.read(TALK_WAV, dtype="int16", frames=SECONDS * 16000))
    return path


def seconds_of(stream: bytes) -> float:
    """How long the sound of an Ogg stream is, which must be whole."""
    return len(soundfile.read(io.BytesIO(stream))[0]) / soundfile.info(io.BytesIO(stream)).samplerate


def test_opus_is_what_the_task_says_and_one_whole_stream(asrcli, clip):
    said, heard = [], []

    def service(talk: Conversation) -> None:
        said.append(talk.expect("run-task")["payload"]["parameters"])
        talk.say("task-started")
        heard.append(talk.audio_until("finish-task"))
        talk.say_sentence(1, "one", 0, 900)
        talk.say("task-finished")

    with scripted_server(service, service) as url:
        for bitrate in ((), ("--opus-bitrate", "12k")):
            done = asrcli("file", clip, "--endpoint", url, "--pace", "fast", "--send", "opus", *bitrate, "--json")
            assert done.code == 0
            assert done.events[0]["send"] == "opus"
            end = done.events[-1]
            assert end["sent_bytes"] == len(heard[-1])
            assert end["kbit_s"] == round(len(heard[-1]) * 8 / 1000 / SECONDS, 3)
    assert [(each["format"], each["sample_rate"]) for each in said] == [("opus", 16000)] * 2
    assert [seconds_of(stream) for stream in heard] == [SECONDS] * 2
    assert len(heard[1]) < 0.75 * len(heard[0]) < SECONDS * 32000 / 8


def test_after_a_reconnect_a_stream_of_its_own_begins_at_the_last_final(asrcli, clip):
    heard = []

    def broken(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        assert talk.expect_audio(2000).startswith(b"OggS")
        talk.say_sentence(1, "one", 0, 900)
        talk.close(1011)

    def whole(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        heard.append(talk.audio_until("finish-task"))
        talk.say_sentence(1, "two", 100, 1900)
        talk.say("task-finished")

    with scripted_server(broken, whole) as url:
        done = asrcli("file", clip, "--endpoint", url, "--pace", "fast", "--send", "opus", "--json")
    assert done.code == 0
    assert [(each["text"], each["end_ms"]) for each in done.events if each["type"] == "final"] == [
        ("one", 900),
        ("two", 2800),
    ]
    assert round(seconds_of(heard[0]), 3) == SECONDS - 0.9
    # What the first session has sent is paid for too.
    assert done.events[-1]["sent_bytes"] >= 2000 + len(heard[0])


@pytest.mark.parametrize("words", [("--send", "opus"), ("--opus",)])
def test_a_session_of_qwen_takes_opus_too(asrcli, clip, words):
    said, heard = [], []

    def service(talk: Conversation) -> None:
        said.append(talk.begin_session())
        while (event := talk.next())["type"] == "input_audio_buffer.append":
            heard.append(base64.b64decode(event["audio"]))
        assert event["type"] == "session.finish"
        talk.say_event("session.finished")

    with scripted_server(service) as url:
        assert asrcli("qwen", clip, "--endpoint", url, "--pace", "fast", *words).code == 0
    assert said[0]["input_audio_format"] == "opus"
    assert seconds_of(b"".join(heard)) == SECONDS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--send", "flac"), "--send flac is not known"),
        (("--opus-bitrate", "20k"), "--opus-bitrate has no meaning with --send pcm"),
        (("--send", "opus", "--opus-bitrate", "1k"), "--opus-bitrate 1k is out of range"),
    ],
)
@pytest.mark.parametrize("command", ["file", "qwen"])
def test_what_makes_no_sense_is_refused_in_a_line(asrcli, clip, command, words, message):
    done = asrcli(command, clip, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize(
    ("config", "words", "sent"),
    [
        ('send = "opus"\n', (), "opus"),
        ('send = "opus"\nopus_bitrate = 16000\n', ("--send", "pcm"), "pcm"),
        ('[qwen]\nsend = "opus"\n', (), "pcm"),
    ],
)
def test_it_may_stand_in_a_configuration_file(asrcli, clip, tmp_path, monkeypatch, config, words, sent):
    said = []

    def service(talk: Conversation) -> None:
        said.append(talk.expect("run-task")["payload"]["parameters"]["format"])
        talk.say("task-started")
        talk.audio_until("finish-task")
        talk.say("task-finished")

    (tmp_path / "asrcli.toml").write_text(config)
    monkeypatch.chdir(tmp_path)
    with scripted_server(service) as url:
        assert asrcli("file", clip, "--endpoint", url, "--pace", "fast", *words).code == 0
    assert said == [sent]


@pytest.mark.parametrize("line", ['send = "flac"', 'opus_bitrate = "1k"', "opus_bitrate = 300"])
def test_a_wrong_value_in_a_file_is_told_with_the_file(asrcli, clip, tmp_path, monkeypatch, line):
    (tmp_path / "asrcli.toml").write_text(line)
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", clip, "--region", "local")
    assert done.code == 2
    assert "asrcli.toml" in done.err


def test_auto_goes_over_to_opus_where_the_network_is_slow_and_begins_with_it_the_next_time(
    asrcli, tmp_path, monkeypatch
):
    """A network of 160 kbit/s at twice real time is one of 80."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    talk = a_sentence_every(tmp_path, 4, 12, timeline="tones")
    sound = talk.write_wav(tmp_path / "talk.wav")
    with running_service(talk.recognizer) as service, slow_link(service.url, 20_000) as way:
        command = ("file", sound, "--endpoint", way, "--pace", "2", "--send", "auto", "--json")
        over, begun = asrcli(*command), asrcli(*command)
        other = asrcli("file", sound, "--endpoint", service.url, "--pace", "fast", "--send", "auto", "--json")
    for done in (over, begun, other):
        assert (done.code, done.events[-1]["complete"], done.events[-1]["reconnects"]) == (0, True, 0)
        finals = [(each["index"], each["text"]) for each in done.events if each["type"] == "final"]
        assert finals == [(number, text) for number, text, _, _ in talk.told()]
    changes = [[each for each in done.events if each["type"] == "encoding"] for done in (over, begun, other)]
    assert changes == [[{"type": "encoding", "source": str(sound), "encoding": "opus", "resume_ms": 0}], [], []]
    begins = [next(each for each in done.events if each["type"] == "begin") for done in (over, begun, other)]
    assert [begin["send"] for begin in begins] == ["pcm", "opus", "pcm"]
    assert over.err.count("the network is too slow for PCM") == 1
    assert begun.err.count("goes over as Opus: not long ago this network was too slow for PCM") == 1
    assert other.err == ""


@pytest.fixture
def task():
    """A service that hears one task, with what it was told and heard."""
    said: list[str] = []
    heard: list[bytes] = []

    def service(talk: Conversation) -> None:
        said.append(talk.expect("run-task")["payload"]["parameters"]["format"])
        talk.say("task-started")
        heard.append(talk.audio_until("finish-task"))
        talk.say("task-finished")

    with scripted_server(service) as url:
        yield url, said, heard


def test_a_file_goes_as_it_is_byte_for_byte(asrcli, clip, tmp_path, task):
    url, said, heard = task
    mp3 = tmp_path / "clip.mp3"
    soundfile.write(mp3, *soundfile.read(clip, dtype="int16"), format="MP3")
    done = asrcli("file", mp3, "--endpoint", url, "--pace", "fast", "--send", "as-is!", "--json")
    assert done.code == 0
    assert said == ["mp3"]
    # The first frame holds no sound, but what it is: a decoder has no use for it.
    assert mp3.read_bytes().endswith(heard[0])
    assert len(heard[0]) > 0.9 * mp3.stat().st_size
    assert done.events[0]["send"] == "mp3"
    assert done.events[-1]["sent_bytes"] == len(heard[0])


def test_what_cannot_go_as_it_is_is_told_and_sent_as_pcm_or_refused(asrcli, clip, tmp_path, task):
    url, said, heard = task
    flac = tmp_path / "clip.flac"
    soundfile.write(flac, *soundfile.read(clip, dtype="int16"))
    done = asrcli("file", flac, "--endpoint", url, "--pace", "fast", "--send", "as-is")
    assert done.code == 0
    assert "clip.flac is converted: it is FLAC, which the service does not take" in done.err
    assert (said, len(heard[0])) == (["pcm"], SECONDS * 32000)
    refused = asrcli("file", flac, "--endpoint", url, "--send", "as-is!")
    assert (refused.code, refused.out) == (2, "")


def test_qwen_takes_opus_as_it_is_and_nothing_else(asrcli, clip, tmp_path):
    mp3 = tmp_path / "clip.mp3"
    soundfile.write(mp3, *soundfile.read(clip, dtype="int16"), format="MP3")
    done = asrcli("qwen", mp3, "--send", "as-is!", "--endpoint", "ws://127.0.0.1:9")
    assert done.code == 2
    assert "it is mp3, and the model takes pcm and opus only" in done.err
    manual = asrcli("qwen", mp3, "--send", "as-is!", "--manual", "--endpoint", "ws://127.0.0.1:9")
    assert manual.code == 2
    assert "where utterances end shows only when it is decoded" in manual.err
