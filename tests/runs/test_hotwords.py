"""Hotwords in a run: which list serves it, when one is made, and what is told."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import re
import sys

import pytest

from asrcli.api.client import Client
from asrcli.runs import hotwords, local
from asrcli.values.recognition import Endpoint
from tests.support.service import keep_list, running_service, write_script
from tests.support.word_service import gone_after, gone_before, says, word_service

FUN = "fun-asr-realtime"
QWEN = "qwen-audio-3.0-asr-flash-streaming"
KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.fixture
def service(tmp_path, monkeypatch):
    """One that hears Ada only where that is a hotword."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    sentence = {"begin_ms": 0, "end_ms": 900, "text": "We met Ada.", "hotword": "Ada", "misheard": "a duck"}
    with running_service(write_script(tmp_path / "script.jsonl", sentence)) as running:
        yield running


@pytest.fixture
def asked(monkeypatch):
    """What the HTTP API is asked for, in turn."""
    actions = []
    ask = Client.ask
    monkeypatch.setattr(
        Client,
        "ask",
        lambda self, question, **more: (actions.append(question["input"]["action"]), ask(self, question, **more))[1],
    )
    return actions


@pytest.fixture
def run(asrcli, service, tmp_path):
    """`asrcli file`, two seconds of sound."""
    sound = tmp_path / "sound.raw"
    sound.write_bytes(bytes(2 * 16 * 2000))
    given = ("file", sound, "--rate", 16000, "--pace", "fast", "--endpoint", service.url)
    return lambda *more: asrcli(*given, *more)


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeff# who was there\r\nAda:5\r\nGrace\r\n".encode())
    return path


def list_ids(service):
    return [each for lists in service.lists.accounts.values() for each in lists]


def test_a_list_is_made_once_and_used_again_without_a_request(run, service, names, asked):
    first = run("--hotwords", names, "--make-list")
    (made,) = list_ids(service)
    assert (first.code, first.out) == (0, "We met Ada.\n")
    assert first.err == f"hotwords: list {made} (2 phrases), made now\n"
    assert asked == ["create_vocabulary"]
    again = run("--hotwords", names)
    assert (again.code, again.out) == (0, "We met Ada.\n")
    assert again.err == f"hotwords: list {made} (2 phrases), known from before\n"
    assert asked == ["create_vocabulary"]
    # The same words by another way, with the JSON of the results alone on standard output.
    said = run("--hotwords", "Grace,Ada:5", "--json", "--quiet")
    assert (said.code, said.err) == (0, "")
    assert "We met Ada." in said.out
    assert asked == ["create_vocabulary"]


def test_words_go_inline_where_the_model_takes_them(run, service, names, asked):
    done = run("--hotwords", names, "-m", QWEN)
    assert (done.code, done.out, done.err) == (0, "We met Ada.\n", "")
    assert asked == list_ids(service) == []


def test_languages_that_cannot_go_inline_are_told(run, names):
    names.write_text("Ada\t5\ten\n", encoding="utf-8")
    assert f"{QWEN} is not told the languages of hotwords" in run("--hotwords", names, "-m", QWEN).err


