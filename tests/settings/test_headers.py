"""Headers that the user adds to the handshake."""

from __future__ import annotations

import pytest

from asrcli.protocols import REGISTRY
from asrcli.settings.headers import parse_headers
from asrcli.values.errors import UsageError
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.wording import says


def test_a_name_ends_at_the_first_equals_sign():
    assert parse_headers(["OpenAI-Beta=realtime=v1", " X-Team = a b "]) == (
        ("OpenAI-Beta", "realtime=v1"),
        ("X-Team", "a b"),
    )


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("X-Team", "wants NAME=VALUE"),
        ("=secret", "wants NAME=VALUE"),
        ("a b=secret", "wants NAME=VALUE"),
        ("authorization=secret", "use DASHSCOPE_API_KEY"),
        ("Sec-WebSocket-Key=secret", "belongs to the handshake"),
        ("Host=secret", "belongs to the handshake"),
        ("X-Team=secret\r\nX-Evil: 1", "what no header can"),
        ("X-Team=secrét", "what no header can"),
    ],
)
def test_what_cannot_be_a_header_is_refused_without_its_value(pair, said):
    with pytest.raises(UsageError, check=says(said)) as refused:
        parse_headers([pair])
    assert "secr" not in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("protocol", REGISTRY)
def test_it_is_in_the_handshake_of_each_protocol_and_takes_the_place_of_ours(protocol):
    endpoint = Endpoint("wss://host", "k", "ws-1", headers=(("user-agent", "mine"), ("X-Team", "planted")))
    headers = REGISTRY[protocol](RecognitionOptions("m"), endpoint).connect_request().headers
    assert headers == {
        "Authorization": "Bearer k",
        "X-DashScope-WorkSpace": "ws-1",
        "user-agent": "mine",
        "X-Team": "planted",
    }
    assert "planted" not in repr(endpoint)
