"""Faults on demand: what a SPEC means, which connections it concerns, and what a client then sees."""

from __future__ import annotations

import contextlib
import json
from http import HTTPStatus
from typing import Any

import pytest
import websocket
from hypothesis import example, given
from hypothesis import strategies as st

from asrcli.output.wording import words
from asrcli.service.faults.connection import GARBAGE, is_partial
from asrcli.service.faults.kinds import (
    Close,
    Delay,
    Drop,
    Fail,
    Fault,
    FaultPlan,
    Moment,
    Refuse,
    Reset,
    Stall,
    parse_fault,
)
from asrcli.values.errors import UsageError
from tests.service.client import Client, finish_task, run_task
from tests.support.service import running_service, service_process

SECOND = bytes(32000)


def served(*specs: str, **options):
    return running_service(faults=tuple(map(parse_fault, specs)), **options)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("close=1011@2s", Fault(Close(1011), Moment(audio_s=2.0))),
        ("close=1012:soon back@10msg#2", Fault(Close(1012, "soon back"), Moment(messages=10), 2, 2)),
        ("reset@3.5s#1-3", Fault(Reset(), Moment(audio_s=3.5), 1, 3)),
        ("stall", Fault(Stall())),
        ("fail=InternalError:at a@b@2s", Fault(Fail("InternalError", "at a@b"), Moment(audio_s=2.0))),
        ("fail=CLIENT_ERROR", Fault(Fail("CLIENT_ERROR", "request timeout after 23 seconds."))),
        ("delay=50ms", Fault(Delay(0.05))),
        ("refuse=503", Fault(Refuse(HTTPStatus.SERVICE_UNAVAILABLE))),
        ("refuse=429:2:1#4", Fault(Refuse(HTTPStatus.TOO_MANY_REQUESTS, 2, 1), first=4, last=4)),
        ("drop=every:3@1s", Fault(Drop(3), Moment(audio_s=1.0))),
    ],
)
def test_a_spec_is_understood(spec, fault):
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("", "unknown fault"),
        ("explode@2s", "unknown fault 'explode@2s': one of close, reset"),
        ("close", "close code"),
        ("close=1006@2s", "1006 cannot stand in a close frame"),
        ("reset=3", "takes no value"),
        ("reset@2", "the moment must be like 2s"),
        ("reset@-1s", "the number before s"),
        ("reset@2s#0", "the connection after #"),
        ("reset#3-2", "the last connection"),
        ("delay=50", "the delay must be like 50ms"),
        ("delay=50ms@2s", "delay takes no moment"),
        ("duplicate=2", "the probability"),
        ("refuse=700", "the HTTP status"),
        ("refuse=503:x", "how many times"),
        ("drop=3", "every:3"),
        ("fail@2s", "fail needs a code"),
        ("seed=x", "the seed"),
    ],
)
def test_a_broken_spec_is_refused_and_the_part_is_named(spec, named):
    with pytest.raises(UsageError) as caught:
        parse_fault(spec)
    assert named in words(caught.value)


KIND = st.sampled_from(["close", "reset", "fail", "delay", "duplicate", "refuse", "drop", "seed", "split", "deaf"])
PART = st.text("0123456789.:-@#=smsgevery²٣ \n", max_size=8)


@given(st.text() | st.builds(lambda kind, a, b, c: f"{kind}={a}@{b}#{c}", KIND, PART, PART, PART))
@example("close=1e3")
@example("refuse=٤٢٩")
def test_any_text_is_a_fault_or_a_usage_error(spec):
    with contextlib.suppress(UsageError):
        assert isinstance(parse_fault(spec), Fault)


def test_connections_are_counted_and_refusals_used_up():
    plan = FaultPlan([parse_fault("refuse=503:2#2-9"), parse_fault("drop=every:2"), parse_fault("reset#3")])
    refused = [plan.refusal(plan.next_connection()) is not None for _ in range(5)]
    assert refused == [False, True, True, False, False]
    deeds = [[type(fault.deed) for fault in plan.share(number)[0]] for number in (1, 2, 3)]
    assert deeds == [[], [Drop], [Reset]]


def test_chance_is_the_same_for_the_same_seed_and_connection():
    def drawn(seed: int, connection: int) -> float:
        return FaultPlan([parse_fault(f"seed={seed}")]).share(connection)[1].random()

    assert drawn(7, 1) == drawn(7, 1)
    assert len({drawn(7, 1), drawn(8, 1), drawn(7, 2)}) == 3


