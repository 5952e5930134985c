"""Sources by their addresses, the whole way: they are heard as files are, and what lets one in is not told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.audio.reading import address
from asrcli.service.faults.kinds import parse_fault
from tests.support.beginnings import beginning
from tests.support.service import running_service
from tests.support.web_server import Thing, WebServer, web_server

SECRETS = ("uSeR9", "pAsSw0rd", "sIgNaTuRe7", "tOkEn5", "cReDeNtIaL3")
SIGNED = "?X-Amz-Signature=sIgNaTuRe7&X-Amz-Credential=cReDeNtIaL3&id=7#token=tOkEn5"
SENT = SIGNED.partition("#")[0]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return beginning(tmp_path_factory.mktemp("talk") / "talk.wav", 4.5).read_bytes()


def signed(web: WebServer, path: str) -> str:
    return f"{web.address}{path}{SIGNED}".replace("http://", "http://uSeR9:pAsSw0rd@")


def written(folder: Path) -> dict[str, str]:
    """All files below `folder`, with hidden ones."""
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def tells_nothing(*texts: str) -> bool:
    return not any(secret in text for secret in SECRETS for text in texts)


def test_every_place_where_a_source_is_named_tells_nothing(asrcli, talk_service, web, talk, tmp_path) -> None:
    web.put(f"/my%20talk.wav{SENT}", talk)
    at = signed(web, "/my%20talk.wav")
    common = ("file", at, "--endpoint", talk_service, "--pace", "fast")
    out = tmp_path / "out"
    formats = [word for form in ("txt", "srt", "vtt", "ass", "md", "html", "json") for word in ("-f", form)]
    told = asrcli(*common, "--output-dir", out, *formats, "-vv", "--stats", "--log", tmp_path / "log")
    assert told.code == 0
    assert web.requests[0].headers["authorization"].startswith("Basic ")
    files = written(tmp_path)
    names = {Path(path).name for path in files}
    assert names > {f"my talk.{each}" for each in ("txt", "srt", "vtt", "ass", "md", "html", "jsonl")} | {"log"}
    assert len(names) == 15
    assert tells_nothing(told.out, told.err, *files, *files.values())
    begin = json.loads((out / "my talk.jsonl").read_text().splitlines()[0])
    assert (
        begin["source"]
        == f"http://***@{web.address[7:]}/my%20talk.wav?X-Amz-Signature=***&X-Amz-Credential=***&id=7#token=***"
    )
    assert (begin["duration_ms"], begin.get("live", False)) == (4500, False)
    assert "my talk.wav" in (out / "my talk.md").read_text()
    # What is signed anew is the same sound.
    web.put(f"/my%20talk.wav{SENT}".replace("sIgNaTuRe7", "other"), talk)
    again = asrcli("file", at.replace("sIgNaTuRe7", "other"), *common[2:], "--output-dir", out, *formats)
    assert (again.code, again.err) == (0, "1 of 1 is done already\n")
    rendered = asrcli("render", out / "my talk.jsonl", "-f", "srt", "--output-dir", tmp_path / "rendered")
    assert (rendered.code, [path.name for path in (tmp_path / "rendered").iterdir()]) == (0, ["my talk.srt"])


def test_every_error_that_names_a_source_tells_nothing(asrcli, talk_service, web, talk, monkeypatch) -> None:
    def tried(path: str, *options: str):
        told = asrcli(
            "file", signed(web, path), "--endpoint", talk_service, "--pace", "fast", "--retries", "0", *options
        )
        assert tells_nothing(told.out, told.err)
        return told

    assert tried("/gone.wav").code == 2
    assert tried("/gone.wav", "--json").events[0]["code"] == "RemoteError"
    web.put(f"/page.wav{SENT}", b"<!doctype html><title>Log in</title>")
    assert "is a web page" in tried("/page.wav").err
    web.put(f"/old.wav{SENT}", Thing(b"", first=[f"HTTP/1.1 302 X\r\nLocation: ftp://h/{SENT}\r\n\r\n".encode()] * 2))
    assert "ftp://h/?X-Amz-Signature=***" in tried("/old.wav").err
    web.put(f"/talk.wav{SENT}", Thing(talk, etag=None, has_ranges=False, breaks=[100_000] * 9))
    broken = tried("/talk.wav", "--json")
    assert broken.code == 1
    [end] = [event for event in broken.events if event["type"] == "end"]
    [error] = [event for event in broken.events if event["type"] == "error"]
    assert (end["complete"], error["source"] == end["source"]) == (False, True)
    web.put(f"/talk.wav{SENT}", talk)
    assert "--split needs a file" in tried("/talk.wav", "--split", "2").err
    assert "is in no file" in tried("/talk.wav", "-f", "html", "-o", "x.html", "--embed").err
    assert tried("/talk.wav", "--dry-run").code == 0

    def bug(*_: object) -> None:
        raise RuntimeError(f"a bug at /talk.wav{SIGNED} and at {signed(web, '/talk.wav')}")

    monkeypatch.setattr(address.AddressSource, "look", bug)
    told = tried("/talk.wav")
    assert told.code == 70
    assert "RuntimeError" in told.err


def test_an_address_longer_than_any_path_is_one(asrcli, talk_service, web, talk) -> None:
    at = web.put(f"/talk.wav?long={'x-' * 600}", talk)
    assert "Okay" not in (told := asrcli("file", at, "--endpoint", talk_service, "--pace", "fast")).err
    assert (told.code, told.err) == (0, "")


def test_the_recogniser_that_is_lost_costs_no_second_fetch(asrcli, web, talk) -> None:
    with running_service(faults=(parse_fault("reset@1s#1"),)) as service:
        told = asrcli("file", web.put("/talk.wav", talk), "--endpoint", service.url, "--pace", "fast", "--json")
    assert told.code == 0
    assert told.events[-1]["reconnects"] == 1
    asked = [request.headers.get("range") for request in web.requests]
    assert asked == ["bytes=0-16383", "bytes=16384-"]


def test_what_is_done_is_not_done_again_until_it_changes(asrcli, talk_service, web, talk, tmp_path) -> None:
    for thing in (
        Thing(talk),
        Thing(talk, etag=None, modified="Thu, 26 Nov 2026 08:00:00 GMT"),
        Thing(talk, etag=None),
    ):
        at = web.put("/talk.wav", thing)
        folder = tmp_path / str(id(thing))
        common = ("file", at, "--endpoint", talk_service, "--pace", "fast", "--output-dir", folder)
        assert asrcli(*common).code == 0
        assert asrcli(*common).err == "1 of 1 is done already\n"
        thing.etag, thing.data = thing.etag and '"two"', talk[:-3200]
        assert "has changed and will be done again" in asrcli(*common).err


def test_many_are_heard_and_every_bad_one_is_named(asrcli, talk_service, web, talk, tmp_path) -> None:
    good = [web.put(f"/{number}.wav", talk) for number in range(12)]
    common = ("--endpoint", talk_service, "--pace", "fast", "--jobs", "6", "--retries", "0")
    bad = asrcli("file", *good, f"{web.address}/a.wav", f"{web.address}/b.wav", *common)
    assert bad.code == 2
    assert "2 of 14 sources cannot be read; nothing was sent" in bad.err
    assert bad.err.index("/a.wav: HTTP 404") < bad.err.index("/b.wav: HTTP 404")
    told = asrcli("file", *good, *common, "--output-dir", tmp_path)
    assert told.code == 0
    assert len(list(tmp_path.glob("*.txt"))) == 12
    twice = asrcli("file", good[0], good[0].replace("/0", "/x/0"), *common, "--output-dir", tmp_path)
    assert twice.code == 2
    assert not [thread for thread in threading.enumerate() if thread.name in ("look", "intake", "child-feed")]
