"""Places by their schemes, and texts read line by line wherever they are."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from asrcli.remote.base import RemoteError, Way
from asrcli.remote.places import lines, open_remote
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
