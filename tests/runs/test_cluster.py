"""--cluster: what cannot be done by others, and a run on processes of this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asrcli.audio.opening import Files
from asrcli.output.wording import words
from asrcli.runs.cluster import check_cluster, opening_for, processes_of, scheduler_at
from asrcli.runs.request import CorpusOptions, ManyOptions, OutputOptions, Request, ServiceOptions
from asrcli.values.errors import UsageError
from tests.support.service import running_service, write_script
from tests.support.sounds import tone, write

SCHEDULER = "tcp://host:8786"
REQUEST = Request(("a.wav",), Files(), "m", {}, corpus=CorpusOptions(cluster=SCHEDULER))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"names": ("-",)}, "standard input and --cluster"),
        ({"many": ManyOptions(split=2)}, "--split and --cluster"),
        ({"output": OutputOptions(save_audio=Path("x.wav"))}, "--save-audio and --cluster"),
        ({"output": OutputOptions(log=Path("x.log"))}, "--log and --cluster"),
        ({"output": OutputOptions(embed=True)}, "--embed and --cluster"),
        ({"service": ServiceOptions(api_key="sk-1")}, "--api-key and --cluster"),
        ({"service": ServiceOptions(headers=(("X", "y"),))}, "--header and --cluster"),
    ],
)
def test_what_others_cannot_do_is_refused(fields: dict[str, Any], said: str):
    with pytest.raises(UsageError, match=said):
        check_cluster(replace(REQUEST, **fields), "beijing", None)


def test_context_that_changes_is_refused_and_all_else_is_not():
    with pytest.raises(UsageError, match="--context-from and --cluster"):
        check_cluster(REQUEST, "beijing", Path("context.txt"))
    check_cluster(REQUEST, "beijing", None)
    check_cluster(replace(REQUEST, service=ServiceOptions(api_key_file=Path("key"))), "beijing", None)


def test_the_local_service_is_for_processes_here_alone():
    with pytest.raises(UsageError, match="--region local and --cluster"):
        check_cluster(REQUEST, "local", None)
    check_cluster(replace(REQUEST, corpus=CorpusOptions(cluster="local:2")), "local", None)


def test_without_dask_there_is_one_line_to_add_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="takes Dask") as raised:
        check_cluster(REQUEST, "beijing", None)
    assert "asrcli[cluster]" in raised.value.hint
    check_cluster(replace(REQUEST, corpus=CorpusOptions(cluster="local:2")), "beijing", None)


def test_what_was_left_behind_is_of_no_use_where_all_is_done_again() -> None:
    def named(*, force: bool = False) -> str:
        corpus = CorpusOptions(cluster="local:2", results="r.jsonl")
        request = replace(REQUEST, corpus=corpus, output=OutputOptions(force=force))
        return opening_for(request, [], [], None).journal

    assert named() == named()
    assert named(force=True) not in (named(), named(force=True))


def test_local_says_how_many():
    assert processes_of("local:3") == 3
    assert processes_of(SCHEDULER) is None
    assert processes_of("scheduler.json") is None
    for wrong in ("local", "local:0", "local:x", "local:1000", "local:-1"):
        with pytest.raises(UsageError, match="is no number of processes"):
            processes_of(wrong)


@pytest.mark.parametrize(
    ("key", "said"), [((), "no API key"), (("--api-key-file", "none"), "cannot read the key from --api-key-file none")]
)
def test_without_a_key_no_process_here_is_begun(asrcli, tmp_path, monkeypatch, key, said):
    """Each of them would look where this one does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", None)
    write(tmp_path / "a.wav", tone(0.5))
    done = asrcli("file", "a.wav", "--cluster", "local:2", "--results", "out.jsonl", *key)
    assert done.code == 4
    assert done.err.startswith(f"asrcli: error: {said}")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists()


def test_a_run_on_processes_here_gives_what_one_process_does(tmp_path: Path):
    """The whole way of the command, with results that a rerun finds, and without Dask."""
    script = write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 400})
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.wav", tone(0.5))
    environ = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}

    def asrcli(*more: str) -> subprocess.CompletedProcess[str]:
        words = ["file", "a.wav", "b.wav", "c.wav", "--cluster", "local:1", "--results", "out.jsonl", "--pace", "fast"]
        command = [sys.executable, "-X", "importtime", "-m", "asrcli", *words, "--endpoint", service.url, *more]
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    with running_service(script) as service:
        first = asrcli("--unordered", "--json")
        # Others have other times for it; the bytes are the same.
        os.utime(tmp_path / "a.wav", ns=(1, 1))
        second = asrcli()
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert first.returncode == 0, first.stderr[-500:]
    finals = sorted((line["source"], line["text"]) for line in lines if line["type"] == "final")
    assert finals == [("a.wav", "one"), ("b.wav", "one"), ("c.wav", "one")]
    assert "distributed" not in first.stderr
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted((line["id"], line["text"], line["complete"]) for line in results) == [
        (f"{name}.wav", "one", True) for name in "abc"
    ]
    assert all(len(line["sound"]["sha256"]) == 64 for line in results)
    assert second.returncode == 0
    assert second.stdout == ""
    assert "3 of 3 are done already" in second.stderr
    assert [*(tmp_path / "state" / "asrcli" / "journals").iterdir()] == []


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tls://head.example:8786", "tls://[fd00::1]:8786"])
def test_an_address_is_taken_as_it_is_and_found_in_the_file_of_a_scheduler(tmp_path, address):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"type": "Scheduler", "address": address}))
    assert scheduler_at(address) == scheduler_at(str(file)) == address
    assert processes_of(address) is None
    assert processes_of("local:4") == 4


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://head:8786", "--cluster http://head:8786 is no address of a scheduler (tcp://HOST:8786"),
        ("tcp://head", "--cluster tcp://head is no address of a scheduler"),
        ("tcp://", "is no address of a scheduler"),
        ("udp://host:1", "is no address of a scheduler"),
        ("tcp://:1", "is no address of a scheduler"),
        ("tcp://host:x", "is no address of a scheduler"),
        ("head:8786", "--cluster head:8786: there is no such file (an address is tcp://head:8786)"),
        ("3", "--cluster 3: there is no such file (processes of this machine are local:3)"),
        ("0", "--cluster 0: there is no such file (processes of this machine are local:1)"),
        ("9999999999", "--cluster 9999999999: there is no such file (processes of this machine are local:256)"),
        ("nope.json", "--cluster nope.json: there is no such file (dask scheduler --scheduler-file FILE writes one)"),
        ("", "--cluster '' is no file of a scheduler"),
        ("text.json", "--cluster text.json is no file of a scheduler"),
        ("other.json", "--cluster other.json is no file of a scheduler"),
        ("evil.json", "--cluster evil.json is no address of a scheduler"),
        ("a\x1b[31m", r"--cluster a\x1b[31m: there is no such file"),
    ],
)
def test_a_slip_is_answered_with_what_may_be(tmp_path, monkeypatch, where, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.json").write_text("words")
    (tmp_path / "other.json").write_text('{"addres": 1}')
    (tmp_path / "evil.json").write_text('{"address": "http://head:1"}')
    with pytest.raises(UsageError) as caught:
        scheduler_at(where)
    assert said in words(caught.value)


@pytest.mark.parametrize("where", ["local", "local:", "local:0", "local:257", "local:-1", "local:x", "localhost:8786"])
def test_so_many_processes_there_cannot_be(where):
    with pytest.raises(UsageError, match="is no number of processes"):
        processes_of(where)