def test_without_a_yes_the_command_that_makes_the_list_is_told(run, asrcli, service, names, asked):
    done = run("--hotwords", names)
    assert (done.code, done.out, asked) == (2, "", [])
    command = re.search(r"make it: asrcli (vocab create .+), or add --make-list", done.err)
    assert command is not None, done.err
    assert asrcli(*command[1].split()).code == 0
    assert "known from before" in run("--hotwords", names).err


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("\n", 2), ("", 2), ("n\n", 2)])
def test_on_a_terminal_it_is_asked_for(run, service, names, monkeypatch, answer, code):
    monkeypatch.setattr(hotwords, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = run("--hotwords", names)
    assert done.code == code
    assert "Make one, which stays there? [y/N] " in done.err
    assert len(list_ids(service)) == (code == 0)


def test_other_words_in_the_file_change_its_list(run, service, names, asked):
    run("--hotwords", names, "--make-list")
    names.write_text("Ada:5\nGrace\nALSA\n", encoding="utf-8")
    done = run("--hotwords", names)
    (made,) = list_ids(service)
    assert (done.code, done.err) == (0, f"hotwords: list {made} (3 phrases), changed now\n")
    assert asked == ["create_vocabulary", "update_vocabulary"]
    assert "known from before" in run("--hotwords", names).err
    # Once more within five minutes: known here, and refused by the service where it is not.
    names.write_text("Ada:5\n", encoding="utf-8")
    soon = run("--hotwords", names)
    assert soon.code == 2
    assert re.search(
        rf"can be again at \d\d:\d\d:\d\d \(until then --hotwords {made} has the words of before", soon.err
    )
    assert asked == ["create_vocabulary", "update_vocabulary"]
    assert run("--hotwords", made).out == "We met Ada.\n"


def test_the_service_may_say_that_it_is_too_soon(run, service, names):
    run("--hotwords", names, "--make-list")
    (kept,) = (each for lists in service.lists.accounts.values() for each in lists.values())
    kept.updated = datetime.datetime.now(datetime.UTC)
    names.write_text("Ada:5\n", encoding="utf-8")
    done = run("--hotwords", names)
    assert done.code == 5
    assert "A vocabulary can be updated once in 5 minutes" in done.err
    assert f"until then --hotwords {kept.id} has the words of before" in done.err


def test_a_list_that_is_gone_is_forgotten_and_made_again(run, service, names):
    run("--hotwords", names, "--make-list")
    service.lists.accounts.clear()
    gone = run("--hotwords", names, names.parent / "sound.raw", "--make-list", "--jobs", 2)
    assert gone.code == 1
    assert (
        gone.err.count("is not there any more, and is forgotten here: the same command with --make-list makes another")
        == 2
    )
    again = run("--hotwords", names, "--make-list")
    assert (again.code, again.out) == (0, "We met Ada.\n")
    assert "made now" in again.err
    # Gone as well when it is to be changed.
    service.lists.accounts.clear()
    names.write_text("Ada\n", encoding="utf-8")
    assert run("--hotwords", names).code == 2
    assert "made now" in run("--hotwords", names, "--make-list").err


def test_an_id_that_the_service_does_not_know(run):
    done = run("--hotwords", "vocab-x-1")
    assert done.code == 5
    assert "ResourceNotExist" in done.err
    assert "may be another account's or another region's: check the id, the key and --region" in done.err


def test_a_list_for_another_model_is_refused_once_it_is_known(run, asrcli, service):
    keep_list(service, KEY, "vocab-x-1", "paraformer-realtime-v2", "Ada")
    assert run("--hotwords", "vocab-x-1").out == "We met a duck.\n"
    asrcli("vocab", "show", "vocab-x-1", "--endpoint", service.url)
    done = run("--hotwords", "vocab-x-1")
    assert done.code == 2
    assert f"a list for paraformer-realtime-v2 and has no effect with {FUN}" in done.err
    assert run("--hotwords", "vocab-x-1", "-m", "paraformer-realtime-v2").out == "We met Ada.\n"
    # What was shown serves those words, too.
    assert "vocab-x-1 (1 phrase), known" in run("--hotwords", "Ada:4", "-m", "paraformer-realtime-v2").err


def test_what_vocab_does_is_known_here(run, asrcli, service, names, asked):
    vocab = ("vocab", "update", asrcli("vocab", "create", names, "--endpoint", service.url).out.strip())
    names.write_text("Ada\n", encoding="utf-8")
    assert asrcli(*vocab, names, "--endpoint", service.url).code == 0
    assert f"{vocab[2]} (1 phrase), known from before" in run("--hotwords", names).err
    assert asrcli("vocab", "delete", vocab[2], "--yes", "--endpoint", service.url).code == 0
    assert run("--hotwords", names).code == 2


def test_another_key_has_lists_of_its_own(run, service, names, monkeypatch):
    run("--hotwords", names, "--make-list")
    monkeypatch.setenv("DASHSCOPE_API_KEY", f"{KEY}0")
    assert run("--hotwords", names).code == 2
    assert "made now" in run("--hotwords", names, "--make-list").err
    assert len(list_ids(service)) == 2


def test_an_eleventh_list_is_the_service_s_to_refuse(run, service, names):
    for number in range(10):
        keep_list(service, KEY, f"vocab-x-{number}", FUN, "Ada")
    done = run("--hotwords", names, "--make-list")
    assert (done.code, done.out) == (5, "")
    assert "an account may have 10 lists, for all models together" in done.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "there are no phrases in it"),
        ("# nothing\n\n", "there are no phrases in it"),
        ("\n".join(f"w{number}" for number in range(2001)), "names.txt:2001: --hotwords there are 2001 phrases"),
        ("Ada\n\na b c d e f g h\n", "names.txt:3: --hotwords 'a b c d e f g h' has 8 words; 7 may be"),
        ("Ada:6\n", "names.txt:1: --hotwords 'Ada:6' has the weight 6"),
        ("Ada:50\n", f"'Ada' has the weight 50; {FUN} takes 1 to 5"),
        ("Ada:5\nAda:4\n", "names.txt:2: --hotwords 'Ada' has weight 5 before and 4 here"),
        ("Ada\t5\txx\n", f"'Ada': {FUN} knows no hotwords in 'xx'"),
    ],
)
def test_what_no_list_can_hold_is_refused_before_anything_is_sent(run, service, names, asked, content, reason):
    names.write_text(content, encoding="utf-8")
    done = run("--hotwords", names, "--make-list")
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
    assert asked == list_ids(service) == []


