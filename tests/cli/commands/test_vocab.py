"""`asrcli vocab …`: what is printed where, and what is refused before anything is sent."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.service.server import Service
from tests.support.loaded import loaded_by_running
from tests.support.program import Program
from tests.support.service import running_service
from tests.support.word_service import gone_after, gone_before, word_service

FUN = "fun-asr-realtime"


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture
def vocab(asrcli: Program, service: Service) -> Program:
    return lambda action, *words: asrcli("vocab", action, *words, "--endpoint", service.url)


def made(vocab: Program, *words: object) -> str:
    done = vocab("create", *(words or ("Ada Lovelace:5,ALSA",)))
    assert done.code == 0
    return done.out.strip()


def test_a_list_is_made_and_its_id_alone_is_on_standard_output(vocab):
    done = vocab("create", "Ada Lovelace:5,ALSA", "--prefix", "demo")
    assert done.code == 0
    assert done.out.startswith("vocab-demo-")
    assert done.out.count("\n") == 1
    assert done.err == f"2 phrases for {FUN}; use it with: --model {FUN} --hotwords {done.out.strip()}\n"


def test_no_list_is_made_where_standard_output_is_closed(service, vocab):
    command = f"{sys.executable} -m asrcli vocab create Ada,Bob --endpoint {service.url} >&-"
    done = subprocess.run(
        command,
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "DASHSCOPE_API_KEY": "k"},
    )
    assert done.returncode == 2
    assert done.stderr == "asrcli: error: standard output is closed (send it to a file or a pipe)\n"
    assert vocab("list").out == ""


def test_where_standard_output_takes_nothing_the_id_is_known_all_the_same(service):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "asrcli", "vocab", "create", "Ada,Bob", "--endpoint", service.url],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "DASHSCOPE_API_KEY": "k"},
        )  # fmt: skip
    assert done.returncode == 1
    assert "--hotwords vocab-asrcli-" in done.stderr


def test_a_standard_input_that_is_closed_is_one_line():
    for words in (("create", "-"), ("check", "-"), ("delete", "vocab-a-1")):
        command = [sys.executable, "-m", "asrcli", "vocab", *words]
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" <&-', "sh", *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.startswith("asrcli: error: ")
        assert done.stderr.count("\n") == 1


def test_lists_in_a_pipe_are_lines_with_tabs(vocab):
    first = made(vocab, "ALSA", "--prefix", "a")
    second = made(vocab, "JACK", "--prefix", "b", "-m", "paraformer-realtime-v2")
    rows = [line.split("\t") for line in vocab("list").out.splitlines()]
    assert [(row[0], row[1], len(row)) for row in rows] == [(first, "OK", 4), (second, "OK", 4)]
    assert [line.split("\t")[4:] for line in vocab("list", "--long", "--prefix", "b").out.splitlines()] == [
        ["1", "paraformer-realtime-v2"]
    ]
    documents = json.loads(vocab("list", "--json").out)
    assert [each["id"] for each in documents] == [first, second]
    assert set(documents[0]) == {"id", "status", "created", "modified"}


def test_no_lists_are_no_lines(vocab):
    done = vocab("list")
    assert (done.code, done.out, done.err) == (0, "", "there are no hotword lists\n")
    assert json.loads(vocab("list", "--json").out) == []


def test_what_show_prints_is_what_update_takes(vocab, tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeff# names\r\nAda Lovelace:5\r\n\r\n杭州\t3\tzh\r\nALSA\r\nALSA:4\r\n".encode())
    done = vocab("create", path, "--language", "en")
    assert "1 phrase came more than once" in done.err
    list_id = done.out.strip()
    shown = vocab("show", list_id)
    assert shown.out.splitlines()[0].startswith(f"# {list_id}: 3 phrases for {FUN}, OK, changed 2")
    assert shown.out.splitlines()[1:] == ["Ada Lovelace\t5\ten", "杭州\t3\tzh", "ALSA\t4\ten"]
    path.write_text(shown.out + "JACK\n", encoding="utf-8")
    changed = vocab("update", list_id, path)
    assert (changed.code, changed.out) == (0, "")
    assert changed.err == f"{list_id}: 4 phrases in place of 3, for {FUN}\n"
    assert json.loads(vocab("show", list_id, "-j").out)["words"][-1] == {"text": "JACK", "weight": 4, "language": None}


def test_no_phrase_is_lost_or_changed_on_the_way_out_and_in_again(vocab, service, tmp_path):
    """Also those that other clients have made, which begin as a comment does, hold a colon or a character unseen."""
    list_id = made(vocab)
    (account,) = service.lists.accounts.values()
    texts = ["#1", "# hash", "a:b:3", "สวัส\u200bดี", "می\u200cخواهم", "7:5"]
    account[list_id].words = [{"text": text, "weight": 4} for text in texts]
    path = tmp_path / "names.txt"
    path.write_text(vocab("show", list_id).out, encoding="utf-8")
    assert vocab("update", list_id, path).code == 0
    assert [word["text"] for word in account[list_id].words] == texts


def test_a_second_change_within_five_minutes_is_told(vocab):
    list_id = made(vocab)
    assert vocab("update", list_id, "JACK,ALSA").code == 0
    # The service's times are whole seconds: that it was changed must be seen in them.
    again = vocab("update", list_id, "ALSA,JACK", "--json")
    assert again.code == 5
    assert "a list can be changed once in five minutes: wait, then try again" in again.err
    assert json.loads(again.out)["code"] == "Throttling.RateQuota"


def test_phrases_may_come_from_standard_input(vocab, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Kraków\n".encode())))
    list_id = made(vocab, "-")
    assert vocab("show", list_id).out.splitlines()[1:] == ["Kraków\t4"]


def test_deleting_asks_or_wants_a_yes(vocab):
    first, second = made(vocab), made(vocab)
    refused = vocab("delete", first)
    assert (refused.code, refused.out) == (2, "")
    assert "there is nobody to ask (add --yes)" in refused.err
    some = vocab("delete", first, "vocab-gone-1", first, second, "--yes")
    assert some.code == 5
    assert f"{first}: deleted\n" in some.err
    assert "vocab-gone-1: the service answered BadRequest.ResourceNotExist" in some.err
    assert f"{second}: deleted\n" in some.err
    assert vocab("list").out == ""
    gone = vocab("delete", first, "-y", "--json")
    (row,) = json.loads(gone.out)
    assert (row["id"], row["deleted"], row["code"]) == (first, False, "BadRequest.ResourceNotExist")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "a:9"), "phrases: 'a:9' has the weight 9"),
        (("create", "a", "--prefix", "Demo"), "--prefix 'Demo' is no prefix"),
        (("create", "a", "-m", "qwen3-asr-flash-realtime"), "qwen3-asr-flash-realtime takes no hotword lists"),
        (("create", "a", "-l", "de"), "fun-asr-realtime knows no hotwords in 'de' (it knows zh en ja)"),
        (("create", ",,"), "there are no phrases in it"),
        (("create", "nosuch.txt"), "FILE nosuch.txt: no such file"),
        (("create", "vocab-demo-1"), "vocab-demo-1 is the id of a list, where phrases"),
        (("create", "a:50"), "'a' has the weight 50; fun-asr-realtime takes 1 to 5"),
        (("show", "names.txt"), "'names.txt' is not the id of a list"),
        (("update", "names.txt", "vocab-demo-1"), "'names.txt' is not the id of a list"),
        (("delete", "Hamm", "--yes"), "'Hamm' is not the id of a list"),
        (("list", "--region", "local"), "--region local is a service for this run alone"),
        (("list", "--region", "mars"), "--region 'mars' is not known"),
        (("list", "--endpoint", "ftp://x"), "is not a WebSocket address"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(asrcli, words, said):
    done = asrcli("vocab", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_no_key_is_an_error_of_the_key(asrcli):
    done = asrcli("vocab", "create", "a")
    assert done.code == 4
    assert "no API key" in done.err
    # The service of --region local keeps no lists.
    assert "without a key try `asrcli serve`, with its address after --endpoint" in done.err
    assert "--region local" not in done.err


def test_nobody_there_is_an_error_of_the_network_and_the_key_is_not_shown(asrcli):
    key = "sk-0123456789abcdef0123456789abcdef"
    done = asrcli("vocab", "list", "--endpoint", "ws://127.0.0.1:1", "--api-key", key, "--json")
    assert done.code == 6
    assert "nothing answers there" in json.loads(done.out)["message"]
    assert "can be seen in the process list" in done.err
    assert key not in done.out + done.err


def test_a_ctrl_c_while_a_list_is_made_says_how_to_see_whether_it_is_there(vocab, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("asrcli.api.hotword_lists.HotwordLists.create", interrupted)
    done = vocab("create", "ALSA", "--prefix", "demo")
    assert (done.code, done.out) == (130, "")
    assert "`asrcli vocab list --prefix demo` tells whether it is there" in done.err


def test_a_list_that_was_made_though_the_answer_was_lost_is_a_success(asrcli):
    with word_service() as service:
        service.faults["create"] = [gone_after]
        done = asrcli("vocab", "create", "ALSA", "--endpoint", f"http://127.0.0.1:{service.port}/api/v1")
        assert (done.code, done.out.strip()) == (0, *service.lists.accounts["account"])
        assert "was lost" in done.err
        assert "but the list is there" in done.err
        service.faults["create"] = [gone_before]
        done = asrcli("vocab", "create", "JACK", "--endpoint", f"ws://127.0.0.1:{service.port}", "--json")
    assert done.code == 6
    assert json.loads(done.out)["message"].endswith("; the list was not made")


def test_another_key_is_another_account(vocab):
    list_id = made(vocab)
    done = vocab("show", list_id, "--api-key", "another-key")
    assert done.code == 5
    assert "it may be another account's or another region's" in done.err


def test_a_model_that_is_elsewhere_is_told(asrcli):
    done = asrcli("vocab", "create", "a", "--model", "paraformer-realtime-v2", "--region", "intl")
    assert done.code == 4
    assert "warning: paraformer-realtime-v2 is not in the region intl, but in cn" in done.err


def test_a_check_tells_all_and_asks_nobody(asrcli, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Ada\nAda:9\n" + "Ä" * 16 + "\n", encoding="utf-8")
    done = asrcli("vocab", "check", path)
    assert done.code == 2
    assert [line.partition(": ")[0] for line in done.out.splitlines()] == [f"{path}:2", f"{path}:3"]
    document = json.loads(asrcli("vocab", "check", path, "--json", "-m", "paraformer-realtime-v2").out)
    assert (document["model"], document["phrases"], len(document["problems"])) == ("paraformer-realtime-v2", 2, 2)
    path.write_text("Ada\n", encoding="utf-8")
    good = asrcli("vocab", "check", path)
    assert (good.code, good.out) == (0, f"{path}: 1 phrase, fit for {FUN}\n")


def test_a_configuration_file_names_model_region_and_the_groups_own(asrcli, service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asrcli.toml").write_text('model = "paraformer-realtime-v2"\nstats = true\n[vocab]\nprefix = "mine"\n')
    done = asrcli("vocab", "create", "ALSA", "--endpoint", service.url)
    assert done.out.startswith("vocab-mine-")
    assert "1 phrase for paraformer-realtime-v2" in done.err
    (tmp_path / "asrcli.toml").write_text('[vocab]\nprefx = "mine"\n')
    done = asrcli("vocab", "list", "--endpoint", service.url)
    assert done.code == 2
    assert "prefx is no option of vocab (did you mean prefix?)" in done.err


def test_a_list_acts_in_a_run_with_its_model(asrcli, tmp_path, monkeypatch):
    script = tmp_path / "s.jsonl"
    script.write_text('{"begin_ms": 0, "end_ms": 900, "text": "We met Ada.", "hotword": "Ada", "misheard": "a duck"}\n')
    (tmp_path / "silence.raw").write_bytes(bytes(2 * 16 * 3000))
    with running_service(f"script:{script}") as service:
        access = ("--endpoint", service.url)
        list_id = asrcli("vocab", "create", "Ada", *access).out.strip()
        heard = []
        for more in ((), ("--hotwords", list_id), ("-m", "fun-asr-realtime-2025-11-07", "--hotwords", list_id)):
            if "-m" in more:
                # Who does not know the list cannot know that it has no effect.
                monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
            done = asrcli("file", tmp_path / "silence.raw", "--rate", "16000", "--pace", "fast", *access, *more)
            heard.append(done.out.strip())
        unknown = asrcli("file", tmp_path / "silence.raw", "--rate", "16000", *access, "--hotwords", "vocab-gone-1")
    assert heard == ["We met a duck.", "We met Ada.", "We met a duck."]
    assert unknown.code == 5
    assert "BadRequest.ResourceNotExist" in unknown.err


def test_help_and_a_check_load_no_network():
    for words in (("vocab", "create", "--help"), ("vocab", "check", "a,b")):
        loaded = loaded_by_running(*words)
        assert "asrcli.cli.commands.vocab" in loaded
        assert not {"urllib3", "ssl", "websocket", "numpy", "rich"} & loaded


def on_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """Exit code and what a terminal shows of a command, after `typed` was typed in answer to its question."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "asrcli", "vocab", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's word for the end.
            while data := os.read(ours, 4096):
                shown += data
                if shown.endswith(b"[y/N]: "):
                    os.write(ours, f"{typed}\n".encode())
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_table_and_a_question(vocab, service):
    list_id = made(vocab)
    code, shown = on_terminal("", "list", "--long", "--endpoint", service.url)
    heading, row, *rest = shown.splitlines()
    assert (code, heading.split(), rest) == (0, ["id", "status", "made", "changed", "phrases", "model"], [])
    assert row.index("OK") == heading.index("status")
    assert row.endswith(f"  2        {FUN}")
    code, shown = on_terminal("n", "delete", list_id, "--endpoint", service.url)
    assert code == 130
    assert f"Delete {list_id}? [y/N]: n" in shown
    assert list_id in vocab("list").out
