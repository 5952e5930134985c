"""What a link says when the thread that shakes hands for it meets what nobody expects."""

from __future__ import annotations

import pytest

from asrcli.output.wording import words
from asrcli.system.loop import READABLE
from asrcli.values.errors import AuthError, Bug, LinkError, Shortage
from asrcli.wire import link as link_module
from asrcli.wire.link_events import LinkOpened
from asrcli.wire.translation import translate
from tests.support.fakes import OurBug
from tests.support.links import closed_with, take
from tests.support.scripted_server import Conversation, scripted_server


def raising(error: BaseException):
    def fail(*arguments: object, **named: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("body", ["[" * 100_000, '{"code":' * 100_000], ids=["lists", "objects"])
def test_a_refusal_whose_body_is_deeply_nested_is_a_refusal(links, body):
    with scripted_server(lambda talk: None, refuse=403, body=body) as url:
        error = closed_with(links(url)).error
    assert type(error) is AuthError
    assert error.http_status == 403
    assert "HTTP 403" in words(error)


@pytest.mark.parametrize("error", [OurBug("in it"), AssertionError(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("where", ["dial", "handshake_failure"])
def test_a_bug_in_the_handshake_is_told(links, monkeypatch, error, where):
    if where == "handshake_failure":
        # What says why it failed fails itself.
        monkeypatch.setattr(link_module, "dial", raising(OSError()))
    monkeypatch.setattr(link_module, where, raising(error))
    told = closed_with(links("ws://127.0.0.1:1")).error
    assert isinstance(told, Bug)
    assert told.__cause__ is error
    assert not told.retryable
    assert type(error).__name__ in told.trace


@pytest.mark.parametrize("error", [ValueError("x"), IndexError(), OverflowError(), MemoryError()], ids=repr)
def test_what_the_library_makes_of_nonsense_is_no_bug(error):
    assert type(translate(error, "ws://host/path")) is LinkError


def test_a_bug_on_the_open_link_is_told(links, monkeypatch):
    with scripted_server(Conversation.hang) as url:
        link = links(url)
        assert isinstance(take(link), LinkOpened)
        monkeypatch.setattr(link._wire, "fill", raising(OurBug()))
        link.loop.call(lambda: link._ready(READABLE))
        error = closed_with(link).error
    assert isinstance(error, Bug)
    assert isinstance(error.__cause__, OurBug)


def test_a_thread_that_cannot_be_started_is_told(links, monkeypatch):
    monkeypatch.setattr("threading.Thread.start", raising(RuntimeError("can't start new thread")))
    error = closed_with(links("ws://127.0.0.1:1")).error
    assert type(error) is Shortage
    assert error.retryable
