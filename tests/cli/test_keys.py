"""The key is in no line that is written and in no child's environment; what was said is never changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.endings import PLANTED_KEY, running
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV, descendants

KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "arguments",
    [
        ("file", TALK_WAV, "--api-key-file", KEY),
        ("file", TALK_WAV, f"--api-key-file={KEY}"),
        ("file", TALK_WAV, "--api-key-file", "sk-short1"),
        ("file", KEY),
        ("file", KEY, "nosuch.wav"),
        ("file", TALK_WAV, "-m", KEY, "--api-key-file", KEY),
        ("file", TALK_WAV, "--endpoint", KEY),
        ("file", TALK_WAV, "--pace", KEY),
        ("file", TALK_WAV, "--hotwords", f"{KEY}:9"),
        ("file", TALK_WAV, "--save-audio", f"{KEY}/a.wav"),
        (KEY,),
    ],
    ids=lambda each: " ".join(str(part)[:16] for part in each if part != TALK_WAV),
)
def test_a_key_in_the_wrong_place_is_not_echoed(asrcli, arguments):
    key = "sk-short1" if "sk-short1" in arguments else KEY
    for form in ((), ("--json",)):
        done = asrcli(*arguments, *form)
        assert done.code in (2, 4)
        assert key not in done.out + done.err
        assert "sk-…" in done.err
        if form:
            assert "sk-…" in done.out


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OSS_ACCESS_KEY_SECRET"])
def test_a_key_of_an_object_store_is_not_echoed(asrcli, monkeypatch, variable):
    key = "wJalrXUtnFEMI/K7MDENG"
    monkeypatch.setenv(variable, key)
    done = asrcli("file", f"s3://{key}/a.wav", f"{key}.wav", "--json")
    assert done.code == 2
    assert key not in done.out + done.err
    assert "***" in done.err


def test_a_key_in_a_configuration_file_is_not_echoed(asrcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("asrcli.toml").write_text(f'model = "{KEY}"\nregion = "{KEY}"\n')
    done = asrcli("file", TALK_WAV, "--json")
    assert done.code == 2
    assert KEY not in done.out + done.err
    assert "sk-…" in done.err


def test_what_the_service_says_of_a_key_is_masked_but_not_what_was_said(asrcli, monkeypatch):
    """In logs, notices, reasons and errors, whatever the key looks like; the transcript says what was said."""
    own = "a-key-of-another-kind"
    monkeypatch.setenv("DASHSCOPE_API_KEY", own)

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.say_sentence(1, f"My key is {KEY}, or {own}.", 0, 1000)
        talk.expect("finish-task")
        talk.say("task-failed", error_code="Odd", error_message=f"neither {KEY} nor {own}")

    with scripted_server(script) as url:
        arguments = ("file", TALK_WAV, "--pace", "fast", "--endpoint", url, "--retries", "0", "-vv")
        as_json, as_text = asrcli(*arguments, "--json"), asrcli(*arguments)
    assert (as_json.code, as_text.code) == (5, 5)
    for done in (as_json, as_text):
        assert KEY not in done.err
        assert own not in done.err
        assert "neither sk-… nor ***" in done.err
    [final] = [line for line in as_json.events if line["type"] == "final"]
    assert final["text"] == f"My key is {KEY}, or {own}."
    assert as_text.out == f"My key is {KEY}, or {own}.\n"
    assert as_json.events[-1]["message"].startswith("neither sk-… nor ***")


def test_a_key_that_is_refused_inside_the_session_is_exit_4_at_once(asrcli):
    tasks = 0

    def script(talk: Conversation) -> None:
        nonlocal tasks
        tasks += 1
        talk.expect("run-task")
        talk.say("task-failed", error_code="InvalidApiKey", error_message="Invalid API-key provided.")

    with scripted_server(script) as url:
        done = asrcli("file", TALK_WAV, "--pace", "fast", "--endpoint", url, "--json")
    assert (done.code, tasks) == (4, 1)
    assert done.events[-1]["code"] == "InvalidApiKey"
    assert "Invalid API-key provided." in done.err


def test_a_bug_does_not_tell_the_key(tmp_path):
    script = (
        "import sys, asrcli.cli.app as app\n"
        "def broken(arguments): raise RuntimeError(arguments)\n"
        "app.run = broken\n"
        "sys.argv = ['asrcli', sys.argv[1]]\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, KEY], capture_output=True, text=True, check=False)
    assert "RuntimeError" in done.stderr
    assert "sk-…" in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("names", [("ffmpeg", "ffprobe"), ("ffmpeg",)], ids=["with ffprobe", "without"])
def test_decoders_do_not_inherit_it(names, tmp_path):
    told = tmp_path / "environment"
    for name in names:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{{ echo {name}; /usr/bin/env; }} >> {told}\nexit 1\n")
        program.chmod(0o755)
    talk = tmp_path / "talk.m4a"
    talk.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(1000))
    done = subprocess.run(
        [sys.executable, "-m", "asrcli", "file", str(talk)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "PATH": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert done.returncode == 2, done.stderr
    environment = told.read_text()
    assert set(names) <= set(environment.split())
    assert f"HOME={tmp_path}" in environment
    assert PLANTED_KEY not in environment


@pytest.mark.slow
def test_the_local_service_and_its_recogniser_do_not_inherit_it():
    with running("file", TALK_WAV, "--region", "local", "--json", "--pace", "8") as run:
        assert run.process.stdout is not None
        while '"type":"final"' not in run.process.stdout.readline():
            assert run.process.poll() is None, run.stderr.read_text()
        children = descendants(run.process.pid)
        environments = [Path(f"/proc/{child}/environ").read_text() for child in children]
    assert len(children) >= 2
    assert all("HOME=" in each and PLANTED_KEY not in each for each in environments)
