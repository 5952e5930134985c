"""Objects at web addresses: what breaks is read on, what has changed is refused, and what is not there is named."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from asrcli.remote import https
from asrcli.remote.base import RemoteError, Way
from asrcli.remote.fetch import Fetch
from asrcli.remote.places import fetch, open_remote
from asrcli.values.errors import AsrcliError, DecodeError, UsageError
from tests.support.looping import PATIENCE_S
from tests.support.web_server import STALL, Thing, WebServer

DATA = random.Random(1).randbytes(300_000)
MODIFIED = "Thu, 26 Nov 2026 08:00:00 GMT"
UNAVAILABLE = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


class QuickClock:
    """Time passes when somebody waits for it."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        self.waits.append(moment - self._now)
        self._now = moment
        return wake.is_set()


def reading(address: str, way: Way, **options: object) -> tuple[Fetch, QuickClock]:
    clock = QuickClock()
    return Fetch(address, open_remote, way, clock=clock, **options), clock  # type: ignore[arg-type]


def read_all(address: str, way: Way, **options: object) -> bytes:
    fetched, _ = reading(address, way, **options)
    with contextlib.closing(fetched):
        return b"".join(iter(fetched.read, b""))


def failing(address: str, way: Way, **options: object) -> tuple[AsrcliError, int]:
    """What reading fails with, and how much came before."""
    fetched, _ = reading(address, way, **options)
    with contextlib.closing(fetched):
        with pytest.raises(AsrcliError) as caught:
            while fetched.read():
                pass
        with pytest.raises(AsrcliError) as again:
            fetched.read()
        assert again.value is caught.value
        return caught.value, fetched.at_bytes


def test_a_look_is_one_small_request_and_reading_goes_on_from_it(web: WebServer, way: Way):
    address = web.put("/talk.wav", DATA)
    fetched = fetch(address, way)
    with contextlib.closing(fetched):
        remote = fetched.look()
        assert remote is not None
        assert (remote.size_bytes, remote.identity, remote.has_ranges) == (len(DATA), 'etag:"one"', True)
        assert len(web.requests) == 1
        assert b"".join(iter(fetched.read, b"")) == DATA
    assert [asked.headers.get("range") for asked in web.requests] == ["bytes=0-16383", "bytes=16384-"]
    assert web.requests[1].headers["if-range"] == '"one"'
    assert {asked.headers["accept-encoding"] for asked in web.requests} == {"identity"}


@pytest.mark.parametrize(
    "thing",
    [
        Thing(b""),
        Thing(DATA[:16_384]),
        Thing(DATA, etag=None, modified=MODIFIED),
        Thing(DATA, etag='W/"weak"'),
        Thing(DATA, etag=None),
        Thing(DATA, has_ranges=False),
        Thing(DATA, has_ranges=False, chunked=True),
        Thing(DATA, has_ranges=False, says_bytes=None, etag=None),
    ],
)
def test_all_comes_whatever_the_server_knows(plain_web: WebServer, thing: Thing):
    assert read_all(plain_web.put("/talk.wav", thing), Way()) == thing.data


BREAKS = [0, 1, 16_383, 16_384, 100_000, 200_000]


@pytest.mark.parametrize("cut", BREAKS)
@pytest.mark.parametrize(
    "thing",
    [Thing(DATA), Thing(DATA, etag=None, modified=MODIFIED), Thing(DATA, has_ranges=False), Thing(DATA, chunked=True)],
    ids=["ranges", "by time", "no ranges", "chunked"],
)
def test_what_breaks_is_read_on(plain_web: WebServer, thing: Thing, cut: int):
    breaking = replace(thing, breaks=[cut, cut, cut])
    assert read_all(plain_web.put("/talk.wav", breaking), Way()) == DATA
    assert breaking.breaks == []


def test_an_answer_shorter_than_it_says_is_a_break(plain_web: WebServer):
    thing = Thing(DATA, has_ranges=False, says_bytes=len(DATA) + 10)
    error, came = failing(plain_web.put("/talk.wav", thing), Way(retries=2))
    assert isinstance(error, RemoteError)
    assert came == len(DATA)
    assert error.tries == 2


