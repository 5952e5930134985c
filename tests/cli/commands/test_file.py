"""`asrcli file`: what a person and a script get for what they give."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import wave
from pathlib import Path

import jiwer
import pytest

from asrcli.engine.stages import Timeouts
from tests.support.beginnings import beginning
from tests.support.process import rest_of
from tests.support.scripted_server import Conversation, deaf_server, scripted_server, silent_port
from tests.support.service import TALK_TEXT, TALK_WAV, running_service, service_process, write_script

SENTENCES = [line.strip() for line in TALK_TEXT.read_text(encoding="utf-8").splitlines() if line.strip()]
PROGRAM = [sys.executable, "-m", "asrcli"]
ROOT = TALK_WAV.parents[2]


def wav(path: Path, seconds: float, rate_hz: int = 16000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(2 * round(seconds * rate_hz)))
    return path


def program(*arguments: object, **options) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, **options}
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], **options)


def completed(*arguments: object, key: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DASHSCOPE_API_KEY": key}
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ, check=False)


def test_plain_text_is_one_sentence_a_line(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast")
    assert done.code == 0
    assert done.out.splitlines() == SENTENCES
    assert done.err == ""


def test_json_lines_have_one_begin_and_one_end_and_times_in_order(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--json")
    events = done.events
    assert done.code == 0
    assert [event["type"] for event in events].count("begin") == 1
    assert events[0] == {
        "type": "begin", "v": 1, "source": str(TALK_WAV), "model": "fun-asr-realtime", "region": "custom",
        "protocol": "run-task", "sample_rate_hz": 16000, "send": "pcm", "duration_ms": events[0]["duration_ms"],
        "begun_at": events[0]["begun_at"],
    }  # fmt: skip
    finals = [event for event in events if event["type"] == "final"]
    assert [final["text"] for final in finals] == SENTENCES
    assert [final["index"] for final in finals] == list(range(1, len(SENTENCES) + 1))
    for final in finals:
        assert 0 <= final["begin_ms"] < final["end_ms"] <= events[0]["duration_ms"]
        assert final["words"]
    end = events[-1]
    assert (end["type"], end["complete"], end["sentences"]) == ("end", True, len(SENTENCES))
    assert end["audio_ms"] == events[0]["duration_ms"]
    assert len(end["task_ids"]) == 1
    assert [event for event in events if event["type"] == "partial"]


def test_no_partials_on_wish(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--json", "--no-partials")
    assert {event["type"] for event in done.events} == {"begin", "session", "final", "end"}


def test_results_go_to_a_file_whose_name_tells_the_format(asrcli, talk_service, tmp_path):
    target = tmp_path / "talk.jsonl"
    arguments = ("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", target)
    assert asrcli(*arguments).code == 0
    lines = target.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["type"] == "begin"
    again = asrcli(*arguments)
    assert again.code == 2
    assert "exists" in again.err
    assert target.read_text(encoding="utf-8").splitlines() == lines
    assert asrcli(*arguments, "--force").code == 0


def test_several_files_come_in_order_and_one_failure_does_not_stop_the_rest(asrcli, tmp_path):
    """The second task is refused; the third is recognised all the same."""

    def hears(text: str):
        def script(talk: Conversation) -> None:
            talk.expect("run-task")
            talk.say("task-started")
            talk.say_sentence(1, text, 0, 100)
            talk.expect("finish-task")
            talk.say("task-finished", {"output": {}})

        return script

    def refuses(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-failed", error_code="InvalidParameter", error_message="no")

    files = [wav(tmp_path / f"{name}.wav", 0.3) for name in "abc"]
    with scripted_server(hears("one"), refuses, hears("three")) as url:
        done = asrcli("file", tmp_path, "--endpoint", url, "--pace", "fast", "--json")
    assert done.code == 1
    # The next one may begin on a link that is about to be closed, and must go to another one then.
    told = [event for event in done.events if event["type"] not in ("session", "final", "reconnect")]
    kinds = [(event["type"], event["source"]) for event in told]
    a, b, c = map(str, files)
    assert kinds == [("begin", a), ("end", a), ("begin", b), ("end", b), ("error", b), ("begin", c), ("end", c)]
    assert [event["text"] for event in done.events if event["type"] == "final"] == ["one", "three"]
    assert "1 of 3 sources failed" in done.err


def test_bad_sources_are_all_named_before_anything_is_sent(asrcli, tmp_path, talk_service):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.mp3").write_text("hello " * 100)
    done = asrcli("file", TALK_WAV, tmp_path / "empty.wav", tmp_path / "text.mp3", "--endpoint", talk_service)
    assert done.code == 2
    assert done.out == ""
    assert "empty.wav" in done.err
    assert "text.mp3" in done.err
    assert "nothing was sent" in done.err


def test_a_quoted_pattern_that_matches_folders_means_what_they_hold(asrcli, tmp_path, talk_service):
    for name in ("talks-a", "talks-b"):
        (tmp_path / name).mkdir()
        shutil.copy(TALK_WAV, tmp_path / name / "talk.wav")
    done = asrcli("file", tmp_path / "talks-*", "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    sources = [event["source"] for event in done.events if event["type"] == "end"]
    assert sources == [str(tmp_path / name / "talk.wav") for name in ("talks-a", "talks-b")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nosuch.wav"], 2, "nosuch.wav"),
        (["."], 2, "holds no audio file"),
        (["*.nosuch"], 2, "nothing matches"),
        ([TALK_WAV, "--pace", "0"], 2, "pace"),
        ([TALK_WAV, "--json", "-f", "text"], 2, "exclude each other"),
        ([TALK_WAV, "-f", "srt9"], 2, "choose one of text, json"),
        ([TALK_WAV, "-o", "/nosuch/x.txt"], 2, "no folder /nosuch"),
        ([TALK_WAV, "-o", "."], 2, "folder"),
        ([TALK_WAV, "--region", "mars"], 2, "intl, cn, qwen-intl, qwen-cn, local"),
        ([TALK_WAV, "--color", "red"], 2, "auto, always, never"),
        ([TALK_WAV, "--quiet", "-v"], 2, "exclude each other"),
        ([TALK_WAV, "--disfluency-removal"], 2, "fun-asr-realtime has no --disfluency-removal"),
        ([TALK_WAV, "--param", "x"], 2, "KEY=VALUE"),
        ([TALK_WAV, "--max-sentence-silence", "soon"], 2, "--max-sentence-silence"),
        ([TALK_WAV, "--rate", "-5"], 2, "rate"),
        ([TALK_WAV, "--modle", "x"], 2, "--model"),
        ([TALK_WAV, "--protocol", "grpc"], 2, "run-task"),
        ([TALK_WAV, "--endpoint", "ws://example.com"], 2, "in clear"),
        ([TALK_WAV], 4, "DASHSCOPE_API_KEY"),
        ([TALK_WAV, "--api-key-file", "/nosuch"], 4, "/nosuch"),
        (["-", "-"], 2, "only once"),
    ],
)
def test_bad_input_is_one_clear_line_and_the_right_code(asrcli, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", *arguments)
    assert done.code == code
    assert said in done.err
    assert done.err.startswith("asrcli: error: ")
    assert done.err.count("\n") == 1
    assert [line["type"] for line in done.events] == (["error"] if "--json" in arguments else [])


def test_an_error_under_json_is_the_last_line_on_stdout_too(asrcli):
    done = asrcli("file", "nosuch.wav", "--json")
    assert done.code == 2
    [error] = done.events
    assert (error["type"], error["code"], error["source"], error["retryable"]) == (
        "error",
        "UsageError",
        "nosuch.wav",
        False,
    )
    assert "nosuch.wav" in error["message"]


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (429, 5), (404, 5), (503, 6)])
def test_a_refused_handshake_has_its_code(asrcli, status, code):
    with scripted_server(lambda talk: None, refuse=status) as url:
        done = asrcli("file", TALK_WAV, "--endpoint", url, "--retries", 0, "--json")
    assert done.code == code
    assert f"HTTP {status}" in done.err
    assert [event["type"] for event in done.events] == ["begin", "end", "error"]
    assert done.events[1]["complete"] is False


def test_nobody_there_is_a_network_error(asrcli, dead_port):
    done = asrcli("file", TALK_WAV, "--endpoint", f"ws://127.0.0.1:{dead_port}")
    assert done.code == 6
    assert "nothing answers there" in done.err


def test_a_refused_parameter_shows_code_message_and_task(asrcli):
    with running_service() as service:
        done = asrcli("file", TALK_WAV, "--endpoint", service.url, "--param", "max_sentence_silence=99", "--json")
    assert done.code == 5
    error = done.events[-1]
    assert error["request_id"]
    assert "max_sentence_silence" in error["message"]
    assert error["request_id"] in done.err


def test_a_wrong_key_is_refused_and_shown_nowhere():
    with running_service(required_key="another") as service:
        done = completed("file", TALK_WAV, "--endpoint", service.url, "-vv", "--json", key="sk-planted-secret")
    assert done.returncode == 4
    assert "401" in done.stderr
    assert "sk-planted-secret" not in done.stdout + done.stderr


def test_very_verbose_shows_the_messages_without_the_key(talk_service):
    done = completed("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-vv", key="sk-planted-secret")
    assert done.returncode == 0
    assert '"action": "run-task"' in done.stderr
    assert "task-finished" in done.stderr
    assert "sk-planted-secret" not in done.stdout + done.stderr


def test_a_hostile_transcript_cannot_drive_a_terminal(asrcli):
    hostile = "\x1b]0;title\x07\x1b[2J[/b][red]\u202eabc\r\n\x9b31m"

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.say_sentence(1, hostile, 0, 100)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(script) as url:
        text = asrcli("file", TALK_WAV, "--endpoint", url, "--pace", "fast")
        lines = asrcli("file", TALK_WAV, "--endpoint", url, "--pace", "fast", "--json")
    assert text.code == lines.code == 0
    assert text.out.count("\n") == 1
    assert "[/b][red]" in text.out
    for output in (text.out, lines.out):
        assert not {character for character in output if character < " " or "\x7f" <= character < "\xa0"} - {"\n"}
    assert [event["text"] for event in lines.events if event["type"] == "final"] == [hostile]


def test_stats_are_for_the_person(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--stats")
    assert done.out.splitlines() == SENTENCES
    assert "real-time factor" in done.err


def test_8k_models_are_sent_8_khz(asrcli):
    seen = {}

    def script(talk: Conversation) -> None:
        seen["rate"] = talk.expect("run-task")["payload"]["parameters"]["sample_rate"]
        talk.say("task-started")
        seen["bytes"] = len(talk.expect_audio(2 * 8000 * 31))
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(script) as url:
        done = asrcli("file", TALK_WAV, "--endpoint", url, "--pace", "fast", "-m", "paraformer-realtime-8k-v2")
    assert done.code == 0
    assert seen["rate"] == 8000


def test_an_unknown_model_is_a_warning(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-m", "fun-asr-realtim")
    assert done.code == 0
    assert "did you mean fun-asr-realtime?" in done.err


def test_a_reader_that_leaves_is_a_quiet_end(talk_service):
    process = program("file", TALK_WAV, "--endpoint", talk_service, "--pace", "20")
    assert process.stdout.readline().strip() == SENTENCES[0]
    process.stdout.close()
    assert process.wait(30) == 0
    with process.stderr:
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_delivers_what_was_said_so_far(talk_service, number, code):
    process = program("file", TALK_WAV, "--endpoint", talk_service, "--pace", "4", "--json", "--no-partials")
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["type"] == "final":
            process.send_signal(number)
            break
    rest, said = rest_of(process)
    lines += [json.loads(line) for line in rest.splitlines()]
    assert process.returncode == code
    assert [line["type"] for line in lines][-2:] == ["end", "error"]
    assert signal.Signals(number).name in said
    # The sentence that was open when the signal came is there too, as far as it was said.
    assert len([line for line in lines if line["type"] == "final"]) >= 1
    assert len(lines[-2]["task_ids"]) == 1


def test_standard_input_is_read_as_it_arrives(talk_service):
    """The first sentence is out while the rest of the audio has not been written yet."""
    process = program("file", "-", "--endpoint", talk_service, "--pace", "fast", stdin=subprocess.PIPE)
    data = TALK_WAV.read_bytes()
    process.stdin.buffer.write(data[: len(data) // 2])
    process.stdin.flush()
    assert process.stdout.readline().strip() == SENTENCES[0]
    process.stdin.buffer.write(data[len(data) // 2 :])
    out, _ = rest_of(process)
    assert process.returncode == 0
    assert out.splitlines() == SENTENCES[1:]


def test_raw_audio_on_standard_input_is_described_by_options(talk_service):
    with wave.open(str(TALK_WAV)) as file:
        raw = file.readframes(file.getnframes())
    command = [*PROGRAM, "file", "-", "--endpoint", talk_service, "--pace", "fast", "--encoding", "s16le", "--json"]
    done = subprocess.run(command, input=raw, capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["sentences"] == len(SENTENCES)


def test_an_empty_pipe_says_so(talk_service):
    command = [*PROGRAM, "file", "-", "--endpoint", talk_service]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=ROOT, check=False, text=True)
    assert done.returncode == 1
    assert "no audio received" in done.stderr


@pytest.mark.slow
def test_region_local_recognises_the_talk_with_the_real_recogniser(asrcli, tmp_path):
    """Two sentences of it: the recogniser is given the whole talk in its own tests."""
    two = beginning(tmp_path / "talk.wav", 9.2)
    done = asrcli("file", two, "--region", "local", "--pace", "fast", "--json", "--no-partials")
    assert done.code == 0
    heard = [event["text"] for event in done.events if event["type"] == "final"]
    assert done.events[0]["region"] == "local"
    clean = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.Strip()])
    assert jiwer.wer(clean(" ".join(SENTENCES[:2])), clean(" ".join(heard))) <= 0.10
    assert len(heard) == 2


def test_the_local_service_ends_with_the_program(tmp_path):
    """Even with one that is killed: its process sees the end of its standard input."""
    with service_process(["--recognizer", write_script(tmp_path / "s.jsonl"), "--exit-with-parent"]) as (_, process):
        process.stdin.close()
        assert process.wait(15) == 0


@pytest.mark.parametrize("server", [silent_port, deaf_server])
def test_a_service_that_never_answers_is_given_up_in_time(asrcli, monkeypatch, server):

    monkeypatch.setattr(Timeouts, "__init__", _short_limits(Timeouts.__init__))
    with server() as url:
        done = asrcli("file", TALK_WAV, "--endpoint", url)
    assert done.code == 6
    assert "within 0.3 s" in done.err


def _short_limits(original):
    def init(self, **given):
        original(self, **{"connect_s": 0.3, "start_s": 0.3, "finish_s": 0.3, **given})

    return init


def test_a_name_with_a_newline_and_an_emoji_is_shown_safely(asrcli, talk_service, tmp_path):
    path = tmp_path / "a\nb\x1b[31m🎤.wav"
    path.write_bytes(TALK_WAV.read_bytes())
    done = asrcli("file", path, "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    assert done.events[0]["source"] == str(path)
    missing = asrcli("file", f"{path}.gone", "--endpoint", talk_service)
    assert missing.err.count("\n") == 1
    assert "\x1b" not in missing.err


@pytest.mark.parametrize("option", ["--output", "--save-audio"])
def test_a_result_is_never_written_over_its_source(asrcli, talk_service, tmp_path, option):
    path = tmp_path / "talk.wav"
    path.write_bytes(TALK_WAV.read_bytes())
    arguments = (option, f"{tmp_path}/./talk.wav", "--force", "-f", "text", "--endpoint", talk_service)
    done = asrcli("file", path, *arguments)
    assert done.code == 2
    assert "is the source itself" in done.err
    assert path.read_bytes() == TALK_WAV.read_bytes()


def test_a_refused_key_has_the_services_own_code(asrcli, monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-other")
    with running_service(required_key="another") as service:
        done = asrcli("file", TALK_WAV, "--endpoint", service.url, "--json")
    assert done.code == 4
    assert done.events[-1]["code"] == "InvalidApiKey"


def test_a_closed_standard_error_is_no_hindrance(talk_service):
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *PROGRAM, "file", TALK_WAV, "--endpoint", talk_service]
    done = subprocess.run([*command, "--pace", "fast"], stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert done.stdout.splitlines() == SENTENCES


def test_an_empty_name_is_no_source(asrcli, talk_service):
    assert asrcli("file", "", "--endpoint", talk_service).code == 2


def test_verbose_tells_what_happens_on_the_line(talk_service):
    done = completed("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-v", key="k")
    assert "asrcli: connected to ws://127.0.0.1" in done.stderr
    assert "takes audio" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("{long}",), ("talk.wav", "-o", "{long}"), ("talk.wav", "--save-audio", "{long}")]
)
def test_a_name_that_no_system_has_is_bad_input(asrcli, tmp_path, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.wav").write_bytes(TALK_WAV.read_bytes())
    done = asrcli("file", *(each.format(long="x" * 300) for each in arguments), "--endpoint", "ws://127.0.0.1:9")
    assert done.code == 2
    assert done.err == f"asrcli: error: the system has no names as long as {'x' * 40}…\n"