def test_a_close_comes_at_its_second_of_audio_and_not_before():
    with served("close=1012:restarting@2s") as service, Client(service.url) as client:
        client.say(run_task())
        client.audio(SECOND)
        client.audio(SECOND[:31998])
        # The sentence of the sample talk that is open by now; the service still speaks.
        assert (client.hear() or {})["header"]["event"] == "task-started"
        client.audio(bytes(2))
        client.hear_out()
    assert (client.close_code, client.close_reason) == (1012, "restarting")


def test_a_moment_in_messages_counts_what_the_client_was_sent():
    with served("close=1011@2msg") as service, Client(service.url) as client:
        client.say(run_task())
        client.audio(SECOND * 6)
        client.hear_out()
    assert len(client.seen) == 2
    assert client.close_code == 1011


@pytest.mark.parametrize("spec", ["reset@1s", "drop=every:1@1s"])
def test_a_reset_ends_the_connection_without_a_close_frame(spec):
    with served(spec) as service, Client(service.url) as client:
        client.say(run_task())
        client.audio(SECOND)
        with pytest.raises((ConnectionError, websocket.WebSocketConnectionClosedException)):
            while client.hear() is not None:
                pass
    assert client.close_code is None


def test_a_stalled_service_answers_pings_and_nothing_else():
    with served("stall@1s") as service, Client(service.url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        client.audio(SECOND)
        client.say(finish_task())
        client.socket.ping("still there?")
        opcode, data = client.socket.recv_data(control_frame=True)
        assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"still there?")


def test_a_deaf_service_takes_nothing_and_goes_when_the_client_goes():
    with served("deaf@1s") as service, Client(service.url) as client:
        client.say(run_task())
        client.audio(SECOND)
        client.socket.settimeout(0.2)
        with pytest.raises((TimeoutError, websocket.WebSocketTimeoutException)):
            for _ in range(1000):
                client.audio(SECOND * 4)


def test_garbage_is_no_json():
    with served("garbage@1s") as service, Client(service.url) as client:
        client.say(run_task())
        assert (client.hear() or {})["header"]["event"] == "task-started"
        client.audio(SECOND)
        assert client.socket.recv() == GARBAGE
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(GARBAGE)


def test_a_failure_comes_as_the_protocol_says_it_and_frees_the_place():
    with served("fail=InternalError:boom@1s#1", max_tasks=1) as service:
        with Client(service.url) as client:
            client.say(run_task("t7"))
            client.audio(SECOND)
            while (said := client.hear()) is not None:
                last = said["header"]
            assert (last["event"], last["task_id"]) == ("task-failed", "t7")
            assert (last["error_code"], last["error_message"]) == ("InternalError", "boom")
        with Client(service.url) as client:
            client.say(run_task())
            assert (client.hear() or {})["header"]["event"] == "task-started"


def test_refusals_carry_their_status_and_retry_after_and_then_end():
    with served("refuse=429:1:7") as service:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            Client(service.url)
        assert caught.value.status_code == 429
        assert (caught.value.resp_headers or {})["retry-after"] == "7"
        assert json.loads(caught.value.resp_body or b"")["code"] == "Throttling.RateQuota"
        with Client(service.url) as client:
            client.say(run_task())
            assert (client.hear() or {})["header"]["event"] == "task-started"


def heard(*specs: str) -> list[dict[str, Any]]:
    """Everything that is said about the first seconds of the sample talk."""
    with served(*specs) as service, Client(service.url) as client:
        client.say(run_task())
        for _ in range(60):
            client.audio(SECOND[:3200])
        client.say(finish_task())
        while (said := client.hear()) is not None:
            if said["header"]["event"] == "task-finished":
                return client.seen
        raise AssertionError("the connection ended early")


def test_split_and_delayed_messages_are_the_same_messages():
    assert heard("split", "delay=5ms") == heard()


def test_duplicates_come_right_after_their_first_and_nothing_is_left_out():
    plain, doubled = heard(), heard("duplicate=0.5", "seed=3")
    assert len(doubled) > len(plain)
    assert [said for number, said in enumerate(doubled) if number == 0 or said != doubled[number - 1]] == plain


def test_only_partials_are_overtaken_and_only_by_one_message():
    plain, mixed = heard(), heard("reorder=0.5", "seed=3")
    assert mixed != plain
    fixed = [said for said in plain if not is_partial(json.dumps(said))]
    assert [said for said in mixed if not is_partial(json.dumps(said))] == fixed
    assert all(abs(mixed.index(said) - plain.index(said)) <= 1 for said in mixed)


def test_the_command_takes_faults_and_names_a_broken_one():
    with (
        service_process(("--fault", "close=1013@0s", "--fault", "split")) as (url, _),
        Client(url) as client,
    ):
        assert client.hear() is None
        assert client.close_code == 1013
    with pytest.raises(RuntimeError, match="unknown fault 'nonsense'"), service_process(("--fault", "nonsense")):
        pass