def test_what_stalls_is_read_on(web: WebServer, way: Way, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(https, "_STALL_S", 0.1)
    assert read_all(web.put("/talk.wav", Thing(DATA, breaks=[DATA.__len__(), STALL])), way) == DATA


@pytest.mark.parametrize(
    "after",
    [
        Thing(DATA[::-1], etag='"two"'),
        Thing(DATA + b"more", etag='"one"'),
        Thing(DATA[::-1], etag='"two"', has_ranges=False),
        Thing(DATA[:70_000], etag='"two"'),
        Thing(DATA, etag=None, has_ranges=False),
    ],
    ids=["other", "longer", "other, no ranges", "shorter", "nothing tells"],
)
@pytest.mark.parametrize("cut", [None, 20_000])
def test_what_changes_on_the_way_is_refused(plain_web: WebServer, after: Thing, cut: int | None):
    second = replace(after) if cut is None else Thing(DATA, breaks=[cut], following=replace(after))
    thing = Thing(DATA, following=second)
    error, came = failing(plain_web.put("/talk.wav", thing), Way())
    assert isinstance(error, DecodeError)
    assert "changed while it was read" in error.message
    assert came == 16_384 + (cut or 0)


def test_what_changed_since_it_was_looked_at_is_refused(plain_web: WebServer):
    error, came = failing(plain_web.put("/talk.wav", DATA), Way(), known='etag:"zero"')
    assert isinstance(error, DecodeError)
    assert came == 0


@pytest.mark.parametrize("has_ranges", [True, False])
def test_where_nothing_tells_what_it_is_a_break_is_final(plain_web: WebServer, has_ranges: bool):
    thing = Thing(DATA, etag=None, has_ranges=has_ranges, breaks=[100_000, 100_000])
    error, came = failing(plain_web.put("/talk.wav", thing), Way())
    assert "does not tell whether it is still the same" in error.message
    assert came == 100_000


def status(code: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {code}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("code", "told"),
    [("404 Not Found", "nothing is there"), ("410 Gone", "no more"), ("401 No", "who asks"), ("403 No", "not for us")],
)
def test_what_is_not_to_be_had_is_named_at_once(plain_web: WebServer, code: str, told: str):
    body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message><Key>x</Key></Error>"
    address = plain_web.put("/talk.wav", Thing(b"", first=[status(code, body=body)]))
    error, _ = failing(f"{address}", Way())
    assert isinstance(error, RemoteError)
    assert not error.retryable
    assert f"HTTP {code[:3]}" in error.message
    assert told in error.message
    assert "AccessDenied: Request has expired" in error.message
    assert len(plain_web.requests) == 1


def test_a_server_with_too_much_to_do_says_how_long_to_wait(plain_web: WebServer):
    answers = [status("429 Slow", "Retry-After: 7"), UNAVAILABLE, status("503 Busy", "Retry-After: 3")]
    address = plain_web.put("/talk.wav", Thing(DATA, first=answers))
    told: list[str] = []
    fetched, clock = reading(address, Way(), told=told.append)
    with contextlib.closing(fetched):
        assert b"".join(iter(fetched.read, b"")) == DATA
    assert (clock.waits[0], clock.waits[2]) == (7.0, pytest.approx(3.0))
    assert len(clock.waits) == 3
    assert len(told) == 1


def test_tries_come_to_an_end(plain_web: WebServer):
    error, _ = failing(plain_web.put("/talk.wav", Thing(DATA, first=[UNAVAILABLE] * 9)), Way(retries=3))
    assert error.retryable
    assert (error.tries, len(plain_web.requests)) == (3, 4)


def redirect(to: str, code: int = 302) -> Thing:
    return Thing(b"", first=[status(f"{code} There", f"Location: {to}")] * 20)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(plain_web: WebServer, code: int):
    plain_web.put("/talk.wav", DATA)
    assert read_all(plain_web.put("/old", redirect("talk.wav", code)), Way()) == DATA


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/talk.wav", "data:,x", ""])
def test_a_redirect_away_from_the_web_is_refused_and_named(plain_web: WebServer, to: str):
    error, _ = failing(plain_web.put("/old", redirect(to)), Way())
    assert "no web address" in error.message
    assert to in error.message


def test_a_redirect_is_taken_as_its_server_writes_it(plain_web: WebServer):
    plain_web.put("/%C3%A4%20b.wav", DATA)
    written = status("302 There", "Location: /\u00e4 b.wav").decode().encode()
    assert read_all(plain_web.put("/old", Thing(b"", first=[written] * 2)), Way()) == DATA
    error, _ = failing(plain_web.put("/wrong", redirect("http://[::1/talk.wav")), Way())
    assert "redirects to http://[::1/talk.wav: " in error.message


def test_a_redirect_to_where_all_can_be_read_is_refused(web: WebServer, plain_web: WebServer, way: Way):
    error, _ = failing(web.put("/old", redirect(plain_web.put("/talk.wav", DATA))), way)
    assert "from https to http://" in error.message
    assert plain_web.requests == []


def test_redirects_end_somewhere(plain_web: WebServer):
    error, _ = failing(plain_web.put("/old", redirect("/old")), Way())
    assert "redirects more than 10 times" in error.message
    assert len(plain_web.requests) == 11


def test_a_password_goes_to_its_own_server_alone(plain_web: WebServer, web: WebServer, way: Way):
    there = web.put("/talk.wav", DATA)
    address = plain_web.put("/old", redirect(there)).replace("http://", "http://me:se%40cret@")
    assert read_all(address, way) == DATA
    assert plain_web.requests[0].headers["authorization"] == "Basic bWU6c2VAY3JldA=="
    assert all("authorization" not in asked.headers for asked in web.requests)


def test_nothing_that_lets_one_in_stands_in_an_error(plain_web: WebServer):
    address = plain_web.put("/gone.wav", DATA).replace("gone.wav", "talk.wav?X-Amz-Signature=0123abcd&id=7")
    error, _ = failing(address.replace("http://", "http://me:secret@"), Way())
    assert "talk.wav?X-Amz-Signature=***&id=7" in error.message
    assert "secret" not in error.message
    assert "***@127.0.0.1" in error.message


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:1/talk.wav", "nothing answers there"),
        ("http://no.such.host.invalid/talk.wav", "cannot find the address"),
    ],
)
def test_a_wrong_address_is_found_soon(address: str, told: str):
    fetched, clock = reading(address, Way())
    with contextlib.closing(fetched), pytest.raises(RemoteError) as caught:
        fetched.look()
    assert told in caught.value.message
    assert "--endpoint" not in caught.value.hint
    assert len(clock.waits) == 2


