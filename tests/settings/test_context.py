"""Context: turns of a talk in a file, and what the service will leave out of them."""

from __future__ import annotations

import pytest

from asrcli.settings.context import cuts, parse_turns
from asrcli.values.context import Turn
from asrcli.values.errors import UsageError


def test_turns_are_json_objects_one_a_line():
    text = '{"user": "Who was Ada?", "assistant": "Ada Lovelace, with Babbage."}\n\n{"user": "And Grace?"}\n'
    assert parse_turns(text, "t.jsonl") == (
        Turn("Who was Ada?", "Ada Lovelace, with Babbage."),
        Turn("And Grace?"),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["user", "x"]', "not a JSON object"),
        ('{"assistant": "x"}', "user must be a text"),
        ('{"user": " "}', "user must be a text"),
        ('{"user": 3}', "user must be a text"),
        ('{"user": "x", "assistant": null}', "assistant must be a text"),
        ('{"user": "x", "role": "system"}', "role is neither user nor assistant"),
    ],
)
def test_a_line_that_is_no_turn_is_named(line, reason):
    with pytest.raises(UsageError, match=f"^t.jsonl:3: {reason}$"):
        parse_turns('{"user": "x"}\n\n' + line, "t.jsonl")


def test_what_the_service_leaves_out_is_said_and_where():
    assert list(cuts((Turn("x" * 400),))) == []
    assert list(cuts((Turn("x" * 200, "y" * 200),) * 5)) == []
    [(message, hint)] = cuts((Turn("x" * 390 + " Ada Lovelace"),))
    assert message == "the context has 403 characters: the service reads the first 400, up to “xxxxxxxxxx Ada Lovel”"
    assert "--context-turns" in hint
    # The first of six is not read at all.
    six, *longer = cuts((Turn("x" * 900), *[Turn("a")] * 3, Turn("x" * 300, "y" * 101), Turn("b")))
    assert six[0] == "the context has 6 turns: the service reads the last 5"
    assert [message.partition(":")[0] for message, _ in longer] == ["turn 5 of the context has 401 characters"]
