"""`asrcli guide`: the topics, plain in a pipe, made up and paged on a terminal."""

from __future__ import annotations

import re
import sys

import pytest

from asrcli.cli import topics
from asrcli.cli.flags import completions
from tests.support.loaded import loaded_by_running


@pytest.fixture
def paged(monkeypatch, tmp_path):
    """What reaches the pager is in this file, behind the LESS that it was started with."""
    seen = tmp_path / "paged"
    code = "import os, sys; print(os.environ['LESS'], sys.stdin.read())"
    monkeypatch.setenv("PAGER", f'{sys.executable} -c "{code}" > "{seen}"')
    return seen


@pytest.fixture
def terminal(asrcli, paged, monkeypatch):
    """Runs the program on a terminal of 60 columns; its code and what can be read there."""

    def run(*arguments):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        done = asrcli(*arguments)
        return done.code, _read(done.out)

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    return run


def _read(shown):
    """Without colours, and without the blanks that fill lines."""
    return re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", shown), flags=re.MULTILINE)


def test_without_a_topic_each_is_named_with_its_heading(asrcli):
    done = asrcli("guide")
    assert done.code == 0
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines == topics.topics()
    assert lines["reconnecting"] == "What happens when the connection drops"
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_pipe_gets_the_markdown_as_it_is(asrcli):
    for topic in topics.topics():
        done = asrcli("guide", topic)
        assert (done.code, done.out, done.err) == (0, (topics.FOLDER / f"{topic}.md").read_text("utf-8"), "")


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("reconecting", "reconnecting"),
        ("docum", "documents"),
        ("subtitels", "documents"),
        ("Mikrophones", "microphone"),
    ],
)
def test_a_wrong_topic_names_the_nearest(asrcli, typed, nearest):
    done = asrcli("guide", typed)
    assert (done.code, done.out) == (2, "")
    assert done.err.strip().endswith(f"there is no guide '{typed}' (did you mean `asrcli guide {nearest}`?)")
    assert "`asrcli guide` lists them" in asrcli("guide", "xyzzy").err
    # It names no file elsewhere.
    assert asrcli("guide", "../guide/models").code == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("subtitles", "documents"), ("Microphones", "microphone"), ("key", "settings"), ("captions", "documents"),
        ("proxy", "network"), ("install", "doctor"), ("errors", "exit-codes"), ("reuse_bench", "reuse-bench"),
    ],
)  # fmt: skip
def test_another_word_opens_the_guide_that_is_meant(asrcli, typed, meant):
    done = asrcli("guide", typed)
    assert (done.code, done.out, done.err) == (0, topics.text(meant), "")


def test_every_other_word_leads_to_a_guide_and_to_one_only():
    words = [*topics.TOPIC_OF]
    assert not {*words} & {*topics.topics()}
    assert {*topics.TOPIC_OF.values()} <= {*topics.topics()}
    assert len(words) == sum(len(each.split()) for each in topics._MEANT.values())


def test_a_terminal_shows_it_in_its_width_through_the_pager(terminal, paged):
    assert terminal("guide", "many-sources") == (0, "")
    shown = _read(paged.read_text("utf-8"))
    assert shown.startswith("FRX ")
    # Headings and code have lost their marks, and lines fit; a command stays whole.
    assert "```" not in shown
    assert "##" not in shown
    assert "asrcli file lecture.mp3 --split 8" in shown
    assert max(len(line) for line in shown.splitlines()[1:] if not line.startswith("    ")) <= 60


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ({}, ["--no-pager"]),
        ({"PAGER": ""}, []),
        ({"PAGER": "cat"}, []),
        ({"TERM": "dumb"}, []),
        ({"PAGER": "gone 'and"}, []),
    ],
)
def test_without_a_pager_it_is_printed(terminal, paged, monkeypatch, variables, arguments):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code, shown = terminal("guide", "faults", *arguments)
    assert code == 0
    assert "asrcli serve --fault drop=every:3" in shown
    assert not paged.exists()


def test_on_a_terminal_links_to_guides_read_as_commands_and_pictures_are_left_out(terminal):
    assert "see asrcli guide exit-codes." in " ".join(terminal("guide", "json-lines", "--no-pager")[1].split())
    assert "pictures" not in terminal("guide", "documents", "--no-pager")[1]
    # One that leads out of here is shown whole.
    _, shown = terminal("guide", "local-service", "--no-pager")
    assert "https://pypi.org/project/pocketsphinx" in "".join(shown.split())


def test_a_reader_who_leaves_the_pager_early_is_no_error(terminal, monkeypatch):
    monkeypatch.setenv("PAGER", "true")
    assert terminal("guide", "developing") == (0, "")


def test_topics_are_completed_with_their_headings():
    assert ("faults", "Test a client against a service that misbehaves") in completions.topics()


def test_reading_loads_nothing_heavy():
    loaded = loaded_by_running("guide", "models")
    assert not loaded & {"numpy", "websocket", "soundfile", "rich", "pydub", "urllib3"}


def test_each_guide_begins_with_a_heading_and_with_what_the_reader_wants():
    for topic, heading in topics.topics().items():
        first, blank, begin, *_ = topics.text(topic).splitlines()
        assert (first, blank) == (f"# {heading}", ""), topic
        assert begin.startswith("You "), topic
