"""Hotword lists through the HTTP API: what is asked, what is made of the answers, and what becomes of lost ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from asrcli.api.client import Client
from asrcli.api.hotword_lists import PATH, HotwordLists
from asrcli.output.wording import words
from asrcli.values import errors
from asrcli.values.errors import AuthError, LinkError, ProtocolViolation, ServiceError
from asrcli.values.hotwords import Hotword
from asrcli.wire.dial import Network
from tests.support.exchanges import NAMES, exchanges, filled
from tests.support.word_service import WordService, gone_after, gone_before, says, word_service

MODEL = "fun-asr-realtime"
ALSA, JACK = Hotword("ALSA", 4, "en"), Hotword("JACK", 5)


@pytest.fixture
def service() -> Iterator[WordService]:
    with word_service() as running:
        yield running


@pytest.fixture
def waits() -> list[float | None]:
    """What the service asked us to wait before each further try."""
    return []


@pytest.fixture
def lists(service: WordService, waits: list[float | None]) -> Iterator[HotwordLists]:
    def patience(attempt: int, error: errors.AsrcliError) -> bool:
        waits.append(error.retry_after_s)
        return attempt <= 2

    url = f"http://127.0.0.1:{service.port}/api/v1{PATH}"
    client = Client(url, {"Authorization": "Bearer k", "User-Agent": "us"}, Network(), patience)
    yield HotwordLists(client)
    client.close()


class Recited(Client):
    """Answers as a dialogue says, and keeps what it was asked."""

    def __init__(self, answers: list[tuple[int, dict[str, Any]]]) -> None:
        super().__init__("http://127.0.0.1:1/", {}, Network(), lambda *_: False)
        self.answers = answers
        self.asked: list[Any] = []

    def _once(self, body: bytes) -> dict[str, Any]:
        from urllib3 import HTTPResponse

        self.asked.append(json.loads(body))
        status, answer = self.answers.pop(0)
        return self._answer(HTTPResponse(status=status), json.dumps(answer).encode())


def plain(found: Hotword) -> list[object]:
    return [found.text, found.weight, found.language]


def does(lists: HotwordLists, action: str, **given: Any) -> object:
    """What our client does, and what that gives, in the words of the dialogues."""
    chosen = [Hotword(*word) for word in given.pop("words", [])]
    match action:
        case "create":
            return lists.create(given["model"], given["prefix"], chosen).id
        case "all":
            return [each.id for each in lists.all(given["prefix"])]
        case "show":
            shown = lists.show(given["id"])
            return [shown.model, [plain(word) for word in shown.words or ()]]
        case "update":
            return lists.update(given["id"], chosen)
        case _:
            return lists.delete(given["id"])


@pytest.mark.parametrize("name", NAMES)
def test_the_client_asks_and_understands_so(name):
    names = {"$ID": "vocab-talk-1", "$TIME": "2026-11-21 10:00:00", "$REQUEST": "r-1"}
    for exchange in exchanges(name):
        client = Recited([(exchange.status, filled(exchange.answer, names))])
        said = filled(exchange.does, names)
        if (fails := said.get("fails")) is None:
            assert does(HotwordLists(client), **said["client"]) == said["gives"]
        else:
            with pytest.raises(getattr(errors, fails["kind"])) as raised:
                does(HotwordLists(client), **said["client"])
            assert (raised.value.code, raised.value.request_id) == (fails["code"], fails["request_id"])
        assert client.asked == [filled(exchange.request, names)]


def test_all_pages_are_asked_for(service, lists):
    made = [lists.create(MODEL, "demo", [ALSA]).id for _ in range(10)]
    assert [each.id for each in lists.all()] == made
    assert service.actions[-2:] == ["list", "list"]
    assert service.headers[0]["authorization"] == "Bearer k"
    assert service.headers[0]["user-agent"] == "us"


def test_an_eleventh_list_is_one_too_many(service, lists, waits):
    for _ in range(10):
        lists.create(MODEL, "demo", [ALSA])
    with pytest.raises(ServiceError) as raised:
        lists.create(MODEL, "demo", [ALSA])
    assert words(raised.value) == (
        "the service answered Throttling.AllocationQuota, request ID r-1: Free allocated quota exceeded. (an account"
        " may have 10 lists, for all models together: `asrcli vocab list` shows them, `asrcli vocab delete ID` makes"
        " room)"
    )
    assert waits == []
    assert not raised.value.retryable


def test_a_list_is_changed_once_in_five_minutes(lists, waits):
    made = lists.create(MODEL, "demo", [ALSA])
    lists.update(made.id, [JACK])
    with pytest.raises(ServiceError, match="once in 5 minutes") as raised:
        lists.update(made.id, [ALSA])
    assert "wait, then try again" in raised.value.hint
    assert waits == []


def test_what_is_made_is_not_made_twice_when_the_answer_is_lost(service, lists):
    lists.create(MODEL, "demo", [JACK])
    service.faults["create"] = [gone_after]
    made = lists.create(MODEL, "demo", [JACK, ALSA])
    assert isinstance(made.seen, LinkError)
    assert lists.show(made.id).words == (JACK, ALSA)
    assert service.actions.count("create") == 2
    assert len(lists.all()) == 2


@pytest.mark.parametrize("fault", [gone_before, says(504, "a gateway"), says(200, "<html>"), says(200, "[]")])
def test_it_is_said_that_a_list_was_not_made(service, lists, fault):
    lists.create(MODEL, "demo", [JACK])
    lists.create("fun-asr-realtime-2025-11-07", "demo", [ALSA])
    service.faults["create"] = [fault]
    with pytest.raises(LinkError, match=r"; the list was not made$"):
        lists.create(MODEL, "demo", [ALSA])
    assert len(lists.all()) == 2


def test_it_is_said_that_nobody_knows_whether_a_list_was_made(service, lists):
    service.faults = {"create": [gone_after], "list": [gone_before] * 3}
    with pytest.raises(
        LinkError, match="whether the list was made is not known: see `asrcli vocab list --prefix demo`"
    ):
        lists.create(MODEL, "demo", [ALSA])
    assert service.actions == ["create", "list", "list", "list"]


def test_a_lost_change_is_looked_after(service, lists):
    made = lists.create(MODEL, "demo", [ALSA])
    service.faults["update"] = [gone_before, gone_after]
    with pytest.raises(LinkError, match=r"; the list has not been changed$"):
        lists.update(made.id, [JACK])
    lists.update(made.id, [JACK])
    assert lists.show(made.id).words == (JACK,)
    service.faults = {"update": [gone_before], "query": [says(500, "")] * 3}
    with pytest.raises(LinkError, match="whether the list was changed is not known"):
        lists.update(made.id, [ALSA])


def test_a_lost_deletion_is_looked_after(service, lists):
    made = lists.create(MODEL, "demo", [ALSA])
    service.faults["delete"] = [gone_before, gone_after]
    with pytest.raises(LinkError, match=r"; the list is still there$"):
        lists.delete(made.id)
    lists.delete(made.id)
    assert lists.all() == []


def test_what_changes_nothing_is_asked_again(service, lists, waits):
    lists.create(MODEL, "demo", [ALSA])
    service.faults["list"] = [gone_before, says(503, "", Retry_After="7")]
    assert len(lists.all()) == 1
    assert waits == [None, 7.0]
    service.faults["list"] = [says(502, "")] * 3
    with pytest.raises(LinkError, match="is not available") as raised:
        lists.all()
    assert raised.value.tries == 2


def test_what_a_busy_service_refuses_is_asked_again_even_to_make_a_list(service, lists, waits):
    service.faults["create"] = [says(429, '{"code": "Throttling.RateQuota", "message": "slow down"}', Retry_After="2")]
    assert lists.create(MODEL, "demo", [ALSA]).seen is None
    assert waits == [2.0]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_error_of_the_key(service, lists, status):
    body = {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r-9"}
    service.faults["list"] = [says(status, json.dumps(body))]
    with pytest.raises(AuthError, match="Invalid API-key provided") as raised:
        lists.all()
    assert (raised.value.code, raised.value.request_id) == ("InvalidApiKey", "r-9")


def test_a_redirect_is_not_followed_with_the_key(service, lists):
    service.faults["list"] = [says(302, "", Location=f"http://127.0.0.1:{service.port}/other")]
    with pytest.raises(ServiceError, match="it gave no reason") as raised:
        lists.all()
    assert raised.value.code == "HTTP 302"
    assert service.actions == ["list"]


@pytest.mark.parametrize(
    "output",
    [{}, {"vocabulary_list": 7}, {"vocabulary_list": [7]}, {"vocabulary_list": [{}]},
     {"vocabulary_list": [{"vocabulary_id": 7}]}, {"vocabulary_list": [{"vocabulary_id": "vocab-\ud800"}]},
     {"vocabulary_list": [{"vocabulary_id": "vocab-\x1b[31m"}]}],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_a_violation(service, lists, output):
    service.faults["list"] = [says(200, json.dumps({"output": output}))]
    with pytest.raises(ProtocolViolation):
        lists.all()


@pytest.mark.parametrize("body", ["[" * 100_000, "\x00", '"text"', "{}", '{"output": 3}'])
def test_an_answer_of_another_kind_is_a_violation(service, lists, body):
    service.faults["query"] = [says(200, body)] * 3
    with pytest.raises(ProtocolViolation):
        lists.show("vocab-x-1")
