"""Places by their schemes, and texts read line by line wherever they are."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from asrcli.remote import stores
from asrcli.remote.base import RemoteError, Way
from asrcli.remote.places import in_folder, lines, matching, open_lines, open_remote, read_lines, write_lines
from asrcli.values.errors import UsageError
from tests.support.web_server import Thing, WebServer

TEXT = '\ufeff{"audio": "é.wav"}\r\n\n{"audio": "b.wav"}'


def test_lines_are_the_same_wherever_they_are(tmp_path: Path, plain_web: WebServer, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "in.jsonl"
    path.write_bytes(TEXT.encode())
    expected = ['{"audio": "é.wav"}', "", '{"audio": "b.wav"}']
    assert list(lines(str(path))) == expected
    breaking = Thing(TEXT.encode(), has_ranges=False, breaks=[3, 20])
    assert list(lines(plain_web.put("/in.jsonl", breaking))) == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert list(lines("-")) == expected


def test_what_is_no_text_is_refused_by_its_line(tmp_path: Path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"good\n\xff\xfe\n")
    told = lines(str(path))
    assert next(told) == "good"
    with pytest.raises(UsageError, match="line 2 is not UTF-8"):
        next(told)
    path.write_bytes(b"\0" * (17 << 20))
    with pytest.raises(UsageError, match="no text"):
        list(lines(str(path)))


def test_what_is_not_there_is_named(tmp_path: Path, plain_web: WebServer):
    with pytest.raises(UsageError, match="No such file"):
        list(lines(str(tmp_path / "none")))
    with pytest.raises(RemoteError, match="HTTP 404"):
        list(lines(f"{plain_web.address}/none"))


def test_a_scheme_that_nothing_reads_is_named():
    with pytest.raises(UsageError, match="nosuch://h/a\\?sig=\\*\\*\\*") as caught:
        open_remote("nosuch://h/a?sig=x", Way())
    assert "https://" in caught.value.hint
    assert "s3://" in caught.value.hint


def test_a_file_by_its_address_is_a_file(tmp_path: Path):
    path = tmp_path / "é b.jsonl"
    write_lines(path.as_uri(), ["one"])
    assert path.read_text() == "one\n"
    assert list(lines(f"file://localhost{path}")) == list(lines(path.as_uri())) == ["one"]
    assert list(read_lines(path.as_uri())) == [b"one"]
    open_lines(path.with_name("new").as_uri(), "id").close()
    assert path.with_name("new").exists()
    with pytest.raises(UsageError, match="another machine"):
        list(lines("file://elsewhere/a"))


def test_folders_and_patterns_are_of_stores_alone(plain_web: WebServer):
    for name in ("talks/a.wav", "talks/b.txt", "odd[1].wav"):
        stores.put(f"memory://places/{name}", b"x")
    inside = ["memory://places/talks/a.wav", "memory://places/talks/b.txt"]
    assert in_folder("memory://places/talks") == in_folder("memory://places/talks/") == inside
    assert in_folder("memory://places/talks/a.wav") is in_folder("memory://places/none") is None
    assert in_folder("memory://places/none/") == []
    assert in_folder(f"{plain_web.address}/talks/") is None
    assert matching("memory://places/*/*.wav") == inside[:1]
    assert matching("memory://places/*.mp3") == []
    assert matching("memory://places/odd[1].wav") is matching("memory://places/a.wav") is None
    assert matching(f"{plain_web.address}/*.wav?a=b") is None