def test_an_unknown_authority_is_named(web: WebServer):
    error, _ = failing(web.put("/talk.wav", DATA), Way())
    assert "is not trusted" in error.message
    assert not error.retryable
    assert web.requests == []


@pytest.mark.parametrize("address", ["http://", "https://[bad/talk.wav", "http://host:port/talk.wav"])
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(UsageError):
        open_remote(address)


def test_packed_bytes_are_refused(plain_web: WebServer):
    error, _ = failing(plain_web.put("/talk.wav", Thing(DATA, headers={"Content-Encoding": "gzip"})), Way())
    assert "packed as gzip" in error.message


def test_a_server_that_refuses_ranges_is_asked_for_all(plain_web: WebServer):
    refusal = status("416 No", f"Content-Range: bytes */{len(DATA)}")
    assert read_all(plain_web.put("/talk.wav", Thing(DATA, has_ranges=False, first=[refusal])), Way()) == DATA


def test_parts_of_what_has_no_known_length_are_not_taken_for_all_of_it(plain_web: WebServer):
    part = status("206 Part", "Content-Range: bytes 0-16383/*", 'ETag: "one"', body=DATA[:16_384])
    address = plain_web.put("/talk.wav", Thing(DATA, first=[part]))
    assert read_all(address, Way()) == DATA
    assert "range" not in plain_web.requests[1].headers
    error, _ = failing(plain_web.put("/part.wav", Thing(DATA, first=[part, part])), Way())
    assert "was asked for all of it, and answers HTTP 206" in error.message


def test_a_part_that_was_not_asked_for_is_refused(plain_web: WebServer):
    lie = status("206 Part", "Content-Range: bytes 5-9/20", body=b"12345")
    error, _ = failing(plain_web.put("/talk.wav", Thing(DATA, first=[lie])), Way())
    assert "'bytes 5-9/20'" in error.message


@pytest.mark.parametrize("begin", [lambda fetched: fetched.read(), lambda fetched: None], ids=["reading", "waiting"])
def test_a_stop_ends_what_waits(plain_web: WebServer, begin: Callable[[Fetch], object]):
    endless = Thing(b"x" * 1000, etag=None, has_ranges=False, says_bytes=None, endless=True)
    dead = Thing(DATA, first=[UNAVAILABLE] * 50)
    for thing in (endless, dead, Thing(DATA, has_ranges=False, breaks=[STALL])):
        fetched = fetch(plain_web.put("/talk.wav", thing), Way())
        ended = threading.Event()

        def read(fetched: Fetch = fetched, ended: threading.Event = ended) -> None:
            for _ in iter(fetched.read, b""):
                pass
            ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        while not plain_web.requests:
            ended.wait(0.01)
        fetched.stop()
        assert ended.wait(PATIENCE_S)
        thread.join(PATIENCE_S)
        fetched.close()
        plain_web.requests.clear()


def test_a_stop_ends_what_waits_for_a_connection(way: Way):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fetched = fetch(f"https://127.0.0.1:{silent.getsockname()[1]}/talk.wav", way)
        ended = threading.Event()
        thread = threading.Thread(target=lambda: (fetched.look(), ended.set()))
        thread.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1000)
            fetched.stop()
            assert ended.wait(PATIENCE_S)
        thread.join(PATIENCE_S)
        fetched.close()
