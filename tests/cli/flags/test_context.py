"""--context and --context-turns: what is read and what is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asrcli.cli.flags.context import context_of
from asrcli.cli.flags.qwen import QwenFlags
from asrcli.values.context import Turn
from asrcli.values.errors import UsageError
from tests.support.service import TALK_WAV


def test_a_text_is_sent_and_a_file_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("\ufeffAda Lovelace\n", encoding="utf-8")
    (tmp_path / "talk.jsonl").write_text('{"user": "a", "assistant": "b"}\n', encoding="utf-8")
    assert context_of(None, None) == ()
    assert context_of("names and terms", None) == (Turn("names and terms"),)
    for given in ("names.txt", "@names.txt", str(tmp_path / "names.txt")):
        assert context_of(given, None) == (Turn("Ada Lovelace"),)
        assert QwenFlags(corpus=given).fields()["context"] == (Turn("Ada Lovelace"),)
    assert context_of("names.txt", tmp_path / "talk.jsonl") == (Turn("a", "b"), Turn("Ada Lovelace"))


@pytest.mark.parametrize(
    ("text", "turns", "reason"),
    [
        ("nosuch.txt", None, "--context nosuch.txt: no such file"),
        ("@nosuch", None, "--context nosuch cannot be read: No such file"),
        ("@empty", None, "--context @empty: no text in it"),
        (None, "nosuch", "--context-turns nosuch cannot be read: No such file"),
        (None, "empty", "--context-turns empty: no turn in it"),
        (None, "bad", "--context-turns bad:1: not JSON"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, monkeypatch, text, turns, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text(" \n", encoding="utf-8")
    (tmp_path / "bad").write_text("bad\n", encoding="utf-8")
    with pytest.raises(UsageError, match=reason):
        context_of(text, None if turns is None else Path(turns))


def test_turns_go_to_the_service_in_its_form_and_what_it_cuts_is_told(asrcli, talk_service, tmp_path):
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps({"user": "x" * 300, "assistant": "y" * 300}) + "\n", encoding="utf-8")
    done = asrcli(
        "file",
        TALK_WAV,
        "--endpoint",
        talk_service,
        "--pace",
        "fast",
        "--context-turns",
        path,
        "--context",
        "Ada",
        "-vv",
    )
    assert done.code == 0, done.err
    assert "turn 1 of the context has 600 characters" in done.err
    sent = next(line.partition("> ")[2] for line in done.err.splitlines() if '"run-task"' in line)
    assert json.loads(sent)["payload"]["input"]["context"] == [
        {"role": "user", "content": [{"type": "input_text", "text": "x" * 300}]},
        {"role": "assistant", "content": [{"type": "text", "text": "y" * 300}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Ada"}]},
    ]
