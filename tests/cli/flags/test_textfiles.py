"""Options that take a text or a file: which of the two is meant, and what a file may hold."""

from __future__ import annotations

import os
import threading

import pytest

from asrcli.cli.flags.textfiles import hotwords_of, text_of
from asrcli.values.errors import UsageError
from tests.support.service import TALK_WAV


@pytest.mark.parametrize(
    "text",
    [
        "Kubernetes",
        "input/output of the parser",
        "TCP/IP, UDP",
        "TCP/IP:5",
        "Ada, Grace",
        "see notes.txt",
        "a\n/b",
        "x" * 5000,
        "\0",
    ],
)
def test_a_text_is_a_text(text):
    assert text_of(text, "--corpus") is None


def test_a_file_of_any_name_is_read(tmp_path, monkeypatch):
    """Windows' mark of the encoding is not part of the text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "terms").write_text("\ufeffAda\nGrace\n", encoding="utf-8")
    assert text_of("terms", "--corpus") == "Ada\nGrace"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("nosuch.txt", "no such file"),
        ("NOSUCH.MD", "no such file"),
        ("terms/nosuch", "no such file"),
        ("./my terms", "no such file"),
        ("~/terms", "no such file"),
        ("/tmp", "a folder, not a file"),
    ],
)
def test_a_path_that_leads_to_no_file_is_an_error(given, reason):
    with pytest.raises(UsageError, match=f"--corpus {given}: {reason}"):
        text_of(given, "--corpus")


def test_hotwords_come_from_a_file_and_go_to_the_service(asrcli, talk_service, tmp_path):
    path = tmp_path / "words"
    path.write_text("Ada Lovelace : 5\n\nGrace\n", encoding="utf-8")
    model = ("-m", "qwen-audio-3.0-asr-flash-streaming")
    shown = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", *model, "--hotwords", path, "-vv")
    assert shown.code == 0
    assert '"vocabulary": {"Ada Lovelace": 5, "Grace": 4}' in shown.err
    path.write_text("Ada:9\n", encoding="utf-8")
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, *model, "--hotwords", path)
    assert done.code == 2
    assert "--hotwords 'Ada:9' has the weight 9" in done.err
    assert asrcli("file", TALK_WAV, "--endpoint", talk_service, "--hotwords", "nosuch.txt").code == 2


def test_a_named_pipe_is_a_file(tmp_path):
    """As a shell makes one of <(…)."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("Ada\n",))
    writer.start()
    assert text_of(str(pipe), "--context") == "Ada"
    writer.join()


def test_of_what_has_no_end_no_more_is_read_than_may_be():
    with pytest.raises(UsageError, match="/dev/zero is too long"):
        text_of("@/dev/zero", "--context")


@pytest.mark.parametrize("given", ["words", "./words", "@words", "vocab-x-1.txt"])
def test_hotwords_of_a_file_come_from_it(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / given.strip("@")).write_bytes("\ufeff# names\r\nAda Lovelace:5\r\n杭州\r\n".encode())
    read = hotwords_of(given)
    assert (read.list_id, str(read.file)) == (None, given.strip("./@") if given != "vocab-x-1.txt" else given)
    assert [(phrase.word.text, phrase.word.weight) for phrase in read.phrases.found] == [
        ("Ada Lovelace", 5),
        ("杭州", 4),
    ]
    assert read.phrases.found[1].place.endswith(":3: --hotwords")


def test_an_id_is_one_even_where_there_is_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vocab-x-1").write_text("Ada\n", encoding="utf-8")
    assert hotwords_of("vocab-x-1").list_id == "vocab-x-1"
    assert hotwords_of("./vocab-x-1").file is not None


@pytest.mark.parametrize("given", ["Hamm:4", "Hamm,", "Ada Lovelace", "Ada,Grace:5", "vocab-x:5"])
def test_phrases_are_phrases(given):
    read = hotwords_of(given)
    assert (read.list_id, read.file) == (None, None)
    assert read.phrases.found


def test_one_word_alone_is_refused_with_the_ways_to_say_it():
    with pytest.raises(UsageError, match="--hotwords Hamm is neither a file nor the id of a list") as refused:
        hotwords_of("Hamm")
    assert refused.value.hint == 'a phrase is "Hamm:4", a file ./Hamm or @Hamm, and an id begins with vocab-'


@pytest.mark.parametrize("given", ["names.txt", "./names", "lists/names"])
def test_a_missing_file_of_hotwords_is_told(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        hotwords_of(given)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        hotwords_of("@names")
