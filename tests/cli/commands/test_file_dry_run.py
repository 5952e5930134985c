"""`asrcli file --dry-run`: tells what a run would do, checks what a run checks, and does nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.commands.test_file import wav
from tests.support.service import TALK_WAV

CONNECT, CONNECT_EX = socket.socket.connect, socket.socket.connect_ex


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a plan asks nobody")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_there_is_how_long_it_takes_and_what_it_costs(asrcli, here):
    wav(here / "a.wav", 60)
    wav(here / "b.wav", 30)
    done = asrcli("file", "a.wav", "b.wav", "--dry-run", "-l", "zh")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "sources 2",
        "sound   90 s",
        "model   fun-asr-realtime (zh)",
        "speed   one after another, in real time",
        "time    at least 90 s",
        "price   0.0081 USD by list prices of November 2026, before any discount",
    ]


def test_a_script_gets_one_object(asrcli, here):
    wav(here / "a.wav", 60)
    wav(here / "b.wav", 30)
    line = ("file", "a.wav", "b.wav", "--dry-run", "--json", "--jobs", 2, "--pace", 2, "--region", "cn")
    [plan] = asrcli(*line, "--starts-per-minute", 60).events
    assert (plan["type"], plan["v"], plan["region"]) == ("plan", 1, "cn")
    assert (plan["sources"], plan["to_do"], plan["audio_ms"], plan["at_once"]) == (2, 2, 90_000, 2)
    assert (plan["at_least_s"], plan["bound_by"], plan["rate"]) == (30, "longest", {"starts": 1, "seconds": 1})
    assert plan["costs"] == {"CNY": 0.0297}


@pytest.mark.parametrize("format", [("-f", "jsonl"), ("-o", "-", "-f", "json"), ("--json", "--output-dir", "out")])
def test_whoever_wants_json_gets_it(asrcli, here, format):
    wav(here / "a.wav", 1)
    assert [event["type"] for event in asrcli("file", "a.wav", "--dry-run", *format).events] == ["plan"]


def test_nothing_is_written_or_made(asrcli, here):
    wav(here / "a.wav", 1)
    options = ("--log", "log.txt", "--save-audio", "b.mp3", "-o", "c.srt", "-o", "d.html", "--embed")
    assert asrcli("file", "a.wav", "--dry-run", *options).code == 0
    assert asrcli("file", "a.wav", "--dry-run", "--output-dir", "results").code == 0
    assert [path.name for path in here.iterdir()] == ["a.wav"]


def test_what_is_done_already_is_left_out(asrcli, here, talk_service):
    wav(here / "a.wav", 1)
    wav(here / "b.wav", 2)
    with pytest.MonkeyPatch.context() as network:
        network.setattr(socket.socket, "connect", CONNECT)
        network.setattr(socket.socket, "connect_ex", CONNECT_EX)
        options = ("--endpoint", talk_service, "--output-dir", "out", "--json")
        assert asrcli("file", "a.wav", *options).code == 0
    before = sorted(Path("out").iterdir())
    [plan] = asrcli("file", "a.wav", "b.wav", *options, "--dry-run").events
    assert (plan["sources"], plan["done"], plan["to_do"], plan["audio_ms"]) == (2, 1, 1, 2000)
    assert sorted(Path("out").iterdir()) == before
    [plan] = asrcli("file", "a.wav", *options, "--dry-run").events
    assert (plan["done"], plan["to_do"], plan["models"], plan["at_least_s"]) == (1, 0, [], None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.wav", "nope.wav"), "no such file: nope.wav"),
        (("a.wav", "text.wav"), "text.wav"),
        (("a.wav", "--endpoint", "http://x"), "is not a WebSocket address"),
        (("a.wav", "--ca-bundle", "nope.pem"), "nope.pem"),
        (("a.wav", "-o", "text.wav"), "text.wav"),
        (("a.wav", "--split", "2", "--jobs", "2"), "--split and --jobs exclude each other"),
        (("a.wav", "-m", "paraformer-realtime-v2", "--context", "x"), "--context"),
    ],
)
def test_what_a_run_would_refuse_is_refused(asrcli, here, arguments, said):
    wav(here / "a.wav", 1)
    (here / "text.wav").write_text("words\n" * 100)
    done = asrcli("file", *arguments, "--dry-run")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_pipe_is_left_to_the_run(asrcli, here):
    # To open one would let its writer go on, and then end it.
    os.mkfifo(here / "pipe")
    [plan] = asrcli("file", "pipe", "--dry-run", "--json").events
    assert (plan["to_do"], plan["unknown_lengths"], plan["at_least_s"]) == (1, 1, None)
    with pytest.raises(OSError, match="No such device"):
        os.open(here / "pipe", os.O_WRONLY | os.O_NONBLOCK)


def test_the_local_service_costs_nothing_and_is_not_started(asrcli, here, monkeypatch):
    shutil.copy(TALK_WAV, here / "talk.wav")
    monkeypatch.setattr("subprocess.Popen", None)
    [plan] = asrcli("file", "talk.wav", "--dry-run", "--region", "local", "--json").events
    assert (plan["prices_of"], plan["models"][0]["cost"], plan["costs"]) == (None, 0, {})


def manifest(*rows: Mapping[str, object]) -> str:
    Path("corpus.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return "corpus.jsonl"


def test_a_manifest_is_planned_row_by_row(asrcli, here):
    wav(here / "a.wav", 3)
    rows = manifest(
        {"audio": "a.wav", "id": "1", "language": "zh"},
        {"audio": "a.wav", "id": "2", "duration": 100, "language": ["zh", "en"], "model": "paraformer-realtime-v2"},
        {"audio": "https://x.invalid/b.wav?secret=s3cret", "duration": 7.5},
        {"audio": "https://x.invalid/c.wav"},
        *({"audio": f"gone{number}.wav"} for number in range(5)),
    )
    done = asrcli("file", "--manifest", rows, "--dry-run", "--slots", 20, "--region", "cn")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "sources 9, 4 to do",
        "missing 5: gone0.wav, gone1.wav, gone2.wav and 2 more",
        "sound   110 s, and 1 of which the length is not known",
        "model   fun-asr-realtime (zh 1): 3, 10 s, and 1 of which the length is not known",
        "        paraformer-realtime-v2 (zh, en): 1, 100 s",
        "speed   4 at once, in real time",
        "time    at least 100 s, as long as the longest one",
        "price   at least 0.027 CNY by list prices of November 2026, before any discount",
    ]


def test_the_exit_code_is_that_of_the_run(asrcli, here, talk_service):
    """What is there and no sound is named; of what was given a length no more is looked at than whether it is there."""
    wav(here / "a.wav", 1)
    (here / "text.wav").write_text("words\n" * 100)
    (here / "empty.wav").touch()
    fine = manifest({"audio": "a.wav"})
    assert asrcli("file", "--manifest", fine, "--dry-run").code == 0
    bad = manifest({"audio": "a.wav"}, {"audio": "text.wav"}, {"audio": "empty.wav", "duration": 5}, {"audio": "."})
    done = asrcli("file", "--manifest", bad, "--dry-run")
    assert done.code == 1
    assert done.out.splitlines()[:3] == [
        "sources 4, 1 to do",
        "failing 3: text.wav (text), empty.wav (empty), . (a folder)",
        "sound   1 s",
    ]
    [plan] = (planned := asrcli("file", "--manifest", bad, "--dry-run", "--json")).events
    assert planned.code == 1
    assert (plan["failing"], plan["failing_names"]) == (3, ["text.wav", "empty.wav", "."])
    with pytest.MonkeyPatch.context() as network:
        network.setattr(socket.socket, "connect", CONNECT)
        network.setattr(socket.socket, "connect_ex", CONNECT_EX)
        run = asrcli("file", "--manifest", bad, "--endpoint", talk_service, "--pace", "fast")
    assert run.code == 1
    assert "3 of 4 sources failed" in run.err
    many = manifest(*({"audio": f"{number}.wav"} for number in range(5)))
    assert "missing 5: 0.wav, 1.wav, 2.wav, 3.wav, 4.wav\n" in asrcli("file", "--manifest", many, "--dry-run", "-v").out


def test_where_the_results_cannot_be_a_plan_is_refused_as_the_run_is(asrcli, here, talk_service):
    wav(here / "a.wav", 1)
    (here / "text.txt").write_text("words\n")
    rows = manifest({"audio": "a.wav", "channel": 3, "duration": 1})
    for place in ("no/x.jsonl", "text.txt", "."):
        for force in ((), ("--force",)):
            options = ("file", "--manifest", rows, "--results", place, "--endpoint", talk_service, *force)
            run, planned = asrcli(*options), asrcli(*options, "--dry-run")
            assert (planned.code, planned.out, planned.err) == (2, "", run.err)
            assert run.code == 2
    planned = asrcli("file", "--manifest", rows, "--dry-run")
    assert (planned.code, planned.out.splitlines()[1]) == (1, "failing 1: a.wav (1 channel, and no channel 3)")


def test_of_files_on_machines_elsewhere_nothing_is_known_here(asrcli, here):
    rows = manifest({"audio": "/nowhere/a.wav", "duration": 10}, {"audio": "/nowhere/b.wav"})
    for cluster, code, missing in (("tcp://192.0.2.1:8786", 0, 0), ("local:2", 1, 2)):
        planned = asrcli("file", "--manifest", rows, "--dry-run", "--json", "--cluster", cluster)
        [plan] = planned.events
        assert (planned.code, plan["missing"], plan["unknown_lengths"]) == (code, missing, code == 0)


def test_a_shard_is_planned_alone(asrcli, here):
    rows = manifest(*({"audio": f"https://x.invalid/{number}", "duration": 10} for number in range(20)))
    plans = [asrcli("file", "--manifest", rows, "--dry-run", "-qj", "--shard", f"{k}/3").events for k in (1, 2, 3)]
    assert [plan["shard"] for [plan] in plans] == ["1/3", "2/3", "3/3"]
    assert sum(plan["in_shard"] for [plan] in plans) == 20
    for [plan] in plans:
        assert (plan["sources"], plan["to_do"], plan["audio_ms"]) == (20, plan["in_shard"], 10_000 * plan["in_shard"])


def test_an_empty_shard_has_nothing_to_do(asrcli, here):
    rows = manifest({"audio": "https://x.invalid/a", "duration": 10})
    plans = [asrcli("file", "--manifest", rows, "--dry-run", "-q", "--shard", f"{k}/2").out for k in (1, 2)]
    assert sorted(plan.splitlines()[0] for plan in plans)[0].startswith("sources 1, 0 in shard ")
    assert any(plan.endswith(", nothing to do\n") for plan in plans)


def test_not_too_many_files_are_opened_for_their_length(asrcli, here, monkeypatch):
    monkeypatch.setattr("asrcli.runs.dry_run._MOST_LOOKED_UP", 2)
    wav(here / "a.wav", 3)
    rows = manifest(*({"audio": "a.wav", "id": number} for number in range(5)))
    [plan] = asrcli("file", "--manifest", rows, "--dry-run", "--json").events
    assert (plan["to_do"], plan["audio_ms"], plan["unknown_lengths"]) == (5, 6000, 3)


def test_a_broken_manifest_is_refused(asrcli, here):
    rows = manifest({"audio": "a.wav"}, {"id": 1})
    done = asrcli("file", "--manifest", rows, "--dry-run")
    assert (done.code, done.out) == (2, "")
    assert "corpus.jsonl:2" in done.err


def test_what_stands_in_the_results_is_done_and_they_stay_as_they_are(asrcli, here, talk_service):
    wav(here / "a.wav", 1)
    rows = manifest({"audio": "a.wav"}, {"audio": "a.wav", "id": "2"}, {"audio": "a.wav", "id": "3", "language": "en"})
    options = ("--endpoint", talk_service, "--results", "results.jsonl", "--pace", "fast")
    with pytest.MonkeyPatch.context() as network:
        network.setattr(socket.socket, "connect", CONNECT)
        network.setattr(socket.socket, "connect_ex", CONNECT_EX)
        assert asrcli("file", "--manifest", rows, *options).code == 0
    # As where a run was killed: half of the last line is gone.
    broken = Path("results.jsonl").read_bytes()[:-20]
    Path("results.jsonl").write_bytes(broken)
    [plan] = [
        event
        for event in asrcli("file", "--manifest", rows, *options, "--dry-run", "--json").events
        if event["type"] == "plan"
    ]
    assert (plan["sources"], plan["done"], plan["to_do"]) == (3, 2, 1)
    assert Path("results.jsonl").read_bytes() == broken
    assert sorted(path.name for path in here.iterdir()) == ["a.wav", "corpus.jsonl", "results.jsonl"]


def test_of_a_corpus_with_files_what_is_there_is_done_and_what_is_in_the_way_fails(asrcli, here, talk_service):
    wav(here / "a.wav", 1)
    wav(here / "b.wav", 2)
    wav(here / "c.wav", 3)
    rows = manifest({"audio": "a.wav"}, {"audio": "b.wav"}, {"audio": "c.wav"})
    options = ("--manifest", rows, "--output-dir", "out", "--endpoint", talk_service, "--pace", "fast")
    with pytest.MonkeyPatch.context() as network:
        network.setattr(socket.socket, "connect", CONNECT)
        network.setattr(socket.socket, "connect_ex", CONNECT_EX)
        assert asrcli("file", *options).code == 0
    before = sorted(here.rglob("*"))
    wav(here / "b.wav", 4)
    (here / "out" / "c.txt").write_text("mine")
    (here / "out" / ".c.txt.asrcli.json").unlink()
    planned = asrcli("file", *options, "--dry-run")
    assert (planned.code, planned.err) == (1, "b.wav has changed and is done again\n")
    assert planned.out.splitlines()[:3] == [
        "sources 3, 1 done already, 1 to do",
        "failing 1: c.wav (out/c.txt exists already, and asrcli did not make it)",
        "sound   4 s",
    ]
    assert [path for path in before if not path.exists()] == [here / "out" / ".c.txt.asrcli.json"]
    assert asrcli("file", *options, "--dry-run", "--force").out.startswith("sources 3\nsound   8 s\n")


@pytest.mark.parametrize(
    ("options", "at_once", "workers", "rate"),
    [
        (("--cluster", "local:3"), 20, 3, None),
        (("--cluster", "local:3", "--slots", 7, "--jobs", 2, "--rate", "5/s"), 6, 3, {"starts": 5, "seconds": 1}),
        (("--cluster", "tcp://192.0.2.1:8786", "--rate", "300/min"), 20, None, {"starts": 300, "seconds": 60}),
        (("--slots", 7, "--jobs", 2), 2, 1, None),
    ],
)
def test_a_cluster_is_not_asked(asrcli, here, options, at_once, workers, rate):
    rows = manifest(*({"audio": f"https://x.invalid/{number}", "duration": 10} for number in range(30)))
    [plan] = asrcli("file", "--manifest", rows, "--dry-run", "--json", *options).events
    assert (plan["at_once"], plan["workers"], plan["rate"]) == (at_once, workers, rate)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cluster", "local:0"), "--cluster local:0"),
        (("--cluster", "nope.json"), "--cluster nope.json: there is no such file"),
        (("--cluster", "local:2", "--split", "2"), "--split and --cluster exclude each other"),
        (("--rate", "5/h"), "--rate 5/h"),
        (("--shard", "0/4"), "--shard 0/4"),
        (("--results", "-"), "--results takes a file"),
    ],
)
def test_what_a_corpus_cannot_be_is_refused(asrcli, here, options, said):
    done = asrcli("file", "--manifest", manifest({"audio": "a.wav"}), "--dry-run", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