def test_without_a_key_nothing_is_asked_for(asrcli, names, tmp_path, monkeypatch, asked):
    (tmp_path / "sound.raw").write_bytes(bytes(32000))
    done = asrcli("file", tmp_path / "sound.raw", "--rate", 16000, "--hotwords", names, "--make-list")
    assert (done.code, asked) == (4, [])


def test_a_state_folder_that_cannot_be_written_is_told_and_the_run_goes_on(run, names, tmp_path):
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    done = run("--hotwords", names, "--make-list")
    assert (done.code, done.out) == (0, "We met Ada.\n")
    assert done.err.count("which hotword lists there are is not kept") == 1


def test_results_are_done_for_the_words_whatever_list_has_them(run, service, names, tmp_path):
    into = ("--hotwords", names, "--make-list", "--output-dir", tmp_path / "out")
    assert run(*into).code == 0
    service.lists.accounts.clear()
    again = run(*into)
    assert (again.code, "hotwords" in again.err) == (0, False)
    assert list_ids(service) == []
    names.write_text("Ada\n", encoding="utf-8")
    assert "made now" in run(*into).err


def test_a_bench_has_its_list_too(asrcli, service, names, tmp_path, asked):
    bench = ("reuse-bench", "tests/data/talk.wav", "--clip", 0.2, "--tasks", 2, "--pace", "fast", "--json")
    done = asrcli(*bench, "--endpoint", service.url, "--hotwords", names, "--make-list")
    assert done.code == 0, done.err
    assert "made now" in done.err
    assert all(task["error"] is None for task in json.loads(done.out)["runs"])
    assert asked == ["create_vocabulary"]


@pytest.mark.parametrize(
    ("faults", "code", "told"),
    [
        ({"create": [gone_after]}, 5, "but the list is there"),
        ({"create": [gone_before]}, 6, "the list was not made"),
        ({"create": [gone_after], "list": [says(400, "{}")]}, 6, "whether the list was made is not known"),
    ],
)
def test_where_the_network_goes_meanwhile_it_is_told_whether_there_is_a_list(
    asrcli, service, names, tmp_path, monkeypatch, faults, code, told
):
    """The lists are elsewhere, so that the service of the sound knows nothing of one that was made."""
    sound = tmp_path / "sound.raw"
    sound.write_bytes(bytes(32000))
    monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", service.url)
    with word_service() as words:
        words.faults.update(faults)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", f"http://127.0.0.1:{words.port}/api/v1")
        done = asrcli("file", sound, "--rate", 16000, "--pace", "fast", "--hotwords", names, "--make-list")
    assert done.code == code
    assert told in done.err


def test_the_service_of_one_run_gets_a_list_without_a_question(asrcli, service, names, tmp_path, monkeypatch, asked):
    class Local(contextlib.nullcontext[None]):
        moves = True

        def __enter__(self):
            return self

        def endpoint(self):
            return Endpoint(service.url, "of this run")

    sound = tmp_path / "sound.raw"
    sound.write_bytes(bytes(64000))
    monkeypatch.setattr(local, "LocalService", lambda *_: Local())
    given = ("file", sound, "--rate", 16000, "--pace", "fast", "--region", "local", "--hotwords", names)
    for _ in range(2):
        done = asrcli(*given)
        assert (done.code, done.out) == (0, "We met Ada.\n")
        assert "(2 phrases), made for this run" in done.err
    assert asked == ["create_vocabulary"] * 2
    assert not (tmp_path / "state").exists()
