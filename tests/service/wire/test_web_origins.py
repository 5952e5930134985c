"""Whose pages are let in, from the headers alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from asrcli.service.wire.web_origins import Origin, parse_origin, reason_against
from asrcli.values.errors import UsageError


def lets_in(origin: str | None, *allowed: str, host: str | None = "127.0.0.1:8765") -> bool:
    headers = Headers()
    for name, value in (("Host", host), ("Origin", origin)):
        if value is not None:
            headers[name] = value
    return reason_against(headers, frozenset(map(parse_origin, allowed))) is None


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "127.3.2.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"])
@pytest.mark.parametrize(
    "origin",
    [
        None,
        *("http://127.0.0.1:8765", "https://127.0.0.1:8765", "http://localhost:8765", "HTTP://LocalHost:8765"),
        *("http://[::1]:8765", "http://127.0.0.1", "https://localhost", "http://localhost:80"),
    ],
)
def test_who_is_no_page_is_let_in(origin: str | None, host: str) -> None:
    """Many clients send no Origin, some that of the address they ask for, with its port or without."""
    assert lets_in(origin, host=host)


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "*", "127.0.0.1:8765", "//127.0.0.1:8765", "http://", "http://127.0.0.1:8765/", "http://[::1"),
        *(
            "https://example.org",
            "http://example.org:8765",
            "http://127.0.0.1.example.org:8765",
            "http://10.0.0.1:8765",
        ),
        *("http://localhost.example.org", "http://localhost:3000", "http://127.0.0.1:8766", "http://localhost:99999"),
        *("http://127.0.0.1:8765@example.org", "http://user@127.0.0.1:8765", "file://", "chrome-extension://abcdef"),
        *("ws://127.0.0.1:8765", "http://0.0.0.0:8765", "http://127.0.0.1:8765, https://example.org"),
    ],
)
def test_a_page_is_kept_out_wherever_it_comes_from(origin: str) -> None:
    """A page of another port of loopback is one too."""
    assert not lets_in(origin)
    assert not lets_in(origin, "https://app.example", "http://localhost:5173")


@pytest.mark.parametrize("host", ["example.org", "rebound.example:8765", "10.0.0.1:8765", "0.0.0.0:8765", "127.1", ""])
@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:8765", "https://app.example"])
def test_a_name_that_was_made_to_lead_here_is_none_of_ours(host: str, origin: str | None) -> None:
    assert not lets_in(origin, "https://app.example", host=host)


def test_a_page_that_names_itself_by_two_origins_or_hosts_needs_both() -> None:
    headers = Headers([("Host", "127.0.0.1"), ("Origin", "http://127.0.0.1"), ("Origin", "https://example.org")])
    assert reason_against(headers, frozenset())
    headers = Headers([("Host", "example.org"), ("Host", "127.0.0.1")])
    assert reason_against(headers, frozenset())


def test_who_sends_no_host_is_no_browser() -> None:
    assert lets_in(None, host=None)


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("https://App.Example:443", "https://app.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_allowed_by_its_name(allowed: str, origin: str) -> None:
    assert lets_in(origin, "http://other.example", allowed)
    assert not lets_in(origin.replace("://", "://www."), allowed)
    assert not lets_in(origin.replace("://", "s://"), allowed)
    assert not lets_in("null", allowed)


@pytest.mark.parametrize("text", ["null", "*", "", "app.example", "https://", "https://app.example/", "https://a:b"])
def test_what_is_no_origin_cannot_be_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="is not an origin"):
        parse_origin(text)


# What a header can hold.
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(texts | st.from_regex(r"(https?|null|ws)(://)?[\[\]@:/.a-z0-9%]{0,30}", fullmatch=True))
def test_any_text_is_an_origin_or_refused(text: str) -> None:
    """Neither breaks the service, and only this machine's own names are its own."""
    try:
        origin = parse_origin(text)
    except UsageError:
        assert not lets_in(text)
    else:
        own = origin.scheme in ("http", "https") and (origin.host in ("localhost", "::1") or origin.host[:4] == "127.")
        assert own or not lets_in(text)
        assert lets_in(text, text)
        assert isinstance(origin, Origin)


@given(texts)
def test_any_text_can_stand_in_host(text: str) -> None:
    lets_in(None, host=text)
