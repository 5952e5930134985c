"""`asrcli qwen --mic` on a real PortAudio, in both modes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.process import rest_of
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import running_service, write_script
from tests.support.virtual_mic import SAY_RATE_HZ, VirtualMic, noise, virtual_mic, write_wav

TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMic]:
    with virtual_mic(tmp_path_factory.mktemp("mic")) as mic:
        yield mic


def started(
    microphone: VirtualMic, url: str, *arguments: str, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "asrcli", "qwen", "--mic", "--endpoint", url, "--json", *arguments]
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=microphone.environ
    )


def lines_until(process: subprocess.Popen[str], kind: str, count: int = 1) -> list[dict[str, Any]]:
    """The JSON lines up to the `count`-th one of that type."""
    seen: list[dict[str, Any]] = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if [item["type"] for item in seen].count(kind) == count:
            break
    return seen


def commits(count: int):
    """A service that answers each commit with a sentence, and then the end."""

    def script(talk: Conversation) -> None:
        talk.begin_session()
        for number in range(1, count + 1):
            talk.expect_type("input_audio_buffer.commit")
            talk.say_event("input_audio_buffer.committed", item_id=f"item {number}")
            talk.say_event(f"{TRANSCRIPTION}.completed", item_id=f"item {number}", transcript=f"Utterance {number}.")
        talk.expect_type("session.finish")
        talk.say_event("session.finished")

    return script


def test_vad_mode_ends_on_ctrl_c_with_what_was_said(microphone, tmp_path):
    script = write_script(tmp_path / "s.jsonl", {"begin_ms": 100, "end_ms": 600, "text": "Hello there."})
    with running_service(script) as service, started(microphone, service.url, "--silence-ms", "200") as process:
        seen = lines_until(process, "final")
        process.send_signal(signal.SIGINT)
        rest, said = rest_of(process)
    assert process.returncode == 0, said
    assert seen[-1]["text"] == "Hello there."
    assert json.loads(rest.splitlines()[-1])["complete"] is True


def test_without_a_terminal_manual_mode_cuts_at_pauses(microphone, tmp_path):
    hush = np.zeros(round(1.5 * SAY_RATE_HZ), np.int16)
    sound = write_wav(tmp_path / "two.wav", np.concatenate([noise(0.8), hush, noise(0.8), hush]))
    with scripted_server(commits(2)) as url, started(microphone, url, "--manual") as process:
        lines_until(process, "begin")
        with microphone.say(sound):
            seen = lines_until(process, "final", count=2)
        process.send_signal(signal.SIGINT)
        rest_of(process)
    assert [line["text"] for line in seen if line["type"] == "final"] == ["Utterance 1.", "Utterance 2."]


def test_on_a_terminal_enter_ends_an_utterance_and_pauses_do_not(microphone, tmp_path: Path):
    hush = np.zeros(round(1.5 * SAY_RATE_HZ), np.int16)
    sound = write_wav(tmp_path / "pause.wav", np.concatenate([noise(0.5), hush, noise(0.5)]), silence_s=0.5)
    ours, theirs = pty.openpty()
    with scripted_server(commits(1)) as url, started(microphone, url, "--manual", stdin=theirs) as process:
        lines_until(process, "begin")
        with microphone.say(sound):
            pass
        os.write(ours, b"\n")
        # One commit only, although there was a pause: the script would answer a second one with nothing.
        seen = lines_until(process, "final")
        process.send_signal(signal.SIGINT)
        _, said = rest_of(process)
    os.close(ours)
    os.close(theirs)
    assert seen[-1]["text"] == "Utterance 1."
    assert seen[-1]["end_ms"] - seen[-1]["begin_ms"] > 2000
    assert "Enter ends an utterance" in said
